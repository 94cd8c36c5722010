//! One line that says what cannot be seen here, by how much looking now and then may miss, and what would show it.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::{Scene, ink};
use crate::model::watch::{Owners, Rights};
use crate::ui::numbers;
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let Some(watching) = &scene.world.survey.watching else { return };
    let lost = scene.world.losses.tap_dropped;
    let (text, style) = if lost > 0 {
        let text = format!("the packet tap lost {} packets: arrivals are too low", numbers::count(lost));
        (text, scene.theme.text(Meaning::Otherwise))
    } else {
        (words(&watching.rights, scene.state.watch.sampling.per_s()), scene.theme.calm())
    };
    ink::write(buf, area, (1, 0), &ink::fit(&text, area.width.saturating_sub(2)), style);
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
