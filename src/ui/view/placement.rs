//! The connections on the stage by the one or two places where each is drawn, gathered once per frame.

use std::time::Duration;

use crate::fold::connection::{ClientSide, CombinedState, Connection, ServerSide};
use crate::fold::world::World;
use crate::model::stamp::Stamp;
use crate::ui::state::Density;

/// How long a dropped SYN is seen falling.
pub(super) const FALL: Duration = Duration::from_millis(700);

/// How long a drop keeps its alarm colour, with its cause beside it.
pub(super) const FRESH: Duration = Duration::from_secs(1);

/// How long a move is marked in the place where it ended.
pub(super) const ARRIVAL: Duration = Duration::from_millis(350);

/// More connections than this are never looked at one by one.
const MOST: usize = 10_000;

/// The connections by place, each list in its order of appearance.
#[derive(Debug, Default)]
pub(in crate::ui) struct Placement<'a> {
    /// Segments under way to the listener.
    pub(super) travelling: Vec<&'a Connection>,
    /// Dropped a moment ago: falling.
    pub(super) falling: Vec<&'a Connection>,
    /// Dropped and waiting for their retry, those dropped a moment ago first.
    pub(super) dropped: Vec<&'a Connection>,
    /// In the SYN queue, oldest first.
    pub(super) half_open: Vec<&'a Connection>,
    /// In the accept queue, oldest first: the order in which `accept()` will take them.
    pub(super) queued: Vec<&'a Connection>,
    /// Ghosts and phantoms: client and server state differ.
    pub(super) divergent: Vec<&'a Connection>,
    /// The client is connected, and its last ACK has not reached the server yet.
    pub(super) finishing: Vec<&'a Connection>,
    /// Answered with a cookie, nothing kept.
    pub(super) cookies: Vec<&'a Connection>,
    /// Accepted and being served, or served a moment ago; newest first.
    pub(super) served: Vec<&'a Connection>,
    /// Failed a moment ago: reset, expired, given up.
    pub(super) lost: Vec<&'a Connection>,
    /// True while the clients' clock is held: segments under way do not move.
    held: bool,
}

impl<'a> Placement<'a> {
    /// Gathers the connections as they are at `now`. Empty at a density at which single connections are not drawn.
    pub(in crate::ui) fn of(world: &'a World, density: Density, now: Stamp) -> Self {
        let mut placement = Self { held: world.tempo.held, ..Self::default() };
        let clients_now = world.tempo.at(now);
        if density == Density::Flows || world.roster.count() > MOST {
            return placement;
        }
        for connection in world.roster.iter() {
            placement.place(connection, now, clients_now);
        }
        placement.order(now);
        placement
    }

    fn place(&mut self, connection: &'a Connection, now: Stamp, clients_now: Stamp) {
        if connection.travel().is_some_and(|travel| travel.arrives > clients_now || self.held) {
            self.travelling.push(connection);
        }
        if connection.last_drop.is_some_and(|drop| drop.cause.is_syn() && now.since(drop.at) < FALL) {
            self.falling.push(connection);
        }
        match connection.server {
            ServerSide::HalfOpen => self.half_open.push(connection),
            ServerSide::Queued | ServerSide::QueuedClosed => self.queued.push(connection),
            ServerSide::Accepted | ServerSide::Closed => self.served.push(connection),
            ServerSide::Expired | ServerSide::Pruned | ServerSide::ResetAway => self.lost.push(connection),
            ServerSide::CookieSent if connection.belief() == CombinedState::CookieOut => self.cookies.push(connection),
            ServerSide::Nothing | ServerSide::CookieSent => {}
        }
        match connection.belief() {
            CombinedState::Ghost | CombinedState::Phantom => self.divergent.push(connection),
            CombinedState::HalfOpen if connection.client == ClientSide::Connected => self.finishing.push(connection),
            CombinedState::SynSent if connection.last_drop.is_some() && connection.travel().is_none() => {
                self.dropped.push(connection);
            }
            CombinedState::Over if connection.server == ServerSide::Nothing && failed(connection.client) => {
                self.lost.push(connection);
            }
            _ => {}
        }
    }

    fn order(&mut self, now: Stamp) {
        let id = |connection: &&Connection| (connection.id, connection.peer);
        self.travelling.sort_unstable_by_key(id);
        self.falling.sort_unstable_by_key(id);
        self.half_open.sort_unstable_by_key(|connection| (connection.server_since, connection.id, connection.peer));
        self.queued.sort_unstable_by_key(|connection| (connection.queue_order, connection.peer));
        self.divergent.sort_unstable_by_key(id);
        self.finishing.sort_unstable_by_key(id);
        self.cookies.sort_unstable_by_key(id);
        self.served.sort_unstable_by_key(|connection| {
            std::cmp::Reverse((connection.server == ServerSide::Accepted, connection.queue_order, connection.id))
        });
        self.lost.sort_unstable_by_key(|connection| {
            std::cmp::Reverse((connection.server_since.max(connection.client_since), connection.id))
        });
        self.dropped.sort_unstable_by_key(|connection| {
            let retry = connection.retry.map_or(Stamp::from_nanos(u64::MAX), |retry| retry.at);
            (!is_fresh(connection, now), retry, connection.id)
        });
    }

    /// True while something on the stage glides: a segment under way or a SYN that falls.
    pub(in crate::ui) fn glides(&self) -> bool {
        !(self.travelling.is_empty() || self.held) || !self.falling.is_empty()
    }

    /// True while some number on the stage runs: an age or a countdown.
    pub(in crate::ui) fn counts(&self) -> bool {
        let waiting = [&self.dropped, &self.half_open, &self.queued, &self.divergent, &self.served, &self.lost];
        waiting.iter().any(|list| !list.is_empty())
    }
}

/// True when the client has ended without ever being connected.
const fn failed(client: ClientSide) -> bool {
    matches!(client, ClientSide::TimedOut | ClientSide::Refused | ClientSide::Failed(_))
}

/// True when a segment of this connection was dropped a moment ago.
pub(super) fn is_fresh(connection: &Connection, now: Stamp) -> bool {
    connection.last_drop.is_some_and(|drop| now.since(drop.at) < FRESH)
}

/// How long a connection has waited where it is, in four shades.
pub(super) fn shade(waited: Duration) -> u8 {
    match waited.as_millis() {
        0..300 => 0,
        300..800 => 1,
        800..2_000 => 2,
        _ => 3,
    }
}
