//! The stage: clients, SYN queue, accept queue, server from left to right; below it those who were dropped and those who
//! believe otherwise.

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use super::Scene;
use super::layout::StagePlan;

pub(super) mod doors;
mod dropped;
pub(super) mod flows;
pub(super) mod lanes;
mod otherwise;
pub(super) mod queues;
mod server;
pub(super) mod slots;

pub(super) fn paint(buf: &mut Buffer, plan: &StagePlan, scene: &Scene<'_>) {
    lanes::paint(buf, plan.clients, scene);
    queues::syn(buf, plan.syn_queue, scene);
    queues::accept(buf, plan.accept_queue, scene);
    server::paint(buf, plan.server, scene);
    doors::paint(buf, plan, scene);
    dropped::paint(buf, plan.dropped, scene);
    otherwise::paint(buf, plan.otherwise, scene);
}

/// The line of a frame: alarming when what it holds is full.
fn line(scene: &Scene<'_>, full: bool) -> Style {
    if full { scene.theme.text(crate::ui::theme::Meaning::Dying) } else { scene.theme.calm() }
}
