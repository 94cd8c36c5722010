//! One sentence at the top: a message, the worst finding, or what the listeners do right now.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::{Scene, ink};
use super::{names, row};
use crate::model::finding::{Finding, Severity};
use crate::model::survey::Watched;
use crate::model::world::note::Note;
use crate::ui::numbers;
use crate::ui::theme::Meaning;
use crate::ui::watch::figures;

type Sentence = (&'static str, String, Style);

/// Above all listeners.
pub(super) fn all(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let said = message(scene).or_else(|| finding(scene, figures::findings(scene.world).into_iter()));
    put(buf, area, scene, said.unwrap_or_else(|| state_of_all(scene)));
}

/// Above one listener.
pub(super) fn one(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, one: Option<&Watched>) {
    let said = message(scene).or_else(|| one.and_then(|one| gone(scene, one)));
    let said = said.or_else(|| finding(scene, scene.world.findings.iter()));
    put(buf, area, scene, said.unwrap_or_else(|| state_of_one(scene, one)));
}

fn put(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, (sign, text, style): Sentence) {
    let col = ink::pieces(buf, area, (1, 0), &[(sign, style), (" ", Style::new())]);
    let style = if sign == "·" { style } else { style.patch(scene.theme.strong()) };
    let lines = names::wrap(&text, area.width.saturating_sub(col + 1), area.height);
    for (row, line) in (0..area.height).zip(lines) {
        ink::write(buf, area, (col, row), &line, style);
    }
}

fn message(scene: &Scene<'_>) -> Option<Sentence> {
    let warn = scene.theme.text(Meaning::Otherwise);
    if let Some((_, text)) = &scene.state.message {
        return Some(("▲", text.clone(), warn));
    }
    let (at, Note::Refused(why)) = scene.world.notes.back()? else { return None };
    (scene.now.since(*at).as_secs() < 5).then(|| ("▲", why.clone(), warn))
}

fn finding<'f>(scene: &Scene<'_>, findings: impl Iterator<Item = &'f Finding>) -> Option<Sentence> {
    // Of equally grave ones the first: the rules stand in the order of their urgency.
    let worst = findings.reduce(|worst, next| if next.severity > worst.severity { next } else { worst })?;
    let meaning = if worst.severity == Severity::Problem { Meaning::Dying } else { Meaning::Otherwise };
    Some(("▲", worst.sentence.clone(), scene.theme.text(meaning)))
}

fn gone(scene: &Scene<'_>, one: &Watched) -> Option<Sentence> {
    let since = scene.now.since(one.gone?);
    let text = format!(
        "this listener is gone since {}: closed, or its process has ended; a new one at the same address is followed",
        numbers::span(since)
    );
    Some(("■", text, scene.theme.text(Meaning::Otherwise)))
}

/// What all listeners do right now.
fn state_of_all(scene: &Scene<'_>) -> Sentence {
    let survey = scene.state.watch.survey(scene.world);
    let now = scene.state.watch.moment(scene.now);
    let living = || survey.listeners.values().filter(|one| one.gone.is_none());
    let full: Vec<&Watched> = living().filter(|one| one.is_full()).collect();
    if let Some(worst) = full.iter().copied().max_by_key(|one| (figures::fullness(one), one.full(now))) {
        let others = match full.len() {
            1 => String::new(),
            many => format!("{many} listeners are FULL; the worst: "),
        };
        let text = format!(
            "{others}{} of {} is FULL for {}: new clients are dropped in silence until it calls accept()",
            row::place_of(worst),
            row::owner(worst),
            numbers::span(worst.full_since.map_or_else(Default::default, |since| now.since(since))),
        );
        return ("▲", text, scene.theme.text(Meaning::Dying));
    }
    let fullest = living().max_by_key(|one| figures::fullness(one)).filter(|one| figures::fullness(one) > 0);
    let text = match fullest {
        Some(one) => format!(
            "no queue is full; the fullest is {} of {} with {} of {}",
            row::place_of(one),
            row::owner(one),
            one.reading.queue.depth.unwrap_or(0),
            one.capacity().unwrap_or(0)
        ),
        None if survey.listeners.is_empty() => "looking for listeners …".into(),
        None => "every accept queue is empty: nobody waits for accept()".into(),
    };
    ("·", text, Style::new())
}

/// What one listener does right now.
fn state_of_one(scene: &Scene<'_>, one: Option<&Watched>) -> Sentence {
    let Some(one) = one else { return ("·", "waiting for the listener …".into(), Style::new()) };
    let depth = one.reading.queue.depth.unwrap_or(0);
    let capacity = one.capacity().map_or_else(|| numbers::UNKNOWN.into(), |capacity| capacity.to_string());
    if one.is_full() {
        let unix = one.reading.address.port().is_none();
        let fate = if unix { "connect() blocks or fails with EAGAIN" } else { "new SYNs are dropped in silence" };
        let text = format!("the accept queue is FULL ({depth} of {capacity}): {fate} until it calls accept()");
        return ("▲", text, scene.theme.text(Meaning::Dying));
    }
    let text = match depth {
        0 => "nobody waits: each connection is accepted at once".into(),
        1 => format!("1 connection waits for accept(); {capacity} fit"),
        _ => format!("{depth} connections wait for accept(); {capacity} fit"),
    };
    ("·", text, Style::new())
}
