//! From the bytes of a frame to a [`Segment`]. Only headers are needed; what is cut short or malformed gives `None`.

use std::net::{IpAddr, SocketAddr};

use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};

use crate::model::peer::Peer;
use crate::model::segment::{Segment, Toward};

/// The listener's end, which decides a segment's direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenerEnd {
    /// The listener's port.
    pub port: u16,
    /// The listener's address, where it has one of its own; needed only when the client uses the same port.
    pub address: Option<IpAddr>,
}

/// The TCP segment in an Ethernet frame, as seen from the listener at `listener`. `None` where the frame is no TCP,
/// has no whole TCP header, or neither end is the listener's.
pub fn segment(frame: &[u8], listener: ListenerEnd) -> Option<Segment> {
    oriented(&LaxSlicedPacket::from_ethernet(frame).ok()?, listener)
}

/// As [`segment`], for a packet that begins with its IP header.
pub fn segment_of_ip(packet: &[u8], listener: ListenerEnd) -> Option<Segment> {
    oriented(&LaxSlicedPacket::from_ip(packet).ok()?, listener)
}

/// Source, destination and sequence number of a SYN, from a packet that begins with its IP header. `None` where it is
/// no SYN with a whole TCP header.
pub fn syn_of(packet: &[u8]) -> Option<(Peer, SocketAddr, u32)> {
    let packet = LaxSlicedPacket::from_ip(packet).ok()?;
    let (source, destination, _) = addresses(&packet)?;
    let Some(TransportSlice::Tcp(tcp)) = packet.transport else { return None };
    let to = SocketAddr::new(destination, tcp.destination_port());
    (tcp.syn() && !tcp.ack() && !tcp.rst()).then(|| (Peer::new(source, tcp.source_port()), to, tcp.sequence_number()))
}

fn oriented(packet: &LaxSlicedPacket<'_>, listener: ListenerEnd) -> Option<Segment> {
    let (source, destination, length) = addresses(packet)?;
    let Some(TransportSlice::Tcp(tcp)) = &packet.transport else { return None };
    let toward = listener.toward((source, tcp.source_port()), (destination, tcp.destination_port()))?;
    let peer = match toward {
        Toward::Listener => Peer::new(source, tcp.source_port()),
        Toward::Client => Peer::new(destination, tcp.destination_port()),
    };
    let options = options(tcp.options());
    let flags = tcp.slice()[FLAGS];
    Some(Segment {
        peer,
        toward,
        flags,
        seq: tcp.sequence_number(),
        ack: tcp.acknowledgment_number(),
        payload: length.saturating_sub(tcp.header_slice().len()) as u16,
        window_scale: options.window_scale,
        timestamps: options.timestamps,
    })
}

/// Source, destination, and the payload length according to the IP header.
fn addresses(packet: &LaxSlicedPacket<'_>) -> Option<(IpAddr, IpAddr, usize)> {
    match packet.net.as_ref()? {
        LaxNetSlice::Ipv4(ip) => {
            let header = ip.header();
            let length = usize::from(header.total_len()).saturating_sub(header.slice().len());
            Some((IpAddr::V4(header.source_addr()), IpAddr::V4(header.destination_addr()), length))
        }
        LaxNetSlice::Ipv6(ip) => {
            let header = ip.header();
            let length = usize::from(header.payload_length());
            Some((IpAddr::V6(header.source_addr()), IpAddr::V6(header.destination_addr()), length))
        }
        LaxNetSlice::Arp(_) => None,
    }
}

impl ListenerEnd {
    /// Which way a segment goes. Where both ends use the listener's port, its address decides; without one, towards it.
    fn toward(&self, source: (IpAddr, u16), destination: (IpAddr, u16)) -> Option<Toward> {
        match (source.1 == self.port, destination.1 == self.port) {
            (false, false) => None,
            (true, false) => Some(Toward::Client),
            (true, true) if self.address == Some(source.0) && source.0 != destination.0 => Some(Toward::Client),
            (_, true) => Some(Toward::Listener),
        }
    }
}

/// The options that matter for a handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Options {
    window_scale: bool,
    timestamps: bool,
}

/// Parsed by hand: etherparse's iterator stops at the first unknown option, such as Fast Open's.
fn options(mut rest: &[u8]) -> Options {
    let mut options = Options::default();
    while let [kind, more @ ..] = rest {
        rest = match (*kind, more.first()) {
            (END, _) => break,
            (NO_OPERATION, _) => more,
            (_, Some(&length)) if length >= 2 && usize::from(length) <= rest.len() => {
                let (option, next) = rest.split_at(length.into());
                match (*kind, option) {
                    (WINDOW_SCALE, [_, _, _]) => options.window_scale = true,
                    (TIMESTAMPS, [_, _, _, _, _, _, ..]) => options.timestamps = true,
                    _ => {}
                }
                next
            }
            _ => break,
        };
    }
    options
}

/// The position of the flags in a TCP header.
const FLAGS: usize = 13;

// Option kinds: RFC 9293 §3.2, RFC 7323.
const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const WINDOW_SCALE: u8 = 3;
const TIMESTAMPS: u8 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_option_does_not_hide_the_next() {
        let fast_open = [34, 4, 1, 2, NO_OPERATION, WINDOW_SCALE, 3, 7];
        assert_eq!(options(&fast_open), Options { window_scale: true, ..Options::default() });
        assert_eq!(options(&[34, 0, WINDOW_SCALE, 3, 7]), Options::default());
        assert_eq!(options(&[TIMESTAMPS, 10, 0]), Options::default());
    }
}
