//! Tests of `fold::what_if`.

use std::time::Duration;

use qviz::fold::what_if::TrafficLog;
use qviz::model::stamp::Stamp;

fn at(millis: u64) -> Stamp {
    Stamp::from_millis(millis)
}

/// 100 clients at once meet a queue of 5 and a server that takes one each 20 ms: six were seen to be taken.
fn paced() -> TrafficLog {
    let mut log = TrafficLog::default();
    (0..100).for_each(|_| log.arrived(at(1000)));
    (0..6).for_each(|turn| log.accepted(at(1020 + 20 * turn), 1, turn == 5));
    log
}

#[test]
fn a_paced_server_takes_its_time_for_a_longer_queue_too() {
    let log = paced();
    let short = log.with_backlog(5).unwrap();
    assert_eq!((short.clients, short.lost), (100, 94));
    let longer = log.with_backlog(200).unwrap();
    assert_eq!((longer.lost, longer.longest_wait), (0, Some(Duration::from_secs(2))));
    assert_eq!([98, 99].map(|backlog| log.with_backlog(backlog).unwrap().lost), [1, 0]);
}

/// A process that is off the processor for 250 of 350 ms, 200 arrivals a second, backlog 20: what it takes is held down by the queue itself.
#[test]
fn what_the_queue_itself_held_down_is_not_taken_for_the_servers_pace() {
    let mut log = TrafficLog::default();
    for cycle in 0..10_u64 {
        let begins = cycle * 350;
        (0..70).for_each(|client| log.arrived(at(begins + client * 5)));
        // Off for 250 ms: 21 are in the queue, taken within 2 ms; then each as it comes.
        log.accepted(at(begins + 250), 10, false);
        log.accepted(at(begins + 251), 11, true);
        (51..70).for_each(|client| log.accepted(at(begins + client * 5), 1, true));
    }
    let short = log.with_backlog(20).unwrap();
    assert!((200..=350).contains(&short.lost), "{short:?}");
    let longer = log.with_backlog(128).unwrap();
    assert_eq!(longer.lost, 0, "{longer:?}");
}

/// Three workers of a second each, ten clients a second.
#[test]
fn workers_that_are_too_few_lose_clients_with_any_queue_that_fills() {
    let mut log = TrafficLog::default();
    (0..300).for_each(|client| log.arrived(at(client * 100)));
    (0..30).for_each(|second| log.accepted(at(second * 1000 + 500), 3, false));
    let short = log.with_backlog(10).unwrap();
    assert!((195..=240).contains(&short.lost), "{short:?}");
    let longer = log.with_backlog(1000).unwrap();
    assert!(longer.lost == 0 && longer.longest_wait > Some(Duration::from_secs(60)), "{longer:?}");
}

#[test]
fn the_present_limits_losses_are_those_seen_and_others_have_a_range() {
    let mut log = paced();
    (0..90).for_each(|_| log.refused(at(1001)));
    assert_eq!(log.as_it_was(5).map(|what| (what.lost, what.range)), Some((90, (90, 90))));
    let tried = log.with_range(50).unwrap();
    assert!(tried.range.0 <= tried.lost && tried.lost <= tried.range.1, "{tried:?}");
    // Ten clients a second, taken one by one each 100 ms: a tenth slower they are too many.
    let mut close = TrafficLog::default();
    (0..300).for_each(|client| close.arrived(at(client * 100)));
    (0..300).for_each(|client| close.accepted(at(client * 100 + 99), 1, client % 10 == 9));
    let tried = close.with_range(5).unwrap();
    assert!(tried.range.1 > tried.range.0 + 10, "{tried:?}");
}

#[test]
fn a_client_that_never_answers_is_none_of_the_queues() {
    let mut log = paced();
    log.withdrawn(at(1000));
    assert_eq!(log.with_backlog(5).map(|what| what.clients), Some(99));
    log.withdrawn(at(1500));
    assert_eq!(log.with_backlog(5).map(|what| what.clients), Some(99), "nobody came then");
}

#[test]
fn too_little_gives_no_prediction() {
    let mut log = TrafficLog::default();
    (0..4).for_each(|_| log.arrived(at(0)));
    assert_eq!(log.with_backlog(5), None);
    let stuck = (0..9).fold(TrafficLog::default(), |mut log, _| {
        log.arrived(at(0));
        log
    });
    assert_eq!(stuck.with_backlog(5).map(|what| (what.lost, what.longest_wait)), Some((3, None)));
}
