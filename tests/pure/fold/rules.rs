//! Small rules, each by itself: what is nearest to a silence, what a reading settles, what brings a request back, who else has seen a loss,
//! and how long things took.

use qviz::fold::connection::CombinedState;
use qviz::model::cause::Cause;
use qviz::model::event::{ClientEvent, Event, ServerEvent};

use crate::play::{Play, peer};

#[test]
fn a_request_that_is_listed_again_was_there_all_the_time() {
    let mut play = Play::new(5, &[]);
    play.request(1);
    for listed in [&[1][..], &[], &[1], &[]] {
        play.list(listed);
        assert_eq!((play.belief(1), play.drop_count(Cause::RequestPruned)), (CombinedState::HalfOpen, (0, 0)));
    }
    play.list(&[]);
    assert_eq!(play.drop_count(Cause::RequestPruned), (1, 1));
}

#[test]
fn a_request_stayed_until_the_first_list_that_lacks_it() {
    let mut play = Play::new(5, &[]);
    play.request(1);
    play.list(&[1]);
    play.pass(3000);
    play.list(&[]);
    play.pass(2000);
    play.list(&[]);
    let stay = &play.world.stay;
    assert_eq!(stay.count(), 1);
    assert!((3000.0..3010.0).contains(&stay.max_ms().unwrap()), "{stay:?}");
}

#[test]
fn what_is_listed_or_answers_again_still_stands() {
    // A request of which only the list tells.
    let mut play = Play::new(5, &[]);
    play.list(&[9]);
    assert_eq!(play.belief(9), CombinedState::HalfOpen);
    // One that was thought pruned, and whose timer sends its SYN-ACK again; and one that comes back to the list.
    for again in [true, false] {
        let mut play = Play::new(5, &[]);
        play.request(1);
        for _ in 0..3 {
            play.list(&[]);
        }
        assert_eq!(play.drop_count(Cause::RequestPruned), (1, 1));
        if again {
            play.syn_ack(1);
        } else {
            play.list(&[1]);
        }
        assert_eq!((play.belief(1), play.world.syn_queue.depth()), (CombinedState::HalfOpen, 1));
    }
}

#[test]
fn times_are_kept_of_requests_waits_and_connects() {
    let mut play = Play::new(5, &[]);
    play.request(1);
    play.pass(40);
    play.client_event(1, ClientEvent::Connected);
    play.ack(1);
    play.pass(70);
    play.emit(Event::Served { peer: peer(1), event: ServerEvent::Accepted { waited_ms: None, cookie: None } });
    let world = &play.world;
    for (spread, ms) in [(&world.stay, 40.0), (&world.connect, 40.0), (&world.wait, 70.0)] {
        assert_eq!(spread.count(), 1);
        assert!((ms..ms + 1.0).contains(&spread.max_ms().unwrap()), "{ms}: {spread:?}");
    }
}
