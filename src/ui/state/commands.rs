//! From a key to a command: the next value of a knob, or a message why there is none.

use std::time::Duration;

use crate::fold::connection::Connection;
use crate::fold::world::World;
use crate::model::client_clock::StepCommand;
use crate::model::command::Command;
use crate::model::event::Environment;
use crate::model::peer::Peer;
use crate::model::settings::{AcceptRate, Arrivals, Knobs, Sysctl};
use crate::model::stamp::Stamp;
use crate::say;
use crate::ui::keymap::Action;
use crate::ui::steps;

/// How long a requested value is assumed to be in force although no fact has confirmed it: long enough for a key that is held down,
/// short enough for a refusal.
const CONFIRMATION_TIMEOUT: Duration = Duration::from_millis(400);

/// The largest backlog that a key asks for.
const LARGEST_BACKLOG: u32 = 65_535;

/// The accept rate from which a paused server goes on when no earlier one is known, and the one below "as fast as possible".
const USUAL_ACCEPT_RATE: f64 = 8.0;

/// The last requested value of each knob, until facts have had the time to confirm it.
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
    pending: &mut PendingSettings,
    (live, chosen): (bool, Option<Peer>),
    action: Action,
    now: Stamp,
    world: &World,
) -> Result<Vec<Command>, String> {
    if !live {
        let why = say!("this is a recording: what happened cannot be changed. Space, ←→ and { } play it; live: qviz");
        return Err(why.into());
    }
    let Some(knobs) = &world.knobs else { return Err(say!("the lab is not ready yet").into()) };
    let command = match action {
        Action::BacklogDown => backlog(pending, now, world, steps::count_below),
        Action::BacklogUp => backlog(pending, now, world, steps::count_above),
        Action::ArrivalsUp => arrivals(pending, now, knobs, true),
        Action::ArrivalsDown => arrivals(pending, now, knobs, false),
        Action::AcceptSlower => accept_rate(pending, now, knobs, false),
        Action::AcceptFaster => accept_rate(pending, now, knobs, true),
        Action::PauseAccept => pause(pending, now, knobs),
        Action::Burst => Command::Burst(burst(world)),
        Action::HalfOpen => half_open(pending, now, knobs),
        Action::RoundTrip => round_trip(pending, now, world, knobs)?,
        Action::Step => {
            only_in_lab(world, say!("step mode needs"))?;
            Command::Step(if world.tempo.held { StepCommand::Go } else { StepCommand::Hold })
        }
        Action::Next => {
            only_in_lab(world, say!("step mode needs"))?;
            Command::Step(StepCommand::Next)
        }
        Action::AcceptOne => Command::AcceptOne,
        Action::Lose => Command::Lose(client(world, chosen)?),
        Action::Hold => Command::Hold(client(world, chosen)?),
        Action::Slow => {
            only_in_lab(world, say!("slow motion needs"))?;
            Command::Pace(steps::pace_after(world.tempo.pace))
        }
        Action::Cookies => sysctl(pending, now, world, (Sysctl::Syncookies, 3))?,
        Action::Overflow => sysctl(pending, now, world, (Sysctl::AbortOnOverflow, 2))?,
        _ => return Ok(Vec::new()),
    };
    if is_in_force(&command, knobs, world) {
        return Err(say!("no effect: this value is at its end already").into());
    }
    Ok(vec![command])
}

/// True for a command that would change nothing.
fn is_in_force(command: &Command, knobs: &Knobs, world: &World) -> bool {
    match command {
        Command::Listen(backlog) => world.listening.is_some_and(|listening| listening.backlog == *backlog),
        Command::Rate(rate) => knobs.rate.to_bits() == rate.to_bits(),
        Command::Arrivals(arrivals) => knobs.arrivals == *arrivals,
        Command::AcceptRate(rate) => knobs.accept_rate == *rate,
        _ => false,
    }
}

/// The client that is chosen in the list or by its ladder.
fn client(world: &World, chosen: Option<Peer>) -> Result<Peer, String> {
    only_in_lab(world, say!("to lose or hold segments takes"))?;
    chosen.ok_or_else(|| say!("choose a client first: enter opens the list of all connections").into())
}

/// What a wish about one client's segments does, in words.
pub(super) fn about_client(command: &Command, world: &World) -> Option<String> {
    let label = |peer: &Peer| world.connection(peer).map_or_else(|| peer.to_string(), Connection::label);
    match command {
        Command::Lose(peer) => Some(say!("the next segment of {client} is lost on its way", client = label(peer))),
        Command::Hold(peer) => {
            Some(say!("the segments of {client} are held; H again lets them go", client = label(peer)))
        }
        _ => None,
    }
}

fn fresh<T: Copy>(pending: Option<(Stamp, T)>, now: Stamp) -> Option<T> {
    pending.filter(|(at, _)| now.since(*at) < CONFIRMATION_TIMEOUT).map(|(_, value)| value)
}

fn backlog(pending: &mut PendingSettings, now: Stamp, world: &World, step: fn(u32) -> u32) -> Command {
    let current =
        world.listening.map(|listening| listening.backlog).or(world.knobs.as_ref().map(|knobs| knobs.backlog));
    let current = current.and_then(|backlog| u32::try_from(backlog).ok()).or(world.accept_limit()).unwrap_or(0);
    let next = step(fresh(pending.backlog, now).unwrap_or(current)).min(LARGEST_BACKLOG);
    pending.backlog = Some((now, next));
    Command::Listen(next as i32)
}

fn arrivals(pending: &mut PendingSettings, now: Stamp, knobs: &Knobs, more: bool) -> Command {
    let current = (knobs.arrivals, knobs.rate);
    let (pattern, rate) =
        fresh(pending.arrivals.map(|(at, pattern, rate)| (at, (pattern, rate))), now).unwrap_or(current);
    let count = if more { steps::count_above } else { steps::count_below };
    let (pattern, rate) = match pattern {
        Arrivals::Steady | Arrivals::Poisson if more => (pattern, steps::rate_above(rate).unwrap_or(rate)),
        Arrivals::Steady | Arrivals::Poisson => (pattern, steps::rate_below(rate).unwrap_or(0.0)),
        Arrivals::Burst { size, period } => (Arrivals::Burst { size: count(size), period }, rate),
        Arrivals::Wave { size, period } => (Arrivals::Wave { size: count(size), period }, rate),
    };
    pending.arrivals = Some((now, pattern, rate));
    match pattern {
        Arrivals::Steady | Arrivals::Poisson => Command::Rate(rate),
        pattern => Command::Arrivals(pattern),
    }
}

fn accept_rate(pending: &mut PendingSettings, now: Stamp, knobs: &Knobs, faster: bool) -> Command {
    let current = fresh(pending.accept_rate, now).unwrap_or(knobs.accept_rate);
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
    pending.accept_rate = Some((now, next));
    Command::AcceptRate(next)
}

fn pause(pending: &mut PendingSettings, now: Stamp, knobs: &Knobs) -> Command {
    let current = fresh(pending.accept_rate, now).unwrap_or(knobs.accept_rate);
    let next = if current == AcceptRate::Paused {
        pending.before_pause.take().unwrap_or(AcceptRate::PerSecond(USUAL_ACCEPT_RATE))
    } else {
        pending.before_pause = Some(current);
        AcceptRate::Paused
    };
    pending.accept_rate = Some((now, next));
    Command::AcceptRate(next)
}

/// As many as both queues hold together.
fn burst(world: &World) -> u32 {
    let held = world.accept_capacity().unwrap_or(0).saturating_add(world.syn_capacity().unwrap_or(0));
    held.clamp(10, 10_000)
}

fn half_open(pending: &mut PendingSettings, now: Stamp, knobs: &Knobs) -> Command {
    let share = fresh(pending.half_open, now).unwrap_or(knobs.half_open);
    let next = if share > 0.0 { 0.0 } else { 0.5 };
    pending.half_open = Some((now, next));
    Command::HalfOpen(next)
}

fn round_trip(pending: &mut PendingSettings, now: Stamp, world: &World, knobs: &Knobs) -> Result<Command, String> {
    only_in_lab(world, say!("a round-trip time needs"))?;
    let next = steps::round_trip_after(fresh(pending.rtt, now).unwrap_or(knobs.rtt));
    pending.rtt = Some((now, next));
    Ok(Command::Rtt(next))
}

fn only_in_lab(world: &World, what: &str) -> Result<(), String> {
    if world.began.as_ref().is_some_and(|began| began.environment == Environment::Host) {
        return Err(say!("{what} the lab in its private network: qviz doctor", what));
    }
    Ok(())
}

fn sysctl(
    pending: &mut PendingSettings,
    now: Stamp,
    world: &World,
    (name, values): (Sysctl, i64),
) -> Result<Command, String> {
    let sysctl = name.name();
    match world.began.as_ref().map(|began| began.environment) {
        Some(Environment::Host) => {
            return Err(say!("{sysctl} belongs to this host, so it stays: qviz doctor", sysctl));
        }
        Some(Environment::Here) => {
            return Err(say!("{sysctl} belongs to this netns, so it stays: qviz doctor", sysctl));
        }
        Some(Environment::Lab) | None => {}
    }
    let asked_before = pending.sysctl.filter(|(_, which, _)| *which == name).map(|(at, _, value)| (at, value));
    let current = fresh(asked_before, now).or(world.sysctls.value(name));
    let Some(value) = current else { return Err(say!("this kernel does not show {sysctl}", sysctl = name.name())) };
    let next = (value + 1).rem_euclid(values);
    pending.sysctl = Some((now, name, next));
    Ok(Command::Sysctl(name, next))
}
