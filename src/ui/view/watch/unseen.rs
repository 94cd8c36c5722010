//! One line that says what cannot be seen here, by how much looking now and then may miss, and what would show it.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::{Scene, ink};
use super::names;
use crate::model::watch::{Owners, Rights};
use crate::ui::numbers;
use crate::ui::theme::Meaning;

/// How many rows it needs in this area: two where they are to be had.
pub(super) fn rows(area: Rect, scene: &Scene<'_>) -> u16 {
    let lines = names::wrap(&text(scene), area.width.saturating_sub(2), 2).len();
    if area.height >= 22 { lines.clamp(1, 2) as u16 } else { 1 }
}

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let lost = scene.world.losses.tap_dropped > 0;
    let style = if lost { scene.theme.text(Meaning::Otherwise) } else { scene.theme.calm() };
    let lines = names::wrap(&text(scene), area.width.saturating_sub(2), area.height);
    for (row, line) in (0..area.height).zip(lines) {
        ink::write(buf, area, (1, row), &line, style);
    }
}

fn text(scene: &Scene<'_>) -> String {
    match (scene.world.losses.tap_dropped, &scene.world.survey.watching) {
        (1.., _) => {
            let lost = numbers::count(scene.world.losses.tap_dropped);
            format!("the packet tap lost {lost} packets: arrivals are told too low")
        }
        (0, Some(watching)) => words(&watching.rights, scene.state.watch.sampling.per_s()),
        (0, None) => String::new(),
    }
}

/// What is not seen, and the remedy.
pub(super) fn words(rights: &Rights, per_s: Option<f64>) -> String {
    let span = per_s.filter(|rate| *rate > 0.0).map(|rate| numbers::span(Duration::from_secs_f64(1.0 / rate)));
    let between = span.map_or_else(|| "between two looks".to_owned(), |span| format!("shorter than {span}"));
    let mut pieces = Vec::new();
    let because = |what: String, why: &Option<String>| match why {
        Some(why) => format!("{what} ({why})"),
        None => what,
    };
    if rights.tap {
        pieces.push(format!("seen: every SYN; a queue's peak {between} can pass unseen"));
    } else {
        pieces.push(because(format!("not seen: single SYNs, and peaks {between}"), &rights.tap_refused));
    }
    if rights.owners == Owners::Own {
        pieces.push(because("owners of other users".into(), &rights.owners_refused));
    }
    pieces.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_named_with_its_remedy() {
        let refused = |why: &str| Some(why.to_owned());
        let mut rights = Rights { tap_refused: refused("sudo qviz watch"), ..Rights::default() };
        rights.owners_refused = refused("run as root");
        let text = words(&rights, Some(50.0));
        assert_eq!(
            text,
            "not seen: single SYNs, and peaks shorter than 20 ms (sudo qviz watch) · owners of other users (run as root)"
        );
        let all = Rights { tap: true, owners: Owners::All, ..Rights::default() };
        assert_eq!(words(&all, None), "seen: every SYN; a queue's peak between two looks can pass unseen");
    }
}
