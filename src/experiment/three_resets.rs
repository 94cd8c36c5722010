//! Who sends RST: a port without a listener; an end that breaks its connection off; and whoever gets a segment of a connection that
//! he does not have. Each RST is heard on the wire, which knows the end that sent it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rustix::net::{RecvFlags, SendFlags, recv, send};
use socket2::Socket;

use super::attempts::{self, connect_to, free_port};
use super::{Experiment, ExperimentError, PortTap, Wire, ends, far};
use crate::lab::namespace::LISTENER_V4;
use crate::model::experiment::CallOutcome;
use crate::model::segment::{Kind, Toward};
use crate::say;

pub(super) fn run(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let nobody = no_listener(bench)?;
    let linger = aborted(bench, "linger", |served| ends::call("SO_LINGER", served.set_linger(Some(Duration::ZERO))))?;
    let unread = aborted(bench, "unread", |_| Ok(()))?;
    let gone = to_a_closed_end(bench)?;
    let stray = of_no_connection(bench)?;
    let kinds = [nobody.port > 0, linger.port > 0 && unread.port > 0, gone.port > 0 && stray.port > 0];
    bench.measured("rst-kinds", kinds.into_iter().filter(|heard| *heard).count() as f64);
    let all = [nobody, linger, unread, gone, stray];
    bench.measured("rsts-from-ports", all.iter().map(|heard| f64::from(heard.port)).sum());
    bench.measured("rsts-from-clients", all.iter().map(|heard| f64::from(heard.client)).sum());
    Ok(())
}

/// A SYN to a port at which nobody listens.
fn no_listener(bench: &mut Experiment<'_>) -> Result<RstCounts, ExperimentError> {
    let address = free_port()?;
    let mut resets = RstTap::open(bench, Wire::Loopback, address.port())?;
    let (socket, began) = (ends::socket()?, bench.here().now());
    let errno = attempts::connect(&socket, address);
    let lasted = bench.here().now().since(began);
    attempts::tell(bench, "client", connect_to(address), errno);
    bench.measured("no-listener-errno", f64::from(errno));
    bench.measured("no-listener-ms", ends::millis(lasted));
    resets.tell(bench, "no-listener")
}

/// A connection that the server's side breaks off: by close() with SO_LINGER 0, or with bytes that it has not read.
fn aborted(
    bench: &mut Experiment<'_>,
    name: &str,
    prepare: impl FnOnce(&Socket) -> Result<(), ExperimentError>,
) -> Result<RstCounts, ExperimentError> {
    let (listener, address) = ends::listen(5)?;
    let mut resets = RstTap::open(bench, Wire::Loopback, address.port())?;
    let (client, served) = pair(bench, &listener, address)?;
    ends::call("setsockopt(SO_RCVTIMEO)", client.set_read_timeout(Some(ends::PATIENCE)))?;
    prepare(&served)?;
    let call = if name == "unread" {
        say_word(bench, &client)?;
        bench.until(say!("bytes to leave unread"), ends::PATIENCE, |_| unread_bytes(&served))?;
        "close()"
    } else {
        "SO_LINGER 0, close()"
    };
    drop(served);
    bench.line("server", call, "0", CallOutcome::Plain);
    let heard = recv(&client, &mut [0u8; 8][..], RecvFlags::empty()).map_err(std::io::Error::from);
    let errno = attempts::number(&heard);
    attempts::tell(bench, "client", "recv()", errno);
    bench.measured(&format!("{name}-errno"), f64::from(errno));
    resets.tell(bench, name)
}

/// Bytes for an end that is closed: its descriptor is gone, and nobody will ever read them.
fn to_a_closed_end(bench: &mut Experiment<'_>) -> Result<RstCounts, ExperimentError> {
    let (listener, address) = ends::listen(5)?;
    let mut resets = RstTap::open(bench, Wire::Loopback, address.port())?;
    let (client, served) = pair(bench, &listener, address)?;
    drop(served);
    bench.line("server", "close()", "0", CallOutcome::Plain);
    say_word(bench, &client)?;
    let heard = resets.tell(bench, "gone")?;
    let again = send(&client, WORD, SendFlags::NOSIGNAL).map_err(std::io::Error::from);
    let errno = attempts::number(&again);
    attempts::tell(bench, "client", format!("send({})", WORD.len()), errno);
    bench.measured("gone-errno", f64::from(errno));
    Ok(heard)
}

/// An ACK out of nowhere for a port at which somebody listens.
fn of_no_connection(bench: &mut Experiment<'_>) -> Result<RstCounts, ExperimentError> {
    bench.pass()?;
    let listener = ends::socket()?;
    let place = SocketAddr::new(IpAddr::V4(LISTENER_V4), 0);
    ends::call("bind()", listener.bind(&place.into()))?;
    ends::call("listen(5)", listener.listen(5))?;
    let address = ends::name(&listener)?;
    bench.line("server", format!("bind({address}), listen(5)"), "0", CallOutcome::Plain);
    let mut resets = RstTap::open(bench, Wire::Pair, address.port())?;
    far::send_stray(bench, address)?;
    bench.line("wire", format!("{} → {address}", far::FAR), "ACK", CallOutcome::Plain);
    resets.tell(bench, "stray")
}

/// A client and the socket that accept() gave for it.
fn pair(
    bench: &mut Experiment<'_>,
    listener: &Socket,
    address: SocketAddr,
) -> Result<(Socket, Socket), ExperimentError> {
    let client = ends::connect(address)?;
    bench.line("client", connect_to(address), "0", CallOutcome::Good);
    let (served, _) = ends::call("accept()", listener.accept())?;
    Ok((client, served))
}

fn say_word(bench: &mut Experiment<'_>, client: &Socket) -> Result<(), ExperimentError> {
    let sent = ends::call("send()", send(client, WORD, SendFlags::NOSIGNAL).map_err(std::io::Error::from))?;
    bench.line("client", format!("send({})", WORD.len()), sent.to_string(), CallOutcome::Good);
    Ok(())
}

fn unread_bytes(served: &Socket) -> bool {
    recv(served, &mut [0u8; 8][..], RecvFlags::PEEK | RecvFlags::DONTWAIT).is_ok_and(|(read, _)| read > 0)
}

/// How many RSTs were heard, by the end that sent them.
#[derive(Clone, Copy, Debug, Default)]
struct RstCounts {
    /// The port to which the client spoke.
    port: u32,
    /// The client.
    client: u32,
}

/// The RSTs from and to a port, as they are heard on the wire.
struct RstTap {
    ear: Box<dyn PortTap>,
    port: u16,
}

impl RstTap {
    fn open(bench: &Experiment<'_>, on: Wire, port: u16) -> Result<Self, ExperimentError> {
        let ear = bench.here().ear(on, port).ok_or(ExperimentError::NeedsLab)?;
        Ok(Self { ear, port })
    }

    /// Waits for the port's RST and tells who has sent how many; none where none comes.
    fn tell(&mut self, bench: &mut Experiment<'_>, name: &str) -> Result<RstCounts, ExperimentError> {
        let (mut heard, mut client) = (RstCounts::default(), None);
        let waited = bench.until(say!("an RST"), SOON, |_| {
            for (_, reset) in self.ear.heard().into_iter().filter(|(_, one)| one.kind() == Kind::Rst) {
                match reset.toward {
                    Toward::Client => heard.port += 1,
                    Toward::Listener => {
                        heard.client += 1;
                        client = Some(reset.peer);
                    }
                }
            }
            heard.port > 0
        });
        if !matches!(waited, Ok(_) | Err(ExperimentError::InVain(_))) {
            waited?;
        }
        tell_sender(bench, &format!(":{}", self.port), heard.port);
        if let Some(client) = client {
            tell_sender(bench, &client.to_string(), heard.client);
        }
        bench.measured(&format!("{name}-rsts"), f64::from(heard.port));
        Ok(heard)
    }
}

fn tell_sender(bench: &mut Experiment<'_>, sender: &str, resets: u32) {
    let mood = if resets > 0 { CallOutcome::Refused } else { CallOutcome::Silent };
    bench.line("wire", say!("RST from {sender}", sender), say!("{resets} heard", resets), mood);
}

/// What is said.
const WORD: &[u8] = b"qviz";
/// How long an RST may take: it is the answer of this machine to itself.
const SOON: Duration = Duration::from_secs(1);
