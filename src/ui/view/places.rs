//! The places of a queue at any size: N + 1 of them with the limit marked between N and N + 1, the oldest connection at the right where
//! it leaves; entries beyond the capacity are drawn outside.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::letters::Letter;
use super::{Scene, text};
use crate::fold::connection::Connection;
use crate::say;
use crate::ui::hit_map::Target;
use crate::ui::numbers;
use crate::ui::state::Density;
use crate::ui::theme::Meaning;

pub(super) mod cell;

/// One connection in a place.
#[derive(Clone, Debug)]
pub(super) struct QueueSlot {
    /// Two characters, or a name in large letters.
    pub(super) name: String,
    /// How long it has waited, in four characters; or nothing.
    pub(super) age: String,
    /// A mark on its edge, or nothing.
    pub(super) mark: &'static str,
    /// The meaning of its surface colour.
    pub(super) meaning: Meaning,
    /// The meaning of its edge colour.
    pub(super) edge: Meaning,
    /// Solid, or hollow: there is less than it seems.
    pub(super) solid: bool,
    /// It came a moment ago.
    pub(super) new: bool,
    /// What a click on it asks for.
    pub(super) target: Option<Target>,
}

/// What there is to draw.
#[derive(Clone, Debug)]
pub(super) struct SlotRow {
    /// The entries known by name, oldest first.
    pub(super) entries: Vec<QueueSlot>,
    /// The number of entries, which may be more than those known by name.
    pub(super) depth: u32,
    /// How many fit; `None`: unknown.
    pub(super) capacity: Option<u32>,
    /// After how many the limit is marked.
    pub(super) limit: Option<u32>,
}

/// The size of one place, and of the name in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) width: u16,
    pub(super) height: u16,
    letter: Letter,
    /// To be seen from the last row of a room.
    loud: bool,
}

impl Shape {
    pub(super) const LARGE: Self = Self::loud(29, 10, Letter::Large);
    pub(super) const MEDIUM: Self = Self::loud(20, 7, Letter::Medium);
    pub(super) const SMALL: Self = Self::loud(12, 5, Letter::Small);
    pub(super) const PLAIN: Self = Self::loud(8, 3, Letter::Plain);
    /// The largest place where nothing is large.
    pub(super) const USUAL: Self = Self::usual(10, 5);

    /// What the stage makes room for, the largest first: the smallest place with an edge, a name, a mark.
    pub(super) const STACKED: [Self; 3] = [Self::usual(4, 3), Self::usual(3, 1), Self::usual(1, 1)];

    const ALL: [Self; 9] = [
        Self::LARGE,
        Self::MEDIUM,
        Self::SMALL,
        Self::PLAIN,
        Self::USUAL,
        Self::usual(6, 3),
        Self::usual(4, 3),
        Self::usual(3, 1),
        Self::usual(1, 1),
    ];

    const fn loud(width: u16, height: u16, letter: Letter) -> Self {
        Self { width, height, letter, loud: true }
    }

    const fn usual(width: u16, height: u16) -> Self {
        Self { width, height, letter: Letter::Plain, loud: false }
    }

    /// The largest shape, this one at most, of which so many fit into an area; `None` when not even marks fit.
    fn fitting(self, area: Rect, count: usize) -> Option<Self> {
        let smaller = Self::ALL.into_iter().skip_while(|shape| *shape != self);
        smaller.into_iter().find(|shape| area.width >= shape.width && shape.room(area) >= count)
    }

    /// What of its place a connection fills: where places are filled, a column between them stays free.
    fn surface(self, place: Rect) -> Rect {
        Rect { width: place.width - self.gap(), ..place }
    }

    /// How many fit into an area.
    fn room(self, area: Rect) -> usize {
        usize::from(area.width / self.width) * usize::from((area.height + self.gap()) / self.pitch())
    }

    /// A row between filled places, so that each is seen as one; those with an edge need none.
    fn gap(self) -> u16 {
        u16::from(self.letter > Letter::Plain)
    }

    /// Rows from one place to the next below it.
    fn pitch(self) -> u16 {
        self.height + self.gap()
    }
}

/// The hue of a connection, wherever it is.
pub(super) fn hue(connection: &Connection) -> Meaning {
    Meaning::Identity(connection.id.unwrap_or_else(|| connection.peer.port().into()))
}

/// An entry whose name is not known: the sum is right, the detail was left out.
fn unnamed() -> QueueSlot {
    let meaning = Meaning::Waiting(1);
    let (name, age) = ("··".into(), String::new());
    QueueSlot { name, age, mark: "", meaning, edge: meaning, solid: true, new: false, target: None }
}

/// Draws the places into `area`, as large as all of them fit, `most` at most; returns how many rows they took.
pub(super) fn paint(buf: &mut Buffer, area: Rect, most: Shape, places: &SlotRow, scene: &Scene<'_>) -> u16 {
    let count = places.capacity.unwrap_or(0).max(places.depth).max(places.entries.len() as u32);
    let flows = most.loud && scene.state.density == Density::Flows;
    let Some(shape) = most.fitting(area, count as usize).filter(|_| !flows) else {
        return bar(buf, area, most, places, scene);
    };
    let per_row = u32::from(area.width / shape.width);
    let rows = count.div_ceil(per_row) as u16;
    let spare = area.height + shape.gap() - rows * shape.pitch();
    let top = area.y + if shape.loud { spare.min(1) } else { 0 };
    for index in 0..count {
        let (row, col) = (index / per_row, index % per_row);
        // The last place is farthest from the exit, also in a row that is not whole.
        let col = if row + 1 == u32::from(rows) && rows > 1 { col + per_row - (count - row * per_row) } else { col };
        let left = area.right() - (col as u16 + 1) * shape.width;
        let place = Rect::new(left, top + row as u16 * shape.pitch(), shape.width, shape.height);
        let slot = places.entries.get(index as usize).cloned();
        match slot.or_else(|| (index < places.depth).then(unnamed)) {
            Some(mut slot) => {
                if places.capacity.is_some_and(|capacity| index >= capacity) {
                    slot.edge = Meaning::Lost;
                    slot.meaning = if shape.loud { slot.meaning } else { Meaning::Lost };
                }
                cell::paint(buf, place, shape, &slot, scene);
            }
            None => cell::empty(buf, shape.surface(place), scene, places.limit == Some(index)),
        }
        if places.limit == Some(index) && shape.width > 1 {
            for row in 0..shape.height {
                text::write(buf, place, (shape.width - 1, row), "┃", scene.theme.strong());
            }
        }
    }
    rows * shape.pitch()
}

/// More places than cells on the screen, or too fast to follow: a bar that fills from the right, where the queue is emptied;
/// with numbers where they are not above it in large digits.
fn bar(buf: &mut Buffer, area: Rect, most: Shape, places: &SlotRow, scene: &Scene<'_>) -> u16 {
    let theme = scene.theme;
    let capacity = places.capacity.unwrap_or(0);
    let whole = u64::from(capacity.max(places.depth)).max(1);
    let columns_of = |count: u32| (u64::from(count) * u64::from(area.width)).div_ceil(whole) as u16;
    let filled = columns_of(places.depth);
    let full = places.capacity.is_some_and(|capacity| places.depth >= capacity);
    let style = theme.text(if full { Meaning::Lost } else { Meaning::Waiting(2) });
    let limit = (area.width - columns_of(capacity)).min(area.width.saturating_sub(1));
    let rows = if most.loud { 1..area.height.saturating_sub(1) } else { 0..area.height.min(3) };
    for row in rows.clone() {
        text::write(buf, area, (0, row), &"·".repeat(usize::from(area.width - filled)), theme.calm());
        text::write(buf, area, (area.width - filled, row), &"█".repeat(usize::from(filled)), style);
        text::write(buf, area, (limit, row), "┃", theme.strong());
    }
    if !most.loud {
        let (depth, all) = (numbers::count(places.depth.into()), numbers::count(capacity.into()));
        text::right(buf, area, rows.end, &say!("{depth} of {all} places", depth, all), theme.strong());
    }
    rows.end + 1
}

/// Slots from the left, in rows, as large as a place may be; the last one says how many more there are.
pub(super) fn paint_from_left(buf: &mut Buffer, area: Rect, most: Shape, slots: &[QueueSlot], scene: &Scene<'_>) {
    let Some(shape) = most.fitting(area, 1).filter(|shape| shape.loud) else { return };
    let room = shape.room(area);
    let shown = if slots.len() > room { room - 1 } else { slots.len() };
    let per_row = area.width / shape.width;
    let place = |index: usize| {
        let (row, col) = (index as u16 / per_row, index as u16 % per_row);
        Rect::new(area.x + col * shape.width, area.y + row * shape.pitch(), shape.width, shape.height)
    };
    for (index, slot) in slots[..shown].iter().enumerate() {
        cell::paint(buf, place(index), shape, slot, scene);
    }
    if shown < slots.len() {
        let place = shape.surface(place(shown));
        let inner = Rect::new(place.x + 1, place.y + 1, place.width - 2, place.height - 2);
        let text = format!("+{}", slots.len() - shown);
        scene.large_text(shape.letter, scene.theme.strong()).fit(buf, inner, &text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_shrink_only_when_they_must() {
        let chosen =
            |width, height, count| Shape::USUAL.fitting(Rect::new(0, 0, width, height), count).map(|shape| shape.width);
        assert_eq!(chosen(36, 6, 6), Some(6));
        assert_eq!(chosen(24, 4, 6), Some(4));
        assert_eq!(chosen(36, 6, 12), Some(6));
        assert_eq!(chosen(36, 6, 60), Some(3));
        assert_eq!(chosen(36, 6, 129), Some(1));
        assert_eq!(chosen(36, 6, 4097), None);
    }

    #[test]
    fn large_places_are_as_large_as_all_of_them_fit() {
        let area = Rect::new(0, 0, 90, 21);
        assert_eq!(Shape::LARGE.fitting(area, 6), Some(Shape::LARGE));
        assert_eq!(Shape::LARGE.fitting(Rect { height: 20, ..area }, 6), Some(Shape::MEDIUM), "a row between them");
        assert_eq!(Shape::LARGE.fitting(area, 7), Some(Shape::MEDIUM));
        assert_eq!(Shape::SMALL.fitting(area, 6), Some(Shape::SMALL));
        assert_eq!(Shape::LARGE.fitting(area, 129).map(|shape| shape.width), Some(4));
    }
}
