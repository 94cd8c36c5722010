//! A held picture, and the words that say so.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::spots::Target;
use super::{Scene, ink};
use crate::ui::keymap::Action;
use crate::ui::numbers;
use crate::ui::state::Still;
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, scene: &Scene<'_>, still: &Still) {
    let common = buf.area.intersection(still.picture.area);
    for row in common.top()..common.bottom() {
        for col in common.left()..common.right() {
            buf[(col, row)] = still.picture[(col, row)].clone();
        }
    }
    if common.height == 0 {
        return;
    }
    scene.spots.borrow_mut().add(&still.spots);
    let style = scene.theme.fill(Meaning::Otherwise);
    let area = buf.area;
    ink::right(buf, area, 0, &format!(" ‖ FROZEN at {} ", numbers::clock(still.at)), style);
    let drops = scene.world.ledger.kernel_drops().saturating_sub(still.drops);
    let accepted = scene.world.clients.accepted.saturating_sub(still.accepted);
    let lab = format!(
        " ‖ frozen; the run goes on: {} accepted, {} dropped since · f goes live",
        numbers::count(accepted),
        numbers::count(drops)
    );
    let text = if scene.watches() { " ‖ frozen; the watch goes on · f goes live".into() } else { lab };
    let last = Rect { y: area.bottom() - 1, height: 1, ..area };
    let blank = " ".repeat(usize::from(area.width));
    ink::write(buf, last, (0, 0), &blank, style);
    ink::write(buf, last, (0, 0), &ink::fit(&text, area.width), style);
    let mut spots = scene.spots.borrow_mut();
    spots.cover(last);
    spots.note(last, Target::Key(Action::Freeze));
}
