//! The stage: clients, SYN queue, accept queue, server from left to right; below it dropped connections and those whose
//! client and server state differ.

use ratatui::buffer::Buffer;

use super::Scene;
use super::layout::StagePlan;
use super::queue_box::{self, Scale};

mod cause;
mod divergent_state;
mod dropped;
pub(super) mod flows;
pub(super) mod gates;
pub(super) mod lanes;
pub(super) mod queues;
mod server;

pub(super) fn paint(buf: &mut Buffer, plan: &StagePlan, scene: &Scene<'_>) {
    lanes::paint(buf, plan.clients, scene);
    queue_box::paint(buf, plan.syn_queue, scene, Scale::USUAL, &queues::syn(scene));
    queue_box::paint(buf, plan.accept_queue, scene, Scale::USUAL, &queues::accept(scene));
    server::paint(buf, plan.server, scene);
    gates::paint(buf, plan, scene);
    cause::paint(buf, plan, scene);
    dropped::paint(buf, plan.dropped, scene);
    divergent_state::paint(buf, plan.divergent, scene);
}
