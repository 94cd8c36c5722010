"""Reads one interface of another process's network namespace and counts the TCP segments of one port.

An independent witness for tests: it shares no code with qviz. Usage: capture.py PID INTERFACE PORT. It prints "ready" when
every later frame will be seen, and one JSON object at SIGTERM or SIGINT. It enters the namespace by itself instead of being
started by nsenter: a program that an ordinary user starts there has no capability to open a packet socket.
"""

import ctypes
import json
import mmap
import os
import select
import signal
import socket
import struct
import sys

ETH_P_ALL = 0x0003
PACKET_OUTGOING = 4
SOL_PACKET, PACKET_RX_RING, PACKET_STATISTICS, PACKET_VERSION = 263, 5, 6, 10
TPACKET_V2 = 1
TP_STATUS_USER = 1
# The ring is the kernel's memory, so that no socket buffer limit of an ordinary user applies: 65,536 frames of at most 256 bytes.
FRAME, BLOCK, BLOCKS = 256, 1 << 18, 64
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10


def enter(pid):
    """Enters the user namespace of a process, if it is another one, and its network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    kinds = ["net"]
    if os.stat(f"/proc/{pid}/ns/user").st_ino != os.stat("/proc/self/ns/user").st_ino:
        kinds = ["user", "net"]
    handles = [os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY) for kind in kinds]
    for kind, handle in zip(kinds, handles):
        if libc.setns(handle, 0) != 0:
            raise OSError(ctypes.get_errno(), f"setns into the {kind} namespace of {pid}")
        os.close(handle)


class Ring:
    """A packet socket whose frames arrive in shared memory, each cut after its headers."""

    def __init__(self, interface):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V2)
        self.count = BLOCK * BLOCKS // FRAME
        self.socket.setsockopt(SOL_PACKET, PACKET_RX_RING, struct.pack("=IIII", BLOCK, BLOCKS, FRAME, self.count))
        self.memory = mmap.mmap(self.socket.fileno(), BLOCK * BLOCKS, mmap.MAP_SHARED)
        self.next = 0
        self.socket.bind((interface, ETH_P_ALL))

    def frames(self):
        """Each frame that is there now, one full ring at most: its packet type and its first bytes."""
        for _ in range(self.count):
            at = self.next * FRAME
            status, _, length, mac = struct.unpack_from("=IIIH", self.memory, at)
            if not status & TP_STATUS_USER:
                return
            # A sockaddr_ll stands behind the 32 bytes of the header; the packet type is its 11th byte.
            yield self.memory[at + 32 + 10], self.memory[at + mac : at + mac + length]
            struct.pack_into("=I", self.memory, at, 0)
            self.next = (self.next + 1) % self.count

    def dropped(self):
        _, drops = struct.unpack("=II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        return drops


def tcp_of(frame):
    """(addresses, TCP header and what follows, payload length) of an Ethernet frame; None for anything else."""
    kind, packet = frame[12:14], frame[14:]
    if kind == b"\x08\x00" and len(packet) >= 20 and packet[9] == socket.IPPROTO_TCP:
        header = (packet[0] & 0x0F) * 4
        addresses, rest = packet[12:20], int.from_bytes(packet[2:4], "big") - header
    elif kind == b"\x86\xdd" and len(packet) >= 40 and packet[6] == socket.IPPROTO_TCP:
        header = 40
        addresses, rest = packet[8:40], int.from_bytes(packet[4:6], "big")
    else:
        return None
    tcp = packet[header:]
    return (addresses, tcp, rest - (tcp[12] >> 4) * 4) if len(tcp) >= 20 else None


class Tally:
    """Counts segments by kind, as the listener on a port would call them."""

    def __init__(self, port):
        self.port = port
        names = ["syn", "syn_retransmit", "syn_ack", "syn_ack_retransmit", "ack", "data", "rst", "fin", "segments", "final_ack"]
        self.counts = dict.fromkeys(names, 0)
        self.known = set()
        self.begins = {}

    def add(self, addresses, tcp, payload):
        source, target, sequence, acknowledged = struct.unpack_from("!HHII", tcp)
        if self.port not in (source, target):
            return
        flags = tcp[13]
        self.counts["segments"] += 1
        self.counts["data"] += payload > 0
        self.counts["rst"] += bool(flags & RST)
        self.counts["fin"] += bool(flags & FIN)
        to_listener = target == self.port
        half = len(addresses) // 2
        client = (addresses[:half], source) if to_listener else (addresses[half:], target)
        if flags & SYN:
            self.begins[client, to_listener] = (sequence + 1) & 0xFFFFFFFF
        if flags & SYN and to_listener:
            self.first_or_again("syn", (addresses, source, sequence))
        elif flags & SYN:
            # The client's sequence number, which is acknowledged, names the attempt; a cookie may differ each time.
            self.first_or_again("syn_ack", (addresses, target, acknowledged))
        elif flags & (SYN | FIN | RST | ACK) == ACK and to_listener and payload == 0:
            self.counts["ack"] += 1
            begin = (self.begins.get((client, True)), self.begins.get((client, False)))
            self.counts["final_ack"] += begin == (sequence, acknowledged)

    def first_or_again(self, name, key):
        again = (name, key) in self.known
        self.known.add((name, key))
        self.counts[f"{name}_retransmit" if again else name] += 1


def main():
    pid, interface, port = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    enter(pid)
    ring, tally = Ring(interface), Tally(port)
    print("ready", flush=True)
    ended = False
    while not ended:
        readable, _, _ = select.select([ring.socket, wake], [], [])
        # What is in the ring when the signal comes still counts.
        ended = wake in readable
        for packet_type, frame in ring.frames():
            # The loopback shows each frame twice: leaving and arriving.
            if interface == "lo" and packet_type == PACKET_OUTGOING:
                continue
            segment = tcp_of(frame)
            if segment is not None:
                tally.add(*segment)
    print(json.dumps({**tally.counts, "dropped": ring.dropped()}))


main()
