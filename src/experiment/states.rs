//! A connection's states at both ends, one at a time: one end is made deaf, so that the next segment does not reach it and the state
//! before stands still long enough to be listed by sock_diag.

use std::net::{Shutdown, SocketAddr};
use std::os::fd::AsFd;
use std::time::Duration;

use socket2::Socket;

use super::{Env, Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::say;

/// Whose state.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// What was seen of one connection, in order.
struct StateLog {
    address: SocketAddr,
    client_port: u16,
    client: Vec<u8>,
    server: Vec<u8>,
}

pub(super) fn run(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    bench.pass()?;
    let server = ends::socket()?;
    let before_listen = own_state(bench, "server", "socket()", &server)?;
    drop(server);
    let (listener, address) = ends::listen(5)?;
    let listening = own_state(bench, "server", "listen(5)", &listener)?;
    let client = ends::socket()?;
    let unconnected = own_state(bench, "client", "socket()", &client)?;
    ends::deafen(&client)?;
    ends::begin_connect(&client, address)?;
    let client_port = ends::name(&client)?.port();
    let mut tale = StateLog { address, client_port, client: vec![unconnected], server: vec![before_listen, listening] };
    tale.see(bench, Side::Client, ends::SYN_SENT, "connect(): SYN")?;
    tale.see(bench, Side::Server, ends::SYN_RECV, "SYN, SYN-ACK")?;
    ends::hears_again(&client)?;
    tale.see(bench, Side::Client, ends::ESTABLISHED, "SYN-ACK, ACK")?;
    tale.see(bench, Side::Server, ends::ESTABLISHED, "ACK")?;
    let (accepted, _) = ends::call("accept()", listener.accept())?;
    part(bench, &mut tale, &client, &accepted)?;
    bench.measured("states-client", tale.client.len() as f64);
    bench.measured("states-server", tale.server.len() as f64);
    bench.yes("states-client-as-taught", tale.client == CLIENT);
    bench.yes("states-server-as-taught", tale.server == SERVER);
    Ok(())
}

/// The client closes first; the server follows.
fn part(
    bench: &mut Experiment<'_>,
    tale: &mut StateLog,
    client: &Socket,
    accepted: &Socket,
) -> Result<(), ExperimentError> {
    ends::deafen(client)?;
    ends::call("shutdown(SHUT_WR)", client.shutdown(Shutdown::Write))?;
    tale.see(bench, Side::Client, FIN_WAIT_1, "shutdown(SHUT_WR): FIN")?;
    tale.see(bench, Side::Server, CLOSE_WAIT, "FIN, ACK")?;
    ends::hears_again(client)?;
    tale.see(bench, Side::Client, FIN_WAIT_2, "ACK")?;
    ends::deafen(accepted)?;
    ends::call("shutdown(SHUT_WR)", accepted.shutdown(Shutdown::Write))?;
    tale.see(bench, Side::Server, LAST_ACK, "shutdown(SHUT_WR): FIN")?;
    tale.see(bench, Side::Client, TIME_WAIT, "FIN, ACK")?;
    ends::hears_again(accepted)?;
    let began = bench.here().now();
    let gone = |here: &dyn Env| here.connecting(accepted.as_fd()).is_some_and(|(_, state)| state == CLOSED);
    let ended = bench.until(say!("the server's end to be closed"), ends::PATIENCE, gone)?;
    tale.server.push(CLOSED);
    bench.line("server", "ACK", ends::state(CLOSED), CallOutcome::Good);
    bench.measured("last-ack-ms", ends::millis(ended.since(began)));
    Ok(())
}

impl StateLog {
    /// Waits until one end is in this state, and tells it. A state that does not come is left out: that is measured, too.
    fn see(&mut self, bench: &mut Experiment<'_>, side: Side, wanted: u8, why: &str) -> Result<(), ExperimentError> {
        let mut found = None;
        let came = bench.until(ends::state(wanted), ends::PATIENCE, |here| {
            found = match side {
                Side::Client => here.sockets(self.client_port).first().map(|seen| seen.state),
                Side::Server => {
                    ends::server_end(&here.sockets(self.address.port()), self.client_port).map(|seen| seen.state)
                }
            };
            found == Some(wanted)
        });
        let (who, seen) = match side {
            Side::Client => ("client", &mut self.client),
            Side::Server => ("server", &mut self.server),
        };
        match came {
            Ok(_) => {
                seen.push(wanted);
                bench.line(who, why, ends::state(wanted), CallOutcome::Good);
                bench.pause(STEP)?;
            }
            Err(ExperimentError::InVain(_)) => {
                bench.line(who, why, found.map_or("–", ends::state), CallOutcome::Silent);
            }
            Err(error) => return Err(error),
        }
        bench.yes(&format!("{who}-{}", ends::state(wanted).to_lowercase().replace('_', "-")), found == Some(wanted));
        Ok(())
    }
}

/// A socket's state as it says itself (TCP_INFO).
fn own_state(bench: &mut Experiment<'_>, who: &str, call: &str, socket: &Socket) -> Result<u8, ExperimentError> {
    let state = bench.here().connecting(socket.as_fd()).map(|(_, state)| state);
    let state = state.ok_or_else(|| ExperimentError::InVain(say!("the socket's state").to_owned()))?;
    bench.line(who, call, ends::state(state), CallOutcome::Plain);
    Ok(state)
}

/// The textbook's states of the end that connects and closes first.
const CLIENT: [u8; 6] = [CLOSED, ends::SYN_SENT, ends::ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, TIME_WAIT];

/// The textbook's states of the other end.
const SERVER: [u8; 7] = [CLOSED, LISTEN, ends::SYN_RECV, ends::ESTABLISHED, CLOSE_WAIT, LAST_ACK, CLOSED];

/// How long each state stands, so that one can follow.
const STEP: Duration = Duration::from_millis(250);

// Further states by their number (include/net/tcp_states.h).
const FIN_WAIT_1: u8 = 4;
const FIN_WAIT_2: u8 = 5;
const TIME_WAIT: u8 = 6;
const CLOSED: u8 = 7;
const CLOSE_WAIT: u8 = 8;
const LAST_ACK: u8 = 9;
const LISTEN: u8 = 10;
