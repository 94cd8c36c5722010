//! The tap's in-kernel filter, a classic BPF program: TCP segments from or to one port, their headers alone.

use socket2::SockFilter;

pub(super) mod cooked;

/// The program for segments from or to `port`. Loopback shows each packet twice: what goes to the port is taken as it arrives, what
/// comes from it as it leaves, so that what is lost in between, in the processor's backlog (net.core.netdev_max_backlog), is seen just
/// where the listener takes it or sends it.
pub(super) fn program(port: u16, loopback: bool) -> Vec<SockFilter> {
    if !loopback {
        return tcp(port.into(), None).into();
    }
    let arriving = tcp(port.into(), Some(TO));
    let mut program = vec![
        load(libc::BPF_B, libc::BPF_ABS, PACKET_TYPE),
        jump(libc::BPF_JEQ, libc::PACKET_OUTGOING.into(), arriving.len() as u8, 0),
    ];
    program.extend(arriving);
    program.extend(tcp(port.into(), Some(FROM)));
    program
}

/// What follows; each jump counts from the next line. It compares one of the ports, or both. IPv6 extension headers
/// are not followed: TCP has none in handshakes.
#[rustfmt::skip]
fn tcp(port: u32, port_offset: Option<u32>) -> [SockFilter; DROP as usize + 1] {
    use libc::{BPF_ABS, BPF_B, BPF_H, BPF_IND, BPF_JEQ, BPF_JSET};
    let first = port_offset.unwrap_or(FROM);
    // The jump when the first comparison fails: to the second one, or to the end.
    let (second_v4, second_v6) = if port_offset.is_some() { (10, 3) } else { (0, 0) };
    [
        /*  0 */ load(BPF_H, BPF_ABS, 12),
        /*  1 */ jump(BPF_JEQ, libc::ETH_P_IP.cast_unsigned(), 0, 9),
        /*  2 */ load(BPF_B, BPF_ABS, 14 + 9),
        /*  3 */ jump(BPF_JEQ, libc::IPPROTO_TCP.cast_unsigned(), 0, 15),
        // A later fragment has no ports.
        /*  4 */ load(BPF_H, BPF_ABS, 14 + 6),
        /*  5 */ jump(BPF_JSET, 0x1fff, 13, 0),
        /*  6 */ header_length(14),
        /*  7 */ load(BPF_H, BPF_IND, 14 + first),
        /*  8 */ jump(BPF_JEQ, port, 9, second_v4),
        /*  9 */ load(BPF_H, BPF_IND, 14 + TO),
        /* 10 */ jump(BPF_JEQ, port, 7, 8),
        /* 11 */ jump(BPF_JEQ, libc::ETH_P_IPV6.cast_unsigned(), 0, 7),
        /* 12 */ load(BPF_B, BPF_ABS, 14 + 6),
        /* 13 */ jump(BPF_JEQ, libc::IPPROTO_TCP.cast_unsigned(), 0, 5),
        /* 14 */ load(BPF_H, BPF_ABS, 14 + 40 + first),
        /* 15 */ jump(BPF_JEQ, port, 2, second_v6),
        /* 16 */ load(BPF_H, BPF_ABS, 14 + 40 + TO),
        /* 17 */ jump(BPF_JEQ, port, 0, 1),
        /* 18 */ take(HEADERS),
        /* 19 */ take(0),
    ]
}

/// Where a TCP header has the sender's port, and the receiver's.
const FROM: u32 = 0;
const TO: u32 = 2;

fn load(size: u32, from: u32, at: u32) -> SockFilter {
    SockFilter::new((libc::BPF_LD | size | from) as u16, 0, 0, at)
}

/// Sets the index register to the length of the IPv4 header that begins at `at`.
fn header_length(at: u32) -> SockFilter {
    SockFilter::new((libc::BPF_LDX | libc::BPF_B | libc::BPF_MSH) as u16, 0, 0, at)
}

fn jump(test: u32, with: u32, when: u8, otherwise: u8) -> SockFilter {
    SockFilter::new((libc::BPF_JMP | test | libc::BPF_K) as u16, when, otherwise, with)
}

fn take(bytes: u32) -> SockFilter {
    SockFilter::new((libc::BPF_RET | libc::BPF_K) as u16, 0, 0, bytes)
}

/// The position of the program's last line, which drops.
const DROP: u8 = 19;

/// Where a classic filter finds how the packet came by (PACKET_HOST, PACKET_OUTGOING …).
const PACKET_TYPE: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_PKTTYPE).cast_unsigned();

/// Bytes: Ethernet 14, IPv4 with all options 60, TCP with all options 60.
const HEADERS: u32 = 134;
