//! From a key to a wish: the next value of a knob, or a friendly reason why not.

use std::time::Duration;

use crate::fold::world::World;
use crate::model::client_clock::StepCommand;
use crate::model::command::Command;
use crate::model::event::Environment;
use crate::model::settings::{AcceptRate, Arrivals, ClientKind, Knobs, Sysctl};
use crate::model::stamp::Stamp;
use crate::say;
use crate::ui::keymap::Action;
use crate::ui::steps;

/// How long a wish counts as granted although no fact has confirmed it: long enough for a held key, short enough for a refusal.
const CONFIRMATION_TIMEOUT: Duration = Duration::from_millis(400);

/// The largest backlog that a key asks for.
const LARGEST_BACKLOG: u32 = 65_535;

/// The accept rate from which a paused server goes on when no earlier one is known, and the one below "as fast as possible".
const USUAL_ACCEPT_RATE: f64 = 8.0;

/// The last wish for each knob, until facts have had the time to confirm it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PendingSettings {
    backlog: Option<(Stamp, u32)>,
    arrivals: Option<(Stamp, Arrivals, f64)>,
    accept_rate: Option<(Stamp, AcceptRate)>,
    half_open: Option<(Stamp, f64)>,
    rtt: Option<(Stamp, Duration)>,
    sysctl: Option<(Stamp, Sysctl, i64)>,
    /// The accept rate before the last pause.
    before_pause: Option<AcceptRate>,
}

/// The commands for one key, or why there are none.
pub(super) fn commands_for(
    asked: &mut PendingSettings,
    listens: bool,
    action: Action,
    now: Stamp,
    world: &World,
) -> Result<Vec<Command>, String> {
    if !listens {
        let why = say!("this is a recording: what happened cannot be changed. Space, ←→ and < > play it; live: qviz");
        return Err(why.into());
    }
    let Some(knobs) = &world.knobs else { return Err(say!("the lab is not ready yet").into()) };
    let command = match action {
        Action::BacklogDown => backlog(asked, now, world, steps::count_below),
        Action::BacklogUp => backlog(asked, now, world, steps::count_above),
        Action::ArrivalsUp => arrivals(asked, now, knobs, true),
        Action::ArrivalsDown => arrivals(asked, now, knobs, false),
        Action::AcceptSlower => accept_rate(asked, now, knobs, false),
        Action::AcceptFaster => accept_rate(asked, now, knobs, true),
        Action::PauseAccept => pause(asked, now, knobs),
        Action::Burst => Command::Burst(burst(world)),
        Action::HalfOpen => half_open(asked, now, world, knobs)?,
        Action::RoundTrip => round_trip(asked, now, world, knobs)?,
        Action::Step => {
            only_wire(world, say!("step mode needs"))?;
            Command::Step(if world.tempo.held { StepCommand::Go } else { StepCommand::Hold })
        }
        Action::Next => {
            only_wire(world, say!("step mode needs"))?;
            Command::Step(StepCommand::Next)
        }
        Action::AcceptOne => Command::AcceptOne,
        Action::Slow => {
            only_wire(world, say!("slow motion needs"))?;
            Command::Pace(steps::pace_after(world.tempo.pace))
        }
        Action::Cookies => sysctl(asked, now, world, (Sysctl::Syncookies, 3))?,
        Action::Overflow => sysctl(asked, now, world, (Sysctl::AbortOnOverflow, 2))?,
        _ => return Ok(Vec::new()),
    };
    Ok(vec![command])
}

fn fresh<T: Copy>(asked: Option<(Stamp, T)>, now: Stamp) -> Option<T> {
    asked.filter(|(at, _)| now.since(*at) < CONFIRMATION_TIMEOUT).map(|(_, value)| value)
}

fn backlog(asked: &mut PendingSettings, now: Stamp, world: &World, step: fn(u32) -> u32) -> Command {
    let told = world.listening.map(|listening| listening.backlog).or(world.knobs.as_ref().map(|knobs| knobs.backlog));
    let told = told.and_then(|backlog| u32::try_from(backlog).ok()).or(world.accept_limit()).unwrap_or(0);
    let next = step(fresh(asked.backlog, now).unwrap_or(told)).min(LARGEST_BACKLOG);
    asked.backlog = Some((now, next));
    Command::Listen(next as i32)
}

fn arrivals(asked: &mut PendingSettings, now: Stamp, knobs: &Knobs, more: bool) -> Command {
    let told = (knobs.arrivals, knobs.rate);
    let (pattern, rate) = fresh(asked.arrivals.map(|(at, pattern, rate)| (at, (pattern, rate))), now).unwrap_or(told);
    let count = if more { steps::count_above } else { steps::count_below };
    let (pattern, rate) = match pattern {
        Arrivals::Steady | Arrivals::Poisson if more => (pattern, steps::rate_above(rate).unwrap_or(rate)),
        Arrivals::Steady | Arrivals::Poisson => (pattern, steps::rate_below(rate).unwrap_or(0.0)),
        Arrivals::Burst { size, period } => (Arrivals::Burst { size: count(size), period }, rate),
        Arrivals::Wave { size, period } => (Arrivals::Wave { size: count(size), period }, rate),
    };
    asked.arrivals = Some((now, pattern, rate));
    match pattern {
        Arrivals::Steady | Arrivals::Poisson => Command::Rate(rate),
        pattern => Command::Arrivals(pattern),
    }
}

fn accept_rate(asked: &mut PendingSettings, now: Stamp, knobs: &Knobs, faster: bool) -> Command {
    let current = fresh(asked.accept_rate, now).unwrap_or(knobs.accept_rate);
    let next = match (current, faster) {
        (AcceptRate::Paused, false) => AcceptRate::Paused,
        (AcceptRate::Paused, true) => steps::rate_above(0.0).map_or(AcceptRate::Paused, AcceptRate::PerSecond),
        (AcceptRate::Max, false) => AcceptRate::PerSecond(USUAL_ACCEPT_RATE),
        (AcceptRate::Max, true) => AcceptRate::Max,
        (AcceptRate::PerSecond(rate), true) => steps::rate_above(rate).map_or(AcceptRate::Max, AcceptRate::PerSecond),
        (AcceptRate::PerSecond(rate), false) => {
            steps::rate_below(rate).map_or(AcceptRate::Paused, AcceptRate::PerSecond)
        }
    };
    asked.accept_rate = Some((now, next));
    Command::AcceptRate(next)
}

fn pause(asked: &mut PendingSettings, now: Stamp, knobs: &Knobs) -> Command {
    let current = fresh(asked.accept_rate, now).unwrap_or(knobs.accept_rate);
    let next = if current == AcceptRate::Paused {
        asked.before_pause.take().unwrap_or(AcceptRate::PerSecond(USUAL_ACCEPT_RATE))
    } else {
        asked.before_pause = Some(current);
        AcceptRate::Paused
    };
    asked.accept_rate = Some((now, next));
    Command::AcceptRate(next)
}

/// As many as both queues hold together.
fn burst(world: &World) -> u32 {
    let held = world.accept_capacity().unwrap_or(0).saturating_add(world.syn_capacity().unwrap_or(0));
    held.clamp(10, 10_000)
}

fn half_open(asked: &mut PendingSettings, now: Stamp, world: &World, knobs: &Knobs) -> Result<Command, String> {
    only_wire(world, say!("half-open clients need"))?;
    let share = fresh(asked.half_open, now).unwrap_or(knobs.half_open);
    let next = if share > 0.0 { 0.0 } else { 0.5 };
    asked.half_open = Some((now, next));
    Ok(Command::HalfOpen(next))
}

fn round_trip(asked: &mut PendingSettings, now: Stamp, world: &World, knobs: &Knobs) -> Result<Command, String> {
    only_wire(world, say!("a round-trip time needs"))?;
    let next = steps::round_trip_after(fresh(asked.rtt, now).unwrap_or(knobs.rtt));
    asked.rtt = Some((now, next));
    Ok(Command::Rtt(next))
}

fn only_wire(world: &World, what: &str) -> Result<(), String> {
    if world.began.as_ref().is_some_and(|began| began.clients == ClientKind::Connect) {
        return Err(say!("{what} packet-level clients: qviz --client wire (in the private network)", what));
    }
    Ok(())
}

fn sysctl(
    asked: &mut PendingSettings,
    now: Stamp,
    world: &World,
    (name, values): (Sysctl, i64),
) -> Result<Command, String> {
    if world.began.as_ref().is_some_and(|began| began.environment == Environment::Host) {
        let sysctl = name.name();
        return Err(say!(
            "{sysctl} belongs to this host; qviz never changes it (qviz doctor: how to get the lab)",
            sysctl
        ));
    }
    let asked_before = asked.sysctl.filter(|(_, which, _)| *which == name).map(|(at, _, value)| (at, value));
    let told = fresh(asked_before, now).or(world.sysctls.value(name));
    let Some(value) = told else { return Err(say!("this kernel does not show {sysctl}", sysctl = name.name())) };
    let next = (value + 1).rem_euclid(values);
    asked.sysctl = Some((now, name, next));
    Ok(Command::Sysctl(name, next))
}
