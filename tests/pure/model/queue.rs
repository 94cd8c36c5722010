//! Tests of `model::queue`.

use qviz::model::queue::{SynRule, accept_capacity, effective_limit, three_quarters_refuses};

#[test]
fn the_limit_is_clamped_by_somaxconn_and_minus_one_means_all() {
    assert_eq!(effective_limit(5, 4096), 5);
    assert_eq!(effective_limit(10_000, 4096), 4096);
    assert_eq!(effective_limit(-1, 4096), 4096);
    assert_eq!(effective_limit(0, 4096), 0);
    assert_eq!(accept_capacity(0), 1);
}

#[test]
fn the_syn_queue_depends_on_the_kernels_test() {
    assert_eq!((SynRule::Above.capacity(5), SynRule::Above.capacity(u32::MAX)), (6, u32::MAX));
    assert_eq!((SynRule::AtLeast.capacity(5), SynRule::AtLeast.capacity(0)), (5, 0));
}

/// Measured on 6.18: a `tcp_max_syn_backlog` of 8 admits 7, 16 admits 13, 128 admits 97.
#[test]
fn three_quarters_as_measured() {
    for (max, admitted) in [(8, 7), (16, 13), (128, 97)] {
        let first_refused = (0..200).find(|&held| three_quarters_refuses(max, held));
        assert_eq!(first_refused, Some(admitted));
    }
}
