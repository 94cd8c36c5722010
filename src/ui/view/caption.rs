//! One sentence on the present state: a message, a finding, or what the queues do right now.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::placement::is_fresh;
use super::{Scene, notes, text};
use crate::fold::connection::CombinedState;
use crate::fold::finding::Severity;
use crate::fold::world::World;
use crate::fold::world::note::Note;
use crate::model::settings::{AcceptRate, Sysctl};
use crate::say;
use crate::text::lang::said;
use crate::text::wrap::split;
use crate::ui::numbers;
use crate::ui::state::Density;
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let theme = scene.theme;
    let (mark, text, style) = sentence(scene, area.width.saturating_sub(4));
    let style = if matches!(mark, "✗" | "▲") { style } else { style.patch(theme.strong()) };
    let col = text::pieces(buf, area, (1, 0), &[(mark, style), (" ", Style::new())]);
    let room = area.width.saturating_sub(col + 1);
    let (first, rest) = if area.height > 1 { split(&text, room) } else { (text.as_str(), "") };
    text::write(buf, area, (col, 0), &text::fit(first, room), style);
    text::write(buf, area, (col, 1), &text::fit(rest, room), style);
}

/// How many rows the sentence needs: two only for a long reason why the lab is not to be had, with its remedy.
pub(super) fn rows(width: u16, world: &World) -> u16 {
    let why = world.began.as_ref().and_then(|began| began.fallback.as_ref());
    if why.is_some_and(|why| text::width(&why.to_string()) + 60 > width) { 2 } else { 1 }
}

pub(super) type Sentence = (&'static str, String, Style);

/// The present state in one sentence, with a mark before it. The optional end of the sentence is left out where its text
/// has fewer `columns`.
pub(super) fn sentence(scene: &Scene<'_>, columns: u16) -> Sentence {
    message(scene)
        .or_else(|| lesson(scene))
        .or_else(|| step(scene, columns))
        .or_else(|| recent_drop(scene))
        .or_else(|| finding(scene))
        .or_else(|| disagreement(scene))
        .or_else(|| saturated(scene))
        .or_else(|| fallback(scene))
        .or_else(|| too_early(scene))
        .unwrap_or_else(|| state(scene))
}

fn message(scene: &Scene<'_>) -> Option<Sentence> {
    let warn = scene.theme.text(Meaning::Divergent);
    if let Some((_, text)) = &scene.state.message {
        return Some(("▲", text.clone(), warn));
    }
    let (at, Note::Refused(why)) = scene.world.notes.back()? else { return None };
    (scene.now.since(*at).as_secs() < 5).then(|| ("▲", why.to_string(), warn))
}

/// A lesson that waits while another screen is shown.
fn lesson(scene: &Scene<'_>) -> Option<Sentence> {
    Some(("›", scene.reminder.clone()?, scene.theme.text(Meaning::Divergent)))
}

/// Step mode: the last step, and that only the clients' clock is held.
fn step(scene: &Scene<'_>, columns: u16) -> Option<Sentence> {
    let world = scene.world;
    if !world.tempo.held || world.ended {
        return None;
    }
    let last = world.notes.iter().rev().find_map(|(_, note)| match note {
        Note::Stepped { who, outcome: thing } => Some(thing.words(&notes::name(*who))),
        _ => None,
    });
    let what = last.unwrap_or_else(|| say!("clients' time stands still; n lets one thing happen").into());
    let whole = say!("STEP · {what} · kernel timers run", what);
    let text = if text::width(&whole) <= columns { whole } else { say!("STEP · {what}", what) };
    Some(("‖", text, scene.theme.text(Meaning::Divergent)))
}

fn recent_drop(scene: &Scene<'_>) -> Option<Sentence> {
    let style = scene.theme.text(Meaning::Lost);
    let fresh: Vec<_> = scene.placement.dropped.iter().filter(|connection| is_fresh(connection, scene.now)).collect();
    let drop = fresh.first().and_then(|connection| connection.last_drop)?;
    let why = match drop.cause {
        crate::model::cause::Cause::SynAcceptQueueFull => {
            say!("accept queue full (it holds {capacity})", capacity = capacity(scene))
        }
        crate::model::cause::Cause::SynSynQueueFull => say!("SYN queue full, cookies off").into(),
        crate::model::cause::Cause::SynMaxSynBacklog => say!("tcp_max_syn_backlog, three-quarters rule").into(),
        cause => cause.words().into(),
    };
    let text = match fresh.as_slice() {
        [connection] => {
            say!("{name}'s SYN died: {why}. Nobody is told; {name} will retry.", name = connection.label(), why)
        }
        many => say!("{count} SYNs just died: {why}. Nobody is told; they retry.", count = many.len(), why),
    };
    Some(("✗", text, style))
}

fn capacity(scene: &Scene<'_>) -> String {
    scene.world.accept_capacity().map_or_else(|| numbers::UNKNOWN.into(), |capacity| capacity.to_string())
}

fn finding(scene: &Scene<'_>) -> Option<Sentence> {
    if scene.is_asked() {
        // It would give away what happens to new clients.
        return None;
    }
    let worst = scene.world.findings.iter().max_by_key(|finding| finding.severity)?;
    let meaning = if worst.severity == Severity::Problem { Meaning::Lost } else { Meaning::Divergent };
    Some(("▲", worst.sentence.to_string(), scene.theme.text(meaning)))
}

/// What looks like trouble, and needs a little more time to be sure of.
fn too_early(scene: &Scene<'_>) -> Option<Sentence> {
    // Before the first client nothing can look like trouble.
    let world = scene.world;
    let rule = world.undecided.first().filter(|_| world.is_watched() || world.clients.started > 0)?;
    let text = say!("too early to tell: {rule}", rule = said(rule).replace('-', " "));
    Some(("?", text, scene.theme.text(Meaning::Divergent)))
}

fn disagreement(scene: &Scene<'_>) -> Option<Sentence> {
    let connection = scene.placement.divergent.first()?;
    let many = scene.placement.divergent.len();
    let (name, others) =
        (connection.label(), if many > 1 { say!(" (and {count} more)", count = many - 1) } else { String::new() });
    let text = if connection.belief() == CombinedState::Phantom {
        say!("{name}{others} thinks it is connected; the server keeps nothing of it: a phantom", name, others)
    } else {
        say!("{name}{others} thinks it is connected; its ACK met a full accept queue: a ghost", name, others)
    };
    Some(("◌", text, scene.theme.text(Meaning::Divergent)))
}

fn saturated(scene: &Scene<'_>) -> Option<Sentence> {
    let text = say!("the wished rate is beyond this machine: the clients run as fast as they can");
    scene.world.losses.saturated.then(|| ("▲", text.into(), scene.theme.text(Meaning::Divergent)))
}

fn fallback(scene: &Scene<'_>) -> Option<Sentence> {
    let why = scene.world.began.as_ref()?.fallback.as_ref()?;
    let text = say!("no private network, so this host's loopback: {why}", why);
    Some(("▲", text, scene.theme.text(Meaning::Divergent)))
}

/// What the queues do right now.
fn state(scene: &Scene<'_>) -> Sentence {
    let world = scene.world;
    let lost = scene.theme.text(Meaning::Lost);
    let waiting = scene.theme.text(Meaning::Waiting(2));
    let plain = Style::new();
    let (queued, half_open) = (world.accept_queue.depth(), world.syn_queue.depth());
    if world.began.is_none() {
        return ("·", say!("starting the lab …").into(), plain);
    }
    if world.ended {
        return ("■", say!("the run is over").into(), plain);
    }
    if scene.is_asked() && (world.accept_queue.is_full() || world.syn_queue.is_full()) {
        let (text, style) = match (world.accept_queue.is_full(), world.syn_queue.is_full()) {
            (true, true) => (say!("both queues are FULL"), lost),
            (true, false) => (say!("the accept queue is FULL"), lost),
            _ => (say!("the SYN queue is FULL"), waiting),
        };
        return ("▲", text.into(), style);
    }
    if world.accept_queue.is_full() {
        let text = say!("the accept queue is FULL: new SYNs die in silence until accept() takes one");
        return ("▲", text.into(), lost);
    }
    if world.syn_queue.is_full() {
        return match world.sysctls.value(Sysctl::Syncookies) {
            Some(0) => ("▲", say!("the SYN queue is FULL and cookies are off: new SYNs die in silence").into(), lost),
            _ => (
                "¤",
                say!("the SYN queue is FULL: new SYNs get a cookie, and the server keeps nothing").into(),
                waiting,
            ),
        };
    }
    if scene.state.density == Density::Flows {
        let text = say!(
            "{queued} wait for accept(), {half_open} are half-open; too fast for single cells: flows and numbers",
            queued,
            half_open
        );
        return ("·", text, plain);
    }
    let paused = world.knobs.as_ref().is_some_and(|knobs| knobs.accept_rate == AcceptRate::Paused);
    if paused {
        let capacity = capacity(scene);
        let text = if queued == 0 {
            say!("accept() is paused").into()
        } else {
            say!("accept() is paused: finished connections pile up ({queued} of {capacity})", queued, capacity)
        };
        return ("‖", text, waiting);
    }
    let text = match (queued, half_open) {
        (0, 0) => say!("both queues are empty").into(),
        (0, _) => say!("{half_open} half-open: the server has answered and waits for their final ACK", half_open),
        (1, _) => say!("1 connection has finished its handshake and waits for accept()").into(),
        _ => say!("{queued} connections have finished their handshake and wait for accept()", queued),
    };
    ("·", text, plain)
}
