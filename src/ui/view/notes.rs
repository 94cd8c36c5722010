//! What happened lately, newest first, in words.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Scene, text};
use crate::fold::connection;
use crate::fold::world::note::{Note, NoteSubject};
use crate::model::cause::Cause;
use crate::say;
use crate::ui::hit_map::Scroll;
use crate::ui::numbers;
use crate::ui::theme::{Meaning, ascii};

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let theme = scene.theme;
    let above = scene.state.notes_above.min(scene.world.notes.len().saturating_sub(1));
    let newer = if above > 0 { say!("↑ {above} newer", above) } else { String::new() };
    let inner = text::frame(buf, area, (say!("WHAT HAPPENED"), theme.strong()), (&newer, theme.strong()), theme.calm());
    scene.hit_map.borrow_mut().scroll(area, Scroll::Notes);
    for (row, (at, note)) in (0..inner.height).zip(scene.world.notes.iter().rev().skip(above)) {
        let (who, text, meaning) = words(note);
        let name = who.map_or_else(|| "  ".into(), name);
        let style = meaning.map_or(Style::new(), |meaning| theme.text(meaning));
        let col = text::write(buf, inner, (0, row), &format!("{} ", numbers::moment(*at)), theme.calm());
        let col = text::write(buf, inner, (col, row), &format!("{name} "), theme.strong());
        text::write(
            buf,
            inner,
            (col, row),
            &text::fit(&ascii::written_out(&text, theme.ascii), inner.width.saturating_sub(col)),
            style,
        );
    }
}

pub(super) fn name(who: NoteSubject) -> String {
    who.id.map_or_else(|| format!("{:02}", who.peer.port() % 100), connection::label)
}

fn words(note: &Note) -> (Option<NoteSubject>, String, Option<Meaning>) {
    match note {
        Note::HalfOpen { who, place } => (Some(*who), say!("→ SYN queue, place {place}", place), None),
        Note::Cookie { who } => (Some(*who), say!("¤ answered with a SYN cookie").into(), Some(Meaning::Travelling)),
        Note::Queued { who, place } => (Some(*who), say!("→ accept queue, place {place}", place), None),
        Note::Accepted { who, waited_us } => {
            let waited = waited_us.map_or_else(String::new, |us| {
                say!(" after {time}", time = numbers::span(std::time::Duration::from_micros(us)))
            });
            (Some(*who), format!("✓ accept(){waited}"), Some(Meaning::Served))
        }
        Note::Dropped { who, cause, attempt } => {
            (Some(*who), format!("✗ {}", loss(*cause, *attempt)), Some(Meaning::Lost))
        }
        Note::Healed { who, phantom: false } => {
            (Some(*who), say!("● no longer a ghost: now queued").into(), Some(Meaning::Divergent))
        }
        Note::Healed { who, phantom: true } => {
            (Some(*who), say!("● no longer a phantom: now queued").into(), Some(Meaning::Divergent))
        }
        Note::GaveUp { who } => (Some(*who), say!("⊘ gave up: ETIMEDOUT").into(), Some(Meaning::Lost)),
        Note::Reset { who } => (Some(*who), say!("↯ received a RST").into(), Some(Meaning::Lost)),
        Note::Listened { backlog, limit } => {
            let limit = limit.map_or_else(|| numbers::UNKNOWN.into(), |limit| limit.to_string());
            (None, say!("▲ listen({backlog}): limit {limit}", backlog, limit), None)
        }
        Note::Stepped { who, outcome: thing } => (None, format!("‖ {}", thing.words(&name(*who))), None),
        Note::Changed(what) => (None, format!("▲ {what}"), None),
        Note::Refused(why) => (None, format!("▲ {why}"), Some(Meaning::Divergent)),
    }
}

fn loss(cause: Cause, attempt: u16) -> String {
    let what = match cause {
        Cause::SynAcceptQueueFull => say!("SYN: accept queue full"),
        Cause::SynSynQueueFull => say!("SYN: SYN queue full"),
        Cause::SynMaxSynBacklog => say!("SYN: ¾ rule (max_syn_backlog)"),
        cause => cause.words(),
    };
    match cause {
        Cause::AckAcceptQueueFull => say!("ACK ignored, queue full: ghost").into(),
        Cause::AckCookieAcceptQueueFull => say!("cookie ACK, queue full: phantom").into(),
        Cause::AckReset => say!("ACK, queue full: RST").into(),
        _ if attempt > 1 => say!("{nth} {what}", nth = numbers::ordinal(attempt), what = what),
        _ => what.into(),
    }
}
