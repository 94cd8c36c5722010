//! What a key did, in words, for a moment at the foot of the screen; and what could not be done.

use std::time::Duration;

use ratatui::style::Style;

use super::Scene;
use crate::fold::world::World;
use crate::fold::world::note::Note;
use crate::model::settings::{AcceptRate, Sysctl};
use crate::model::stamp::Stamp;
use crate::say;
use crate::ui::keymap::Action;
use crate::ui::numbers;
use crate::ui::state::CONFIRMED_FOR;
use crate::ui::theme::Meaning;

/// A mark, words, and their style.
pub(super) type Toast = (&'static str, String, Style);

/// The words that stand in the place of the keys, if there are any.
pub(super) fn of(scene: &Scene<'_>) -> Option<Toast> {
    let warn = scene.theme.text(Meaning::Divergent);
    if let Some((_, text)) = &scene.state.message {
        return Some(("▲", text.clone(), warn));
    }
    if let Some((_, text)) = &scene.state.confirmed {
        return Some(("✓", text.clone(), scene.theme.strong()));
    }
    let (world, now) = scene.live;
    if let Some((at, Note::Refused(why))) = world.notes.back()
        && now.since(*at) < REFUSAL
    {
        return Some(("▲", why.to_string(), warn));
    }
    let (pressed, action) = scene.state.asked?;
    let done = carried_out(world, pressed, action)?;
    (now.since(done) < CONFIRMED_FOR)
        .then(|| effect(scene, action))
        .flatten()
        .map(|text| ("✓", text, scene.theme.strong()))
}

/// When what a key asked for was carried out, as a fact says; a burst is known by its clients alone, the pace of the clients' time by
/// that time.
fn carried_out(world: &World, pressed: Stamp, action: Action) -> Option<Stamp> {
    match action {
        Action::Burst => return Some(pressed),
        Action::Step | Action::Slow => return (world.tempo.since >= pressed).then_some(world.tempo.since),
        _ => {}
    }
    let is_change = |note: &Note| matches!(note, Note::Changed(_) | Note::Listened { .. });
    world.notes.iter().rev().find(|(at, note)| *at >= pressed && is_change(note)).map(|(at, _)| *at)
}

/// What is so now that a key was carried out.
fn effect(scene: &Scene<'_>, action: Action) -> Option<String> {
    let (world, _) = scene.live;
    let knobs = world.knobs.as_ref()?;
    Some(match action {
        Action::BacklogUp | Action::BacklogDown => backlog(world, scene.conceals() || scene.is_asked()),
        Action::ArrivalsUp | Action::ArrivalsDown => {
            say!("clients arrive: {rate}", rate = numbers::arrivals(knobs))
        }
        Action::AcceptFaster | Action::AcceptSlower | Action::PauseAccept => accept(knobs.accept_rate),
        Action::Burst => say!("a burst: many clients at once").into(),
        Action::HalfOpen => {
            let share = format!("{:.0}", knobs.half_open * 100.0);
            say!("half-open clients: {share} % never send their final ACK", share)
        }
        Action::RoundTrip => {
            say!("round trip = {time}: a request stays in the SYN queue for as long", time = numbers::span(knobs.rtt))
        }
        Action::Step if world.tempo.held => {
            say!("client time is paused: n is the next event, a calls accept() once").into()
        }
        Action::Step => say!("client time runs again").into(),
        Action::Slow => {
            say!("the clients' time runs at {pace}×; the kernel's timers keep theirs", pace = world.tempo.pace)
        }
        Action::Cookies => cookies(world.sysctls.value(Sysctl::Syncookies)?),
        Action::Overflow => overflow(world.sysctls.value(Sysctl::AbortOnOverflow)?),
        _ => return None,
    })
}

/// What `listen()` was called with, and how many fit, where no lesson asks for that.
fn backlog(world: &World, concealed: bool) -> String {
    let asked = world.listening.map_or(0, |listening| listening.backlog);
    if concealed {
        return format!("listen({asked})");
    }
    let holds = world.accept_capacity().map_or_else(|| numbers::UNKNOWN.into(), |capacity| capacity.to_string());
    say!("listen({asked}): the accept queue holds {holds}", asked, holds)
}

fn accept(rate: AcceptRate) -> String {
    match rate {
        AcceptRate::Paused => say!("accept() is paused: finished connections stay in the accept queue").into(),
        AcceptRate::Max => say!("accept() as fast as possible").into(),
        AcceptRate::PerSecond(_) => say!("accept() at most {rate}", rate = numbers::accepts(rate)),
    }
}

fn cookies(value: i64) -> String {
    match value {
        0 => say!("tcp_syncookies = 0: a SYN that finds the SYN queue full is dropped").into(),
        1 => say!("tcp_syncookies = 1: a SYN that finds the SYN queue full is answered with a cookie").into(),
        _ => say!("tcp_syncookies = {value}: every SYN is answered with a cookie", value),
    }
}

fn overflow(value: i64) -> String {
    if value == 0 {
        say!("tcp_abort_on_overflow = 0: a final ACK that finds the queue full is ignored").into()
    } else {
        say!("tcp_abort_on_overflow = {value}: a final ACK that finds the queue full gets a RST", value)
    }
}

/// How long a refusal stays.
const REFUSAL: Duration = Duration::from_secs(5);
