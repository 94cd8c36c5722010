//! One TCP segment as it passed on the wire between a client and the listener.

use std::ops::Not;

use serde::{Deserialize, Serialize};

use super::peer::Peer;

/// Which way a segment travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Toward {
    /// From the client to the listening side.
    Listener,
    /// From the listening side to the client.
    Client,
}

/// What a segment is, by its flags (RFC 9293 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// SYN without ACK: a request for a connection.
    Syn,
    /// SYN with ACK: the listener's answer.
    SynAck,
    /// ACK without data, SYN, FIN or RST.
    Ack,
    /// ACK with payload.
    Data,
    /// FIN (payload possible).
    Fin,
    /// RST.
    Rst,
}

/// TCP flag bits of the header's 14th byte.
pub mod flags {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset.
    pub const RST: u8 = 0x04;
    /// Push.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement number is valid.
    pub const ACK: u8 = 0x10;
}

/// One segment, as captured by the tap or sent by a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Segment {
    /// The client's end, whichever way the segment travels.
    pub peer: Peer,
    /// Direction.
    pub toward: Toward,
    /// TCP flags (see [`flags`]).
    pub flags: u8,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number (meaningless without the ACK flag).
    pub ack: u32,
    /// Payload bytes (0–65,535).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub payload: u16,
    /// True when the segment carries the window-scale option (RFC 7323). A SYN-ACK without it, in answer to a SYN with it and
    /// without timestamps, is a SYN cookie: the kernel had no room to remember the option
    /// (`tcp_clear_options` in `tcp_conn_request`, `net/ipv4/tcp_input.c`).
    #[serde(default, skip_serializing_if = "Not::not")]
    pub window_scale: bool,
    /// True when the segment carries the timestamp option (RFC 7323).
    #[serde(default, skip_serializing_if = "Not::not")]
    pub timestamps: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(count: &u16) -> bool {
    *count == 0
}

impl Segment {
    /// What the segment is.
    pub const fn kind(&self) -> Kind {
        if self.flags & flags::RST != 0 {
            Kind::Rst
        } else if self.flags & flags::SYN != 0 {
            if self.flags & flags::ACK != 0 { Kind::SynAck } else { Kind::Syn }
        } else if self.flags & flags::FIN != 0 {
            Kind::Fin
        } else if self.payload > 0 {
            Kind::Data
        } else {
            Kind::Ack
        }
    }

    /// The sequence number after everything that this segment carries (SYN and FIN count one each).
    pub const fn end(&self) -> u32 {
        let control = (self.flags & flags::SYN != 0) as u32 + (self.flags & flags::FIN != 0) as u32;
        self.seq.wrapping_add(self.payload as u32).wrapping_add(control)
    }
}
