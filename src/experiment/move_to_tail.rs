//! One connection from request to accepted socket: three clients send their SYNs, drop the answers, and complete
//! their handshakes later in another order. sock_diag and the sockets show their cookies at each stage.

use std::net::SocketAddr;
use std::os::fd::AsFd;

use socket2::Socket;

use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::say;

/// The order in which the clients complete: the last one first.
const ORDER: [usize; 3] = [2, 0, 1];

/// A client and the cookies of its connection on the server's side.
struct Client {
    letter: char,
    socket: Socket,
    port: u16,
    request: Option<u64>,
    queued: Option<u64>,
}

pub(super) fn run(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    experiment.token()?;
    let (listener, address) = ends::listen(5)?;
    experiment.record_call("server", "listen(5)", format!("port {}", address.port()), CallOutcome::Plain);
    let mut clients = Vec::new();
    for letter in ['a', 'b', 'c'] {
        clients.push(send_syn(experiment, letter, address)?);
    }
    for turn in ORDER {
        complete(experiment, &mut clients[turn], address)?;
    }
    let (mut in_turn, mut in_syn_order, mut same) = (0, 0, 0);
    for (position, turn) in ORDER.into_iter().enumerate() {
        let (accepted, peer) = ends::accept(experiment, &listener)?;
        let accepted_port = ends::address("accept()", Ok(peer))?.port();
        let cookie = experiment.env().cookie(accepted.as_fd());
        let owner = clients.iter().find(|client| client.port == accepted_port);
        in_turn += u32::from(accepted_port == clients[turn].port);
        in_syn_order += u32::from(accepted_port == clients[position].port);
        same += u32::from(owner.is_some_and(|client| client.request == cookie && client.queued == cookie));
        let outcome = format!("{}: {}", owner.map_or('?', |client| client.letter), cookie_text(cookie));
        experiment.record_call("server", "accept()", outcome, CallOutcome::Good);
    }
    experiment.measure("tail-clients", clients.len() as f64);
    experiment.measure("tail-requests", clients.iter().filter(|client| client.request.is_some()).count() as f64);
    experiment.measure("tail-in-turn", f64::from(in_turn));
    experiment.measure("tail-in-syn-order", f64::from(in_syn_order));
    experiment.measure("tail-same-cookie", f64::from(same));
    Ok(())
}

/// Sends a SYN whose answer is dropped, and finds its request in the SYN queue.
fn send_syn(experiment: &mut Experiment<'_>, letter: char, address: SocketAddr) -> Result<Client, ExperimentError> {
    let socket = ends::connect_dropping_replies(address)?;
    let port = ends::name(&socket)?.port();
    experiment.record_call("client", format!("{letter}: connect(:{})", address.port()), "SYN_SENT", CallOutcome::Plain);
    let mut request = None;
    // With SYN cookies always on there is no request: that is measured, too.
    let _no_request = experiment.wait_until(say!("a request in the SYN queue"), ends::SHORT_TIMEOUT, |here| {
        request = ends::server_end(&here.sockets(address.port()), port).filter(|seen| seen.state == ends::SYN_RECV);
        request.is_some()
    });
    let request = request.map(|seen| seen.cookie);
    let mood = if request.is_some() { CallOutcome::Plain } else { CallOutcome::Silent };
    experiment.record_call("kernel", format!("{letter}: SYN queue"), cookie_text(request), mood);
    Ok(Client { letter, socket, port, request, queued: None })
}

/// Removes a client's filter: the next SYN-ACK completes its handshake.
fn complete(experiment: &mut Experiment<'_>, client: &mut Client, address: SocketAddr) -> Result<(), ExperimentError> {
    ends::accept_incoming(&client.socket)?;
    let mut queued = None;
    experiment.wait_until(say!("a child in the accept queue"), ends::TIMEOUT, |here| {
        queued = ends::server_end(&here.sockets(address.port()), client.port).filter(|seen| seen.orphan);
        queued.is_some()
    })?;
    client.queued = queued.map(|seen| seen.cookie);
    let letter = client.letter;
    experiment.record_call("client", format!("{letter}: SYN-ACK, ACK"), "ESTABLISHED", CallOutcome::Good);
    experiment.record_call("kernel", format!("{letter}: accept queue"), cookie_text(client.queued), CallOutcome::Plain);
    Ok(())
}

/// The text of a cookie.
fn cookie_text(cookie: Option<u64>) -> String {
    cookie.map_or_else(|| "–".to_owned(), |cookie| format!("cookie {cookie}"))
}
