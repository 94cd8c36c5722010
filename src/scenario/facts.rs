//! The facts of lessons, by name: the numbers of a run's summary, at any moment of a scene.

use std::collections::BTreeMap;

use super::words;
use crate::fold::connection::CombinedState;
use crate::fold::finding::RULES;
use crate::fold::occupancy::Occupancy;
use crate::fold::spread::DurationHistogram;
use crate::fold::world::World;
use crate::model::cause::Cause;
use crate::model::counters::Counter;
use crate::model::settings::Sysctl;
use crate::say;
use crate::text::errno;

/// The state of a lesson at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The present scene's world.
    pub world: &'a World,
    /// The kept numbers, those of earlier scenes included.
    pub kept: &'a BTreeMap<String, f64>,
}

impl Facts<'_> {
    /// The value of a fact; `None` when it is not known, or when nothing has this name. Yes is 1, no is 0.
    pub fn value(&self, name: &str) -> Option<f64> {
        if let Some((_, read)) = FIXED.iter().find(|(fixed, _)| *fixed == name) {
            return read(self.world);
        }
        let (family, rest) = name.split_once('.')?;
        match family {
            "kept" => self.kept.get(rest).copied(),
            "trial" => self.world.trials.measured.get(rest).copied(),
            _ => of_family(self.world, family, rest),
        }
    }
}

/// Whether there is a fact of this name; `kept` are the names under which the lesson keeps numbers.
///
/// # Errors
/// What is wrong, with the nearest right names.
pub fn check(name: &str, kept: &[String]) -> Result<(), String> {
    let known = match name.split_once('.') {
        Some(("kept", rest)) => kept.iter().any(|one| one == rest),
        // Only the experiment knows what it measures.
        Some(("trial", rest)) => !rest.is_empty(),
        _ => names().any(|one| one == name),
    };
    if known {
        return Ok(());
    }
    let all: Vec<_> = names().chain(kept.iter().map(|name| format!("kept.{name}"))).collect();
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    Err(unknown(say!("there is no fact `{name}`", name), &words::nearest(name, &all)))
}

/// True for the kernel's counters: their value is that of the last reading, which may be a moment old.
pub fn is_counted(name: &str) -> bool {
    name.starts_with("counters.") || name.starts_with("ledger.")
}

/// A message about an unknown name, with the nearest ones.
pub(in crate::scenario) fn unknown(message: String, nearest: &[&str]) -> String {
    match nearest {
        [] => message,
        [near, ..] => message + ": " + &say!("did you mean `{near}`?", near),
    }
}

/// Every name that does not depend on the lesson.
pub fn names() -> impl Iterator<Item = String> {
    let drops = Cause::ALL.into_iter().flat_map(|cause| {
        ["segments", "clients"].into_iter().map(move |what| format!("drops.{}.{what}", cause.name()))
    });
    let spreads = SPREADS.into_iter().flat_map(|(name, _)| QUANTILES.map(|quantile| format!("{name}.{quantile}")));
    FIXED
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .chain(spreads)
        .chain(Sysctl::ALL.into_iter().map(|sysctl| format!("sysctl.{}", last_part(sysctl))))
        .chain(drops)
        .chain(Counter::ALL.into_iter().map(|counter| format!("counters.{}", counter.name())))
        .chain(RULES.iter().map(|rule| format!("findings.{}", rule.name)))
        .chain(errno::names().map(|name| format!("clients.errors.{name}")))
}

fn of_family(world: &World, family: &str, rest: &str) -> Option<f64> {
    match family {
        "sysctl" => {
            let sysctl = Sysctl::ALL.into_iter().find(|sysctl| last_part(*sysctl) == rest)?;
            world.sysctls.value(sysctl).map(|value| value as f64)
        }
        "counters" => {
            let counter = Counter::ALL.into_iter().find(|counter| counter.name() == rest)?;
            count(world.counter(counter))
        }
        "findings" => finding(world, rest),
        "drops" => {
            let (cause, what) = rest.rsplit_once('.')?;
            let cause = Cause::ALL.into_iter().find(|one| one.name() == cause)?;
            dropped(world, cause, what)
        }
        "clients" => failures(world, rest.strip_prefix("errors.")?),
        _ => spread(world, family, rest),
    }
}

/// Findings that are still undecided are unknown.
fn finding(world: &World, rule: &str) -> Option<f64> {
    RULES.iter().find(|one| one.name == rule)?;
    if world.found.contains_key(rule) {
        return Some(1.0);
    }
    (world.began.is_some() && !world.undecided.contains(&rule)).then_some(0.0)
}

/// Without a packet tap only the losses of the simulated network are certain; a zero of the others would be a guess.
fn dropped(world: &World, cause: Cause, what: &str) -> Option<f64> {
    let lost = world.lost(cause);
    let known = world.segments.is_some() || cause == Cause::ClientLost || lost.segments > 0;
    match what {
        _ if !known => None,
        "segments" => count(Some(lost.segments)),
        "clients" => count(Some(lost.clients)),
        _ => None,
    }
}

/// Three errors are outcomes with a name of their own.
fn failures(world: &World, name: &str) -> Option<f64> {
    let number = errno::number(name)?;
    let clients = &world.clients;
    count(Some(match name {
        "ECONNREFUSED" => clients.refused,
        "ECONNRESET" => clients.reset,
        "ETIMEDOUT" => clients.timed_out,
        _ => clients.errors.get(&number).copied().unwrap_or(0),
    }))
}

fn spread(world: &World, family: &str, rest: &str) -> Option<f64> {
    let name = format!("{family}.{rest}");
    let (of, quantile) = name.rsplit_once('.')?;
    let (_, read) = SPREADS.iter().find(|(name, _)| *name == of)?;
    let spread = read(world);
    match quantile {
        "p50" => spread.quantile_ms(0.5),
        "p90" => spread.quantile_ms(0.9),
        "p99" => spread.quantile_ms(0.99),
        "max" => spread.max_ms(),
        _ => None,
    }
}

fn last_part(sysctl: Sysctl) -> &'static str {
    sysctl.name().rsplit('.').next().unwrap_or_default()
}

fn count(value: Option<u64>) -> Option<f64> {
    value.map(|value| value as f64)
}

/// Unknown where neither wire nor list could be read.
fn syn_queue(world: &World) -> Option<&Occupancy> {
    let seen = world.segments.is_some() || world.listed.half_open.is_some();
    seen.then_some(&world.syn_queue)
}

/// The number of connections in this state now.
fn believing(world: &World, belief: CombinedState) -> Option<f64> {
    world.began.as_ref()?;
    count(Some(world.roster.in_state(belief).into()))
}

/// How one fact is read.
type Reading = fn(&World) -> Option<f64>;

const FIXED: &[(&str, Reading)] = &[
    ("t_s", |world| Some(world.now.since(world.opened).as_secs_f64())),
    ("listener.backlog", |world| world.listening.map(|listening| f64::from(listening.backlog))),
    ("listener.somaxconn", |world| world.listening?.somaxconn.map(f64::from)),
    ("listener.accept_limit", |world| world.accept_limit().map(f64::from)),
    ("listener.accept_capacity", |world| world.accept_capacity().map(f64::from)),
    ("listener.syn_limit", |world| world.accept_limit().map(f64::from)),
    ("listener.syn_capacity", |world| world.measured_syn_capacity().map(f64::from)),
    ("accept_queue.depth", |world| Some(world.accept_queue.depth().into())),
    ("accept_queue.max", |world| Some(world.accept_queue.max().into())),
    ("accept_queue.mean", |world| Some(world.accept_queue.mean(world.now))),
    ("accept_queue.full_s", |world| Some(world.accept_queue.full(world.now).as_secs_f64())),
    ("syn_queue.depth", |world| syn_queue(world).map(|queue| queue.depth().into())),
    ("syn_queue.max", |world| syn_queue(world).map(|queue| queue.max().into())),
    ("syn_queue.mean", |world| syn_queue(world).map(|queue| queue.mean(world.now))),
    ("syn_queue.full_s", |world| syn_queue(world).map(|queue| queue.full(world.now).as_secs_f64())),
    ("clients.started", |world| count(Some(world.clients.started))),
    ("clients.connected", |world| count(Some(world.clients.connected))),
    ("clients.accepted", |world| count(Some(world.clients.accepted))),
    ("clients.finished", |world| count(Some(world.clients.finished))),
    ("clients.refused", |world| count(Some(world.clients.refused))),
    ("clients.reset", |world| count(Some(world.clients.reset))),
    ("clients.timed_out", |world| count(Some(world.clients.timed_out))),
    ("clients.vanished", |world| count(Some(world.clients.vanished))),
    ("clients.in_flight", |world| count(Some(world.clients.in_flight()))),
    ("clients.ghosts", |world| count(Some(world.clients.ghosts))),
    ("clients.phantoms", |world| count(Some(world.clients.phantoms))),
    ("segments.syn", |world| count(world.segments.map(|tally| tally.syn))),
    ("segments.syn_retransmit", |world| count(world.segments.map(|tally| tally.syn_retransmit))),
    ("segments.syn_ack", |world| count(world.segments.map(|tally| tally.syn_ack))),
    ("segments.syn_ack_retransmit", |world| count(world.segments.map(|tally| tally.syn_ack_retransmit))),
    ("segments.ack", |world| count(world.segments.map(|tally| tally.ack))),
    ("segments.rst", |world| count(world.segments.map(|tally| tally.rst))),
    ("ledger.balanced", |world| world.balance().balanced.map(|balanced| f64::from(u8::from(balanced)))),
    ("now.ghosts", |world| believing(world, CombinedState::Ghost)),
    ("now.phantoms", |world| believing(world, CombinedState::Phantom)),
    ("trial.done", |world| count(Some(world.trials.done.into()))),
];

/// A distribution and its place in the world.
type Distribution = (&'static str, fn(&World) -> &DurationHistogram);

const SPREADS: [Distribution; 3] = [
    ("accept_queue.wait_ms", |world| &world.wait),
    ("syn_queue.stay_ms", |world| &world.stay),
    ("connect_ms", |world| &world.connect),
];

const QUANTILES: [&str; 4] = ["p50", "p90", "p99", "max"];
