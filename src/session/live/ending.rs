//! When the final readings of a session may end: counters and tap must cover the same segments.

use crate::model::event::{Event, Stamped};
use crate::model::stamp::Stamp;

/// After this many readings a single quiet one ends the session.
const LAST_LOOKS: usize = 50;

/// After this many readings the session ends in any case.
const MOST_LOOKS: usize = 4 * LAST_LOOKS;

/// This many quiet readings in a row end the session: a dump that lacks a request counts only when the next one lacks it too.
const LEAST_LOOKS: usize = 3;

/// The final readings so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FinalReadings {
    quiet: usize,
    looks: usize,
}

/// What follows a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Another reading.
    Look,
    /// The session is over.
    Over,
    /// Traffic never stops: the session ends with this reading, and later segments are not covered by its counters.
    Cut,
}

impl FinalReadings {
    /// Takes a reading; `moved`: segments passed the tap during it.
    pub(super) fn after(&mut self, moved: bool) -> Next {
        self.looks += 1;
        self.quiet = if moved { 0 } else { self.quiet + 1 };
        if self.quiet >= LEAST_LOOKS || (self.looks >= LAST_LOOKS && self.quiet > 0) {
            Next::Over
        } else if self.looks >= MOST_LOOKS {
            Next::Cut
        } else {
            Next::Look
        }
    }
}

/// Removes the segments that came after the final reading.
pub(super) fn cut(batch: &mut Vec<Stamped>, read_at: Stamp) {
    batch.retain(|fact| fact.at <= read_at || !matches!(fact.event, Event::Segment(_)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::peer::Peer;
    use crate::model::segment::{Segment, Toward, flags};

    fn looks(moved: impl Fn(usize) -> bool) -> (usize, Next) {
        let mut last = FinalReadings::default();
        (0..1000)
            .map(|reading| (reading + 1, last.after(moved(reading))))
            .find(|(_, next)| *next != Next::Look)
            .unwrap()
    }

    #[test]
    fn three_quiet_looks_in_a_row_end_it() {
        assert_eq!(looks(|_| false), (3, Next::Over));
        assert_eq!(looks(|reading| reading == 1), (5, Next::Over));
        assert_eq!(looks(|reading| reading < 10), (13, Next::Over));
    }

    #[test]
    fn after_many_looks_a_single_quiet_one_will_do() {
        assert_eq!(looks(|reading| reading % 3 < 2), (51, Next::Over));
        assert_eq!(looks(|reading| reading != 60), (61, Next::Over));
    }

    #[test]
    fn where_it_is_never_quiet_the_segments_after_the_last_look_are_left_out() {
        assert_eq!(looks(|_| true), (200, Next::Cut));
        let peer = Peer::v4(std::net::Ipv4Addr::LOCALHOST, 9);
        let segment = Event::Segment(Segment {
            peer,
            toward: Toward::Listener,
            flags: flags::SYN,
            seq: 1,
            ack: 0,
            payload: 0,
            window_scale: false,
            timestamps: false,
        });
        let at = Stamp::from_millis;
        let mut batch: Vec<_> = [(1, segment.clone()), (2, segment.clone()), (3, segment), (3, Event::Tick)]
            .map(|(millis, event)| Stamped { at: at(millis), event })
            .into();
        cut(&mut batch, at(2));
        assert_eq!(batch.iter().map(|fact| fact.at).collect::<Vec<_>>(), [at(1), at(2), at(3)]);
    }
}
