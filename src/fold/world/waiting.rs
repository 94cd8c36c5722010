//! Connections that wait for `accept()`, as sock_diag lists them. The depth says how many are in, the lists say who: what the depth
//! alone had decided about one of several final ACKs is settled here.

use std::cmp::Reverse;

use super::World;
use super::account::SILENCE;
use super::readings::MISSED;
use crate::fold::connection::{Connection, ServerSide};
use crate::model::peer::Peer;
use crate::model::sample::Waiting;
use crate::model::stamp::Stamp;

impl World {
    pub(super) fn read_waiting(&mut self, at: Stamp, listed: &[Waiting]) {
        self.open.waiting_dump += 1;
        let dump = self.open.waiting_dump;
        let mut unexpected = 0;
        for waiting in listed {
            let one = self.roster.entry(waiting.peer, at);
            one.bytes = one.bytes.max(waiting.bytes);
            one.client_closed |= waiting.closed;
            (one.trace.waiting_dump, one.trace.away) = (dump, 0);
            match one.server {
                ServerSide::HalfOpen | ServerSide::CookieSent if self.segments.is_some() => {
                    unexpected += u32::from(self.revise_to_taken(at, waiting.peer));
                }
                ServerSide::Nothing | ServerSide::HalfOpen | ServerSide::CookieSent => {
                    self.server_to(at, waiting.peer, ServerSide::Queued);
                }
                _ => {}
            }
        }
        if self.segments.is_some() {
            self.put_absent_right(at, unexpected);
        }
    }

    /// Who was thought to be in the queue and is not on the list: somebody whose ACK was thought ignored had that place, or a second
    /// list lacks it too (a dump is not a snapshot). Its ACK was ignored.
    fn put_absent_right(&mut self, at: Stamp, mut unexpected: u32) {
        for (peer, away) in self.absent(at) {
            if unexpected == 0 && away < MISSED {
                continue;
            }
            unexpected = unexpected.saturating_sub(1);
            self.put_out(at, peer);
        }
    }

    /// Those thought queued since before the latest walk that it lacks, the latest comer first, each with how many lists in a row have
    /// lacked it.
    fn absent(&mut self, at: Stamp) -> Vec<(Peer, u8)> {
        let (dump, began) = (self.open.waiting_dump, self.desk.listed_at);
        let mut absent = Vec::new();
        for one in self.roster.iter_mut().filter(|one| one.trace.waiting_dump != dump) {
            match one.server {
                ServerSide::Queued if one.server_since <= began && !one.trace.child_spoke => {
                    one.trace.away = one.trace.away.saturating_add(1);
                    absent.push((Reverse(one.queue_order), one.peer, one.trace.away));
                }
                ServerSide::HalfOpen | ServerSide::CookieSent => one.is_still_out(at),
                _ => {}
            }
        }
        absent.sort_unstable();
        absent.into_iter().map(|(_, peer, away)| (peer, away)).collect()
    }
}

impl Connection {
    /// A list taken at `at` lacks it: all its ACKs that the kernel has looked at by then were ignored, whatever becomes of a later one.
    fn is_still_out(&mut self, at: Stamp) {
        if at.since(self.trace.ignored_at) >= SILENCE {
            self.trace.acks_certain = self.acks_ignored;
        }
    }
}
