//! Every connection that is not over, by client, and those that ended a moment ago.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use foldhash::fast::FixedState;

use crate::fold::connection::Connection;
use crate::model::peer::Peer;
use crate::model::stamp::Stamp;

/// How long a connection stays visible after its end.
pub const LINGER: Duration = Duration::from_millis(1500);

/// How many ended connections are kept visible at most.
pub const LINGERING: usize = 256;

/// The connections.
#[derive(Clone, Debug, Default)]
pub struct ConnectionTable {
    connections: HashMap<Peer, Connection, FixedState>,
    over: VecDeque<(Stamp, Peer)>,
}

impl ConnectionTable {
    /// One connection.
    pub fn connection(&self, peer: &Peer) -> Option<&Connection> {
        self.connections.get(peer)
    }

    /// How many connections are kept.
    pub fn count(&self) -> usize {
        self.connections.len()
    }

    /// Every connection, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Connection> {
        self.connections.values()
    }

    pub(super) fn entry(&mut self, peer: Peer, at: Stamp) -> &mut Connection {
        self.connections.entry(peer).or_insert_with(|| Connection::new(peer, at))
    }

    pub(super) fn known(&mut self, peer: &Peer) -> Option<&mut Connection> {
        self.connections.get_mut(peer)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Connection> {
        self.connections.values_mut()
    }

    pub(super) fn forget(&mut self, peer: &Peer) {
        self.connections.remove(peer);
    }

    /// Removes an ended connection after [`LINGER`].
    pub(super) fn release(&mut self, peer: Peer, now: Stamp) {
        self.over.push_back((now, peer));
        self.sweep(now);
    }

    pub(super) fn sweep(&mut self, now: Stamp) {
        while let Some((since, peer)) = self.over.front().copied() {
            if now.since(since) < LINGER && self.over.len() <= LINGERING {
                break;
            }
            self.over.pop_front();
            if self.connections.get(&peer).is_some_and(Connection::is_over) {
                self.connections.remove(&peer);
            }
        }
    }
}
