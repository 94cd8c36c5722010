//! One listener of somebody else: the lab's stage and timeline, read-only.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::{Scene, footer, ink, layout, settings, timeline};
use super::sentence::Said;
use super::{counters, head, stage, waiting};
use crate::fold::listeners::Watched;
use crate::model::watch::Address;
use crate::ui::keymap::Place;
use crate::ui::state::Panel;

/// The listener that one looks into.
#[derive(Clone, Copy)]
pub(in crate::ui::view) struct Inside<'s> {
    /// As all listeners tell of it; `None`: nothing yet.
    pub(in crate::ui::view) one: Option<&'s Watched>,
    /// True when the world tells about just this one: who waits, who is half-open.
    pub(in crate::ui::view) told: bool,
}

impl<'s> Inside<'s> {
    pub(in crate::ui::view) fn of(scene: &Scene<'s>) -> Self {
        let world = scene.world;
        let one = scene.state.watch.inside(world);
        let chosen = one.is_some_and(|one| world.survey.chosen == Some(one.reading.id));
        let begun = match (&world.began, one.map(|one| &one.reading.address)) {
            (Some(began), Some(Address::Tcp(address))) => began.watched && began.address == *address,
            _ => false,
        };
        Self { one, told: chosen && begun }
    }

    /// True for a unix socket, which has no handshake and whose clients the kernel does not list.
    pub(in crate::ui::view) fn is_unix(self) -> bool {
        self.one.is_some_and(|one| one.reading.address.port().is_none())
    }
}

pub(super) fn paint(buf: &mut Buffer, scene: &Scene<'_>) {
    let inside = Inside::of(scene);
    let said = Said::of_one(scene, inside.one);
    let plan = layout::plan(buf.area, scene.state.panel, said.rows(buf.area));
    head::paint(buf, plan.header, scene);
    if plan.header.height > 1 {
        let text = ink::fit(&head::settings(scene), plan.header.width.saturating_sub(2));
        ink::write(buf, plan.header, (1, 1), &text, scene.theme.calm());
    }
    said.paint(buf, plan.caption, scene);
    stage::paint(buf, &plan.stage, scene, inside);
    timeline::paint(buf, plan.timeline, scene);
    for (panel, area) in plan.panels {
        side(buf, area, scene, (panel, inside));
    }
    footer::these(buf, plan.footer, scene, super::all::keys(scene, Place::Listener));
}

fn side(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, (panel, inside): (Panel, Inside<'_>)) {
    match panel {
        Panel::Notes => waiting::in_accept_queue(buf, area, scene, inside),
        Panel::Ledger => waiting::half_open(buf, area, scene, inside),
        Panel::Counters => counters::paint(buf, area, scene),
        Panel::Settings => settings::paint(buf, area, scene),
    }
}
