//! One line on what cannot be seen here, what sampling may miss, and what would show it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::{Scene, text};
use super::names;
use crate::model::watch::{LOOK_AT_EASE, LOOK_RESTLESS, OwnerScope, Rights, TapReach};
use crate::say;
use crate::ui::numbers;
use crate::ui::theme::Meaning;

/// How many rows it needs in this area: two where they are to be had.
pub(super) fn rows(area: Rect, scene: &Scene<'_>) -> u16 {
    let lines = names::wrap(&text(scene), area.width.saturating_sub(2), 2).len();
    if area.height >= 22 { lines.clamp(1, 2) as u16 } else { 1 }
}

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let lost = scene.world.losses.tap_dropped > 0;
    let style = if lost { scene.theme.text(Meaning::Divergent) } else { scene.theme.calm() };
    let lines = names::wrap(&text(scene), area.width.saturating_sub(2), area.height);
    for (row, line) in (0..area.height).zip(lines) {
        text::write(buf, area, (1, row), &line, style);
    }
}

fn text(scene: &Scene<'_>) -> String {
    match (scene.world.losses.tap_dropped, &scene.world.listeners.watching) {
        (1.., _) => {
            let lost = numbers::count(scene.world.losses.tap_dropped);
            say!("the packet tap lost {lost} packets: arrivals are shown too low", lost)
        }
        (0, Some(_)) if scene.world.listeners.tap.reach != TapReach::default() => say!(
            "more packets than anybody can follow: arrivals from short samples, no single segments, to spare the server"
        )
        .into(),
        (0, Some(watching)) => words(&watching.rights),
        (0, None) => String::new(),
    }
}

/// What is not seen, and the remedy in few words; `qviz doctor` gives the whole reason.
fn words(rights: &Rights) -> String {
    let (ease, restless) = (LOOK_AT_EASE.as_millis(), LOOK_RESTLESS.as_millis());
    let peaks = say!("peaks between two looks ({ease} ms apart, {restless} ms once a queue fills)", ease, restless);
    let mut pieces = Vec::new();
    if !rights.tap {
        pieces.push(say!("single SYNs (root or CAP_NET_RAW shows them)"));
    }
    if rights.owners == OwnerScope::Own {
        pieces.push(say!("owners of other users (root)"));
    }
    pieces.push(&peaks);
    let why = if rights.tap && rights.owners == OwnerScope::All { "" } else { say!(" · why: qviz doctor") };
    say!("not seen: {pieces}{why}", pieces = pieces.join(" · "), why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_named_with_its_remedy() {
        let peaks = "peaks between two looks (100 ms apart, 5 ms once a queue fills)";
        assert_eq!(
            words(&Rights::default()),
            format!(
                "not seen: single SYNs (root or CAP_NET_RAW shows them) · owners of other users (root) · {peaks} · why: qviz doctor"
            )
        );
        let all = Rights { tap: true, owners: OwnerScope::All, ..Rights::default() };
        assert_eq!(words(&all), format!("not seen: {peaks}"));
    }
}
