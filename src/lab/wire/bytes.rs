//! Segments to bytes: Ethernet, IPv4 or IPv6, TCP with options and checksums.
//!
//! One buffer per family is prepared once; for each segment only the differing fields are written, and the checksums
//! are computed over less than a hundred bytes. Start at [`Frames::frame`].

use std::net::{IpAddr, SocketAddr};

use thiserror::Error;

use super::Destination;
use crate::model::segment::{Segment, flags};
use crate::say;

/// The two ends of the veth pair, as Ethernet sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Macs {
    /// The clients' end: source of every frame.
    pub client: [u8; 6],
    /// The kernel's end: destination of every frame.
    pub kernel: [u8; 6],
}

/// Makes the frames that clients send to one listener.
#[derive(Clone, Debug)]
pub struct Frames {
    v4: Option<Template>,
    v6: Option<Template>,
}

/// Why a segment cannot be a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The listener has no address of the client's family.
    #[error("{}", say!("a frame for {address} cannot be made: the listener has no address of that family", address = _0))]
    OtherFamily(IpAddr),
    /// The payload does not fit into one frame.
    #[error("{}", say!("a frame with {count} bytes of payload cannot be made: at most {most} fit", count = _0, most = MAX_PAYLOAD))]
    TooLong(u16),
}

impl FrameError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::OtherFamily(_) => say!("give --listen an address of the clients' family, or [::] for both"),
            Self::TooLong(_) => say!("send a shorter request"),
        }
    }
}

impl Frames {
    /// Frames between these ends, for this listener.
    pub fn new(macs: Macs, destination: &Destination) -> Self {
        Self {
            v4: destination.v4().map(|address| Template::new(macs, address.into())),
            v6: destination.v6().map(|address| Template::new(macs, address.into())),
        }
    }

    /// The frame of a client's segment, valid until the next call. A SYN carries MSS, SACK-permitted and, where the
    /// segment says so, a window scale of 7; no segment carries timestamps. The payload is the beginning of
    /// [`request_text`].
    ///
    /// # Errors
    ///
    /// [`FrameError`] when the listener is not reachable in the client's family or the payload is too long.
    pub fn frame(&mut self, segment: &Segment) -> Result<&[u8], FrameError> {
        if usize::from(segment.payload) > MAX_PAYLOAD {
            return Err(FrameError::TooLong(segment.payload));
        }
        let ip = segment.peer.ip();
        match (ip, &mut self.v4, &mut self.v6) {
            (IpAddr::V4(source), Some(template), _) => Ok(template.fill(&source.octets(), segment)),
            (IpAddr::V6(source), _, Some(template)) => Ok(template.fill(&source.octets(), segment)),
            _ => Err(FrameError::OtherFamily(ip)),
        }
    }
}

/// The clients' request of this length: a whole one of HTTP/1.0 from [`SHORTEST_REQUEST`] on, so that any web server answers it; its
/// query makes it as long as it has to be.
pub fn request_text(length: u16) -> impl Iterator<Item = u8> {
    let end = usize::from(length).checked_sub(REQUEST_END.len());
    let start = REQUEST_START.iter().copied().chain(std::iter::repeat(b'q'));
    start.take(end.unwrap_or(length.into())).chain(REQUEST_END.iter().copied()).take(usize::from(length))
}

/// A frame with the fields that are equal for all segments.
#[derive(Clone, Debug)]
struct Template {
    frame: Vec<u8>,
    /// Offset of the TCP header.
    tcp: usize,
    /// Offset of the source address.
    source: usize,
    /// Sum over the pseudo-header's destination address and protocol.
    pseudo: u64,
    mss: u16,
}

impl Template {
    fn new(macs: Macs, listener: SocketAddr) -> Self {
        let mut frame = Vec::with_capacity(MAX_FRAME);
        frame.extend_from_slice(&macs.kernel);
        frame.extend_from_slice(&macs.client);
        let (source, pseudo, mss) = match listener.ip() {
            IpAddr::V4(destination) => {
                frame.extend_from_slice(&[0x08, 0x00]);
                frame.extend_from_slice(&[0x45, 0, 0, 0, 0, 0, 0x40, 0, HOPS, TCP, 0, 0, 0, 0, 0, 0]);
                frame.extend_from_slice(&destination.octets());
                (ETHERNET + 12, sum(&destination.octets()), MSS_V4)
            }
            IpAddr::V6(destination) => {
                frame.extend_from_slice(&[0x86, 0xdd]);
                frame.extend_from_slice(&[0x60, 0, 0, 0, 0, 0, TCP, HOPS]);
                frame.extend_from_slice(&[0; 16]);
                frame.extend_from_slice(&destination.octets());
                (ETHERNET + 8, sum(&destination.octets()), MSS_V6)
            }
        };
        let tcp = frame.len();
        frame.resize(MAX_FRAME, 0);
        put(&mut frame, tcp + 2, &listener.port().to_be_bytes());
        put(&mut frame, tcp + 14, &WINDOW.to_be_bytes());
        Self { frame, tcp, source, pseudo: pseudo + u64::from(TCP), mss }
    }

    fn fill(&mut self, source: &[u8], segment: &Segment) -> &[u8] {
        let tcp = self.tcp;
        let header = self.tcp_header(segment);
        let payload = usize::from(segment.payload);
        let end = tcp + header + payload;
        put(&mut self.frame, self.source, source);
        let field = self.frame.get_mut(tcp + header..end).unwrap_or_default();
        for (place, byte) in field.iter_mut().zip(request_text(segment.payload)) {
            *place = byte;
        }
        let length = (end - tcp) as u16;
        if source.len() == 4 {
            put(&mut self.frame, ETHERNET + 2, &(length + IPV4 as u16).to_be_bytes());
            put(&mut self.frame, ETHERNET + 10, &[0, 0]);
            let checksum = fold(sum(part(&self.frame, ETHERNET, tcp)));
            put(&mut self.frame, ETHERNET + 10, &checksum);
        } else {
            put(&mut self.frame, ETHERNET + 4, &length.to_be_bytes());
        }
        let pseudo = self.pseudo + sum(source) + u64::from(length);
        let checksum = fold(pseudo + sum(part(&self.frame, tcp, end)));
        put(&mut self.frame, tcp + 16, &checksum);
        part(&self.frame, 0, end)
    }

    /// Writes the TCP header with a checksum of zero, and gives its length.
    fn tcp_header(&mut self, segment: &Segment) -> usize {
        let mut options = 0;
        if segment.flags & flags::SYN != 0 {
            let [high, low] = self.mss.to_be_bytes();
            let all = [2, 4, high, low, 1, 1, 4, 2, 1, 3, 3, WINDOW_SCALE];
            options = if segment.window_scale { all.len() } else { all.len() - 4 };
            put(&mut self.frame, self.tcp + TCP_HEADER, part(&all, 0, options));
        }
        let header = TCP_HEADER + options;
        let ack = if segment.flags & flags::ACK == 0 { 0 } else { segment.ack };
        put(&mut self.frame, self.tcp, &segment.peer.port().to_be_bytes());
        put(&mut self.frame, self.tcp + 4, &segment.seq.to_be_bytes());
        put(&mut self.frame, self.tcp + 8, &ack.to_be_bytes());
        put(&mut self.frame, self.tcp + 12, &[(header as u8 / 4) << 4, segment.flags]);
        put(&mut self.frame, self.tcp + 16, &[0, 0]);
        header
    }
}

fn put(frame: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(field) = frame.get_mut(at..at + bytes.len()) {
        field.copy_from_slice(bytes);
    }
}

fn part(bytes: &[u8], from: usize, to: usize) -> &[u8] {
    bytes.get(from..to).unwrap_or_default()
}

/// The sum of a byte string's big-endian 16-bit words, an odd last byte padded with zero (RFC 1071), not folded:
/// congruent to it modulo 2^16 - 1, because 2^32 is 1 there.
pub(super) fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<4>();
    let mut total: u64 = words.iter().map(|word| u64::from(u32::from_be_bytes(*word))).sum();
    let mut last = [0; 4];
    for (place, byte) in last.iter_mut().zip(rest) {
        *place = *byte;
    }
    total += u64::from(u32::from_be_bytes(last));
    total
}

/// The one's complement of the folded sum, as it stands in a header.
pub(super) fn fold(mut total: u64) -> [u8; 2] {
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    (!(total as u16)).to_be_bytes()
}

/// The longest payload of one frame, in bytes.
pub const MAX_PAYLOAD: usize = 1400;
/// The length of the shortest whole request, in bytes.
pub const SHORTEST_REQUEST: u16 = 18;
const REQUEST_START: &[u8] = b"GET /?";
const REQUEST_END: &[u8; 13] = b" HTTP/1.0\r\n\r\n";
const ETHERNET: usize = 14;
const IPV4: usize = 20;
const TCP_HEADER: usize = 20;
const MAX_FRAME: usize = 1514;
/// The IP protocol number of TCP.
const TCP: u8 = 6;
/// Time to live, hop limit.
const HOPS: u8 = 64;
/// An Ethernet frame of 1,500 bytes less both headers.
const MSS_V4: u16 = 1460;
const MSS_V6: u16 = 1440;
/// The window that Linux offers in a SYN. It is not reduced later: a client reads all data at once.
const WINDOW: u16 = 64_240;
/// The shift that Linux offers by default.
const WINDOW_SCALE: u8 = 7;
