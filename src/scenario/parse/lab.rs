//! The lab at the beginning of a scene.

use std::time::Duration;

use super::table::{Item, ParseFault};
use crate::model::settings::{AcceptRate, ClientKind, Knobs, Sysctls};
use crate::say;
use crate::scenario::lesson::LabSettings;
use crate::scenario::{facts, words};

/// Parses `[scene.lab]`; the defaults are those of a fresh lab without arrivals and without `accept()`.
pub(super) fn settings(item: Option<Item<'_>>) -> Result<LabSettings, ParseFault> {
    let mut lab = fresh();
    let Some(item) = item else { return Ok(lab) };
    let known: Vec<_> = KEYS.into_iter().chain(words::SYSCTLS.map(|setting| setting.name)).collect();
    for (key, value) in item.entries()? {
        key.is_one_of(&known)?;
        let knobs = &mut lab.knobs;
        match key.word {
            "backlog" => knobs.backlog = value.read(words::backlog)?,
            "rate" => knobs.rate = value.read(words::rate)?,
            "arrivals" => knobs.arrivals = value.read(words::arrivals)?,
            "accept-rate" => knobs.accept_rate = value.read(words::accept_rate)?,
            "client" => lab.clients = value.read(client)?,
            "rtt" => knobs.rtt = value.read(words::duration)?,
            "jitter" => knobs.jitter = value.read(words::duration)?,
            "loss" => knobs.loss = value.read(words::share)?,
            "half-open" => knobs.half_open = value.read(words::share)?,
            "workers" => knobs.workers = value.read(words::workers)?,
            "service" => knobs.service = value.read(words::duration)?,
            "seed" => lab.seed = value.read(seed)?,
            name => {
                if let Some(setting) = words::SYSCTLS.into_iter().find(|setting| setting.name == name) {
                    lab.sysctls.set(setting.sysctl, value.read(|word| setting.value(word))?);
                }
            }
        }
    }
    Ok(lab)
}

fn fresh() -> LabSettings {
    let mut sysctls = Sysctls::default();
    for setting in words::SYSCTLS {
        sysctls.set(setting.sysctl, setting.fresh);
    }
    let knobs = Knobs { accept_rate: AcceptRate::Paused, rtt: Duration::from_millis(400), ..Knobs::quiet() };
    LabSettings { knobs, clients: ClientKind::Wire, sysctls, seed: 1 }
}

fn client(word: &str) -> Result<ClientKind, String> {
    match word {
        "wire" => Ok(ClientKind::Wire),
        "connect" => Ok(ClientKind::Connect),
        _ => {
            let nearest = words::nearest(word, &["wire", "connect"]);
            Err(facts::unknown(say!("clients are wire or connect").to_owned(), &nearest))
        }
    }
}

fn seed(word: &str) -> Result<u64, String> {
    word.parse().map_err(|_| say!("not a whole number of 0 or more").to_owned())
}

const KEYS: [&str; 12] = [
    "backlog",
    "rate",
    "arrivals",
    "accept-rate",
    "client",
    "rtt",
    "jitter",
    "loss",
    "half-open",
    "workers",
    "service",
    "seed",
];
