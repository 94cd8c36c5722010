//! One client's TCP connection as a pure state machine: input is `now` and segments, output is segments and events.
//!
//! It follows Linux where a listener can see the difference: SYN retries, a repeated ACK for a repeated SYN-ACK,
//! retransmissions with Linux' initial timeouts. Stale segments are ignored and unacceptable ones are reset (RFC
//! 9293). Start at [`Client::start`].

pub mod schedule;

use std::time::Duration;

use crate::model::event::ClientEvent;
use crate::model::peer::Peer;
use crate::model::segment::{Kind, Segment, Toward, flags};
use crate::model::stamp::Stamp;

pub use self::schedule::SynSchedule;
use self::schedule::timer_wheel_expiry;

/// The parameters common to all clients of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// When a SYN is retransmitted.
    pub schedule: SynSchedule,
    /// What a connected client does.
    pub behaviour: ClientBehaviour,
}

/// What a connected client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientBehaviour {
    /// From the SYN-ACK to the request; zero: the request follows the ACK at once.
    pub think: Duration,
    /// Which side closes first.
    pub close: Close,
}

impl Default for ClientBehaviour {
    fn default() -> Self {
        Self { think: Duration::ZERO, close: Close::AfterServer }
    }
}

/// Which side closes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// The server, as in HTTP/1.0: its FIN is answered with the client's.
    AfterServer,
    /// The client: its FIN goes with the request.
    First,
}

/// The parameters of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientStart {
    /// Initial sequence number.
    pub isn: u32,
    /// Bytes of its request (1–1,400).
    pub request: u16,
    /// True when it never answers the SYN-ACK.
    pub half_open: bool,
}

/// The result of one input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The segments to send now, in this order.
    pub sends: [Option<OutgoingSegment>; 2],
    /// [`ClientEvent::Connected`] precedes the sent segments; every other event follows them and ends the connection.
    pub event: Option<ClientEvent>,
    /// When it retransmits or gives up if no answer arrives: [`ClientEvent::WillRetry`].
    pub retry: Option<ClientEvent>,
}

/// A segment that a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutgoingSegment {
    /// Its kind.
    pub kind: Kind,
    /// The attempt of this kind, from 1.
    pub attempt: u8,
    flags: u8,
    payload: u16,
    seq: u32,
    ack: u32,
}

impl OutgoingSegment {
    /// The segment as sent by `peer`.
    pub fn sent_by(&self, peer: Peer) -> Segment {
        Segment {
            peer,
            toward: Toward::Listener,
            flags: self.flags,
            seq: self.seq,
            ack: self.ack,
            payload: self.payload,
            window_scale: self.kind == Kind::Syn,
            timestamps: false,
        }
    }
}

/// One client from its first SYN to its end. 40 bytes.
#[derive(Clone, Debug)]
pub struct Client {
    deadline: Stamp,
    started: Stamp,
    isn: u32,
    /// Oldest sequence number that the server has not acknowledged.
    una: u32,
    /// Next sequence number expected from the server.
    rcv_next: u32,
    /// Retransmission timeout before any doubling, in milliseconds.
    rto_ms: u16,
    request: u16,
    /// Bytes of the request that have been sent at least once.
    sent: u16,
    state: State,
    /// How often the current SYN, request or FIN was sent.
    tries: u8,
    acks: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    SynSent,
    SynSentHalfOpen,
    /// Connected; neither side has closed.
    Open,
    /// The client's FIN has left, the server's has not come.
    FinWait,
    /// Both FINs are sent, the client's is not acknowledged.
    LastAck,
    Over,
}

impl Client {
    /// Sends the first SYN at `now`.
    pub fn start(now: Stamp, start: ClientStart, rules: &Rules) -> (Self, Step) {
        let mut client = Self {
            deadline: NEVER,
            started: now,
            isn: start.isn,
            una: start.isn,
            rcv_next: 0,
            rto_ms: RTO_WITHOUT_SAMPLE_MS,
            request: start.request,
            sent: 0,
            state: if start.half_open { State::SynSentHalfOpen } else { State::SynSent },
            tries: 0,
            acks: 0,
        };
        let step = client.send_syn(now, rules);
        (client, step)
    }

    /// When [`Client::handle_timeout`] has to be called; `None`: no timer runs.
    pub fn deadline(&self) -> Option<Stamp> {
        (self.deadline != NEVER).then_some(self.deadline)
    }

    /// True from the SYN-ACK on.
    pub const fn is_connected(&self) -> bool {
        !matches!(self.state, State::SynSent | State::SynSentHalfOpen)
    }

    /// A segment of the listener reached the client at `now`.
    pub fn handle_segment(&mut self, now: Stamp, segment: &Segment, rules: &Rules) -> Step {
        match self.state {
            State::SynSent | State::SynSentHalfOpen => self.handle_in_syn_sent(now, segment, rules),
            State::Open | State::FinWait | State::LastAck => self.handle_connected(now, segment),
            State::Over => Step::default(),
        }
    }

    /// The deadline has passed.
    pub fn handle_timeout(&mut self, now: Stamp, rules: &Rules) -> Step {
        if self.deadline > now {
            return Step::default();
        }
        match self.state {
            State::SynSent | State::SynSentHalfOpen if self.tries > rules.schedule.retries() => {
                self.end(ClientEvent::TimedOut)
            }
            State::SynSent | State::SynSentHalfOpen => self.send_syn(now, rules),
            State::Open if self.sent == 0 => self.send_request(now, rules),
            State::Open | State::FinWait | State::LastAck if self.tries > DATA_RETRIES => {
                self.end(ClientEvent::TimedOut)
            }
            State::Open | State::FinWait | State::LastAck => self.retransmit(now),
            State::Over => Step::default(),
        }
    }

    fn handle_in_syn_sent(&mut self, now: Stamp, segment: &Segment, rules: &Rules) -> Step {
        let acked = segment.flags & flags::ACK != 0;
        let acceptable = acked && segment.ack == self.isn.wrapping_add(1);
        match segment.kind() {
            Kind::Rst if acceptable => self.end(ClientEvent::Refused),
            Kind::Rst => Step::default(),
            _ if acked && !acceptable => Step::send(Self::reset(segment.ack)),
            Kind::SynAck if self.state == State::SynSentHalfOpen => self.end(ClientEvent::Vanished),
            Kind::SynAck => self.connect(now, segment, rules),
            _ => Step::default(),
        }
    }

    fn connect(&mut self, now: Stamp, segment: &Segment, rules: &Rules) -> Step {
        if self.tries == 1 {
            // tcp_set_rto after the first sample: srtt plus the deviation, which is 2 * srtt but at least TCP_RTO_MIN.
            let sample_ms = now.since(self.started).as_nanos().div_ceil(1_000_000);
            let rto = sample_ms + (2 * sample_ms).max(MIN_DEVIATION_MS);
            self.rto_ms = u16::try_from(rto).unwrap_or(u16::MAX);
        }
        (self.state, self.tries, self.deadline) = (State::Open, 0, NEVER);
        self.una = self.isn.wrapping_add(1);
        self.rcv_next = segment.seq.wrapping_add(1);
        let mut step = Step::send(self.ack());
        step.event = Some(ClientEvent::Connected);
        if rules.behaviour.think.is_zero() {
            let request = self.send_request(now, rules);
            (step.sends[1], step.retry) = (request.sends[0], request.retry);
        } else {
            self.deadline = now + rules.behaviour.think;
        }
        step
    }

    fn handle_connected(&mut self, now: Stamp, segment: &Segment) -> Step {
        let ahead = segment.seq.wrapping_sub(self.rcv_next);
        match segment.kind() {
            Kind::Rst if ahead < WINDOW => return self.end(ClientEvent::Reset),
            Kind::Rst | Kind::Syn => return Step::default(),
            Kind::SynAck => return Step::send(self.ack()),
            _ if segment.flags & flags::ACK == 0 => return Step::default(),
            _ => {}
        }
        let newly = segment.ack.wrapping_sub(self.una);
        if newly > self.send_next().wrapping_sub(self.una) && newly < HALF {
            return Step::send(self.ack());
        }
        if newly > 0 && newly < HALF {
            self.una = segment.ack;
            (self.tries, self.deadline) =
                if self.all_acknowledged() { (0, NEVER) } else { (1, self.rto_after(now, 1)) };
        }
        if segment.end() == segment.seq {
            return self.finish_if_done(Step::default());
        }
        let fresh = segment.end().wrapping_sub(self.rcv_next);
        let gap = ahead > 0 && ahead < HALF;
        if gap || fresh == 0 || fresh >= HALF {
            let answer = Step::send(self.ack());
            return self.finish_if_done(answer);
        }
        self.rcv_next = segment.end();
        match (segment.kind(), self.state) {
            (Kind::Fin, State::Open) => self.send_fin(now, State::LastAck),
            (Kind::Fin, State::FinWait) => {
                self.state = State::LastAck;
                let answer = Step::send(self.ack());
                self.finish_if_done(answer)
            }
            _ => Step::send(self.ack()),
        }
    }

    fn finish_if_done(&mut self, step: Step) -> Step {
        if self.state == State::LastAck && self.all_acknowledged() {
            Step { sends: step.sends, ..self.end(ClientEvent::Finished) }
        } else {
            step
        }
    }

    fn send_syn(&mut self, now: Stamp, rules: &Rules) -> Step {
        self.tries += 1;
        self.deadline = rules.schedule.next_after(self.tries, now);
        let gives_up = self.tries > rules.schedule.retries();
        let syn = OutgoingSegment {
            kind: Kind::Syn,
            attempt: self.tries,
            flags: flags::SYN,
            payload: 0,
            seq: self.isn,
            ack: 0,
        };
        Step { retry: Some(ClientEvent::WillRetry { at: self.deadline, gives_up }), ..Step::send(syn) }
    }

    fn send_request(&mut self, now: Stamp, rules: &Rules) -> Step {
        if rules.behaviour.close == Close::First {
            self.state = State::FinWait;
        }
        self.sent = self.request.max(1);
        self.tries = 1;
        self.deadline = self.rto_after(now, 1);
        self.with_retransmit(self.unacknowledged())
    }

    fn send_fin(&mut self, now: Stamp, state: State) -> Step {
        let seq = self.send_next();
        (self.state, self.tries) = (state, 1);
        self.deadline = self.rto_after(now, 1);
        let (flags, ack) = (flags::FIN | flags::ACK, self.rcv_next);
        self.with_retransmit(OutgoingSegment { kind: Kind::Fin, attempt: 1, flags, payload: 0, seq, ack })
    }

    fn retransmit(&mut self, now: Stamp) -> Step {
        self.tries += 1;
        self.deadline = self.rto_after(now, self.tries);
        self.with_retransmit(self.unacknowledged())
    }

    /// Sends a segment that is retransmitted at the deadline unless it is acknowledged.
    fn with_retransmit(&self, segment: OutgoingSegment) -> Step {
        let retry = ClientEvent::WillRetry { at: self.deadline, gives_up: self.tries > DATA_RETRIES };
        Step { retry: Some(retry), ..Step::send(segment) }
    }

    /// Everything that the server has not acknowledged in one segment. Before any acknowledgement it begins at ISN + 1,
    /// which is what the kernel needs to recognise the ACK of a SYN cookie (`cookie_v4_check` takes `seq - 1` for the
    /// ISN).
    fn unacknowledged(&self) -> OutgoingSegment {
        let payload = u32::from(self.sent).saturating_sub(self.una.wrapping_sub(self.isn).wrapping_sub(1)) as u16;
        let fin = if self.fin_sent() { flags::FIN } else { 0 };
        let push = if payload > 0 { flags::PSH } else { 0 };
        let kind = if self.fin_sent() { Kind::Fin } else { Kind::Data };
        OutgoingSegment {
            kind,
            attempt: self.tries,
            flags: flags::ACK | push | fin,
            payload,
            seq: self.una,
            ack: self.rcv_next,
        }
    }

    fn ack(&mut self) -> OutgoingSegment {
        self.acks = self.acks.saturating_add(1);
        let (seq, ack) = (self.send_next(), self.rcv_next);
        OutgoingSegment { kind: Kind::Ack, attempt: self.acks, flags: flags::ACK, payload: 0, seq, ack }
    }

    const fn reset(seq: u32) -> OutgoingSegment {
        OutgoingSegment { kind: Kind::Rst, attempt: 1, flags: flags::RST, payload: 0, seq, ack: 0 }
    }

    fn end(&mut self, turn: ClientEvent) -> Step {
        (self.state, self.deadline) = (State::Over, NEVER);
        Step { event: Some(turn), ..Step::default() }
    }

    const fn fin_sent(&self) -> bool {
        matches!(self.state, State::FinWait | State::LastAck)
    }

    fn send_next(&self) -> u32 {
        self.isn.wrapping_add(1 + u32::from(self.sent) + u32::from(self.fin_sent()))
    }

    fn all_acknowledged(&self) -> bool {
        self.una == self.send_next()
    }

    fn rto_after(&self, now: Stamp, tries: u8) -> Stamp {
        let doubled = Duration::from_millis(u64::from(self.rto_ms) << (tries - 1).min(16));
        timer_wheel_expiry(now, doubled.min(MAX_RTO))
    }
}

impl Step {
    fn send(segment: OutgoingSegment) -> Self {
        Self { sends: [Some(segment), None], ..Self::default() }
    }

    /// True when the connection has ended.
    pub fn is_final(&self) -> bool {
        self.event.is_some_and(|turn| turn != ClientEvent::Connected)
    }
}

/// No timer runs.
const NEVER: Stamp = Stamp::from_nanos(u64::MAX);
/// TCP_RTO_MIN (include/net/tcp.h): the minimum added to the round-trip time.
const MIN_DEVIATION_MS: u128 = 200;
/// TCP_TIMEOUT_FALLBACK: without a sample, because the SYN was sent more than once (RFC 6298 §5.7).
const RTO_WITHOUT_SAMPLE_MS: u16 = 3000;
/// TCP_RTO_MAX (include/net/tcp.h).
const MAX_RTO: Duration = Duration::from_secs(2 * 60);
/// `tcp_retries2`: how often data is sent again.
const DATA_RETRIES: u8 = 15;
/// The receive window within which a RST counts.
const WINDOW: u32 = 65_536;
/// A difference of at least this means an older sequence number.
const HALF: u32 = 1 << 31;

#[cfg(test)]
mod tests;
