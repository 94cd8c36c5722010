//! A simulated host behind the veth pair. qviz makes its packets, and so decides what the kernel's connect() meets:
//! an answer after a delay, an ICMP error of a router, or silence.

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

/// The remote host, and the segments captured at its port.
pub(super) struct RemoteHost {
    tap: Box<dyn PortTap>,
    segments: VecDeque<(Stamp, Segment)>,
}

impl RemoteHost {
    /// Starts to capture segments to the host.
    pub(super) fn open(experiment: &Experiment<'_>) -> Result<Self, ExperimentError> {
        experiment.token()?;
        let tap = experiment.env().open_tap(Wire::Pair, REMOTE.port()).ok_or(ExperimentError::NeedsLab)?;
        Ok(Self { tap, segments: VecDeque::new() })
    }

    /// The next segment of this kind sent to the host, if any.
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
        experiment: &Experiment<'_>,
        kind: Kind,
        within: Duration,
    ) -> Result<(Stamp, Segment), ExperimentError> {
        let mut found = None;
        experiment.wait_until(say!("a segment to the far host"), within, |_| {
            found = self.next(kind);
            found.is_some()
        })?;
        found.ok_or_else(|| ExperimentError::TimedOut(say!("a segment to the far host").to_owned()))
    }
}

/// Answers a segment that was sent to the remote host.
pub(super) fn answer(experiment: &Experiment<'_>, to: &Segment, flags: u8) -> Result<(), ExperimentError> {
    let seq = if flags & flags::SYN == 0 { to.ack } else { FIRST_SEQ };
    send(experiment, to.peer.into(), &segment_from_remote(flags, seq, to.end()))
}

/// Sends the ICMP error of a router for such a segment.
pub(super) fn send_unreachable(
    experiment: &Experiment<'_>,
    of: &Segment,
    why: Unreachable,
) -> Result<(), ExperimentError> {
    let SocketAddr::V4(from) = SocketAddr::from(of.peer) else { return Err(ExperimentError::NeedsLab) };
    let quoted = QuotedSegment { from, to: REMOTE, seq: of.seq };
    let mut transmit = Transmit::open(experiment.token()?, from.into()).map_err(send_error)?;
    transmit.send_unreachable(ROUTER, why, &quoted).map_err(send_error)
}

/// Sends a segment that belongs to no connection.
pub(super) fn send_stray(experiment: &Experiment<'_>, to: SocketAddr) -> Result<(), ExperimentError> {
    send(experiment, to, &segment_from_remote(flags::ACK, FIRST_SEQ, FIRST_SEQ))
}

fn send(experiment: &Experiment<'_>, to: SocketAddr, segment: &Segment) -> Result<(), ExperimentError> {
    let mut transmit = Transmit::open(experiment.token()?, to).map_err(send_error)?;
    transmit.send(segment).map_err(send_error)
}

/// A segment from the remote host.
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
    }
}

fn send_error(error: TransmitError) -> ExperimentError {
    ExperimentError::Call { call: "sendto(AF_PACKET)".to_owned(), source: std::io::Error::other(error) }
}

/// The remote host and its port: one of the clients' addresses that no client of the lab uses.
pub(super) const REMOTE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(198, 19, 255, 250), 7007);
/// The router on the path.
const ROUTER: Ipv4Addr = Ipv4Addr::new(198, 19, 255, 254);
/// The remote host's initial sequence number.
const FIRST_SEQ: u32 = 0x1000_0000;
