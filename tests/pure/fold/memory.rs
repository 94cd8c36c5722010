//! What a live client costs in the fold, in bytes that are asked of the allocator; unsafe code counts them, for each thread by itself.

#![expect(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use qviz::fold::world::World;
use qviz::model::delivery::Outcome;
use qviz::model::event::{ClientEvent, Event, ServerEvent};
use qviz::model::peer::Peer;
use qviz::model::segment::{Segment, Toward, flags};
use qviz::model::stamp::Stamp;

use crate::play::Play;

struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // A thread that ends frees what it held after its counter has gone.
    let _ = HELD.try_with(|held| held.set(held.get() + bytes));
}

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Bytes that this thread holds.
fn held() -> isize {
    HELD.with(Cell::get)
}

fn peer(id: u32) -> Peer {
    Peer::v4((0x0a00_0000 + id).into(), 4000)
}

fn segment(id: u32, toward: Toward, bits: u8) -> Segment {
    let (seq, ack) = match (toward, bits) {
        (Toward::Listener, flags::SYN) => (1000, 0),
        (Toward::Listener, _) => (1001, 5001),
        (Toward::Client, _) => (5000, 1001),
    };
    let (payload, window_scale, timestamps) = (0, true, false);
    Segment { peer: peer(id), toward, flags: bits, seq, ack, payload, window_scale, timestamps }
}

struct Crowd {
    world: World,
    now: u64,
}

impl Crowd {
    fn new() -> Self {
        Self { world: Play::new(65_535, &[]).world, now: 1_000_000_000 }
    }

    fn emit(&mut self, event: &Event) {
        self.now += 10_000;
        self.world.apply(Stamp::from_nanos(self.now), event);
    }

    fn life(&mut self, id: u32, event: ClientEvent) {
        self.emit(&Event::Client { id, peer: peer(id), event });
    }

    /// A client comes, and waits in one of the ways in which clients wait.
    fn comes(&mut self, id: u32) {
        self.life(id, ClientEvent::Started { half_open: false });
        self.life(
            id,
            ClientEvent::Departed { kind: qviz::model::segment::Kind::Syn, attempt: 1, arrives: Stamp::ZERO },
        );
        self.life(id, ClientEvent::WillRetry { at: Stamp::from_nanos(self.now + 1), gives_up: false });
        self.emit(&crate::outcome::delivered(segment(id, Toward::Listener, flags::SYN), Outcome::Request, 0));
        self.emit(&Event::Segment(segment(id, Toward::Client, flags::SYN | flags::ACK)));
        if id.is_multiple_of(2) {
            self.life(id, ClientEvent::Connected);
            self.emit(&crate::outcome::delivered(segment(id, Toward::Listener, flags::ACK), Outcome::Queued, 0));
        }
    }

    fn goes(&mut self, id: u32) {
        if id.is_multiple_of(2) {
            let event = ServerEvent::Accepted { waited_ms: None, cookie: None };
            self.emit(&Event::Served { peer: peer(id), event });
            self.emit(&Event::Served { peer: peer(id), event: ServerEvent::Closed });
            self.life(id, ClientEvent::Finished);
        } else {
            self.emit(&crate::outcome::delivered(segment(id, Toward::Listener, flags::RST), Outcome::RequestReset, 1));
            self.life(id, ClientEvent::Reset);
        }
    }
}

#[test]
fn a_further_live_client_costs_at_most_two_hundred_bytes() {
    let mut crowd = Crowd::new();
    let first = 20_000;
    (0..first).for_each(|id| crowd.comes(id));
    let before = held();
    let last = 120_000;
    (first..last).for_each(|id| crowd.comes(id));
    let each = (held() - before) as f64 / f64::from(last - first);
    println!("{each:.0} bytes each");
    assert_eq!(crowd.world.roster.count(), last as usize);
    assert!(each <= 200.0, "{each:.0} bytes each");
}

#[test]
fn what_a_crowd_has_held_is_used_again_by_the_next_one() {
    let mut crowd = Crowd::new();
    let mut most = 0;
    for turn in 0..12_u32 {
        let ids = turn * 5000..(turn + 1) * 5000;
        ids.clone().for_each(|id| crowd.comes(id));
        if turn == 1 {
            most = held();
        }
        ids.for_each(|id| crowd.goes(id));
        crowd.now += 2_000_000_000;
        crowd.emit(&Event::Tick);
        assert_eq!(crowd.world.roster.count(), 0);
    }
    // The timeline grows by a slot for each tenth of a second, for an hour at most.
    let slots = crowd.world.history.slots().len() * 2 * std::mem::size_of::<qviz::fold::history::Slot>();
    assert!(held() <= most + slots.cast_signed(), "{} after {most}", held());
}

/// Tallies are what a walk over all connections would count.
#[test]
fn the_tallies_are_those_of_a_walk() {
    use qviz::fold::connection::CombinedState;
    let mut crowd = Crowd::new();
    for id in 0..500 {
        crowd.comes(id);
        if id % 3 == 0 {
            crowd.goes(id);
        }
        if id % 7 == 0 {
            crowd.emit(&Event::Segment(segment(id, Toward::Listener, flags::RST)));
        }
        let world = &crowd.world;
        let count = |state| world.roster.iter().filter(|one| one.belief() == state).count() as u32;
        for state in [CombinedState::HalfOpen, CombinedState::Queued, CombinedState::ClosedInQueue, CombinedState::Over]
        {
            assert_eq!(world.roster.in_state(state), count(state), "{id}: {state:?}");
        }
        let requests = world.roster.iter().filter(|one| one.server.in_syn_queue()).count();
        assert_eq!((world.roster.requests().count(), world.syn_queue.depth() as usize), (requests, requests));
        assert_eq!(world.roster.dead_in_queue(), count(CombinedState::ClosedInQueue));
    }
    assert!(crowd.world.roster.dead_in_queue() > 0);
}

/// Its RST was on its way, and so was a segment that brings the cookie again.
#[test]
fn a_connection_that_is_made_after_its_client_has_left_goes_with_the_server() {
    let mut crowd = Crowd::new();
    crowd.emit(&crate::outcome::delivered(segment(2, Toward::Listener, flags::ACK), Outcome::AnsweredByReset, 0));
    assert_eq!(crowd.world.roster.count(), 0);
    crowd.emit(&crate::outcome::delivered(segment(2, Toward::Listener, flags::ACK), Outcome::Queued, 0));
    assert_eq!((crowd.world.roster.count(), crowd.world.accept_queue.depth()), (1, 1));
    for event in [ServerEvent::Accepted { waited_ms: None, cookie: None }, ServerEvent::Closed] {
        crowd.emit(&Event::Served { peer: peer(2), event });
    }
    crowd.now += 2_000_000_000;
    crowd.emit(&Event::Tick);
    assert_eq!((crowd.world.roster.count(), crowd.world.accept_queue.depth()), (0, 0));
}
