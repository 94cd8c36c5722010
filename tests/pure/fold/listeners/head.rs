//! The head of a queue, from the chosen listener's own dumps.

use super::*;

#[test]
fn the_chosen_listeners_own_lists_give_its_head_exactly() {
    let mut watch = Watch::began(false);
    watch.snapshot(0, vec![at(1, 80, 2, 0)]);
    watch.apply(0, &Event::Chosen(Some(ListenerId(1))));
    let peer = qviz::model::peer::Peer::v4(std::net::Ipv4Addr::LOCALHOST, 4000);
    let waiting = |cookie, age_ms| {
        let entry = Waiting { peer, age_ms: Some(age_ms), bytes: 0, closed: false, cookie };
        Event::Listed(Box::new(Listed { half_open: None, waiting: Some(vec![entry]) }))
    };
    watch.apply(0, &waiting(9, 1000));
    watch.apply(1000, &waiting(9, 2000));
    assert_eq!(watch.listener(1).stall().unwrap().unmoved, Duration::from_secs(1));
    watch.apply(1100, &waiting(10, 2100));
    assert_eq!(watch.listener(1).stall().unwrap().unmoved, Duration::ZERO, "as old, but another one");
}

#[test]
fn of_those_that_came_within_a_tick_any_may_look_oldest_and_nothing_was_accepted() {
    let mut watch = Watch::began(false);
    watch.snapshot(0, vec![at(1, 80, 2, 0)]);
    watch.apply(0, &Event::Chosen(Some(ListenerId(1))));
    let peer = |cookie| qviz::model::peer::Peer::v4(std::net::Ipv4Addr::LOCALHOST, 4000 + cookie as u16);
    let entry =
        |(cookie, age_ms)| Waiting { peer: peer(cookie), age_ms: Some(age_ms), bytes: 0, closed: false, cookie };
    let listed = |ages: [(u64, u32); 2]| {
        Event::Listed(Box::new(Listed { half_open: None, waiting: Some(ages.map(entry).to_vec()) }))
    };
    watch.apply(0, &listed([(1, 1000), (2, 1000)]));
    watch.apply(500, &listed([(1, 1500), (2, 1504)]));
    watch.apply(1000, &listed([(1, 2004), (2, 2000)]));
    assert_eq!(watch.listener(1).stall().unwrap().unmoved, Duration::from_secs(1));
    watch.apply(1500, &listed([(2, 2400), (3, 2504)]));
    assert_eq!(watch.listener(1).stall().unwrap().unmoved, Duration::ZERO, "an older one has come in sight");
}
