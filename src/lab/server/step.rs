//! Single-stepping: the server's next action, executed once while client time is held.

use std::cmp::Reverse;
use std::os::fd::BorrowedFd;

use super::{AcceptCall, Inspect, Server};
use crate::model::client_clock::StepOutcome;
use crate::model::event::{Event, Stamped};
use crate::model::peer::Peer;
use crate::model::stamp::Stamp;

impl Server {
    /// Calls `accept()` once, regardless of valve and workers, and returns the accepted peer; `None` when the queue
    /// is empty.
    pub fn force_accept(
        &mut self,
        now: Stamp,
        listener: BorrowedFd<'_>,
        inspect: Inspect<'_>,
        out: &mut Vec<Stamped>,
    ) -> Option<Peer> {
        let taken = (0..ATTEMPTS).find_map(|_| match self.accept_one(now, listener, inspect, out) {
            AcceptCall::Accepted(peer) => Some(Some(peer)),
            AcceptCall::QueueEmpty | AcceptCall::Failed => Some(None),
            AcceptCall::Interrupted => None,
        });
        self.serve_fresh(now, out);
        taken?
    }

    /// Executes the server's next action if it is not later than `until` (`None`: no limit): the end of a service, or
    /// one `accept()`. Returns when it was due, in client time; an overdue action happens `now`.
    pub fn step(
        &mut self,
        (now, until): (Stamp, Option<Stamp>),
        listener: BorrowedFd<'_>,
        inspect: Inspect<'_>,
        out: &mut Vec<Stamped>,
    ) -> Option<(Stamp, Peer, StepOutcome)> {
        let in_time = |due: &Stamp| until.is_none_or(|until| *due <= until);
        let open = self.next_accept().map(|open| open.max(now)).filter(in_time);
        let served = self.end_one_service(now, open.or(until), out);
        if served.is_some() {
            return served;
        }
        if let Some(open) = open
            && let Some(peer) = self.force_accept(open, listener, inspect, out)
        {
            return Some((open, peer, StepOutcome::Accepted));
        }
        self.end_one_service(now, until, out)
    }

    /// Ends the service with the earliest deadline, if that is not later than `until`.
    fn end_one_service(
        &mut self,
        now: Stamp,
        until: Option<Stamp>,
        out: &mut Vec<Stamped>,
    ) -> Option<(Stamp, Peer, StepOutcome)> {
        while let Some(&Reverse((due, key))) = self.deadlines.peek()
            && until.is_none_or(|until| due <= until)
        {
            self.deadlines.pop();
            let (at, first) = (due.max(now), out.len());
            if self.served.get(key).is_some_and(|connection| connection.due == due) {
                self.serve(key, at, out);
            }
            if let Some(Event::Served { peer, .. }) = out.get(first).map(|fact| &fact.event) {
                return Some((at, *peer, StepOutcome::Served));
            }
        }
        None
    }
}

/// How often `accept()` is called again after EINTR or ECONNABORTED.
const ATTEMPTS: usize = 8;
