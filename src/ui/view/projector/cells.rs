//! Large places: one connection each, with its name in large letters and its own hue, wherever it is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::letters::Letter;
use super::super::stage::slots::{self, Edge, Places, Tenant};
use super::super::{Scene, ink};
use super::pen;
use crate::fold::connection::Connection;
use crate::ui::hit_map::Target;
use crate::ui::state::Density;
use crate::ui::theme::Meaning;

/// The size of one place, and of the name in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) width: u16,
    pub(super) height: u16,
    letter: Letter,
}

impl Shape {
    pub(super) const LARGE: Self = Self { width: 29, height: 10, letter: Letter::Large };
    pub(super) const MEDIUM: Self = Self { width: 20, height: 7, letter: Letter::Medium };
    pub(super) const SMALL: Self = Self { width: 12, height: 5, letter: Letter::Small };
    pub(super) const PLAIN: Self = Self { width: 8, height: 3, letter: Letter::Plain };

    const ALL: [Self; 4] = [Self::LARGE, Self::MEDIUM, Self::SMALL, Self::PLAIN];

    /// The largest shape, this one at most, of which so many fit into an area.
    fn fitting(self, area: Rect, count: usize) -> Option<Self> {
        let fits = |shape: &Self| shape.letter <= self.letter && shape.room(area) >= count;
        Self::ALL.into_iter().find(fits)
    }

    /// What of its place a connection fills: where places are filled, a column between them stays free.
    fn surface(self, spot: Rect) -> Rect {
        Rect { width: spot.width - self.gap(), ..spot }
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

/// The hue of a connection.
pub(super) fn hue(one: &Connection) -> Meaning {
    Meaning::Itself(one.id.unwrap_or_else(|| one.peer.port().into()))
}

/// What a click on a connection asks for.
pub(super) const fn target(one: &Connection) -> Target {
    Target::Connection(one.peer, one.id)
}

/// The places of a queue, the oldest at the right, as large as they fit; where not even names fit, as the stage shows them.
pub(super) fn queue(buf: &mut Buffer, area: Rect, most: Shape, places: Places<'_>, scene: &Scene<'_>) {
    if scene.state.density == Density::Flows {
        return level(buf, area, places, scene);
    }
    let count = places.capacity.unwrap_or(0).max(places.depth).max(places.tenants.len() as u32);
    let Some(shape) = most.fitting(area, count as usize) else {
        slots::paint(buf, area, places, scene);
        return;
    };
    let per_row = u32::from(area.width / shape.width);
    let rows = count.div_ceil(per_row) as u16;
    let spare = area.height + shape.gap() - rows * shape.pitch();
    let area = Rect { y: area.y + spare.min(1), ..area };
    for index in 0..count {
        let (row, col) = (index / per_row, index % per_row);
        let left = area.right() - (col as u16 + 1) * shape.width;
        let spot = Rect::new(left, area.y + row as u16 * shape.pitch(), shape.width, shape.height);
        let beyond = places.capacity.is_some_and(|capacity| index >= capacity);
        match (places.tenants.get(index as usize), index < places.depth) {
            (Some(tenant), _) => one(buf, spot, shape, (tenant, beyond), scene),
            (None, true) => one(buf, spot, shape, (&slots::unnamed(), beyond), scene),
            (None, false) => slots::empty(buf, shape.surface(spot), scene, places.limit == Some(index)),
        }
        if places.limit == Some(index) {
            for row in 0..shape.height {
                ink::write(buf, spot, (shape.width - 1, row), "┃", scene.theme.strong());
            }
        }
    }
}

/// Nobody could follow single ones: how full the queue is, as a level that rises from the right where it is emptied.
fn level(buf: &mut Buffer, area: Rect, places: Places<'_>, scene: &Scene<'_>) {
    let capacity = places.capacity.unwrap_or(0);
    let whole = u64::from(capacity.max(places.depth)).max(1);
    let filled = (u64::from(places.depth) * u64::from(area.width)).div_ceil(whole) as u16;
    let full = places.capacity.is_some_and(|capacity| places.depth >= capacity);
    let style = scene.theme.text(if full { Meaning::Dying } else { Meaning::Waiting(2) });
    for row in 1..area.height.saturating_sub(1) {
        ink::write(buf, area, (0, row), &"·".repeat(usize::from(area.width - filled)), scene.theme.calm());
        ink::write(buf, area, (area.width - filled, row), &"█".repeat(usize::from(filled)), style);
    }
}

/// Tenants from the left, in rows, as large as a place may be; the last one says how many more there are.
pub(super) fn lay(buf: &mut Buffer, area: Rect, most: Shape, tenants: &[Tenant], scene: &Scene<'_>) {
    let Some(shape) = most.fitting(area, 1) else { return };
    let room = shape.room(area);
    let shown = if tenants.len() > room { room - 1 } else { tenants.len() };
    let per_row = area.width / shape.width;
    let spot = |index: usize| {
        let (row, col) = (index as u16 / per_row, index as u16 % per_row);
        Rect::new(area.x + col * shape.width, area.y + row * shape.pitch(), shape.width, shape.height)
    };
    for (index, tenant) in tenants[..shown].iter().enumerate() {
        one(buf, spot(index), shape, (tenant, false), scene);
    }
    if shown < tenants.len() {
        let spot = shape.surface(spot(shown));
        let inner = Rect::new(spot.x + 1, spot.y + 1, spot.width - 2, spot.height - 2);
        let text = format!("+{}", tenants.len() - shown);
        pen(scene, shape.letter, scene.theme.strong()).fit(buf, inner, &text);
    }
}

/// One place with its tenant.
pub(super) fn one(buf: &mut Buffer, spot: Rect, shape: Shape, (tenant, beyond): (&Tenant, bool), scene: &Scene<'_>) {
    let theme = scene.theme;
    let edge = if beyond { Meaning::Dying } else { tenant.edge };
    let whole = shape.surface(spot);
    if let Some(target) = tenant.target {
        scene.hit_map.borrow_mut().note(whole, target);
    }
    if shape.letter > Letter::Plain && tenant.solid {
        return filled(buf, whole, shape.letter, (tenant, edge), scene);
    }
    let (spot, line) = (whole, theme.text(edge).patch(theme.strong()));
    let inside = if tenant.solid { theme.fill(tenant.meaning) } else { theme.text(tenant.edge) }.patch(theme.strong());
    let inner = Rect::new(spot.x + 1, spot.y + 1, spot.width - 2, spot.height - 2);
    for row in 0..inner.height {
        ink::write(buf, inner, (0, row), &" ".repeat(usize::from(inner.width)), inside);
    }
    slots::edge(buf, spot, Edge::of(tenant), line);
    let letter = shape.letter.fitting(&tenant.name, (inner.width, inner.height));
    let left = inner.width.saturating_sub(letter.width(&tenant.name).unwrap_or(0)) / 2;
    let top = (inner.height - letter.rows().min(inner.height)) / 2;
    let left = if letter == Letter::Plain && !tenant.sign.is_empty() { left.max(2) } else { left };
    pen(scene, letter, inside).write(buf, inner, (left, top), &tenant.name);
    let sign = if letter == Letter::Plain { (0, top) } else { (0, 0) };
    ink::write(buf, inner, sign, tenant.sign, inside);
    let foot = ink::width(&tenant.age);
    if foot > 0 && foot + 2 <= spot.width {
        ink::write(buf, spot, ((spot.width - foot) / 2, spot.height - 1), &tenant.age, line);
    }
}

/// A whole surface in the connection's hue, with room around the name; what becomes of it stands above and below, on a hue of its
/// own.
fn filled(buf: &mut Buffer, spot: Rect, letter: Letter, (tenant, edge): (&Tenant, Meaning), scene: &Scene<'_>) {
    let theme = scene.theme;
    let (inside, line) = (theme.fill(tenant.meaning).patch(theme.strong()), theme.fill(edge).patch(theme.strong()));
    for row in 0..spot.height {
        let style = if row == 0 || row + 1 == spot.height { line } else { inside };
        ink::write(buf, spot, (0, row), &" ".repeat(usize::from(spot.width)), style);
    }
    let width = letter.width(&tenant.name).unwrap_or(0);
    pen(scene, letter, inside).write(buf, spot, (spot.width.saturating_sub(width) / 2, 1), &tenant.name);
    let sign = tenant.sign.repeat(usize::from(edge == Meaning::Dying) * 2 + 1);
    ink::write(buf, spot, ((spot.width - ink::width(&sign).min(spot.width)) / 2, 0), &sign, line);
    let foot = ink::width(&tenant.age);
    ink::write(buf, spot, (spot.width.saturating_sub(foot) / 2, spot.height - 1), &tenant.age, line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_as_large_as_all_of_them_fit() {
        let area = Rect::new(0, 0, 90, 21);
        assert_eq!(Shape::LARGE.fitting(area, 6), Some(Shape::LARGE));
        assert_eq!(Shape::LARGE.fitting(Rect { height: 20, ..area }, 6), Some(Shape::MEDIUM), "a row between them");
        assert_eq!(Shape::LARGE.fitting(area, 7), Some(Shape::MEDIUM));
        assert_eq!(Shape::SMALL.fitting(area, 6), Some(Shape::SMALL));
        assert_eq!(Shape::LARGE.fitting(area, 129), None);
    }
}
