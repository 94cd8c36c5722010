//! A host beyond the pair. Nobody is there: its packets are ours, made by hand, and everything that the kernel's own connect() meets
//! on the way to it (an answer after a while, a complaint of a router, silence) is up to us.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use super::{Experiment, ExperimentError, PortTap, Wire};
use crate::lab::wire::icmp::{QuotedSegment, Unreachable};
use crate::lab::wire::transmit::{Transmit, TransmitError};
use crate::model::peer::Peer;
use crate::model::segment::{Kind, Segment, Toward, flags};
use crate::model::stamp::Stamp;
use crate::say;

/// The far host, and what has passed by its port.
pub(super) struct RemoteHost {
    tap: Box<dyn PortTap>,
    segments: VecDeque<(Stamp, Segment)>,
}

impl RemoteHost {
    /// Begins to listen to what is sent there.
    pub(super) fn open(bench: &Experiment<'_>) -> Result<Self, ExperimentError> {
        bench.token()?;
        let ear = bench.env().open_tap(Wire::Pair, REMOTE.port()).ok_or(ExperimentError::NeedsLab)?;
        Ok(Self { tap: ear, segments: VecDeque::new() })
    }

    /// The next segment of this kind that was sent there, if one has come.
    pub(super) fn next(&mut self, kind: Kind) -> Option<(Stamp, Segment)> {
        self.segments.extend(self.tap.segments());
        while let Some((at, segment)) = self.segments.pop_front() {
            if segment.toward == Toward::Listener && segment.kind() == kind {
                return Some((at, segment));
            }
        }
        None
    }

    /// Waits for the next segment of this kind.
    pub(super) fn wait_for(
        &mut self,
        bench: &Experiment<'_>,
        kind: Kind,
        within: Duration,
    ) -> Result<(Stamp, Segment), ExperimentError> {
        let mut found = None;
        bench.wait_until(say!("a segment to the far host"), within, |_| {
            found = self.next(kind);
            found.is_some()
        })?;
        found.ok_or_else(|| ExperimentError::TimedOut(say!("a segment to the far host").to_owned()))
    }
}

/// Answers a segment that was sent to the far host.
pub(super) fn answer(bench: &Experiment<'_>, to: &Segment, flags: u8) -> Result<(), ExperimentError> {
    let seq = if flags & flags::SYN == 0 { to.ack } else { FIRST_SEQ };
    send(bench, to.peer.into(), &segment_from_remote(flags, seq, to.end()))
}

/// Lets a router say of such a segment that it cannot be passed on.
pub(super) fn send_unreachable(bench: &Experiment<'_>, of: &Segment, why: Unreachable) -> Result<(), ExperimentError> {
    let SocketAddr::V4(from) = SocketAddr::from(of.peer) else { return Err(ExperimentError::NeedsLab) };
    let quote = QuotedSegment { from, to: REMOTE, seq: of.seq };
    let mut transmit = Transmit::open(bench.token()?, from.into()).map_err(send_error)?;
    transmit.send_unreachable(ROUTER, why, &quote).map_err(send_error)
}

/// Sends a segment that belongs to no connection.
pub(super) fn send_stray(bench: &Experiment<'_>, to: SocketAddr) -> Result<(), ExperimentError> {
    send(bench, to, &segment_from_remote(flags::ACK, FIRST_SEQ, FIRST_SEQ))
}

fn send(bench: &Experiment<'_>, to: SocketAddr, segment: &Segment) -> Result<(), ExperimentError> {
    let mut transmit = Transmit::open(bench.token()?, to).map_err(send_error)?;
    transmit.send(segment).map_err(send_error)
}

/// A segment of the far host.
fn segment_from_remote(flags: u8, seq: u32, ack: u32) -> Segment {
    Segment {
        peer: Peer::from(SocketAddr::from(REMOTE)),
        toward: Toward::Listener,
        flags,
        seq,
        ack,
        payload: 0,
        window_scale: false,
        timestamps: false,
        cookie_bits: None,
    }
}

fn send_error(error: TransmitError) -> ExperimentError {
    ExperimentError::Call { call: "sendto(AF_PACKET)".to_owned(), source: std::io::Error::other(error) }
}

/// The far host and its port: one of the clients' addresses that no client of the lab has.
pub(super) const REMOTE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(198, 19, 255, 250), 7007);
/// The router before it.
const ROUTER: Ipv4Addr = Ipv4Addr::new(198, 19, 255, 254);
/// The far host's first sequence number.
const FIRST_SEQ: u32 = 0x1000_0000;
