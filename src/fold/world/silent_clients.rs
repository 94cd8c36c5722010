//! Clients of a watched listener that get a SYN-ACK and do not answer it: a flood's. They never want a place in the accept queue, and what another
//! backlog would do has nothing to do with them.

use std::collections::VecDeque;
use std::time::Duration;

use super::World;
use crate::fold::connection::{ClientSide, Connection};
use crate::model::peer::Peer;
use crate::model::stamp::Stamp;

/// Clients that were answered lately: when, and who.
#[derive(Clone, Debug, Default)]
pub(super) struct Answered(VecDeque<(Stamp, Peer)>);

/// A client that answers does so within this time; then its SYN-ACK is repeated (TCP_TIMEOUT_INIT).
const ANSWERS: Duration = Duration::from_secs(1);

/// The first SYN of this client was answered.
pub(super) fn answered(world: &mut World, at: Stamp, peer: Peer) {
    if world.open.foreign.active {
        world.open.answered.0.push_back((at, peer));
    }
}

/// Takes those that stay silent out of the traffic.
pub(super) fn settle(world: &mut World, now: Stamp) {
    while let Some((at, peer)) = world.open.answered.0.front().copied() {
        if now.since(at) < ANSWERS {
            return;
        }
        world.open.answered.0.pop_front();
        let silent =
            |one: &&Connection| one.client == ClientSide::SynSent && one.bytes == 0 && !one.server.in_accept_queue();
        if let Some(one) = world.roster.connection(&peer).filter(silent) {
            world.traffic.withdrawn(one.client_since);
        }
    }
}
