//! A dropped SYN falls, as large as the places that it did not get, from its lane onto the floor.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::Scene;
use super::super::letters::Letter;
use super::super::places::{QueueSlot, Shape, cell, hue};
use super::super::stage::lanes;
use super::plan::Plan;
use crate::fold::connection::Connection;
use crate::ui::hit_map::Target;
use crate::ui::state::Density;
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, plan: &Plan, scene: &Scene<'_>) {
    for (connection, area) in areas(buf, plan, scene) {
        fall(buf, area, scene, connection, shape(plan));
    }
}

/// What falls, each with where it is. One that would cover another is left out: it is counted below.
pub(super) fn areas<'s>(buf: &Buffer, plan: &Plan, scene: &Scene<'s>) -> Vec<(&'s Connection, Rect)> {
    let mut drawn: Vec<(&Connection, Rect)> = Vec::new();
    for connection in &scene.placement.falling {
        let Some(area) = fall_area(plan, scene, connection).filter(|area| buf.area.union(*area) == buf.area) else {
            continue;
        };
        if !drawn.iter().any(|(_, other)| other.intersects(area)) {
            drawn.push((connection, area));
        }
    }
    drawn
}

/// Where it is on its way down.
fn fall_area(plan: &Plan, scene: &Scene<'_>, connection: &Connection) -> Option<Rect> {
    let drop = connection.last_drop?;
    let shape = shape(plan);
    let above = plan.clients;
    // The number of arrivals stays to be read.
    let head = 1 + plan.numbers.rows() + if plan.text == Letter::Plain { 0 } else { plan.text.rows() + 1 };
    let (first, last) = (above.y + head, plan.floor.y.saturating_sub(shape.height - 1));
    // Each from a height of its own, so that several are seen; half of the way is left for the lowest.
    let lane = lanes::home(connection, usize::from((last.saturating_sub(first) / 2).max(1)))?;
    let first = first + lane as u16;
    let way = lanes::fallen(scene.now.since(drop.at));
    let row = first + (f64::from(last.saturating_sub(first)) * way).round() as u16;
    let left = above.right().saturating_sub(shape.width + 1).max(above.x);
    Some(Rect::new(left, row, shape.width, shape.height))
}

fn fall(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, connection: &Connection, shape: Shape) {
    let named = scene.state.density == Density::Cells;
    let slot = QueueSlot {
        name: if named { connection.label() } else { String::new() },
        age: "✗ ✗ ✗".into(),
        mark: "✗",
        meaning: if named { hue(connection) } else { Meaning::Lost },
        edge: Meaning::Lost,
        solid: true,
        new: true,
        target: Some(Target::of(connection)),
    };
    cell::paint(buf, area, shape, &slot, scene);
}

/// As large as a place, where the clients' box has the room.
fn shape(plan: &Plan) -> Shape {
    let fits = |shape: &Shape| shape.width + 2 <= plan.clients.width && shape.height * 2 <= plan.clients.height;
    [plan.cell, Shape::SMALL, Shape::PLAIN].into_iter().find(fits).unwrap_or(Shape::PLAIN)
}
