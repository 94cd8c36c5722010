//! accept() takes from the head: clients connect one after another, then all are accepted and identified by their
//! ports.

use std::os::fd::AsFd;

use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::say;

/// A backlog of 5 holds this many.
const CLIENTS: usize = 6;

pub(super) fn run(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (listener, address) = ends::listen(5)?;
    let port = address.port();
    experiment.record_call("server", "listen(5)", format!("port {port}"), CallOutcome::Plain);
    let (mut clients, mut connected) = (Vec::new(), Vec::new());
    for letter in ('a'..).take(CLIENTS) {
        let client = ends::connect(address)?;
        let client_port = ends::name(&client)?.port();
        experiment.record_call(
            "client",
            format!("{letter}: connect(:{port})"),
            format!("port {client_port}"),
            CallOutcome::Good,
        );
        clients.push(client);
        connected.push((letter, client_port));
        let depth = clients.len() as u32;
        experiment.wait_until(say!("a child in the accept queue"), ends::TIMEOUT, |here| {
            here.queue(listener.as_fd()).is_some_and(|(waiting, _)| waiting == depth)
        })?;
    }
    let (mut in_turn, mut first) = (0, None);
    for (letter, client_port) in &connected {
        let (_served, peer) = ends::accept(experiment, &listener)?;
        let accepted_port = ends::address("accept()", Ok(peer))?.port();
        let who = connected.iter().find(|(_, port)| *port == accepted_port).map_or('?', |(who, _)| *who);
        in_turn += u32::from(accepted_port == *client_port);
        first = first.or(connected.iter().position(|(_, port)| *port == accepted_port));
        let mood = if who == *letter { CallOutcome::Good } else { CallOutcome::Refused };
        experiment.record_call("server", "accept()", format!("{who}: port {accepted_port}"), mood);
    }
    experiment.measure("fifo-clients", connected.len() as f64);
    experiment.measure("fifo-in-turn", f64::from(in_turn));
    if let Some(place) = first {
        experiment.measure("fifo-first-taken", (place + 1) as f64);
    }
    Ok(())
}
