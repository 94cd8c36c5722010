//! Counters that are read more often than the listeners.

use super::*;

#[test]
fn drops_among_thousands_of_listeners_are_no_noise_where_the_counters_are_read_twice_before_the_next_dump() {
    let mut watch = Watch::began(false);
    watch.snapshot(0, vec![at(1, 80, 0, 0)]);
    watch.counters(0, 0);
    watch.counters(100, 2);
    watch.counters(200, 2);
    watch.counters(300, 2);
    watch.snapshot(400, vec![at(1, 80, 6, 2)]);
    watch.counters(401, 2);
    watch.counters(501, 2);
    assert_eq!(watch.drops(1), (2, 0, true));
    watch.snapshot(4000, vec![at(1, 80, 6, 3)]);
    watch.counters(4001, 2);
    watch.counters(4101, 2);
    assert_eq!(watch.drops(1), (2, 1, true), "noise is noise");
}
