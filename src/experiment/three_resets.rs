//! Who sends RST: a port without a listener; an end that aborts its connection; and a host that receives a segment of
//! an unknown connection. Each RST is captured on the wire, which shows its sender.

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

pub(super) fn run(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let no_port = no_listener(experiment)?;
    let linger =
        aborted(experiment, "linger", |served| ends::call("SO_LINGER", served.set_linger(Some(Duration::ZERO))))?;
    let unread = aborted(experiment, "unread", |_| Ok(()))?;
    let closed_end = to_a_closed_end(experiment)?;
    let stray = of_no_connection(experiment)?;
    let kinds = [no_port.port > 0, linger.port > 0 && unread.port > 0, closed_end.port > 0 && stray.port > 0];
    experiment.measure("rst-kinds", kinds.into_iter().filter(|sent| *sent).count() as f64);
    let all = [no_port, linger, unread, closed_end, stray];
    experiment.measure("rsts-from-ports", all.iter().map(|sent| f64::from(sent.port)).sum());
    experiment.measure("rsts-from-clients", all.iter().map(|sent| f64::from(sent.client)).sum());
    Ok(())
}

/// A SYN to a port without a listener.
fn no_listener(experiment: &mut Experiment<'_>) -> Result<RstCounts, ExperimentError> {
    let address = free_port()?;
    let mut resets = RstTap::open(experiment, Wire::Loopback, address.port())?;
    let (socket, began) = (ends::socket()?, experiment.env().now());
    let errno = connect_attempt::connect(&socket, address);
    let lasted = experiment.env().now().since(began);
    connect_attempt::record(experiment, "client", connect_call(address), errno);
    experiment.measure("no-listener-errno", f64::from(errno));
    experiment.measure("no-listener-ms", ends::millis(lasted));
    resets.record(experiment, "no-listener")
}

/// A connection that the server's side aborts: by close() with SO_LINGER 0, or with unread data.
fn aborted(
    experiment: &mut Experiment<'_>,
    name: &str,
    prepare: impl FnOnce(&Socket) -> Result<(), ExperimentError>,
) -> Result<RstCounts, ExperimentError> {
    let (listener, address) = ends::listen(5)?;
    let mut resets = RstTap::open(experiment, Wire::Loopback, address.port())?;
    let (client, served) = pair(experiment, &listener, address)?;
    ends::call("setsockopt(SO_RCVTIMEO)", client.set_read_timeout(Some(ends::TIMEOUT)))?;
    prepare(&served)?;
    let call = if name == "unread" {
        send_payload(experiment, &client)?;
        experiment.wait_until(say!("bytes to leave unread"), ends::TIMEOUT, |_| unread_bytes(&served))?;
        "close()"
    } else {
        "SO_LINGER 0, close()"
    };
    drop(served);
    experiment.record_call("server", call, "0", CallOutcome::Plain);
    let received = recv(&client, &mut [0u8; 8][..], RecvFlags::empty()).map_err(std::io::Error::from);
    let errno = connect_attempt::number(&received);
    connect_attempt::record(experiment, "client", "recv()", errno);
    experiment.measure(&format!("{name}-errno"), f64::from(errno));
    resets.record(experiment, name)
}

/// Data for an end that is closed: no process can read it any more.
fn to_a_closed_end(experiment: &mut Experiment<'_>) -> Result<RstCounts, ExperimentError> {
    let (listener, address) = ends::listen(5)?;
    let mut resets = RstTap::open(experiment, Wire::Loopback, address.port())?;
    let (client, served) = pair(experiment, &listener, address)?;
    drop(served);
    experiment.record_call("server", "close()", "0", CallOutcome::Plain);
    send_payload(experiment, &client)?;
    let counts = resets.record(experiment, "gone")?;
    let again = send(&client, PAYLOAD, SendFlags::NOSIGNAL).map_err(std::io::Error::from);
    let errno = connect_attempt::number(&again);
    connect_attempt::record(experiment, "client", format!("send({})", PAYLOAD.len()), errno);
    experiment.measure("gone-errno", f64::from(errno));
    Ok(counts)
}

/// An ACK of no connection to a listening port.
fn of_no_connection(experiment: &mut Experiment<'_>) -> Result<RstCounts, ExperimentError> {
    experiment.token()?;
    let listener = ends::socket()?;
    let address = SocketAddr::new(IpAddr::V4(LISTENER_V4), 0);
    ends::call("bind()", listener.bind(&address.into()))?;
    ends::call("listen(5)", listener.listen(5))?;
    let address = ends::name(&listener)?;
    experiment.record_call("server", format!("bind({address}), listen(5)"), "0", CallOutcome::Plain);
    let mut resets = RstTap::open(experiment, Wire::Pair, address.port())?;
    remote_host::send_stray(experiment, address)?;
    experiment.record_call("wire", format!("{} → {address}", remote_host::REMOTE), "ACK", CallOutcome::Plain);
    resets.record(experiment, "stray")
}

/// A client and the socket that accept() gave for it.
fn pair(
    experiment: &mut Experiment<'_>,
    listener: &Socket,
    address: SocketAddr,
) -> Result<(Socket, Socket), ExperimentError> {
    let client = ends::connect(address)?;
    experiment.record_call("client", connect_call(address), "0", CallOutcome::Good);
    let (served, _) = ends::accept(experiment, listener)?;
    Ok((client, served))
}

fn send_payload(experiment: &mut Experiment<'_>, client: &Socket) -> Result<(), ExperimentError> {
    let sent = ends::call("send()", send(client, PAYLOAD, SendFlags::NOSIGNAL).map_err(std::io::Error::from))?;
    experiment.record_call("client", format!("send({})", PAYLOAD.len()), sent.to_string(), CallOutcome::Good);
    Ok(())
}

fn unread_bytes(served: &Socket) -> bool {
    recv(served, &mut [0u8; 8][..], RecvFlags::PEEK | RecvFlags::DONTWAIT).is_ok_and(|(read, _)| read > 0)
}

/// How many RSTs were captured, by the end that sent them.
#[derive(Clone, Copy, Debug, Default)]
struct RstCounts {
    /// Sent by the server's port.
    port: u32,
    /// Sent by the client.
    client: u32,
}

/// Captures the RSTs from and to a port.
struct RstTap {
    tap: Box<dyn PortTap>,
    port: u16,
}

impl RstTap {
    fn open(experiment: &Experiment<'_>, on: Wire, port: u16) -> Result<Self, ExperimentError> {
        let tap = experiment.env().open_tap(on, port).ok_or(ExperimentError::NeedsLab)?;
        Ok(Self { tap, port })
    }

    /// Waits for the port's RST and records how many each end has sent.
    fn record(&mut self, experiment: &mut Experiment<'_>, name: &str) -> Result<RstCounts, ExperimentError> {
        let (mut counts, mut client) = (RstCounts::default(), None);
        let waited = experiment.wait_until(say!("an RST"), SOON, |_| {
            for (_, reset) in self.tap.segments().into_iter().filter(|(_, segment)| segment.kind() == Kind::Rst) {
                match reset.toward {
                    Toward::Client => counts.port += 1,
                    Toward::Listener => {
                        counts.client += 1;
                        client = Some(reset.peer);
                    }
                }
            }
            counts.port > 0
        });
        if !matches!(waited, Ok(_) | Err(ExperimentError::TimedOut(_))) {
            waited?;
        }
        record_sender(experiment, &format!(":{}", self.port), counts.port);
        if let Some(client) = client {
            record_sender(experiment, &client.to_string(), counts.client);
        }
        experiment.measure(&format!("{name}-rsts"), f64::from(counts.port));
        Ok(counts)
    }
}

fn record_sender(experiment: &mut Experiment<'_>, sender: &str, resets: u32) {
    let mood = if resets > 0 { CallOutcome::Refused } else { CallOutcome::Silent };
    experiment.record_call("wire", say!("RST from {sender}", sender), say!("{resets} seen", resets), mood);
}

/// What is sent.
const PAYLOAD: &[u8] = b"qviz";
/// The timeout for an RST, which this machine sends to itself.
const SOON: Duration = Duration::from_secs(1);
