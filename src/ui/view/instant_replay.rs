//! The instant replay in the place of the panels: the ladder of a dropped client, slowly.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Scene, ladder, text};
use crate::say;
use crate::ui::instant_replay::InstantReplay;
use crate::ui::numbers;
use crate::ui::theme::Meaning;

/// Draws it over an area that has room for a few lines.
pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, replay: &InstantReplay) {
    if area.height < 4 {
        return;
    }
    for place in area.intersection(buf.area).positions() {
        buf[place].reset();
    }
    let line = scene.theme.text(Meaning::Divergent);
    let now = scene.live.1;
    let moment = replay.moment(now);
    let name = replay.chosen.connection.label();
    let title = say!("INSTANT REPLAY of {name} · 0.2×", name);
    let at = say!("{moment} s · esc closes, R again", moment = numbers::moment(moment).trim());
    let inner = text::frame(buf, area, (&title, line), (&at, line), line);
    ladder::until(buf, inner, scene, (&replay.chosen, moment));
}
