//! What a painted frame reports: the areas of clickable and scrollable elements, noted where they are painted, and how
//! much there is to show. The view makes it, the loop keeps it, keys and mouse are resolved with it.

use ratatui::layout::{Position, Rect};

use super::keymap::Action;
use super::panel::Panel;
use crate::fold::connection::Connection;
use crate::model::peer::Peer;

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

impl Target {
    /// The ladder of a connection.
    pub const fn of(connection: &Connection) -> Self {
        Self::Connection(connection.peer, connection.id)
    }
}

/// What a wheel turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scroll {
    /// Rows of the list, or lines of the ladder.
    Rows,
    /// What happened lately.
    Notes,
    /// The timeline, back in time and forth.
    Timeline,
}

/// A frame as far as keys and mouse need it; the default is that of a screen on which nothing has been drawn.
#[derive(Clone, Debug, Default)]
pub struct FrameInfo {
    /// The clickable and scrollable areas.
    pub hit_map: HitMap,
    /// The columns of the timeline's plot; `None` where no timeline is on the screen.
    pub plot_width: Option<u16>,
    /// How many pages the help has, whether it is open or not.
    pub help_pages: usize,
    /// True where several panels are side by side.
    pub many_panels: bool,
}

#[derive(Clone, Copy, Debug)]
enum Use {
    Click(Target),
    Wheel(Scroll),
    /// An overlay hides what was there.
    Cover,
}

/// The places of one frame; later ones lie over earlier ones.
#[derive(Clone, Debug, Default)]
pub struct HitMap(Vec<(Rect, Use)>);

impl HitMap {
    /// What a click there asks for.
    pub fn click(&self, at: Position) -> Option<Target> {
        self.over(at).find_map(|place| match place {
            Use::Click(target) => Some(Some(target)),
            Use::Cover => Some(None),
            Use::Wheel(_) => None,
        })?
    }

    /// What a wheel turns there.
    pub fn wheel(&self, at: Position) -> Option<Scroll> {
        self.over(at).find_map(|place| match place {
            Use::Wheel(scroll) => Some(Some(scroll)),
            Use::Cover => Some(None),
            Use::Click(_) => None,
        })?
    }

    /// Each place that can be clicked, in the order in which they were painted.
    #[cfg(any(test, feature = "internals"))]
    pub fn clicks(&self) -> impl Iterator<Item = (Rect, Target)> + '_ {
        self.0.iter().filter_map(|(area, place)| match place {
            Use::Click(target) => Some((*area, *target)),
            _ => None,
        })
    }

    pub(super) fn note(&mut self, area: Rect, target: Target) {
        self.0.push((area, Use::Click(target)));
    }

    pub(super) fn connection(&mut self, area: Rect, connection: &Connection) {
        self.note(area, Target::of(connection));
    }

    pub(super) fn scroll(&mut self, area: Rect, scroll: Scroll) {
        self.0.push((area, Use::Wheel(scroll)));
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
        let mut map = HitMap::default();
        let (whole, part) = (Rect::new(0, 0, 9, 9), Rect::new(2, 2, 3, 3));
        map.scroll(whole, Scroll::Notes);
        map.note(whole, Target::Panel(Panel::Notes));
        map.note(part, Target::Key(Action::Help));
        let (inside, outside) = (Position::new(3, 3), Position::new(8, 8));
        assert_eq!(map.click(inside), Some(Target::Key(Action::Help)));
        assert_eq!((map.click(outside), map.wheel(inside)), (Some(Target::Panel(Panel::Notes)), Some(Scroll::Notes)));
        map.cover(part);
        assert_eq!((map.click(inside), map.wheel(inside)), (None, None));
        assert_eq!(map.click(Position::new(9, 9)), None, "beyond every place");
    }
}
