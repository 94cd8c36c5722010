//! Carries frames of real clients between the two links, and asks the listener's kernel whether it has processed all that came before.
//!
//! A frame changes only its Ethernet addresses, and, where the listener is on 127.0.0.1, its IPv4 address: to the clients such a
//! listener is at the server's own address. Start at [`Carrier::open`].

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use socket2::Socket;

use super::bytes::{Macs, fold, sum};
use super::icmp;
use super::transmit::{Operation, TransmitError, failed, open_socket, send_frame};
use crate::lab::namespace::{LISTENER_V4, LinkPair, NetnsToken};
use crate::model::segment::Toward;

/// The sockets at both links.
#[derive(Debug)]
pub struct Carrier {
    to_server: Link,
    /// `None` where there are no client programs.
    to_clients: Option<Link>,
    buffer: Vec<u8>,
    /// The listener's own address where the clients know it by another one.
    loopback: Option<Ipv4Addr>,
}

#[derive(Debug)]
struct Link {
    socket: Socket,
    name: String,
    macs: Macs,
}

impl Carrier {
    /// Opens both ends of the wire, for a listener at this address.
    ///
    /// # Errors
    /// [`TransmitError::NotOurs`] unless the calling thread is in the namespace of the token; [`TransmitError::Socket`] when packet
    /// sockets are not available.
    pub fn open(token: &NetnsToken, listener: SocketAddr) -> Result<Self, TransmitError> {
        let link = |LinkPair { wire: near, far }: &LinkPair| {
            let opened = token.in_wire(|| open_socket(near));
            let socket = opened.map_err(|_| TransmitError::NotOurs { link: near.name.clone() })??;
            Ok::<_, TransmitError>(Link {
                socket,
                name: near.name.clone(),
                macs: Macs { client: near.mac, kernel: far.mac },
            })
        };
        let loopback = match listener.ip() {
            IpAddr::V4(ip) if ip.is_loopback() => Some(ip),
            _ => None,
        };
        Ok(Self {
            to_server: link(token.server())?,
            to_clients: token.clients().map(link).transpose()?,
            buffer: Vec::new(),
            loopback,
        })
    }

    /// Sends a frame on.
    ///
    /// # Errors
    /// [`TransmitError::Socket`] when the kernel refuses it, or does not take it for a few milliseconds.
    pub fn carry(&mut self, frame: &[u8], toward: Toward) -> Result<(), TransmitError> {
        let link = if toward == Toward::Listener { Some(&self.to_server) } else { self.to_clients.as_ref() };
        let Some(link) = link else { return Ok(()) };
        self.buffer.clear();
        self.buffer.extend_from_slice(&link.macs.kernel);
        self.buffer.extend_from_slice(&link.macs.client);
        self.buffer.extend_from_slice(frame.get(12..).unwrap_or_default());
        if let Some(own) = self.loopback {
            match toward {
                Toward::Listener => translate(&mut self.buffer, DESTINATION, LISTENER_V4, own),
                Toward::Client => translate(&mut self.buffer, SOURCE, own, LISTENER_V4),
            }
        }
        send_frame(&link.socket, &self.buffer).map_err(|errno| failed(Operation::Send, &link.name, errno.into()))
    }

    /// Asks the server's kernel for an echo with this number. It comes after everything that was sent before has been processed,
    /// because frames are processed in their order, on the processor that sent them.
    ///
    /// # Errors
    /// As [`Carrier::carry`].
    pub fn ask_for_echo(&self, number: u16) -> Result<(), TransmitError> {
        let Link { socket, name, macs } = &self.to_server;
        let frame = icmp::echo_request(*macs, (ECHO_SOURCE, LISTENER_V4), number);
        send_frame(socket, &frame).map_err(|errno| failed(Operation::Send, name, errno.into()))
    }
}

/// The number of an echo, if this frame is the answer to [`Carrier::ask_for_echo`].
pub fn echo(frame: &[u8]) -> Option<u16> {
    let ip = frame.get(ETHERNET..)?;
    let is_icmp = frame.get(12..14)? == [0x08, 0x00] && ip.first()? == &0x45 && ip.get(9)? == &icmp::PROTOCOL;
    let to_us = is_icmp && ip.get(16..20)? == ECHO_SOURCE.octets();
    let icmp = ip.get(20..)?;
    (to_us && icmp.first()? == &icmp::ECHO_REPLY).then_some(())?;
    icmp.get(6..8)?.try_into().ok().map(u16::from_be_bytes)
}

/// Puts `new` in the place of `old` in an IPv4 header, and corrects both checksums.
fn translate(frame: &mut [u8], place: usize, old: Ipv4Addr, new: Ipv4Addr) {
    let is_v4 = frame.get(12..14) == Some(&[0x08, 0x00]);
    let at = ETHERNET + place;
    if !is_v4 || frame.get(at..at + 4) != Some(&old.octets()) {
        return;
    }
    let header = usize::from(frame.get(ETHERNET).copied().unwrap_or_default() & 0x0f) * 4;
    let tcp = frame.get(ETHERNET + 9) == Some(&TCP);
    if let Some(field) = frame.get_mut(at..at + 4) {
        field.copy_from_slice(&new.octets());
    }
    let checksums = [Some(ETHERNET + 10), tcp.then_some(ETHERNET + header + 16)];
    for checksum in checksums.into_iter().flatten() {
        if let Some(field) = frame.get_mut(checksum..checksum + 2) {
            let before = u64::from(!u16::from_be_bytes([field[0], field[1]]));
            // RFC 1624: the complement of the sum without the old words and with the new ones.
            let without = sum(&old.octets().map(|byte| !byte));
            field.copy_from_slice(&fold(before + without + sum(&new.octets())));
        }
    }
}

/// An address of the clients' network that no client has.
const ECHO_SOURCE: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 255);
const ETHERNET: usize = 14;
/// Offsets in an IPv4 header.
const SOURCE: usize = 12;
const DESTINATION: usize = 16;
const TCP: u8 = 6;

#[cfg(test)]
mod tests {
    use etherparse::{NetSlice, PacketBuilder, SlicedPacket, TransportSlice};

    use super::*;

    #[test]
    fn a_translated_frame_has_right_checksums() {
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([198, 18, 0, 7], LISTENER_V4.octets(), 64);
        let mut frame = Vec::new();
        builder.tcp(40_000, 8080, 0xffff_0001, 512).syn().write(&mut frame, b"odd").unwrap();
        let own = Ipv4Addr::LOCALHOST;
        translate(&mut frame, DESTINATION, LISTENER_V4, own);
        translate(&mut frame, SOURCE, LISTENER_V4, own);
        let packet = SlicedPacket::from_ethernet(&frame).unwrap();
        let (Some(NetSlice::Ipv4(ip)), Some(TransportSlice::Tcp(tcp))) = (packet.net, packet.transport) else {
            panic!("no IPv4 TCP");
        };
        let header = ip.header().to_header();
        assert_eq!((header.source, header.destination), ([198, 18, 0, 7], [127, 0, 0, 1]));
        assert_eq!(header.header_checksum, header.calc_header_checksum());
        assert_eq!(tcp.checksum(), tcp.calc_checksum_ipv4(header.source, header.destination).unwrap());
    }

    #[test]
    fn an_echo_is_known_by_its_number() {
        let macs = Macs { client: [2; 6], kernel: [4; 6] };
        let mut frame = icmp::echo_request(macs, (LISTENER_V4, ECHO_SOURCE), 517);
        assert_eq!(echo(&frame), None, "a request is no answer");
        frame[ETHERNET + 20] = icmp::ECHO_REPLY;
        assert_eq!(echo(&frame), Some(517));
        assert_eq!(echo(&frame[..40]), None);
    }
}
