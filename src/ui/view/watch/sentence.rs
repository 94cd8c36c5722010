//! One sentence at the top: the worst finding, or what the listeners do right now.

use std::collections::BTreeSet;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::{Scene, text};
use super::{names, row};
use crate::fold::finding::{Finding, Severity};
use crate::fold::listeners::{ListenerState, Listeners};
use crate::model::stamp::Stamp;
use crate::say;
use crate::ui::numbers;
use crate::ui::theme::Meaning;
use crate::ui::view::chosen_listener::ChosenListener;
use crate::ui::watch::{Screen, figures};

type Sentence = (&'static str, String, Style);

/// The sentence above all listeners or above one.
#[derive(Debug)]
pub(super) struct Headline(Sentence);

impl Headline {
    /// About all listeners.
    pub(super) fn of_all(scene: &Scene<'_>) -> Self {
        let grave: Vec<_> =
            scene.world.findings.iter().filter(|finding| finding.severity >= Severity::Warning).collect();
        let of = |finding: &Finding| finding.subject.as_ref().map(|subject| subject.id);
        let others: BTreeSet<_> = grave.iter().map(|finding| of(finding)).collect();
        let found = grave.first().map(|worst| headline_of(scene, worst, others.len().saturating_sub(1)));
        Self(found.unwrap_or_else(|| state_of_all(scene)))
    }

    /// About one listener.
    pub(super) fn of_one(scene: &Scene<'_>, listener: Option<&ListenerState>) -> Self {
        let said = listener.and_then(|listener| gone(scene, listener));
        let found = || said_above(scene, listener).map(|worst| headline_of(scene, worst, 0));
        Self(said.or_else(found).unwrap_or_else(|| state_of_one(scene, listener)))
    }

    /// How many rows it needs in this area: three at most, where they are to be had.
    pub(super) fn rows(&self, area: Rect) -> u16 {
        let lines = names::wrap(&self.0.1, area.width.saturating_sub(MARGIN), MOST_ROWS).len();
        if area.height >= 22 { (lines as u16).clamp(1, MOST_ROWS) } else { 1 }
    }

    /// Paints it.
    pub(super) fn paint(&self, buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
        let Self((mark, text, style)) = self;
        let col = text::pieces(buf, area, (1, 0), &[(*mark, *style), (" ", Style::new())]);
        let style = if *mark == "·" { *style } else { style.patch(scene.theme.strong()) };
        let lines = names::wrap(text, area.width.saturating_sub(MARGIN), area.height);
        for (row, line) in (0..area.height).zip(lines) {
            text::write(buf, area, (col, row), &line, style);
        }
    }
}

/// What was found about one listener.
pub(super) fn findings_about<'s>(scene: &Scene<'s>, listener: Option<&ListenerState>) -> Vec<&'s Finding> {
    let detailed = ChosenListener::of(scene).detailed;
    let about = |finding: &&Finding| match (&finding.subject, listener) {
        (Some(subject), Some(listener)) => subject.id == listener.reading.id,
        (Some(_), None) => false,
        (None, _) => detailed,
    };
    let mut findings: Vec<_> = scene.world.findings.iter().filter(about).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// How long there has to be no listener before the sentence says so.
const NOTICED: Duration = Duration::from_secs(1);

/// Rows of the longest sentence.
const MOST_ROWS: u16 = 3;

/// Cells beside the text: the mark, and one on the right.
const MARGIN: u16 = 4;

/// The finding that stands above one listener. For a full queue only a problem is more important than the fact that it is full.
pub(super) fn said_above<'s>(scene: &Scene<'s>, listener: Option<&ListenerState>) -> Option<&'s Finding> {
    let listener = listener.filter(|listener| listener.gone.is_none())?;
    let least = if listener.is_full() { Severity::Problem } else { Severity::Note };
    findings_about(scene, Some(listener)).into_iter().find(|finding| finding.severity >= least)
}

/// A finding in one sentence; `others`: so many other listeners have one too.
fn headline_of(scene: &Scene<'_>, worst: &Finding, others: usize) -> Sentence {
    let meaning = if worst.severity == Severity::Problem { Meaning::Lost } else { Meaning::Divergent };
    let more = if others > 0 { say!(" (and {count} more listeners)", count = others) } else { String::new() };
    let text = match &worst.subject {
        Some(subject) if scene.state.watch.screen == Screen::All => {
            say!("{address}: {sentence}{more}", address = subject.address, sentence = worst.sentence, more)
        }
        _ => worst.sentence.to_string(),
    };
    ("▲", text, scene.theme.text(meaning))
}

fn gone(scene: &Scene<'_>, listener: &ListenerState) -> Option<Sentence> {
    let since = scene.now.since(listener.gone?);
    let text = say!(
        "this listener was closed {time} ago, or its process has ended; a new one at the same address is followed",
        time = numbers::span(since)
    );
    Some(("■", text, scene.theme.text(Meaning::Divergent)))
}

/// What all listeners do right now.
fn state_of_all(scene: &Scene<'_>) -> Sentence {
    let listeners = scene.state.watch.listeners(scene.world);
    let now = scene.state.watch.moment(scene.now);
    let open = || listeners.by_id.values().map(Box::as_ref).filter(|listener| listener.gone.is_none());
    let full: Vec<&ListenerState> = open().filter(|listener| listener.is_full()).collect();
    if let Some(worst) = full.iter().copied().max_by_key(|listener| urgency(listeners, listener, now)) {
        let others = match full.len() {
            1 => String::new(),
            many => say!("{count} listeners are full; the worst: ", count = many),
        };
        let text = say!(
            "{others}{place} of {owner}: accept queue full for {time}; new SYNs are dropped until accept() is called",
            others,
            place = row::place_of(worst),
            owner = row::owner(worst),
            time =
                numbers::span(worst.accept_queue.full_since().map_or_else(Default::default, |since| now.since(since)))
        );
        return ("▲", text, scene.theme.text(Meaning::Lost));
    }
    let fullest =
        open().max_by_key(|listener| figures::fullness(listener)).filter(|listener| figures::fullness(listener) > 0);
    let text = match fullest {
        Some(listener) => say!(
            "no queue is full; the fullest is {place} of {owner} with {depth} of {capacity}",
            place = row::place_of(listener),
            owner = row::owner(listener),
            depth = listener.reading.queue.depth.unwrap_or(0),
            capacity = listener.capacity().unwrap_or(0)
        ),
        None if open().next().is_none() && scene.now.since(listeners.since) > NOTICED => {
            say!("nothing listens here").into()
        }
        None if listeners.by_id.is_empty() => say!("looking for listeners …").into(),
        None => say!("every accept queue is empty").into(),
    };
    ("·", text, Style::new())
}

/// A listener that drops now is worse than one that is merely full.
fn urgency(listeners: &Listeners, listener: &ListenerState, now: Stamp) -> (u64, Duration) {
    ((listeners.drops_per_s(listener).unwrap_or(0.0) * 1000.0) as u64, listener.full(now))
}

/// What one listener does right now.
fn state_of_one(scene: &Scene<'_>, listener: Option<&ListenerState>) -> Sentence {
    let Some(listener) = listener else { return ("·", say!("waiting for the listener …").into(), Style::new()) };
    let depth = listener.reading.queue.depth.unwrap_or(0);
    let capacity = listener.capacity().map_or_else(|| numbers::UNKNOWN.into(), |capacity| capacity.to_string());
    if listener.is_full() {
        let unix = listener.reading.address.port().is_none();
        let fate =
            if unix { say!("connect() blocks or fails with EAGAIN") } else { say!("new SYNs are dropped, no reply") };
        let text =
            say!("accept queue full ({depth} of {capacity}): {fate} until accept() is called", depth, capacity, fate);
        return ("▲", text, scene.theme.text(Meaning::Lost));
    }
    let text = match depth {
        0 => say!("accept queue empty: each connection is accepted at once").into(),
        1 => say!("1 connection waits for accept(); {capacity} fit", capacity),
        _ => say!("{depth} connections wait for accept(); {capacity} fit", depth, capacity),
    };
    ("·", text, Style::new())
}
