//! The commands of `do`.

use crate::model::client_clock::{ClientClock, StepCommand};
use crate::model::command::Command;
use crate::model::experiment::ExperimentId;
use crate::say;
use crate::scenario::{facts, words};

/// Parses one command: `burst 8`, `accept-rate max`, `trial bind-four`.
///
/// # Errors
/// The error, with the nearest known name.
pub(super) fn command(text: &str) -> Result<Command, String> {
    let (name, value) = text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
    let value = value.trim();
    if let Some((_, command)) = BARE.iter().find(|(bare, _)| *bare == name) {
        let surplus = || say!("`{name}` takes nothing behind it", name);
        return if value.is_empty() { Ok(*command) } else { Err(surplus()) };
    }
    let setting = words::SYSCTLS.into_iter().find(|setting| setting.name == name);
    if setting.is_none() && !VALUED.contains(&name) {
        let known: Vec<_> = known().collect();
        return Err(facts::unknown(say!("there is no command `{name}`", name), &words::nearest(name, &known)));
    }
    if value.is_empty() {
        return Err(say!("`{name}` needs a value behind it", name));
    }
    if let Some(setting) = setting {
        return setting.value(value).map(|value| Command::Sysctl(setting.sysctl, value));
    }
    match name {
        "listen" => words::backlog(value).map(Command::Listen),
        "rate" => words::rate(value).map(Command::Rate),
        "arrivals" => words::arrivals(value).map(Command::Arrivals),
        "accept-rate" => words::accept_rate(value).map(Command::AcceptRate),
        "burst" => words::small_count(value).map(Command::Burst),
        "half-open" => words::share(value).map(Command::HalfOpen),
        "loss" => words::share(value).map(Command::Loss),
        "rtt" => words::duration(value).map(Command::Rtt),
        "workers" => words::workers(value).map(Command::Workers),
        "service" => words::duration(value).map(Command::Service),
        "pace" => pace(value).map(Command::Pace),
        _ => trial(value).map(Command::RunExperiment),
    }
}

fn pace(text: &str) -> Result<f64, String> {
    let pace = text.parse().ok().filter(|pace| (ClientClock::SLOWEST..=1.0).contains(pace));
    pace.ok_or_else(|| say!("a pace is {slowest} to 1", slowest = ClientClock::SLOWEST))
}

fn trial(name: &str) -> Result<ExperimentId, String> {
    ExperimentId::ALL.into_iter().find(|trial| trial.name() == name).ok_or_else(|| {
        let nearest = words::nearest(name, &ExperimentId::ALL.map(ExperimentId::name));
        facts::unknown(say!("there is no trial `{name}`", name), &nearest)
    })
}

fn known() -> impl Iterator<Item = &'static str> {
    let settings = words::SYSCTLS.into_iter().map(|setting| setting.name);
    VALUED.into_iter().chain(BARE.into_iter().map(|(name, _)| name)).chain(settings)
}

const VALUED: [&str; 12] = [
    "listen",
    "rate",
    "arrivals",
    "accept-rate",
    "burst",
    "half-open",
    "loss",
    "rtt",
    "workers",
    "service",
    "pace",
    "trial",
];

const BARE: [(&str, Command); 4] = [
    ("accept", Command::AcceptOne),
    ("step", Command::Step(StepCommand::Hold)),
    ("next", Command::Step(StepCommand::Next)),
    ("go", Command::Step(StepCommand::Go)),
];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::settings::{AcceptRate, Arrivals, Sysctl};

    #[test]
    fn every_command_is_read() {
        for (text, wanted) in [
            ("listen 9", Command::Listen(9)),
            ("rate 0.5", Command::Rate(0.5)),
            ("arrivals burst:5/2s", Command::Arrivals(Arrivals::Burst { size: 5, period: Duration::from_secs(2) })),
            ("accept-rate max", Command::AcceptRate(AcceptRate::Max)),
            ("accept-rate 0", Command::AcceptRate(AcceptRate::Paused)),
            ("burst  8", Command::Burst(8)),
            ("half-open 100%", Command::HalfOpen(1.0)),
            ("loss 25", Command::Loss(0.25)),
            ("rtt 1s", Command::Rtt(Duration::from_secs(1))),
            ("workers none", Command::Workers(None)),
            ("workers 1", Command::Workers(Some(1))),
            ("service 250ms", Command::Service(Duration::from_millis(250))),
            ("syncookies 0", Command::Sysctl(Sysctl::Syncookies, 0)),
            ("accept", Command::AcceptOne),
            ("step", Command::Step(StepCommand::Hold)),
            ("next", Command::Step(StepCommand::Next)),
            ("go", Command::Step(StepCommand::Go)),
            ("pace 0.1", Command::Pace(0.1)),
            ("trial bind-four", Command::RunExperiment(ExperimentId::BindFour)),
        ] {
            assert_eq!(command(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_command_is_refused_with_the_nearest_one() {
        for (text, why) in [
            ("brust 8", "did you mean `burst`?"),
            ("burst", "needs a value"),
            ("go 1", "takes nothing"),
            ("trial bind-for", "did you mean `bind-four`?"),
            ("syncookies 3", "0 to 2"),
            ("pace 2", "0.01 to 1"),
            ("syncokies 1", "did you mean `syncookies`?"),
        ] {
            let message = command(text).unwrap_err();
            assert!(message.contains(why), "{text}: {message}");
        }
    }
}
