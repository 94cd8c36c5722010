//! The filters of a tap on all interfaces. Packets begin with their IP header there (SOCK_DGRAM), whatever the link puts before it:
//! Ethernet, a VLAN's tag, or nothing (tun, WireGuard).
//!
//! IPv6 extension headers are not followed: TCP has none in handshakes. Of a fragmented packet the first fragment alone has ports.

use socket2::SockFilter;

use super::{HEADERS, header_length, jump, load, take};
use crate::kernel::tap::{LOOPBACK, TapCoverage};
use crate::model::segment::flags::{ACK, FIN, RST, SYN};

/// The program for the segments of a listener's `port`. Only those that this machine itself takes or sends as the
/// listening side: not a connection of its own to a port of the same number elsewhere, not what it forwards or
/// receives for other hosts. On loopback each packet is seen twice; its arriving copy is taken.
pub(in crate::kernel::tap) fn port(port: u16, coverage: TapCoverage) -> Vec<SockFilter> {
    let port = u32::from(port);
    let mut lines = vec![
        Instruction::Plain(load(libc::BPF_B, libc::BPF_ABS, PACKET_TYPE)),
        Instruction::If(libc::BPF_JEQ, libc::PACKET_OTHERHOST.into(), Go::Drop, Go::On),
        Instruction::Plain(store(KIND)),
    ];
    lines.extend(tcp());
    lines.extend([
        Instruction::Plain(recall(KIND)),
        Instruction::If(libc::BPF_JEQ, libc::PACKET_OUTGOING.into(), Go::To(LEAVING), Go::On),
        // Arriving.
        Instruction::Plain(recall(DESTINATION)),
        Instruction::If(libc::BPF_JEQ, port, Go::To(TOWARD), Go::On),
        Instruction::Plain(load(libc::BPF_W, libc::BPF_ABS, INTERFACE)),
        Instruction::If(libc::BPF_JEQ, LOOPBACK, Go::To(ANSWER), Go::Drop),
        Instruction::Label(LEAVING),
        Instruction::Plain(load(libc::BPF_W, libc::BPF_ABS, INTERFACE)),
        Instruction::If(libc::BPF_JEQ, LOOPBACK, Go::Drop, Go::On),
        Instruction::Label(ANSWER),
        Instruction::Plain(recall(SOURCE)),
        Instruction::If(libc::BPF_JEQ, port, Go::On, Go::Drop),
    ]);
    let control = (SYN | FIN | RST).into();
    lines.extend(match coverage {
        TapCoverage::Everything => vec![Instruction::Label(TOWARD)],
        TapCoverage::Handshakes => vec![
            Instruction::Plain(recall(FLAGS)),
            Instruction::If(libc::BPF_JSET, control, Go::Take, Go::Drop),
            Instruction::Label(TOWARD),
            Instruction::Plain(recall(FLAGS)),
            Instruction::If(libc::BPF_JSET, control, Go::Take, Go::On),
            // What is left of a handshake is its last ACK, which carries nothing.
            Instruction::Plain(recall(PAYLOAD)),
            Instruction::If(libc::BPF_JEQ, 0, Go::Take, Go::Drop),
        ],
    });
    assemble(lines)
}

/// The program for SYNs that arrive, for any port.
pub(in crate::kernel::tap) fn syns() -> Vec<SockFilter> {
    let mut lines = vec![
        Instruction::Plain(load(libc::BPF_B, libc::BPF_ABS, PACKET_TYPE)),
        Instruction::If(libc::BPF_JEQ, libc::PACKET_OTHERHOST.into(), Go::Drop, Go::On),
        Instruction::If(libc::BPF_JEQ, libc::PACKET_OUTGOING.into(), Go::Drop, Go::On),
    ];
    lines.extend(tcp());
    lines.extend([
        Instruction::Plain(recall(FLAGS)),
        Instruction::Plain(operate(libc::BPF_AND | libc::BPF_K, (SYN | ACK | FIN | RST).into())),
        Instruction::If(libc::BPF_JEQ, SYN.into(), Go::Take, Go::Drop),
    ]);
    assemble(lines)
}

/// Puts ports, flags and the length of the payload of a TCP segment into memory; everything else is dropped.
#[rustfmt::skip]
fn tcp() -> Vec<Instruction> {
    use libc::{BPF_ABS, BPF_ADD, BPF_AND, BPF_B, BPF_H, BPF_IND, BPF_JEQ, BPF_JSET, BPF_K, BPF_RSH, BPF_SUB, BPF_X};
    let plain = Instruction::Plain;
    let tcp = libc::IPPROTO_TCP.cast_unsigned();
    let mut lines = vec![
        plain(load(BPF_B, BPF_ABS, 0)),
        plain(operate(BPF_AND | BPF_K, 0xf0)),
        Instruction::If(BPF_JEQ, 0x60, Go::To(IPV6), Go::On),
        Instruction::If(BPF_JEQ, 0x40, Go::On, Go::Drop),
        plain(load(BPF_B, BPF_ABS, 9)),
        Instruction::If(BPF_JEQ, tcp, Go::On, Go::Drop),
        // A later fragment has no ports.
        plain(load(BPF_H, BPF_ABS, 6)),
        Instruction::If(BPF_JSET, 0x1fff, Go::Drop, Go::On),
        plain(header_length(0)),
    ];
    let fields = |from, at: u32| [
        plain(load(BPF_H, from, at)), plain(store(SOURCE)),
        plain(load(BPF_H, from, at + 2)), plain(store(DESTINATION)),
        plain(load(BPF_B, from, at + 13)), plain(store(FLAGS)),
        // The header's length, in its upper four bits, in words.
        plain(load(BPF_B, from, at + 12)), plain(operate(BPF_AND | BPF_K, 0xf0)), plain(operate(BPF_RSH | BPF_K, 2)),
    ];
    lines.extend(fields(BPF_IND, 0));
    lines.extend([
        plain(operate(BPF_ADD | BPF_X, 0)), plain(to_index()),
        plain(load(BPF_H, BPF_ABS, 2)), plain(operate(BPF_SUB | BPF_X, 0)),
        Instruction::Go(READ),
        Instruction::Label(IPV6),
        plain(load(BPF_B, BPF_ABS, 6)),
        Instruction::If(BPF_JEQ, tcp, Go::On, Go::Drop),
    ]);
    lines.extend(fields(BPF_ABS, 40));
    lines.extend([
        plain(to_index()),
        plain(load(BPF_H, BPF_ABS, 4)), plain(operate(BPF_SUB | BPF_X, 0)),
        Instruction::Label(READ),
        plain(store(PAYLOAD)),
    ]);
    lines
}

/// An instruction of a program whose jump targets are still labels.
enum Instruction {
    Plain(SockFilter),
    /// A comparison, where to go when it holds, and where otherwise.
    If(u32, u32, Go, Go),
    Go(Label),
    Label(Label),
}

#[derive(Clone, Copy)]
enum Go {
    On,
    To(Label),
    Take,
    Drop,
}

type Label = u8;

/// The program with resolved jumps; its last two instructions accept and drop.
fn assemble(lines: Vec<Instruction>) -> Vec<SockFilter> {
    let mut places = [None; LABELS];
    let mut end = 0;
    for line in &lines {
        match line {
            Instruction::Label(label) => places[usize::from(*label)] = Some(end),
            _ => end += 1,
        }
    }
    let mut program = Vec::with_capacity(end + 2);
    for line in lines {
        let next = program.len() + 1;
        let distance = |go: Go| match go {
            Go::On => 0,
            Go::To(label) => places[usize::from(label)].unwrap_or(end + 1) - next,
            Go::Take => end - next,
            Go::Drop => end + 1 - next,
        };
        let over = (libc::BPF_JMP | libc::BPF_JA) as u16;
        program.push(match line {
            Instruction::Plain(instruction) => instruction,
            Instruction::If(test, with, holds, fails) => jump(test, with, distance(holds) as u8, distance(fails) as u8),
            Instruction::Go(label) => SockFilter::new(over, 0, 0, distance(Go::To(label)) as u32),
            Instruction::Label(_) => continue,
        });
    }
    program.extend([take(HEADERS), take(0)]);
    program
}

fn store(cell: u32) -> SockFilter {
    SockFilter::new(libc::BPF_ST as u16, 0, 0, cell)
}

fn recall(cell: u32) -> SockFilter {
    load(libc::BPF_W, libc::BPF_MEM, cell)
}

fn operate(what: u32, with: u32) -> SockFilter {
    SockFilter::new((libc::BPF_ALU | what) as u16, 0, 0, with)
}

fn to_index() -> SockFilter {
    SockFilter::new((libc::BPF_MISC | libc::BPF_TAX) as u16, 0, 0, 0)
}

// Cells of the filter's memory.
const KIND: u32 = 0;
const SOURCE: u32 = 1;
const DESTINATION: u32 = 2;
const FLAGS: u32 = 3;
const PAYLOAD: u32 = 4;

const IPV6: Label = 0;
const READ: Label = 1;
const LEAVING: Label = 2;
const ANSWER: Label = 3;
const TOWARD: Label = 4;
const LABELS: usize = 5;

const PACKET_TYPE: u32 = super::PACKET_TYPE;

/// Where a classic filter finds the index of the packet's interface.
const INTERFACE: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_IFINDEX).cast_unsigned();
