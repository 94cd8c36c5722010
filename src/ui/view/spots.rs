//! What stands where on a frame: noted by the areas while they paint it, so that a mouse hits what the eye sees.

use ratatui::layout::{Position, Rect};

use crate::fold::connection::Connection;
use crate::model::peer::Peer;
use crate::ui::keymap::Action;
use crate::ui::state::Panel;

/// What a click asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The ladder of this connection.
    Connection(Peer, Option<u32>),
    /// What a key asks for.
    Key(Action),
    /// This panel.
    Panel(Panel),
}

/// What a wheel turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roll {
    /// Rows of the list, or lines of the ladder.
    Rows,
    /// What happened lately.
    Notes,
    /// The timeline, back in time and forth.
    Timeline,
}

#[derive(Clone, Copy, Debug)]
enum Use {
    Click(Target),
    Wheel(Roll),
    /// Something lies over what was there.
    Cover,
}

/// The places of one frame; later ones lie over earlier ones.
#[derive(Clone, Debug, Default)]
pub struct Spots(Vec<(Rect, Use)>);

impl Spots {
    /// What a click there asks for.
    pub fn click(&self, at: Position) -> Option<Target> {
        self.over(at).find_map(|place| match place {
            Use::Click(target) => Some(Some(target)),
            Use::Cover => Some(None),
            Use::Wheel(_) => None,
        })?
    }

    /// What a wheel turns there.
    pub fn wheel(&self, at: Position) -> Option<Roll> {
        self.over(at).find_map(|place| match place {
            Use::Wheel(roll) => Some(Some(roll)),
            Use::Cover => Some(None),
            Use::Click(_) => None,
        })?
    }

    /// Each place that can be clicked, in the order in which they were painted.
    pub fn clicks(&self) -> impl Iterator<Item = (Rect, Target)> + '_ {
        self.0.iter().filter_map(|(area, place)| match place {
            Use::Click(target) => Some((*area, *target)),
            _ => None,
        })
    }

    pub(super) fn note(&mut self, area: Rect, target: Target) {
        self.0.push((area, Use::Click(target)));
    }

    pub(super) fn connection(&mut self, area: Rect, one: &Connection) {
        self.note(area, Target::Connection(one.peer, one.id));
    }

    pub(super) fn roll(&mut self, area: Rect, roll: Roll) {
        self.0.push((area, Use::Wheel(roll)));
    }

    pub(super) fn cover(&mut self, area: Rect) {
        self.0.push((area, Use::Cover));
    }

    fn over(&self, at: Position) -> impl Iterator<Item = Use> {
        self.0.iter().rev().filter(move |(area, _)| area.contains(at)).map(|(_, place)| *place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_above_is_hit_first_and_a_cover_hides_what_is_below() {
        let mut spots = Spots::default();
        let (whole, part) = (Rect::new(0, 0, 9, 9), Rect::new(2, 2, 3, 3));
        spots.roll(whole, Roll::Notes);
        spots.note(whole, Target::Panel(Panel::Notes));
        spots.note(part, Target::Key(Action::Help));
        let (inside, outside) = (Position::new(3, 3), Position::new(8, 8));
        assert_eq!(spots.click(inside), Some(Target::Key(Action::Help)));
        assert_eq!((spots.click(outside), spots.wheel(inside)), (Some(Target::Panel(Panel::Notes)), Some(Roll::Notes)));
        spots.cover(part);
        assert_eq!((spots.click(inside), spots.wheel(inside)), (None, None));
        assert_eq!(spots.click(Position::new(9, 9)), None, "beyond every place");
    }
}
