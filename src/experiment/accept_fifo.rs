//! accept() takes from the head: clients come one after another and stay, then all are taken, and each tells its port.

use std::os::fd::AsFd;

use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::say;

/// As many as a backlog of five holds.
const CLIENTS: usize = 6;

pub(super) fn run(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (listener, address) = ends::listen(5)?;
    let port = address.port();
    bench.record_call("server", "listen(5)", format!("port {port}"), CallOutcome::Plain);
    let (mut clients, mut came) = (Vec::new(), Vec::new());
    for letter in ('a'..).take(CLIENTS) {
        let client = ends::connect(address)?;
        let own = ends::name(&client)?.port();
        bench.record_call("client", format!("{letter}: connect(:{port})"), format!("port {own}"), CallOutcome::Good);
        clients.push(client);
        came.push((letter, own));
        let depth = clients.len() as u32;
        bench.wait_until(say!("a child in the accept queue"), ends::TIMEOUT, |here| {
            here.queue(listener.as_fd()).is_some_and(|(waiting, _)| waiting == depth)
        })?;
    }
    let (mut in_turn, mut first) = (0, None);
    for (letter, own) in &came {
        let (_served, peer) = ends::call("accept()", listener.accept())?;
        let taken = ends::address("accept()", Ok(peer))?.port();
        let who = came.iter().find(|(_, port)| *port == taken).map_or('?', |(who, _)| *who);
        in_turn += u32::from(taken == *own);
        first = first.or(came.iter().position(|(_, port)| *port == taken));
        let mood = if who == *letter { CallOutcome::Good } else { CallOutcome::Refused };
        bench.record_call("server", "accept()", format!("{who}: port {taken}"), mood);
    }
    bench.measure("fifo-clients", came.len() as f64);
    bench.measure("fifo-in-turn", f64::from(in_turn));
    if let Some(place) = first {
        bench.measure("fifo-first-taken", (place + 1) as f64);
    }
    Ok(())
}
