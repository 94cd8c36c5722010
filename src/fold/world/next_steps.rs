//! What will happen next to a connection, and when, if nothing changes.

use std::time::Duration;

use crate::fold::connection::{ClientSide, Connection, Retry, ServerSide, Travel};
use crate::fold::segment_log::SegmentPath;
use crate::fold::world::World;
use crate::model::client_clock::ClientClock;
use crate::model::segment::{Kind, Toward};
use crate::model::settings::Sysctl;
use crate::model::stamp::Stamp;

/// The longest wait between two SYNs or two SYN-ACKs: TCP_RTO_MAX (include/net/tcp.h).
const LONGEST_WAIT: Duration = Duration::from_secs(2 * 60);

/// The known future of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NextSteps {
    /// A segment in flight to the listener.
    pub coming: Option<Travel>,
    /// When the client retransmits or gives up, in the clients' time.
    pub retry: Option<Retry>,
    /// When a client in SYN_SENT gives up at the earliest, in the clients' time; timers are late by up to an eighth.
    pub gives_up: Option<Stamp>,
    /// When the request's timer sends the next SYN-ACK; `None` when none will come.
    pub syn_ack: Option<Stamp>,
    /// When the request is removed at the earliest, if no ACK is taken.
    pub expires: Option<Stamp>,
    /// True when the client is ESTABLISHED and no segment will ever reset it.
    pub never_learns: bool,
}

impl NextSteps {
    /// The next moment at which a timer of either side fires.
    pub fn next(&self, tempo: &ClientClock) -> Option<Stamp> {
        let retry = self.retry.filter(|_| !tempo.held).map(|retry| tempo.moment(retry.at));
        [retry, self.syn_ack.or(self.expires)].into_iter().flatten().min()
    }
}

/// What will happen to this connection if nothing changes.
pub(in crate::fold::world) fn next_steps(world: &World, connection: &Connection) -> NextSteps {
    // Retransmissions of a client without details are not reported.
    let clients = world.tempo.at(world.now);
    let retry = connection.retry.filter(|retry| connection.client == ClientSide::SynSent || retry.at >= clients);
    let mut steps = NextSteps { coming: connection.travel(), retry, ..NextSteps::default() };
    steps.gives_up = gives_up_at(world, connection);
    if connection.server == ServerSide::HalfOpen {
        (steps.syn_ack, steps.expires) = request_timer(world, connection);
    }
    let keeps_nothing = matches!(connection.server, ServerSide::HalfOpen | ServerSide::CookieSent);
    let has_sent =
        retry.is_some() || connection.segment_log().is_none_or(crate::fold::segment_log::SegmentLog::has_sent_data);
    steps.never_learns = keeps_nothing && connection.client == ClientSide::Connected && !has_sent;
    steps
}

/// The rest of a client's SYN schedule, counted from its next retransmission (`tcp_write_timeout`, net/ipv4/tcp_timer.c).
fn gives_up_at(world: &World, connection: &Connection) -> Option<Stamp> {
    let retry = connection.retry.filter(|_| connection.client == ClientSide::SynSent)?;
    if retry.gives_up {
        return Some(retry.at);
    }
    let setting = |sysctl| world.sysctls.value(sysctl).map(|value| value.clamp(0, 127) as u32);
    let linear = setting(Sysctl::SynLinearTimeouts).unwrap_or(0);
    let retries = setting(Sysctl::SynRetries).unwrap_or(6) + linear;
    let sent = connection.segment_log().map_or(u32::from(connection.syns), |log| log.tries().into());
    let wait = |tries: u32| doubled(tries.saturating_sub(1).saturating_sub(linear));
    Some(retry.at + (sent + 1..=retries + 1).map(wait).sum::<Duration>())
}

/// When the request's next SYN-ACK is due, and when it expires (`reqsk_timer_handler`, net/ipv4/inet_connection_sock.c).
fn request_timer(world: &World, connection: &Connection) -> (Option<Stamp>, Option<Stamp>) {
    let retries = world.sysctls.value(Sysctl::SynackRetries).unwrap_or(5).clamp(0, 127) as u32;
    let last = connection.segment_log().and_then(|log| Some((log.last_syn_ack()?, u32::from(log.resent))));
    let listed = world.listed.half_open.iter().flatten().find(|request| request.peer == connection.peer);
    let listed = listed.filter(|_| world.log_switch.listed_at >= last.map_or(connection.server_since, |(at, _)| at));
    let resent = last.map(|(_, resent)| resent).or(listed.map(|request| request.retransmits.into()));
    let resent = resent.unwrap_or_else(|| u32::from(connection.syn_acks.saturating_sub(1)));
    let next = listed.map(|request| world.log_switch.listed_at + Duration::from_millis(request.next_ms.into()));
    let next = next.or(last.map(|(at, resent)| at + doubled(resent))).unwrap_or(connection.server_since + doubled(0));
    let rest: Duration = (resent + 1..=retries).map(doubled).sum();
    ((resent < retries).then_some(next), Some(next + rest))
}

impl crate::fold::segment_log::SegmentLog {
    /// SYNs that the client has sent, as far as is known.
    fn tries(&self) -> u16 {
        let syns = self.paths().filter(|way| way.kind == Kind::Syn);
        syns.map(|way| way.attempt).max().unwrap_or(1)
    }

    fn last_syn_ack(&self) -> Option<Stamp> {
        let answer = |way: &&SegmentPath| (way.kind, way.toward) == (Kind::SynAck, Toward::Client);
        self.paths().rev().find(answer).and_then(|way| way.left)
    }
}

/// One second doubled `times` times, at most the longest wait.
fn doubled(times: u32) -> Duration {
    Duration::from_secs(1 << times.min(7)).min(LONGEST_WAIT)
}
