//! The crowd's time. It is the client time of the session ([`ClientClock`]), and stands still where the crowd cannot keep up: a timer that
//! has come is carried out late then, and what it leads to comes as much later. Otherwise the answer to a segment that qviz itself sent too
//! late would meet a client whose timeout has expired meanwhile; its retransmission would be more work still, and the crowd would never
//! catch up again.

use std::time::Duration;

use crate::model::client_clock::ClientClock;
use crate::model::stamp::Stamp;

/// Client time, less all the time for which the crowd stood still. Stamps are the crowd's unless said otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CrowdClock {
    /// The clients' clock as the rest of the session has it.
    pub(super) shared: ClientClock,
    behind: Duration,
}

impl CrowdClock {
    /// The crowd's time at a moment of the session.
    pub(super) fn at(&self, now: Stamp) -> Stamp {
        self.shared.at(now).saturating_sub(self.behind)
    }

    /// The moment of the session at which the crowd's time reaches `time`.
    pub(super) fn moment(&self, time: Stamp) -> Stamp {
        self.shared.moment(self.shared_time(time))
    }

    /// A moment of the crowd's time on the clients' clock of the session.
    pub(super) fn shared_time(&self, time: Stamp) -> Stamp {
        time + self.behind
    }

    /// Sets the time at `now` to `time`; it never goes backwards.
    pub(super) fn advance(&mut self, now: Stamp, time: Stamp) {
        self.shared.advance(now, self.shared_time(time));
    }

    /// Stands still: at `now` it is only as late as `first` can be carried out in time, but not before `latest`, which has been. Returns for
    /// how long it stood still.
    pub(super) fn pause_for(&mut self, now: Stamp, first: Stamp, latest: Stamp) -> Duration {
        let lost = self.at(now).since((first + LONGEST_LAG).max(latest));
        self.behind += lost;
        lost
    }

    pub(super) const fn is_held(&self) -> bool {
        self.shared.held
    }

    /// Whether it is the session's time.
    pub(super) fn is_session_time(&self) -> bool {
        self.shared == ClientClock::default() && self.behind.is_zero()
    }
}

/// By so much a timer may be late. Less than the shortest timeout of a client (TCP_RTO_MIN, 200 ms).
const LONGEST_LAG: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Stamp {
        Stamp::from_millis(millis)
    }

    #[test]
    fn it_stands_still_until_what_is_due_is_at_most_the_longest_lag_late() {
        let mut clock = CrowdClock::default();
        assert_eq!(clock.pause_for(ms(1040), ms(1000), ms(1000)), Duration::ZERO);
        assert!(clock.is_session_time());
        assert_eq!(clock.pause_for(ms(1300), ms(1000), ms(1040)), Duration::from_millis(250));
        assert_eq!((clock.at(ms(1300)), clock.moment(ms(1050))), (ms(1050), ms(1300)));
        assert!(!clock.is_session_time());
    }

    #[test]
    fn it_never_goes_backwards() {
        let mut clock = CrowdClock::default();
        assert_eq!(clock.pause_for(ms(1300), ms(1000), ms(1200)), Duration::from_millis(100));
        assert_eq!(clock.at(ms(1300)), ms(1200), "which has been");
    }
}
