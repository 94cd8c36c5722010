//! When the last looks of a session may end: counters and tap must speak of the same segments.

use crate::model::event::{Event, Stamped};
use crate::model::stamp::Stamp;

/// How often the end is looked at for several quiet looks in a row; from then on a single one will do.
const LAST_LOOKS: usize = 50;

/// How often the end is looked at at all.
const MOST_LOOKS: usize = 4 * LAST_LOOKS;

/// How many quiet looks end the session: a list that lacks a request counts only when another one lacks it too.
const LEAST_LOOKS: usize = 3;

/// The looks so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FinalReadings {
    quiet: usize,
    looks: usize,
}

/// What follows a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Another look.
    Look,
    /// The session is over.
    Over,
    /// Clients never fall silent here: the session ends with this look, and what has passed since is in no counter of it.
    Cut,
}

impl FinalReadings {
    /// After a look during which something passed the tap, or nothing.
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

/// Leaves out the segments that came after the last look.
pub(super) fn cut(batch: &mut Vec<Stamped>, looked: Stamp) {
    batch.retain(|fact| fact.at <= looked || !matches!(fact.event, Event::Segment(_)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::peer::Peer;
    use crate::model::segment::{Segment, Toward, flags};

    fn looks(moved: impl Fn(usize) -> bool) -> (usize, Next) {
        let mut last = FinalReadings::default();
        (0..1000).map(|look| (look + 1, last.after(moved(look)))).find(|(_, next)| *next != Next::Look).unwrap()
    }

    #[test]
    fn three_quiet_looks_in_a_row_end_it() {
        assert_eq!(looks(|_| false), (3, Next::Over));
        assert_eq!(looks(|look| look == 1), (5, Next::Over));
        assert_eq!(looks(|look| look < 10), (13, Next::Over));
    }

    #[test]
    fn after_many_looks_a_single_quiet_one_will_do() {
        assert_eq!(looks(|look| look % 3 < 2), (51, Next::Over));
        assert_eq!(looks(|look| look != 60), (61, Next::Over));
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
            cookie_bits: None,
        });
        let at = Stamp::from_millis;
        let mut batch: Vec<_> = [(1, segment.clone()), (2, segment.clone()), (3, segment), (3, Event::Tick)]
            .map(|(millis, event)| Stamped { at: at(millis), event })
            .into();
        cut(&mut batch, at(2));
        assert_eq!(batch.iter().map(|fact| fact.at).collect::<Vec<_>>(), [at(1), at(2), at(3)]);
    }
}
