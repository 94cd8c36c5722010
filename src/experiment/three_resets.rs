//! Who sends RST: a port without a listener; an end that breaks its connection off; and whoever gets a segment of a connection that
//! he does not have. Each RST is heard on the wire, which knows the end that sent it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rustix::net::{RecvFlags, SendFlags, recv, send};
use socket2::Socket;

use super::connect_attempt::{self, connect_call, free_port};
use super::{Experiment, ExperimentError, PortTap, Wire, ends, remote_host};
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
    bench.measure("rst-kinds", kinds.into_iter().filter(|heard| *heard).count() as f64);
    let all = [nobody, linger, unread, gone, stray];
    bench.measure("rsts-from-ports", all.iter().map(|heard| f64::from(heard.port)).sum());
    bench.measure("rsts-from-clients", all.iter().map(|heard| f64::from(heard.client)).sum());
    Ok(())
}

/// A SYN to a port at which nobody listens.
fn no_listener(bench: &mut Experiment<'_>) -> Result<RstCounts, ExperimentError> {
    let address = free_port()?;
    let mut resets = RstTap::open(bench, Wire::Loopback, address.port())?;
    let (socket, began) = (ends::socket()?, bench.env().now());
    let errno = connect_attempt::connect(&socket, address);
    let lasted = bench.env().now().since(began);
    connect_attempt::record(bench, "client", connect_call(address), errno);
    bench.measure("no-listener-errno", f64::from(errno));
    bench.measure("no-listener-ms", ends::millis(lasted));
    resets.record(bench, "no-listener")
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
    ends::call("setsockopt(SO_RCVTIMEO)", client.set_read_timeout(Some(ends::TIMEOUT)))?;
    prepare(&served)?;
    let call = if name == "unread" {
        send_payload(bench, &client)?;
        bench.wait_until(say!("bytes to leave unread"), ends::TIMEOUT, |_| unread_bytes(&served))?;
        "close()"
    } else {
        "SO_LINGER 0, close()"
    };
    drop(served);
    bench.record_call("server", call, "0", CallOutcome::Plain);
    let heard = recv(&client, &mut [0u8; 8][..], RecvFlags::empty()).map_err(std::io::Error::from);
    let errno = connect_attempt::number(&heard);
    connect_attempt::record(bench, "client", "recv()", errno);
    bench.measure(&format!("{name}-errno"), f64::from(errno));
    resets.record(bench, name)
}

/// Bytes for an end that is closed: its descriptor is gone, and nobody will ever read them.
fn to_a_closed_end(bench: &mut Experiment<'_>) -> Result<RstCounts, ExperimentError> {
    let (listener, address) = ends::listen(5)?;
    let mut resets = RstTap::open(bench, Wire::Loopback, address.port())?;
    let (client, served) = pair(bench, &listener, address)?;
    drop(served);
    bench.record_call("server", "close()", "0", CallOutcome::Plain);
    send_payload(bench, &client)?;
    let heard = resets.record(bench, "gone")?;
    let again = send(&client, PAYLOAD, SendFlags::NOSIGNAL).map_err(std::io::Error::from);
    let errno = connect_attempt::number(&again);
    connect_attempt::record(bench, "client", format!("send({})", PAYLOAD.len()), errno);
    bench.measure("gone-errno", f64::from(errno));
    Ok(heard)
}

/// An ACK out of nowhere for a port at which somebody listens.
fn of_no_connection(bench: &mut Experiment<'_>) -> Result<RstCounts, ExperimentError> {
    bench.token()?;
    let listener = ends::socket()?;
    let place = SocketAddr::new(IpAddr::V4(LISTENER_V4), 0);
    ends::call("bind()", listener.bind(&place.into()))?;
    ends::call("listen(5)", listener.listen(5))?;
    let address = ends::name(&listener)?;
    bench.record_call("server", format!("bind({address}), listen(5)"), "0", CallOutcome::Plain);
    let mut resets = RstTap::open(bench, Wire::Pair, address.port())?;
    remote_host::send_stray(bench, address)?;
    bench.record_call("wire", format!("{} → {address}", remote_host::REMOTE), "ACK", CallOutcome::Plain);
    resets.record(bench, "stray")
}

/// A client and the socket that accept() gave for it.
fn pair(
    bench: &mut Experiment<'_>,
    listener: &Socket,
    address: SocketAddr,
) -> Result<(Socket, Socket), ExperimentError> {
    let client = ends::connect(address)?;
    bench.record_call("client", connect_call(address), "0", CallOutcome::Good);
    let (served, _) = ends::call("accept()", listener.accept())?;
    Ok((client, served))
}

fn send_payload(bench: &mut Experiment<'_>, client: &Socket) -> Result<(), ExperimentError> {
    let sent = ends::call("send()", send(client, PAYLOAD, SendFlags::NOSIGNAL).map_err(std::io::Error::from))?;
    bench.record_call("client", format!("send({})", PAYLOAD.len()), sent.to_string(), CallOutcome::Good);
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
    tap: Box<dyn PortTap>,
    port: u16,
}

impl RstTap {
    fn open(bench: &Experiment<'_>, on: Wire, port: u16) -> Result<Self, ExperimentError> {
        let ear = bench.env().open_tap(on, port).ok_or(ExperimentError::NeedsLab)?;
        Ok(Self { tap: ear, port })
    }

    /// Waits for the port's RST and tells who has sent how many; none where none comes.
    fn record(&mut self, bench: &mut Experiment<'_>, name: &str) -> Result<RstCounts, ExperimentError> {
        let (mut heard, mut client) = (RstCounts::default(), None);
        let waited = bench.wait_until(say!("an RST"), SOON, |_| {
            for (_, reset) in self.tap.segments().into_iter().filter(|(_, one)| one.kind() == Kind::Rst) {
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
        if !matches!(waited, Ok(_) | Err(ExperimentError::TimedOut(_))) {
            waited?;
        }
        record_sender(bench, &format!(":{}", self.port), heard.port);
        if let Some(client) = client {
            record_sender(bench, &client.to_string(), heard.client);
        }
        bench.measure(&format!("{name}-rsts"), f64::from(heard.port));
        Ok(heard)
    }
}

fn record_sender(bench: &mut Experiment<'_>, sender: &str, resets: u32) {
    let mood = if resets > 0 { CallOutcome::Refused } else { CallOutcome::Silent };
    bench.record_call("wire", say!("RST from {sender}", sender), say!("{resets} heard", resets), mood);
}

/// What is said.
const PAYLOAD: &[u8] = b"qviz";
/// How long an RST may take: it is the answer of this machine to itself.
const SOON: Duration = Duration::from_secs(1);
