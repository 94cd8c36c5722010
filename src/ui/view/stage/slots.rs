//! The places of a queue: N + 1 slots with the limit marked between N and N + 1, the oldest connection at the right where it
//! leaves; what is beyond the capacity stands outside.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::{Scene, ink};
use crate::say;
use crate::ui::hit_map::Target;
use crate::ui::numbers;
use crate::ui::theme::Meaning;

/// One connection in a slot.
#[derive(Clone, Debug)]
pub(in crate::ui::view) struct Tenant {
    /// Two characters.
    pub(in crate::ui::view) name: String,
    /// How long it has waited, in four characters.
    pub(in crate::ui::view) age: String,
    /// A sign on its edge, or nothing.
    pub(in crate::ui::view) sign: &'static str,
    /// What its surface says.
    pub(in crate::ui::view) meaning: Meaning,
    /// What its edge says.
    pub(in crate::ui::view) edge: Meaning,
    /// Solid, or hollow: there is less than it seems.
    pub(in crate::ui::view) solid: bool,
    /// It came a moment ago.
    pub(in crate::ui::view) new: bool,
    /// What a click on it asks for.
    pub(in crate::ui::view) target: Option<Target>,
}

/// What there is to draw.
#[derive(Clone, Copy, Debug)]
pub(in crate::ui::view) struct Places<'t> {
    /// The tenants, oldest first.
    pub(in crate::ui::view) tenants: &'t [Tenant],
    /// Entries, which may be more than the tenants known by name.
    pub(in crate::ui::view) depth: u32,
    /// How many fit; `None`: unknown.
    pub(in crate::ui::view) capacity: Option<u32>,
    /// After how many the limit is marked.
    pub(in crate::ui::view) limit: Option<u32>,
}

/// The size of one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    width: u16,
    height: u16,
}

const SHAPES: [Shape; 5] = [
    Shape { width: 10, height: 5 },
    Shape { width: 6, height: 3 },
    Shape { width: 4, height: 3 },
    Shape { width: 3, height: 1 },
    Shape { width: 1, height: 1 },
];

/// Draws the places into `area`; returns how many rows they took.
pub(in crate::ui::view) fn paint(buf: &mut Buffer, area: Rect, places: Places<'_>, scene: &Scene<'_>) -> u16 {
    let count = places.capacity.unwrap_or(0).max(places.depth).max(places.tenants.len() as u32);
    let Some((shape, per_row)) = shape(area, count) else { return bar(buf, area, places, scene) };
    for index in 0..count {
        let (row, col) = (index / per_row * u32::from(shape.height), index % per_row);
        let right = area.width - col as u16 * shape.width;
        let spot = Rect::new(area.x + right - shape.width, area.y + row as u16, shape.width, shape.height);
        let tenant = places.tenants.get(index as usize);
        let beyond = places.capacity.is_some_and(|capacity| index >= capacity);
        match (tenant, index < places.depth) {
            (Some(tenant), _) => {
                full(buf, spot, scene, tenant, beyond);
                if let Some(target) = tenant.target {
                    scene.hit_map.borrow_mut().note(spot, target);
                }
            }
            (None, true) => full(buf, spot, scene, &unnamed(), beyond),
            (None, false) => empty(buf, spot, scene, places.limit == Some(index)),
        }
        if places.limit == Some(index) && shape.width > 1 {
            for row in 0..shape.height {
                ink::write(buf, spot, (shape.width - 1, row), "┃", scene.theme.strong());
            }
        }
    }
    count.div_ceil(per_row) as u16 * shape.height
}

/// The largest slots of which so many fit, and how many stand in a row; `None` when not even marks fit.
fn shape(area: Rect, count: u32) -> Option<(Shape, u32)> {
    SHAPES.into_iter().find_map(|shape| {
        let per_row = u32::from(area.width / shape.width);
        let rows = u32::from(area.height / shape.height);
        (per_row > 0 && count <= per_row * rows).then_some((shape, per_row))
    })
}

/// An entry whose name is not known: the sum is right, the detail was left out.
pub(in crate::ui::view) fn unnamed() -> Tenant {
    let meaning = Meaning::Waiting(1);
    let (name, age) = ("··".into(), "    ".into());
    Tenant { name, age, sign: "", meaning, edge: meaning, solid: true, new: false, target: None }
}

fn full(buf: &mut Buffer, spot: Rect, scene: &Scene<'_>, tenant: &Tenant, beyond: bool) {
    let theme = scene.theme;
    let (meaning, line) = if beyond { (Meaning::Dying, Meaning::Dying) } else { (tenant.meaning, tenant.edge) };
    let inside = if tenant.solid { theme.fill(meaning) } else { theme.text(meaning) };
    if spot.height < 3 {
        let mark = if spot.width > 1 {
            tenant.name.as_str()
        } else if tenant.solid {
            "■"
        } else {
            "◌"
        };
        let style = if spot.width > 1 { inside } else { theme.text(meaning) };
        let col = ink::write(buf, spot, (0, 0), mark, style);
        ink::write(buf, spot, (col, 0), tenant.sign, theme.text(meaning));
        return;
    }
    edge(buf, spot, Edge::of(tenant), theme.text(line));
    let (width, middle) = (spot.width - 2, spot.height / 2);
    for row in 1..spot.height - 1 {
        let text = if row == middle { tenant.name.as_str() } else { "" };
        ink::write(buf, spot, (1, row), &format!("{text:^0$}", usize::from(width)), inside);
    }
    ink::write(buf, spot, (1, 0), tenant.sign, theme.text(meaning));
    if width >= 4 {
        let col = 1 + (width - 4) / 2;
        ink::write(buf, spot, (col, spot.height - 1), &tenant.age, theme.text(line));
    }
}

/// An empty place; the one beyond the limit says so.
pub(in crate::ui::view) fn empty(buf: &mut Buffer, spot: Rect, scene: &Scene<'_>, beyond_limit: bool) {
    let calm = scene.theme.calm();
    if spot.height < 3 {
        let sign = match (beyond_limit, spot.width) {
            (false, _) => "·",
            (true, 1) => "+",
            (true, _) => "+1",
        };
        ink::write(buf, spot, (0, 0), sign, calm);
        return;
    }
    edge(buf, spot, Edge::Dotted, calm);
    if beyond_limit {
        ink::write(buf, spot, (spot.width / 2 - 1, spot.height / 2), "+1", calm);
    }
}

#[derive(Clone, Copy, Debug)]
pub(in crate::ui::view) enum Edge {
    Plain,
    Heavy,
    Dotted,
}

impl Edge {
    /// The edge of a tenant: dotted where there is less than it seems, heavy where it came a moment ago.
    pub(in crate::ui::view) const fn of(tenant: &Tenant) -> Self {
        match (tenant.solid, tenant.new) {
            (false, _) => Self::Dotted,
            (true, true) => Self::Heavy,
            (true, false) => Self::Plain,
        }
    }

    /// Horizontal, vertical, and the corners from the upper left, clockwise.
    const fn signs(self) -> [&'static str; 6] {
        match self {
            Self::Plain => ["─", "│", "┌", "┐", "┘", "└"],
            Self::Heavy => ["═", "║", "╔", "╗", "╝", "╚"],
            Self::Dotted => ["╌", "╎", "┌", "┐", "┘", "└"],
        }
    }
}

/// Draws the edge of a place.
pub(in crate::ui::view) fn edge(buf: &mut Buffer, spot: Rect, edge: Edge, style: Style) {
    let [across, down, corners @ ..] = edge.signs();
    let (right, bottom) = (spot.width - 1, spot.height - 1);
    for col in 1..right {
        ink::write(buf, spot, (col, 0), across, style);
        ink::write(buf, spot, (col, bottom), across, style);
    }
    for row in 1..bottom {
        ink::write(buf, spot, (0, row), down, style);
        ink::write(buf, spot, (right, row), down, style);
    }
    for (at, corner) in [(0, 0), (right, 0), (right, bottom), (0, bottom)].into_iter().zip(corners) {
        ink::write(buf, spot, at, corner, style);
    }
}

/// More places than cells on the screen: a bar that fills from the right, with numbers.
fn bar(buf: &mut Buffer, area: Rect, places: Places<'_>, scene: &Scene<'_>) -> u16 {
    let theme = scene.theme;
    let capacity = places.capacity.unwrap_or(0);
    let whole = u64::from(capacity.max(places.depth)).max(1);
    let rows = area.height.min(3);
    let wide = u64::from(area.width);
    let filled = (u64::from(places.depth) * wide).div_ceil(whole) as u16;
    let over = places.depth > capacity;
    let limit_col = (u64::from(whole as u32 - capacity.min(whole as u32)) * wide / whole) as u16;
    for row in 0..rows {
        for col in 0..area.width {
            let (sign, style) = if col + filled >= area.width {
                let beyond = over && col < limit_col;
                ("█", theme.text(if beyond { Meaning::Dying } else { Meaning::Waiting(1) }))
            } else {
                ("·", theme.calm())
            };
            ink::write(buf, area, (col, row), sign, style);
        }
        ink::write(buf, area, (limit_col.min(area.width.saturating_sub(1)), row), "┃", theme.strong());
    }
    let (depth, all) = (numbers::count(places.depth.into()), numbers::count(capacity.into()));
    let text = say!("{depth} of {all} places", depth, all);
    ink::right(buf, area, rows, &text, theme.strong());
    rows + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_shrink_only_when_they_must() {
        let chosen = |width, height, count| shape(Rect::new(0, 0, width, height), count).map(|(shape, _)| shape.width);
        assert_eq!(chosen(36, 6, 6), Some(6));
        assert_eq!(chosen(24, 4, 6), Some(4));
        assert_eq!(chosen(36, 6, 12), Some(6));
        assert_eq!(chosen(36, 6, 60), Some(3));
        assert_eq!(chosen(36, 6, 129), Some(1));
        assert_eq!(chosen(36, 6, 4097), None);
    }
}
