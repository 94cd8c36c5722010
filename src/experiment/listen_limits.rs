//! The limit that listen() sets: backlogs of every size, somaxconn lowered and raised, and listen() again.

use std::net::SocketAddr;
use std::os::fd::AsFd;

use socket2::Socket;

use super::sysctl::SysctlOverride;
use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::model::settings::Sysctl;
use crate::say;

/// The backlogs, and the names of their measurements.
const BACKLOGS: [(i32, &str); 7] = [
    (-1, "limit-minus-1"),
    (0, "limit-0"),
    (5, "limit-5"),
    (128, "limit-128"),
    (200, "limit-200"),
    (4096, "limit-4096"),
    (100_000, "limit-100000"),
];

/// A backlog above the old ceiling of 128.
const LARGE: i32 = 200;
const LOW: i64 = 64;
const HIGH: i64 = 8192;

pub(super) fn run(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (listener, address) = ends::listen(0)?;
    for (backlog, name) in BACKLOGS {
        let limit = listen(experiment, &listener, backlog)?;
        experiment.measure(name, f64::from(limit));
    }
    let limit = listen(experiment, &listener, LARGE)?;
    let held = fill(experiment, &listener, address, limit + 10)?;
    experiment.measure("held-200", f64::from(held));
    change_somaxconn(experiment)
}

/// Calls listen() and records the socket's limit.
fn listen(experiment: &mut Experiment<'_>, listener: &Socket, backlog: i32) -> Result<u32, ExperimentError> {
    ends::call(format!("listen({backlog})"), listener.listen(backlog))?;
    let limit = limit(experiment, listener)?;
    experiment.record_call("server", format!("listen({backlog})"), limit_text(limit), CallOutcome::Plain);
    Ok(limit)
}

/// The socket's current limit.
fn limit(experiment: &Experiment<'_>, listener: &Socket) -> Result<u32, ExperimentError> {
    let reading = experiment.env().queue(listener.as_fd());
    reading.map(|(_, limit)| limit).ok_or_else(|| ExperimentError::TimedOut(say!("the listener's limit").to_owned()))
}

fn limit_text(limit: u32) -> String {
    say!("limit {limit}", limit)
}

/// Connects clients until one is not queued, or `most` are connected; returns the queue's depth.
fn fill(
    experiment: &mut Experiment<'_>,
    listener: &Socket,
    address: SocketAddr,
    most: u32,
) -> Result<u32, ExperimentError> {
    let mut clients = Vec::new();
    while (clients.len() as u32) < most {
        let client = ends::socket()?;
        ends::begin_connect(&client, address)?;
        clients.push(client);
        let wanted = clients.len() as u32;
        let came = experiment.wait_until(say!("a child in the accept queue"), ends::SHORT_TIMEOUT, |here| {
            here.queue(listener.as_fd()).is_some_and(|(depth, _)| depth == wanted)
        });
        if matches!(came, Err(ExperimentError::TimedOut(_))) {
            break;
        }
        came?;
    }
    let held = experiment.env().queue(listener.as_fd()).map_or(0, |(depth, _)| depth);
    let outcome = say!("{depth} in the queue", depth = held);
    experiment.record_call("client", format!("{} × connect()", clients.len()), outcome, CallOutcome::Plain);
    Ok(held)
}

/// Changes somaxconn; a listening socket keeps its limit until listen() is called again.
fn change_somaxconn(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (listener, _) = ends::listen(0)?;
    let before = listen(experiment, &listener, LARGE)?;
    let ceiling = SysctlOverride::new(experiment, Sysctl::Somaxconn, LOW)?;
    experiment.measure("somaxconn", ceiling.before as f64);
    let lowered = limit(experiment, &listener)?;
    experiment.record_call("kernel", say!("the listener"), limit_text(lowered), CallOutcome::Silent);
    let lowered_again = listen(experiment, &listener, LARGE)?;
    ceiling.set(experiment, HIGH)?;
    let raised = limit(experiment, &listener)?;
    experiment.record_call("kernel", say!("the listener"), limit_text(raised), CallOutcome::Silent);
    let raised_again = listen(experiment, &listener, LARGE)?;
    let raised_all = listen(experiment, &listener, 100_000)?;
    let limits = [
        ("before", before),
        ("lowered", lowered),
        ("lowered-again", lowered_again),
        ("raised", raised),
        ("raised-again", raised_again),
        ("raised-100000", raised_all),
    ];
    for (name, limit) in limits {
        experiment.measure(&format!("ceiling-{name}"), f64::from(limit));
    }
    ceiling.restore(experiment)
}
