//! A lesson's own texts, and descriptions of the commands of its steps.

use std::collections::BTreeMap;

use super::super::Scene;
use crate::model::client_clock::StepCommand;
use crate::model::command::Command;
use crate::model::settings::{AcceptRate, Arrivals};
use crate::say;
use crate::scenario::holes::{filled, number};
use crate::scenario::lesson::Text;
use crate::text::lang;
use crate::ui::numbers;

/// A lesson's text in the current language, with its numbers.
pub(super) fn said(text: &Text, numbers: &BTreeMap<String, f64>) -> String {
    filled(text.in_language(lang::here()), |name| numbers.get(name).copied())
}

/// All that a step does, in its order; nothing where it only waits.
pub(super) fn of_all(commands: &[Command]) -> String {
    commands.iter().map(of_one).collect::<Vec<_>>().join(" · ")
}

fn of_one(command: &Command) -> String {
    match *command {
        Command::Listen(backlog) => format!("listen({backlog})"),
        Command::Rate(0.0) => say!("no more clients arrive").into(),
        Command::Rate(rate) => say!("clients come: {rate}", rate = numbers::rate(rate)),
        Command::Arrivals(pattern) => arrivals(pattern),
        Command::AcceptRate(AcceptRate::Paused) => say!("accept() is not called").into(),
        Command::AcceptRate(AcceptRate::Max) => say!("accept() as fast as it can").into(),
        Command::AcceptRate(AcceptRate::PerSecond(rate)) => format!("accept() {}", numbers::rate(rate)),
        Command::Burst(1) => say!("one client comes").into(),
        Command::Burst(count) => say!("{count} clients come at once", count),
        Command::HalfOpen(share) => say!("{share} % never send the final ACK", share = percent(share)),
        Command::Loss(share) => say!("the network loses {share} %", share = percent(share)),
        Command::Rtt(span) => say!("round trip {span}", span = numbers::span(span)),
        Command::Workers(None) => say!("every connection is served at once").into(),
        Command::Workers(Some(1)) => say!("one worker").into(),
        Command::Workers(Some(count)) => say!("{count} workers", count),
        Command::Service(span) => say!("service {span}", span = numbers::span(span)),
        Command::Sysctl(name, value) => format!("{} = {value}", name.name().rsplit('.').next().unwrap_or_default()),
        Command::Step(StepCommand::Hold) => say!("client time is paused").into(),
        Command::Step(StepCommand::Next) => say!("one thing happens").into(),
        Command::Step(StepCommand::Go) => say!("client time runs again").into(),
        Command::Pace(pace) => say!("the clients' time runs at {pace}×", pace),
        Command::AcceptOne => say!("accept() once").into(),
        Command::RunExperiment(trial) => say!("experiment {name}", name = trial.name()),
        Command::Lose(_) | Command::Hold(_) | Command::Choose(_) | Command::Stop => String::new(),
    }
}

fn arrivals(pattern: Arrivals) -> String {
    match pattern {
        Arrivals::Steady => say!("clients come at even distances").into(),
        Arrivals::Poisson => say!("clients come at random").into(),
        Arrivals::Burst { size, period } | Arrivals::Wave { size, period } => {
            say!("{size} clients come every {span}", size, span = numbers::span(period))
        }
    }
}

fn percent(share: f64) -> String {
    number(share * 100.0)
}

/// One sentence above a transcript: which experiment runs, or why one could not.
pub(super) fn of_trials(scene: &Scene<'_>) -> String {
    let trials = &scene.world.trials;
    match (&trials.running, &trials.failed) {
        (Some(trial), _) => {
            say!("experiment {name} runs: calls on real sockets beside the listener", name = trial.name())
        }
        (None, Some(why)) => say!("the experiment could not be carried out: {why}", why),
        (None, None) if trials.done > 0 => say!("the experiment is done: its calls and what was measured").into(),
        (None, None) => say!("an experiment on real sockets will follow").into(),
    }
}
