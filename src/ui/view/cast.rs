//! Who is on the stage: every connection in the one or two places where it is to be seen, gathered once per frame.

use std::time::Duration;

use crate::fold::connection::{ClientSide, CombinedState, Connection, ServerSide};
use crate::fold::world::World;
use crate::model::stamp::Stamp;
use crate::ui::state::Density;

/// How long a dropped SYN is seen falling.
pub(super) const FALL: Duration = Duration::from_millis(700);

/// How long a death keeps its alarm colour, with its cause beside it.
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
    /// Ghosts and phantoms: the client believes otherwise.
    pub(super) otherwise: Vec<&'a Connection>,
    /// The client is connected, and its last ACK has not reached the server yet.
    pub(super) finishing: Vec<&'a Connection>,
    /// Answered with a cookie, nothing kept.
    pub(super) cookies: Vec<&'a Connection>,
    /// Accepted and being served, or served a moment ago; newest first.
    pub(super) served: Vec<&'a Connection>,
    /// Ended badly a moment ago: reset, expired, given up.
    pub(super) lost: Vec<&'a Connection>,
    /// True while the clients' time stands still: what is under way does not move.
    stands: bool,
}

impl<'a> Placement<'a> {
    /// Gathers the connections as they are at `now`. At a density at which nobody can follow single ones there is no cast.
    pub(in crate::ui) fn of(world: &'a World, density: Density, now: Stamp) -> Self {
        let mut cast = Self { stands: world.tempo.held, ..Self::default() };
        let clients = world.tempo.at(now);
        if density == Density::Flows || world.roster.count() > MOST {
            return cast;
        }
        for one in world.roster.iter() {
            cast.place(one, now, clients);
        }
        cast.order(now);
        cast
    }

    fn place(&mut self, one: &'a Connection, now: Stamp, clients: Stamp) {
        if one.travel.is_some_and(|travel| travel.arrives > clients || self.stands) {
            self.travelling.push(one);
        }
        if one.last_drop.is_some_and(|drop| drop.cause.is_syn() && now.since(drop.at) < FALL) {
            self.falling.push(one);
        }
        match one.server {
            ServerSide::HalfOpen => self.half_open.push(one),
            ServerSide::Queued | ServerSide::QueuedClosed => self.queued.push(one),
            ServerSide::Accepted | ServerSide::Closed => self.served.push(one),
            ServerSide::Expired | ServerSide::Pruned | ServerSide::ResetAway => self.lost.push(one),
            ServerSide::CookieSent if one.belief() == CombinedState::CookieOut => self.cookies.push(one),
            ServerSide::Nothing | ServerSide::CookieSent => {}
        }
        match one.belief() {
            CombinedState::Ghost | CombinedState::Phantom => self.otherwise.push(one),
            CombinedState::HalfOpen if one.client == ClientSide::Connected => self.finishing.push(one),
            CombinedState::SynSent if one.last_drop.is_some() && one.travel.is_none() => self.dropped.push(one),
            CombinedState::Over if one.server == ServerSide::Nothing && failed(one.client) => self.lost.push(one),
            _ => {}
        }
    }

    fn order(&mut self, now: Stamp) {
        let id = |one: &&Connection| (one.id, one.peer);
        self.travelling.sort_unstable_by_key(id);
        self.falling.sort_unstable_by_key(id);
        self.half_open.sort_unstable_by_key(|one| (one.server_since, one.id, one.peer));
        self.queued.sort_unstable_by_key(|one| (one.queue_order, one.peer));
        self.otherwise.sort_unstable_by_key(id);
        self.finishing.sort_unstable_by_key(id);
        self.cookies.sort_unstable_by_key(id);
        self.served.sort_unstable_by_key(|one| {
            std::cmp::Reverse((one.server == ServerSide::Accepted, one.queue_order, one.id))
        });
        self.lost.sort_unstable_by_key(|one| std::cmp::Reverse((one.server_since.max(one.client_since), one.id)));
        self.dropped.sort_unstable_by_key(|one| {
            let retry = one.retry.map_or(Stamp::from_nanos(u64::MAX), |retry| retry.at);
            (!is_fresh(one, now), retry, one.id)
        });
    }

    /// True while something on the stage glides: a segment under way or a SYN that falls.
    pub(in crate::ui) fn glides(&self) -> bool {
        !(self.travelling.is_empty() || self.stands) || !self.falling.is_empty()
    }

    /// True while some number on the stage runs: an age or a countdown.
    pub(in crate::ui) fn counts(&self) -> bool {
        let waiting = [&self.dropped, &self.half_open, &self.queued, &self.otherwise, &self.served, &self.lost];
        waiting.iter().any(|list| !list.is_empty())
    }
}

/// True when the client has ended without ever being connected.
const fn failed(client: ClientSide) -> bool {
    matches!(client, ClientSide::TimedOut | ClientSide::Refused | ClientSide::Failed(_))
}

/// True when something of this connection died a moment ago.
pub(super) fn is_fresh(one: &Connection, now: Stamp) -> bool {
    one.last_drop.is_some_and(|drop| now.since(drop.at) < FRESH)
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
