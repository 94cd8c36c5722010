//! Every connection that is not over, by client, and those that ended a moment ago; with tallies of them, so that a rule need not look at
//! each.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::time::Duration;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::fold::connection::{CombinedState, Connection};
use crate::model::cause::Cause;
use crate::model::peer::Peer;
use crate::model::stamp::Stamp;

/// How long a connection stays visible after its end.
pub const LINGER: Duration = Duration::from_millis(1500);

/// How many ended connections are kept visible at most.
pub const LINGERING: usize = 256;

/// The connections.
#[derive(Clone, Debug, Default)]
pub struct ConnectionTable {
    /// Places of the connections, by client.
    places: HashTable<u32>,
    hasher: FixedState,
    /// The connections in blocks of [`BLOCK`], so that none is ever copied to make room.
    blocks: Vec<Vec<Connection>>,
    free: Vec<u32>,
    /// What each place counts as at present.
    standings: Vec<Standing>,
    tally: Tally,
    /// Places that may have changed since the tallies were brought up to date.
    touched: Vec<u32>,
    over: VecDeque<(Stamp, Peer)>,
}

/// What a connection counts as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Standing {
    /// `None`: the place is free.
    state: Option<CombinedState>,
    request: bool,
    queued: bool,
    /// It waits for `accept()` though its client has gone.
    dead: bool,
    /// Packets of it that met a full accept queue.
    overflows: u8,
}

/// How many connections there are of each kind.
#[derive(Clone, Debug, Default)]
struct Tally {
    states: [u32; CombinedState::COUNT],
    dead: u32,
    /// Connections by their overflows.
    overflows: Vec<u32>,
    /// A bit for each place with a request.
    requests: Vec<u64>,
    /// A bit for each place with a connection that waits for `accept()`.
    queued: Vec<u64>,
}

impl ConnectionTable {
    /// One connection.
    pub fn connection(&self, peer: &Peer) -> Option<&Connection> {
        self.place(peer).map(|place| self.at(place))
    }

    /// How many connections are kept.
    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// Every connection, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Connection> {
        let taken = self.standings.iter().enumerate().filter(|(_, standing)| standing.state.is_some());
        taken.map(|(place, _)| self.at(place as u32))
    }

    /// How many connections are in this state.
    pub const fn in_state(&self, state: CombinedState) -> u32 {
        self.tally.states[state as usize]
    }

    /// How many of those that wait for `accept()` have been left by their clients.
    pub const fn dead_in_queue(&self) -> u32 {
        self.tally.dead
    }

    /// The most packets of one connection that met a full accept queue; 255 stands for more.
    pub fn most_overflows(&self) -> u8 {
        self.tally.overflows.iter().rposition(|count| *count > 0).unwrap_or(0) as u8
    }

    /// Every connection that is a request in the kernel.
    pub fn requests(&self) -> impl Iterator<Item = &Connection> {
        set_bits(&self.tally.requests).map(|place| self.at(place))
    }

    pub(super) fn queued_peers(&self) -> Vec<Peer> {
        set_bits(&self.tally.queued).map(|place| self.at(place).peer).collect()
    }

    pub(super) fn entry(&mut self, peer: Peer, at: Stamp) -> &mut Connection {
        let place = self.place(&peer).unwrap_or_else(|| self.insert(Connection::new(peer, at)));
        self.touch(place)
    }

    pub(super) fn known(&mut self, peer: &Peer) -> Option<&mut Connection> {
        let place = self.place(peer)?;
        Some(self.touch(place))
    }

    pub(super) fn forget_logs(&mut self) {
        for one in self.blocks.iter_mut().flatten() {
            one.segment_log = None;
        }
    }

    pub(super) fn forget(&mut self, peer: &Peer) {
        let hash = self.hasher.hash_one(peer);
        let blocks = &self.blocks;
        let Ok(entry) = self.places.find_entry(hash, |place| in_blocks(blocks, *place).peer == *peer) else { return };
        let (place, _) = entry.remove();
        // Its log and the rest go now, the place when it is needed.
        *self.at_mut(place) = Connection::new(*peer, Stamp::ZERO);
        self.stand(place, Standing::default());
        self.free.push(place);
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
            if self.connection(&peer).is_some_and(Connection::is_over) {
                self.forget(&peer);
            }
        }
    }

    /// Brings the tallies up to date with what has changed.
    pub(super) fn settle(&mut self) {
        while let Some(place) = self.touched.pop() {
            if self.standings[place as usize].state.is_some() {
                self.stand(place, Standing::of(self.at(place)));
            }
        }
    }

    fn place(&self, peer: &Peer) -> Option<u32> {
        let hash = self.hasher.hash_one(peer);
        self.places.find(hash, |place| self.at(*place).peer == *peer).copied()
    }

    fn at(&self, place: u32) -> &Connection {
        in_blocks(&self.blocks, place)
    }

    fn at_mut(&mut self, place: u32) -> &mut Connection {
        &mut self.blocks[place as usize / BLOCK][place as usize % BLOCK]
    }

    fn touch(&mut self, place: u32) -> &mut Connection {
        if self.touched.last() != Some(&place) {
            self.touched.push(place);
        }
        self.at_mut(place)
    }

    fn insert(&mut self, one: Connection) -> u32 {
        let (peer, standing) = (one.peer, Standing::of(&one));
        let place = self.free.pop().unwrap_or_else(|| {
            let place = self.standings.len();
            self.standings.push(Standing::default());
            if place.is_multiple_of(BLOCK) {
                self.blocks.push(Vec::with_capacity(BLOCK));
            }
            place as u32
        });
        match self.blocks[place as usize / BLOCK].get_mut(place as usize % BLOCK) {
            Some(free) => *free = one,
            None => self.blocks[place as usize / BLOCK].push(one),
        }
        self.stand(place, standing);
        let Self { places, hasher, blocks, .. } = self;
        let hash = hasher.hash_one(peer);
        places.insert_unique(hash, place, |place| hasher.hash_one(in_blocks(blocks, *place).peer));
        place
    }

    /// This place counts as something else from now on.
    fn stand(&mut self, place: u32, now: Standing) {
        let before = std::mem::replace(&mut self.standings[place as usize], now);
        if before == now {
            return;
        }
        let tally = &mut self.tally;
        if let Some(state) = before.state {
            tally.states[state as usize] -= 1;
            tally.overflows[usize::from(before.overflows)] -= 1;
            tally.dead -= u32::from(before.dead);
        }
        if let Some(state) = now.state {
            tally.states[state as usize] += 1;
            tally.overflows.resize(1 + usize::from(u8::MAX), 0);
            tally.overflows[usize::from(now.overflows)] += 1;
            tally.dead += u32::from(now.dead);
        }
        set_bit(&mut tally.requests, place, now.request);
        set_bit(&mut tally.queued, place, now.queued);
    }
}

impl Standing {
    fn of(one: &Connection) -> Self {
        let queued = one.server.in_accept_queue();
        let state = one.belief();
        let overflows = Cause::ALL.into_iter().filter(|cause| cause.is_overflow()).map(|cause| one.hits(cause)).sum();
        Self {
            state: Some(state),
            request: one.server.in_syn_queue(),
            queued,
            dead: queued && (state == CombinedState::ClosedInQueue || one.client_closed),
            overflows: u32::min(overflows, u8::MAX.into()) as u8,
        }
    }
}

fn in_blocks(blocks: &[Vec<Connection>], place: u32) -> &Connection {
    &blocks[place as usize / BLOCK][place as usize % BLOCK]
}

fn set_bit(bits: &mut Vec<u64>, place: u32, to: bool) {
    let (word, bit) = (place as usize / 64, place % 64);
    if bits.len() <= word {
        bits.resize(word + 1, 0);
    }
    bits[word] = bits[word] & !(1 << bit) | u64::from(to) << bit;
}

fn set_bits(bits: &[u64]) -> impl Iterator<Item = u32> + '_ {
    bits.iter().enumerate().filter(|(_, word)| **word != 0).flat_map(|(index, word)| {
        (0..64).filter(move |bit| word & (1 << bit) != 0).map(move |bit| (index * 64 + bit) as u32)
    })
}

/// Connections in one block.
const BLOCK: usize = 1024;
