//! The headline: the one sentence above the picture. What it is about, and for how long, [`crate::fold::headline`] decides.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Scene, notes, text};
use crate::fold::diagnosis::Severity;
use crate::fold::director::words;
use crate::fold::headline::Story;
use crate::fold::world::World;
use crate::fold::world::note::Note;
use crate::model::cause::Cause;
use crate::say;
use crate::text::wrap::split;
use crate::ui::theme::{Meaning, ascii};

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let theme = scene.theme;
    let room = area.width.saturating_sub(4);
    let (mark, text, style) = sentence(scene, room * area.height);
    let style = if matches!(mark, "✗" | "▲") { style } else { style.patch(theme.strong()) };
    let col = text::pieces(buf, area, (1, 0), &[(mark, style), (" ", Style::new())]);
    let room = area.width.saturating_sub(col + 1);
    let (first, rest) = if area.height > 1 { split(&text, room) } else { (text.as_str(), "") };
    text::write(buf, area, (col, 0), &text::fit(first, room), style);
    text::write(buf, area, (col, 1), &text::fit(rest, room), style);
}

/// How many rows the headline has: two where a long one would be cut and the stage does not need the row.
pub(super) const fn rows(area: Rect) -> u16 {
    if area.width < 150 && area.height >= 24 { 2 } else { 1 }
}

pub(super) type Sentence = (&'static str, String, Style);

/// The headline with a mark before it; its short form where its text has fewer `columns` than it needs.
pub(super) fn sentence(scene: &Scene<'_>, columns: u16) -> Sentence {
    lesson(scene).or_else(|| step(scene)).unwrap_or_else(|| told(scene, columns))
}

/// A lesson that waits while another screen is shown.
fn lesson(scene: &Scene<'_>) -> Option<Sentence> {
    Some(("›", scene.reminder.clone()?, scene.theme.text(Meaning::Divergent)))
}

/// Step mode: what the last step did. Each of them is asked for by a key, so it is told at once.
fn step(scene: &Scene<'_>) -> Option<Sentence> {
    let world = scene.world;
    if !world.tempo.held || world.ended {
        return None;
    }
    let last = world.notes.iter().rev().find_map(|(_, note)| match note {
        Note::Stepped { who, outcome } => Some(outcome.words(&notes::name(*who))),
        _ => None,
    });
    let what = last.unwrap_or_else(|| say!("client time is paused; n: next event").into());
    Some(("‖", what, scene.theme.text(Meaning::Divergent)))
}

/// What the director tells; while a lesson asks for a prediction only how many wait where.
fn told(scene: &Scene<'_>, columns: u16) -> Sentence {
    let world = scene.world;
    let story = world.headline.shown().map_or(&Story::Starting, |shown| &shown.story);
    if scene.conceals() && !scene.is_asked() {
        let [half_open, queued] = [world.syn_queue.depth(), world.accept_queue.depth()];
        return ("·", say!("half-open: {half_open} · waiting for accept(): {queued}", half_open, queued), Style::new());
    }
    if scene.is_asked() {
        return ("?", say!("what will happen? Predict it before it does").into(), scene.theme.text(Meaning::Divergent));
    }
    // While a lesson is played, what a rule has found is for the lesson to say.
    let teaches = scene.world.lesson.as_deref().is_some_and(|progress| !progress.over);
    let story = if teaches && matches!(story, Story::Verdict(_) | Story::Greeting) { &Story::Depths } else { story };
    let [whole, short] = words::of(story, world);
    let text = if text::width(&whole) <= columns { whole } else { short };
    let text = ascii::written_out(&text, scene.theme.ascii).into_owned();
    let (mark, meaning) = look(story, world);
    (mark, text, meaning.map_or(Style::new(), |meaning| scene.theme.text(meaning)))
}

/// The mark of a story and its colour.
fn look(story: &Story, world: &World) -> (&'static str, Option<Meaning>) {
    match story {
        Story::Starting | Story::Depths => ("·", None),
        Story::Greeting => ("→", None),
        Story::Over => ("■", None),
        Story::Paused => ("‖", Some(Meaning::Waiting(2))),
        Story::Fallback | Story::Saturated => ("▲", Some(Meaning::Divergent)),
        Story::Phantoms | Story::Ghosts => ("◌", Some(Meaning::Divergent)),
        Story::Dropped(Cause::AckReset) => ("↯", Some(Meaning::Lost)),
        Story::Removed(_) => ("⊘", Some(Meaning::Lost)),
        Story::Full(_) => ("▲", Some(Meaning::Lost)),
        Story::Dropped(_) | Story::Unseen => ("✗", Some(Meaning::Lost)),
        Story::Verdict(rule) => {
            let problem = world.found.get(rule).is_some_and(|found| found.severity == Severity::Problem);
            ("▲", Some(if problem { Meaning::Lost } else { Meaning::Divergent }))
        }
    }
}
