//! The ledger, held against a listener on paper: whatever clients, server and eyes do, and in whatever order, every drop gets its
//! right name, and nothing is lost or invented.

#![expect(clippy::expect_used, reason = "tests")]

#[path = "ledger/kernel.rs"]
mod kernel;

use kernel::{ModelListener, Step};
use proptest::prelude::*;
use qviz::fold::world::World;
use qviz::model::cause::Cause;
use qviz::model::event::{Event, Stamped};
use qviz::model::stamp::Stamp;

use crate::seeds::Seeds;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let client = 0..24_u8;
    let step = prop_oneof![
        4 => client.clone().prop_map(Step::Syn),
        5 => client.clone().prop_map(Step::Ack),
        1 => client.clone().prop_map(Step::Rst),
        2 => Just(Step::Accept),
        1 => client.prop_map(Step::Repeat),
        2 => any::<u8>().prop_map(Step::Look),
        1 => Just(Step::Pass),
    ];
    prop::collection::vec(step, 0..250)
}

fn settings() -> impl Strategy<Value = (u32, i64, bool, u32)> {
    (0..6_u32, 0..3_i64, any::<bool>(), prop_oneof![Just(8_u32), Just(16), Just(4096)])
}

fn stamped(events: Vec<Event>) -> Vec<Stamped> {
    let at = |index: usize| Stamp::from_nanos(100_000 * (index as u64 + 1));
    let mut all: Vec<_> =
        events.into_iter().enumerate().map(|(index, event)| Stamped { at: at(index), event }).collect();
    let end = at(all.len());
    all.push(Stamped { at: end, event: Event::Ended });
    all
}

fn fold<'a>(facts: impl IntoIterator<Item = &'a Stamped>) -> World {
    let mut world = World::new();
    for fact in facts {
        world.apply(fact.at, &fact.event);
    }
    world
}

fn run(settings: (u32, i64, bool, u32), steps: &[Step]) -> (ModelListener, Vec<Stamped>) {
    let (limit, cookies, abort, max) = settings;
    let mut paper = ModelListener::new(limit, cookies, abort, max);
    for step in steps {
        paper.step(*step);
    }
    paper.look(0);
    paper.count();
    let facts = stamped(std::mem::take(&mut paper.events));
    (paper, facts)
}

fn tolls(world: &World, causes: [Cause; 3]) -> [u64; 3] {
    causes.map(|cause| world.lost(cause).segments)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: Seeds::cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_drop_gets_its_right_name(settings in settings(), steps in steps()) {
        let (paper, facts) = run(settings, &steps);
        let world = fold(&facts);
        let syn = [Cause::SynAcceptQueueFull, Cause::SynSynQueueFull, Cause::SynMaxSynBacklog];
        let ack = [Cause::AckAcceptQueueFull, Cause::AckCookieAcceptQueueFull, Cause::AckReset];
        prop_assert_eq!(tolls(&world, syn), paper.syn_drops);
        prop_assert_eq!(tolls(&world, ack), paper.ack_drops);
        let balance = world.balance();
        prop_assert_eq!(balance.balanced, Some(true), "{:?}", balance.unexplained);
        prop_assert_eq!((world.ledger.undetermined, world.ledger.deviations), (0, 0));
        prop_assert_eq!(world.listener_drops.total(), Some(world.ledger.listener_drops()));
        prop_assert_eq!(world.accept_queue.depth(), paper.queued());
        prop_assert_eq!(world.syn_queue.depth(), paper.half_open());
        prop_assert_eq!(world.accept_queue.corrections, 0);
    }

    #[test]
    fn packets_are_at_least_as_many_as_clients(settings in settings(), steps in steps()) {
        let (_, facts) = run(settings, &steps);
        let world = fold(&facts);
        for (_, toll) in world.ledger.lost_by_cause() {
            prop_assert!(toll.clients <= toll.segments && toll.clients <= 24);
        }
    }

    #[test]
    fn a_recording_folds_to_the_same(settings in settings(), steps in steps()) {
        let (_, facts) = run(settings, &steps);
        let recorded: Vec<Stamped> = facts
            .iter()
            .map(|fact| {
                let line = serde_json::to_string(fact).expect("a fact can be written");
                serde_json::from_str(&line).expect("and read")
            })
            .collect();
        prop_assert_eq!(&facts, &recorded);
        let (live, replayed) = (fold(&facts), fold(&recorded));
        prop_assert_eq!(&live.ledger, &replayed.ledger);
        prop_assert_eq!(live.accept_queue, replayed.accept_queue);
        prop_assert_eq!(&live.clients, &replayed.clients);
        prop_assert_eq!(live.found, replayed.found);
    }

    /// A turn of the loop may end anywhere: ticks between facts change nothing but the time.
    #[test]
    fn splitting_the_stream_anywhere_changes_nothing(settings in settings(), steps in steps(), every in 1..9_usize) {
        let (_, facts) = run(settings, &steps);
        let whole = fold(&facts);
        let mut split = World::new();
        for (index, fact) in facts.iter().enumerate() {
            split.apply(fact.at, &fact.event);
            if index % every == 0 && index + 1 < facts.len() {
                split.apply(fact.at, &Event::Tick);
            }
        }
        prop_assert_eq!(&whole.ledger, &split.ledger);
        prop_assert_eq!(whole.accept_queue, split.accept_queue);
        prop_assert_eq!(whole.syn_queue, split.syn_queue);
        prop_assert_eq!(&whole.clients, &split.clients);
    }

    /// Facts in an order that no kernel would give: still nothing is lost, invented, or panics.
    #[test]
    fn any_interleaving_conserves_clients_and_segments(
        settings in settings(),
        steps in steps(),
        order in any::<prop::sample::Index>(),
        stride in 1..97_usize,
    ) {
        let (_, facts) = run(settings, &steps);
        let (head, tail) = facts.split_at(4);
        let (tail, last) = tail.split_at(tail.len() - 1);
        let mut shuffled: Vec<&Stamped> = Vec::new();
        let start = if tail.is_empty() { 0 } else { order.index(tail.len()) };
        let mut left: Vec<_> = tail.iter().collect();
        let mut position = start;
        while !left.is_empty() {
            position = (position + stride) % left.len();
            shuffled.push(left.remove(position));
        }
        let world = fold(head.iter().chain(shuffled).chain(last));
        let kinds = |wanted: fn(&Event) -> bool| facts.iter().filter(|fact| wanted(&fact.event)).count() as u64;
        let started = kinds(|event| matches!(event, Event::Client { .. }));
        prop_assert_eq!(world.clients.started, started);
        prop_assert_eq!(world.clients.in_flight(), started);
        let segments = world.segments.expect("the tap works");
        let syns = kinds(|event| matches!(event, Event::Delivered(delivery) if delivery.segment.flags == 2));
        let syn_acks = kinds(|event| matches!(event, Event::Segment(segment) if segment.flags == 18));
        prop_assert_eq!(segments.syn + segments.syn_retransmit, syns);
        prop_assert_eq!(segments.syn_ack + segments.syn_ack_retransmit, syn_acks);
    }
}
