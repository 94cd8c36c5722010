//! One connection from request to accepted socket: three clients send their SYNs, hear no answer, and complete their handshakes later
//! in another order. sock_diag and the sockets themselves tell their cookies at each stage.

use std::net::SocketAddr;
use std::os::fd::AsFd;

use socket2::Socket;

use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::say;

/// Who completes when: the last to come is the first.
const ORDER: [usize; 3] = [2, 0, 1];

/// A client and what its connection was called on the server's side.
struct Client {
    letter: char,
    socket: Socket,
    port: u16,
    request: Option<u64>,
    queued: Option<u64>,
}

pub(super) fn run(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    bench.token()?;
    let (listener, address) = ends::listen(5)?;
    bench.record_call("server", "listen(5)", format!("port {}", address.port()), CallOutcome::Plain);
    let mut guests = Vec::new();
    for letter in ['a', 'b', 'c'] {
        guests.push(send_syn(bench, letter, address)?);
    }
    for turn in ORDER {
        complete(bench, &mut guests[turn], address)?;
    }
    let (mut in_turn, mut in_syn_order, mut same) = (0, 0, 0);
    for (place, turn) in ORDER.into_iter().enumerate() {
        let (accepted, peer) = ends::call("accept()", listener.accept())?;
        let taken = ends::address("accept()", Ok(peer))?.port();
        let cookie = bench.env().cookie(accepted.as_fd());
        let whose = guests.iter().find(|guest| guest.port == taken);
        in_turn += u32::from(taken == guests[turn].port);
        in_syn_order += u32::from(taken == guests[place].port);
        same += u32::from(whose.is_some_and(|guest| guest.request == cookie && guest.queued == cookie));
        let outcome = format!("{}: {}", whose.map_or('?', |guest| guest.letter), cookie_text(cookie));
        bench.record_call("server", "accept()", outcome, CallOutcome::Good);
    }
    bench.measure("tail-clients", guests.len() as f64);
    bench.measure("tail-requests", guests.iter().filter(|guest| guest.request.is_some()).count() as f64);
    bench.measure("tail-in-turn", f64::from(in_turn));
    bench.measure("tail-in-syn-order", f64::from(in_syn_order));
    bench.measure("tail-same-cookie", f64::from(same));
    Ok(())
}

/// Sends a SYN whose answer is not heard, and looks for the request that it left behind.
fn send_syn(bench: &mut Experiment<'_>, letter: char, address: SocketAddr) -> Result<Client, ExperimentError> {
    let socket = ends::connect_dropping_replies(address)?;
    let port = ends::name(&socket)?.port();
    bench.record_call("client", format!("{letter}: connect(:{})", address.port()), "SYN_SENT", CallOutcome::Plain);
    let mut request = None;
    // Where SYN cookies are always sent there is no request: that is measured, too.
    let _no_request = bench.wait_until(say!("a request in the SYN queue"), ends::SHORT_TIMEOUT, |here| {
        request = ends::server_end(&here.sockets(address.port()), port).filter(|seen| seen.state == ends::SYN_RECV);
        request.is_some()
    });
    let request = request.map(|seen| seen.cookie);
    let mood = if request.is_some() { CallOutcome::Plain } else { CallOutcome::Silent };
    bench.record_call("kernel", format!("{letter}: SYN queue"), cookie_text(request), mood);
    Ok(Client { letter, socket, port, request, queued: None })
}

/// Lets a client hear: the next SYN-ACK completes its handshake.
fn complete(bench: &mut Experiment<'_>, guest: &mut Client, address: SocketAddr) -> Result<(), ExperimentError> {
    ends::accept_incoming(&guest.socket)?;
    let mut queued = None;
    bench.wait_until(say!("a child in the accept queue"), ends::TIMEOUT, |here| {
        queued = ends::server_end(&here.sockets(address.port()), guest.port).filter(|seen| seen.orphan);
        queued.is_some()
    })?;
    guest.queued = queued.map(|seen| seen.cookie);
    let letter = guest.letter;
    bench.record_call("client", format!("{letter}: SYN-ACK, ACK"), "ESTABLISHED", CallOutcome::Good);
    bench.record_call("kernel", format!("{letter}: accept queue"), cookie_text(guest.queued), CallOutcome::Plain);
    Ok(())
}

/// A cookie as it is written.
fn cookie_text(cookie: Option<u64>) -> String {
    cookie.map_or_else(|| "–".to_owned(), |cookie| format!("cookie {cookie}"))
}
