//! What becomes of a segment that is about to be delivered to the listener: what the kernel's tests leave open, and how a reading
//! decides it. Pure.
//!
//! The kernel's order of tests is that of `tcp_conn_request` (net/ipv4/tcp_input.c) for a SYN, of `tcp_check_req`
//! (net/ipv4/tcp_minisocks.c) and `tcp_v4_syn_recv_sock` (net/ipv4/tcp_ipv4.c) for what follows it. [`Outcomes::foresee`] says
//! whether a segment can have more than one outcome; if so, [`Outcomes::judge`] decides by what was read after it, and asks for
//! more while that does not suffice. [`Outcomes::settle`] takes the decision over.

mod evidence;
mod question;

use std::collections::HashMap;
use std::time::Duration;

use foldhash::fast::FixedState;

pub use self::evidence::{Answer, Evidence, Judgement};
pub use self::question::{Foreseen, Question};
use crate::model::cause::Cause;
use crate::model::counters::{Counter, Counters};
use crate::model::delivery::Outcome;
use crate::model::peer::Peer;
use crate::model::queue::three_quarters_refuses;
use crate::model::segment::{Kind, Segment, Toward};
use crate::model::settings::{Sysctl, Sysctls};
use crate::model::stamp::Stamp;

/// What the server's side has of each client that was not finished, and the bounds of its queues.
#[derive(Debug, Default)]
pub struct Outcomes {
    peers: HashMap<Peer, OfPeer, FixedState>,
    /// How many of them are requests: at least as many as the kernel has, because its timers end some unseen.
    requests: u32,
    limits: Limits,
    /// The counters as last read, and what the outcomes since then have moved.
    counters: Option<Counters>,
    moved: Moved,
    /// The outcome that is settled next is part of `counters` already.
    is_counted: bool,
    /// How many connections were certain to enter the accept queue and may still be on their way: kernels before 6.5 can leave what is
    /// sent to another thread (`do_softirq` in kernel/softirq.c, where ksoftirqd runs).
    entering: u32,
}

/// The limits that decide, as they are now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limits {
    /// The accept queue holds one more.
    accept: u32,
    /// At most so many connections wait for `accept()`: the last reading, all that were on their way then, and all that were queued since.
    depth: u32,
    cookies: i64,
    abort: bool,
    max_syn_backlog: u32,
    /// A bare ACK completes no request (TCP_DEFER_ACCEPT).
    deferred: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { accept: 0, depth: u32::MAX, cookies: 1, abort: false, max_syn_backlog: 0, deferred: false }
    }
}

/// What the server's side has of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct OfPeer {
    held: Held,
    /// The last cookie that it was sent. The kernel keeps nothing of it: only its age ends it, neither its use, nor what does not redeem
    /// it, nor a request that comes and goes meanwhile.
    cookie: Option<SynAck>,
}

/// What the kernel keeps of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// Nothing.
    Nothing,
    /// A request.
    Request(SynAck),
    /// A socket; whether its client has sent FIN, and what the server has.
    Socket { client_closed: bool, server: ServerEnd },
}

/// The server's end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ServerEnd {
    /// It has not sent FIN.
    Open,
    /// It has, and nothing has reached it since: the socket is there.
    FinSent,
    /// It has, and the socket may have ended unseen.
    Closed,
}

/// An answer to a SYN; `isn`: its sequence number, once it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SynAck {
    since: Stamp,
    isn: Option<u32>,
    client_isn: u32,
}

/// By how much outcomes move the counters that decide between causes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) overflows: u64,
    pub(super) drops: u64,
    pub(super) syn_queue_full: u64,
    pub(super) cookies_sent: u64,
    pub(super) cookies_received: u64,
    pub(super) embryonic_resets: u64,
}

impl Outcomes {
    /// Takes the settings of the listener's namespace over.
    pub fn set_sysctls(&mut self, sysctls: &Sysctls) {
        let value = |sysctl, usual| sysctls.value(sysctl).unwrap_or(usual);
        self.limits.cookies = value(Sysctl::Syncookies, 1);
        self.limits.abort = value(Sysctl::AbortOnOverflow, 0) != 0;
        self.limits.max_syn_backlog = u32::try_from(value(Sysctl::MaxSynBacklog, 0)).unwrap_or(0);
    }

    /// Whether the listener has TCP_DEFER_ACCEPT: a request then throws bare ACKs away (`tcp_check_req`).
    pub const fn set_deferred(&mut self, deferred: bool) {
        self.limits.deferred = deferred;
    }

    /// Takes a reading of the accept queue over.
    pub const fn set_queue(&mut self, depth: u32, limit: u32) {
        (self.limits.depth, self.limits.accept) = (depth.saturating_add(self.entering), limit);
    }

    /// True when connections may be on their way into the accept queue: a growth of it may be theirs.
    pub const fn any_entering(&self) -> bool {
        self.entering > 0
    }

    /// All that was sent has been processed.
    pub const fn all_entered(&mut self) {
        self.entering = 0;
    }

    /// Takes the outcome of a segment over that could have this one alone, and that nobody has seen.
    pub fn settle_unseen(&mut self, at: Stamp, segment: &Segment, outcome: Outcome) {
        self.entering += u32::from(outcome == Outcome::Queued);
        self.settle(at, segment, outcome, None);
    }

    /// A listing of all requests was made: those that it lacks, and that are older than a request's first timer, have ended. It is made
    /// while nothing is delivered. Cookies that are no longer valid end as well.
    pub fn keep_requests(&mut self, now: Stamp, listed: impl Fn(&Peer) -> bool) {
        self.peers.retain(|peer, one| {
            if matches!(one.held, Held::Request(sent) if now.since(sent.since) >= FIRST_TIMER && !listed(peer)) {
                one.held = Held::Nothing;
            }
            one.cookie = one.cookie.filter(|sent| now.since(sent.since) < COOKIE_END);
            !one.is_empty()
        });
        self.requests = self.peers.values().filter(|one| one.is_request()).count() as u32;
    }

    /// The accept queue's limit, as last read.
    pub const fn accept_limit(&self) -> u32 {
        self.limits.accept
    }

    /// A segment toward a client passed.
    pub fn sent(&mut self, segment: &Segment) {
        let Some(one) = self.peers.get_mut(&segment.peer) else { return };
        match (segment.kind(), &mut one.held, &mut one.cookie) {
            (Kind::SynAck, Held::Request(sent), _) | (Kind::SynAck, Held::Nothing, Some(sent)) => {
                sent.isn = sent.isn.or(Some(segment.seq));
            }
            (Kind::Fin, Held::Socket { server: server @ ServerEnd::Open, .. }, _) => {
                *server = ServerEnd::FinSent;
                self.tidy(&segment.peer);
            }
            // Of what the client has sent before it learns of the RST, the first segment may bring a cookie again.
            (Kind::Rst, Held::Socket { .. }, _) => self.end(&segment.peer),
            _ => {}
        }
    }

    /// Takes an outcome over.
    pub fn settle(&mut self, at: Stamp, segment: &Segment, outcome: Outcome, answer: Option<Answer>) {
        let isn = answer.filter(|answer| answer.kind == Kind::SynAck).map(|answer| answer.seq);
        let by_cookie = self.redeems(segment, outcome);
        match outcome {
            Outcome::Request => {
                self.set(segment.peer, Held::Request(SynAck { since: at, isn, client_isn: segment.seq }));
            }
            Outcome::Cookie => {
                let cookie = Some(SynAck { since: at, isn, client_isn: segment.seq });
                self.set(segment.peer, Held::Nothing).cookie = cookie;
            }
            Outcome::Queued => {
                self.limits.depth = self.limits.depth.saturating_add(1);
                let client_closed = segment.kind() == Kind::Fin;
                self.set(segment.peer, Held::Socket { client_closed, server: ServerEnd::Open });
            }
            Outcome::AnsweredByReset if self.is_beside_request(segment) => {}
            Outcome::RequestReset | Outcome::AnsweredByReset | Outcome::Dropped(Cause::AckReset) => {
                self.end(&segment.peer);
            }
            Outcome::Dropped(_) | Outcome::Discarded | Outcome::Shadowed | Outcome::Undetermined => {}
        }
        if !std::mem::take(&mut self.is_counted) {
            self.moved.add(outcome, by_cookie);
        }
    }

    /// True when this outcome of the segment, which is not settled yet, counts as a cookie that came back (SyncookiesRecv).
    pub fn redeems(&self, segment: &Segment, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Queued => self.is_beside_request(segment),
            Outcome::Shadowed | Outcome::Dropped(Cause::AckCookieAcceptQueueFull) => true,
            _ => false,
        }
    }

    /// True when the segment can have neither completed nor ended its client's request: there is none, or it is of another connection.
    fn is_beside_request(&self, segment: &Segment) -> bool {
        !matches!(self.held(&segment.peer), Held::Request(_)) || self.passes_by_request(segment)
    }

    /// A segment that decides nothing was delivered.
    pub fn passed(&mut self, segment: &Segment) {
        let Some(OfPeer { held: Held::Socket { client_closed, server }, .. }) = self.peers.get_mut(&segment.peer)
        else {
            return;
        };
        *client_closed |= segment.kind() == Kind::Fin;
        if *server == ServerEnd::FinSent {
            *server = ServerEnd::Closed;
        }
        if segment.kind() == Kind::Rst {
            self.end(&segment.peer);
        } else {
            self.tidy(&segment.peer);
        }
    }

    /// What the counters have moved beyond the outcomes so far; they are the base of the next comparison. `None` at the first reading.
    pub(super) fn beyond(&mut self, read: &Counters) -> Option<Moved> {
        let before = self.counters.replace(read.clone());
        let accounted = std::mem::take(&mut self.moved);
        let change = read.since(&before?);
        let beyond = |counter, accounted: u64| change.value(counter).unwrap_or(0).saturating_sub(accounted);
        Some(Moved {
            overflows: beyond(Counter::ListenOverflows, accounted.overflows),
            drops: beyond(Counter::ListenDrops, accounted.drops),
            syn_queue_full: beyond(Counter::TCPReqQFullDrop, accounted.syn_queue_full),
            cookies_sent: beyond(Counter::SyncookiesSent, accounted.cookies_sent),
            cookies_received: beyond(Counter::SyncookiesRecv, accounted.cookies_received),
            embryonic_resets: beyond(Counter::EmbryonicRsts, accounted.embryonic_resets),
        })
    }

    /// Takes a reading of the counters as the base of later comparisons; nothing may be open.
    pub fn rebase(&mut self, read: &Counters) {
        let _accounted = self.beyond(read);
    }

    /// True when the SYN queue may be full, by either rule of the kernel.
    const fn syn_queue_may_be_full(&self) -> bool {
        self.requests >= self.limits.accept
    }

    const fn accept_queue_may_be_full(&self) -> bool {
        self.limits.depth > self.limits.accept
    }

    const fn three_quarters_may_refuse(&self) -> bool {
        self.limits.cookies == 0 && three_quarters_refuses(self.limits.max_syn_backlog, self.requests)
    }

    /// True for a segment that acknowledges something else than its client's request has sent.
    fn passes_by_request(&self, segment: &Segment) -> bool {
        matches!(self.held(&segment.peer), Held::Request(SynAck { isn: Some(isn), .. }) if segment.ack != isn.wrapping_add(1))
    }

    fn held(&self, peer: &Peer) -> Held {
        self.peers.get(peer).map_or(Held::Nothing, |one| one.held)
    }

    fn set(&mut self, peer: Peer, held: Held) -> &mut OfPeer {
        let one = self.peers.entry(peer).or_insert(OfPeer { held: Held::Nothing, cookie: None });
        self.requests -= u32::from(one.is_request());
        one.held = held;
        self.requests += u32::from(one.is_request());
        one
    }

    /// The kernel keeps nothing of this client any more.
    fn end(&mut self, peer: &Peer) {
        self.set(*peer, Held::Nothing);
        self.tidy(peer);
    }

    fn tidy(&mut self, peer: &Peer) {
        if self.peers.get(peer).is_some_and(OfPeer::is_empty) {
            self.peers.remove(peer);
        }
    }
}

impl OfPeer {
    const fn is_request(&self) -> bool {
        matches!(self.held, Held::Request(_))
    }

    /// True when nothing of the client can matter any more.
    const fn is_empty(&self) -> bool {
        let over = match self.held {
            Held::Nothing => true,
            Held::Socket { client_closed, server } => client_closed && !matches!(server, ServerEnd::Open),
            Held::Request(_) => false,
        };
        over && self.cookie.is_none()
    }
}

impl Moved {
    fn add(&mut self, outcome: Outcome, by_cookie: bool) {
        let cause = outcome.cause();
        self.overflows += u64::from(cause.is_some_and(Cause::is_overflow));
        self.drops += u64::from(cause.is_some_and(Cause::is_listen_drop));
        self.syn_queue_full += u64::from(cause == Some(Cause::SynSynQueueFull));
        self.cookies_sent += u64::from(outcome == Outcome::Cookie);
        self.cookies_received += u64::from(by_cookie);
        self.embryonic_resets += u64::from(cause == Some(Cause::AckReset) || outcome == Outcome::RequestReset);
    }
}

/// True when a segment toward the listener can decide something whoever sends it.
const fn is_syn(segment: &Segment) -> bool {
    matches!((segment.kind(), segment.toward), (Kind::Syn, Toward::Listener))
}

/// No timer of the kernel ends a request before it is this old: the first one comes after TCP_TIMEOUT_INIT, one second
/// (`reqsk_timer_handler`, net/ipv4/inet_connection_sock.c), less a tick.
const FIRST_TIMER: Duration = Duration::from_millis(900);

/// A cookie is valid for at least this long (MAX_SYNCOOKIE_AGE, include/net/tcp.h: two periods of 60 seconds, less the one in which it
/// was made).
const COOKIE_AGE: Duration = Duration::from_secs(60);

/// No cookie is valid for longer: MAX_SYNCOOKIE_AGE periods of 60 seconds (TCP_SYNCOOKIE_PERIOD, include/net/tcp.h).
const COOKIE_END: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests;
