//! A connection's states at both ends, one at a time: one end drops what arrives, so that it stays in its state long
//! enough to be listed by sock_diag.

use std::net::{Shutdown, SocketAddr};
use std::os::fd::AsFd;
use std::time::Duration;

use socket2::Socket;

use super::{Env, Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::say;

/// The end of the connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// The observed states of one connection, in order.
struct StateLog {
    address: SocketAddr,
    client_port: u16,
    client: Vec<u8>,
    server: Vec<u8>,
}

pub(super) fn run(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    experiment.token()?;
    let server = ends::socket()?;
    let before_listen = own_state(experiment, "server", "socket()", &server)?;
    drop(server);
    let (listener, address) = ends::listen(5)?;
    let listening = own_state(experiment, "server", "listen(5)", &listener)?;
    let client = ends::socket()?;
    let unconnected = own_state(experiment, "client", "socket()", &client)?;
    ends::drop_incoming(&client)?;
    ends::begin_connect(&client, address)?;
    let client_port = ends::name(&client)?.port();
    let mut log = StateLog { address, client_port, client: vec![unconnected], server: vec![before_listen, listening] };
    log.expect_state(experiment, Side::Client, ends::SYN_SENT, "connect(): SYN")?;
    log.expect_state(experiment, Side::Server, ends::SYN_RECV, "SYN, SYN-ACK")?;
    ends::accept_incoming(&client)?;
    log.expect_state(experiment, Side::Client, ends::ESTABLISHED, "SYN-ACK, ACK")?;
    log.expect_state(experiment, Side::Server, ends::ESTABLISHED, "ACK")?;
    let (accepted, _) = ends::accept(experiment, &listener)?;
    close_both(experiment, &mut log, &client, &accepted)?;
    experiment.measure("states-client", log.client.len() as f64);
    experiment.measure("states-server", log.server.len() as f64);
    experiment.measure_flag("states-client-as-taught", log.client == CLIENT);
    experiment.measure_flag("states-server-as-taught", log.server == SERVER);
    Ok(())
}

/// The client closes first; the server follows.
fn close_both(
    experiment: &mut Experiment<'_>,
    log: &mut StateLog,
    client: &Socket,
    accepted: &Socket,
) -> Result<(), ExperimentError> {
    ends::drop_incoming(client)?;
    ends::call("shutdown(SHUT_WR)", client.shutdown(Shutdown::Write))?;
    log.expect_state(experiment, Side::Client, FIN_WAIT_1, "shutdown(SHUT_WR): FIN")?;
    log.expect_state(experiment, Side::Server, CLOSE_WAIT, "FIN, ACK")?;
    ends::accept_incoming(client)?;
    log.expect_state(experiment, Side::Client, FIN_WAIT_2, "ACK")?;
    ends::drop_incoming(accepted)?;
    ends::call("shutdown(SHUT_WR)", accepted.shutdown(Shutdown::Write))?;
    log.expect_state(experiment, Side::Server, LAST_ACK, "shutdown(SHUT_WR): FIN")?;
    log.expect_state(experiment, Side::Client, TIME_WAIT, "FIN, ACK")?;
    ends::accept_incoming(accepted)?;
    let began = experiment.env().now();
    let closed = |here: &dyn Env| here.connect_progress(accepted.as_fd()).is_some_and(|(_, state)| state == CLOSED);
    let ended = experiment.wait_until(say!("the server's end to be closed"), ends::TIMEOUT, closed)?;
    log.server.push(CLOSED);
    experiment.record_call("server", "ACK", ends::state(CLOSED), CallOutcome::Good);
    experiment.measure("last-ack-ms", ends::millis(ended.since(began)));
    Ok(())
}

impl StateLog {
    /// Waits until one end is in this state, and records it. A state that is not reached is measured as 0.
    fn expect_state(
        &mut self,
        experiment: &mut Experiment<'_>,
        side: Side,
        wanted: u8,
        why: &str,
    ) -> Result<(), ExperimentError> {
        let mut found = None;
        let came = experiment.wait_until(ends::state(wanted), ends::TIMEOUT, |here| {
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
                experiment.record_call(who, why, ends::state(wanted), CallOutcome::Good);
                experiment.sleep(STEP)?;
            }
            Err(ExperimentError::TimedOut(_)) => {
                experiment.record_call(who, why, found.map_or("–", ends::state), CallOutcome::Silent);
            }
            Err(error) => return Err(error),
        }
        experiment.measure_flag(
            &format!("{who}-{}", ends::state(wanted).to_lowercase().replace('_', "-")),
            found == Some(wanted),
        );
        Ok(())
    }
}

/// A socket's state from TCP_INFO.
fn own_state(experiment: &mut Experiment<'_>, who: &str, call: &str, socket: &Socket) -> Result<u8, ExperimentError> {
    let state = experiment.env().connect_progress(socket.as_fd()).map(|(_, state)| state);
    let state = state.ok_or_else(|| ExperimentError::TimedOut(say!("the socket's state").to_owned()))?;
    experiment.record_call(who, call, ends::state(state), CallOutcome::Plain);
    Ok(state)
}

/// The textbook's states of the end that connects and closes first.
const CLIENT: [u8; 6] = [CLOSED, ends::SYN_SENT, ends::ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, TIME_WAIT];

/// The textbook's states of the other end.
const SERVER: [u8; 7] = [CLOSED, LISTEN, ends::SYN_RECV, ends::ESTABLISHED, CLOSE_WAIT, LAST_ACK, CLOSED];

/// How long each state is held, so that people can follow.
const STEP: Duration = Duration::from_millis(250);

// Further states by their number (include/net/tcp_states.h).
const FIN_WAIT_1: u8 = 4;
const FIN_WAIT_2: u8 = 5;
const TIME_WAIT: u8 = 6;
const CLOSED: u8 = 7;
const CLOSE_WAIT: u8 = 8;
const LAST_ACK: u8 = 9;
const LISTEN: u8 = 10;
