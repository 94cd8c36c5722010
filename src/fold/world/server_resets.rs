//! Connections in the accept queue of a watched listener that are reset from the server's end. Its program has accepted them and closed them at once
//! (with SO_LINGER 0, or with data that it has not read), or the listener itself was closed with them in its queue. Which of the two shows when the
//! listener is still there a moment later.

use std::collections::VecDeque;
use std::time::Duration;

use super::{World, watched};
use crate::fold::connection::ServerSide;
use crate::model::peer::Peer;
use crate::model::stamp::Stamp;

/// Resets that are not decided yet, and how many connections were reset after accept().
#[derive(Clone, Debug, Default)]
pub(super) struct ServerResets {
    pending: VecDeque<(Stamp, Peer)>,
    /// Connections that were accepted and reset without a byte of answer.
    pub(super) after_accept: u64,
}

impl ServerResets {
    /// When this connection was reset, if that is not decided yet.
    pub(super) fn at(&self, peer: Peer) -> Option<Stamp> {
        self.pending.iter().find(|(_, reset)| *reset == peer).map(|(at, _)| *at)
    }
}

/// A RST later than this after the final ACK is no answer to it.
const ANSWER: Duration = Duration::from_millis(50);

/// A listener that was closed is found gone within this time.
const CLOSES: Duration = Duration::from_millis(300);

/// The server has reset a connection that stood in its queue; true when that is no answer to its final ACK.
pub(super) fn was_reset(world: &mut World, at: Stamp, peer: Peer, aborts: bool) -> bool {
    let queued = world.open.foreign.active
        && world.roster.connection(&peer).is_some_and(|connection| {
            let late = connection.inference.seldom().waiting_dump > 0 || at.since(connection.server_since) > ANSWER;
            connection.server.in_accept_queue() && (late || !aborts)
        });
    if queued {
        world.open.resets.pending.push_back((at, peer));
    }
    queued
}

/// Decides the resets that are old enough.
pub(super) fn settle(world: &mut World, now: Stamp) {
    while let Some((at, peer)) = world.open.resets.pending.front().copied() {
        let gone = world.listeners.chosen().is_some_and(|listener| listener.gone.is_some());
        if now.since(at) < CLOSES && !gone {
            return;
        }
        world.open.resets.pending.pop_front();
        if gone {
            if world.roster.connection(&peer).is_some_and(|connection| connection.server.in_accept_queue()) {
                watched::forget(world, at, peer, ServerSide::ResetAway);
            }
        } else {
            world.open.resets.after_accept += 1;
            watched::server_spoke(world, at, peer);
        }
    }
}
