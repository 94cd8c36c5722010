//! The ring of an AF_PACKET socket (TPACKET_V2), mapped into this process: frames are read where the kernel put them.
//!
//! V2 and not V3: its frames are delivered one by one, where V3 delivers blocks when they are full or a timer fires.
//! See `Documentation/networking/packet_mmap.rst`. Unsafe code is needed because the memory is shared with the
//! kernel.

use std::io;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::{AtomicU32, Ordering};

use libc::tpacket_versions::TPACKET_V2;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use socket2::Socket;

use crate::kernel::sys;

/// A mapped ring and the index of the next frame.
#[derive(Debug)]
pub(super) struct Ring {
    base: NonNull<u8>,
    slots: usize,
    /// Bytes per slot, a multiple of 16 and a power of two.
    slot: usize,
    next: usize,
}

#[expect(unsafe_code, reason = "NonNull is not Send by itself")]
// SAFETY: the mapping belongs to this value alone, is not tied to a thread, and is only reached through `&mut self`.
unsafe impl Send for Ring {}

/// One frame in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    /// When it passed: nanoseconds of CLOCK_REALTIME.
    pub(super) nanos: u64,
    /// The index of the interface that it passed.
    pub(super) interface: u32,
    /// True for the copy that was taken as it left.
    pub(super) leaving: bool,
    /// Its first bytes.
    pub(super) bytes: &'a [u8],
}

impl Ring {
    /// Gives `socket` a ring of at least `bytes` bytes for the headers of frames, and maps it.
    pub(super) fn map(socket: &Socket, bytes: u32) -> io::Result<Self> {
        Self::map_slots(socket, bytes, SLOT)
    }

    /// The same for whole Ethernet frames of up to 1,514 bytes.
    pub(super) fn map_whole(socket: &Socket, bytes: u32) -> io::Result<Self> {
        Self::map_slots(socket, bytes, WHOLE_SLOT)
    }

    #[expect(unsafe_code, reason = "mapping memory")]
    fn map_slots(socket: &Socket, bytes: u32, slot: usize) -> io::Result<Self> {
        let blocks = bytes.div_ceil(BLOCK).clamp(1, u32::MAX / BLOCK);
        let length = (blocks * BLOCK) as usize;
        let slots = length / slot;
        sys::set_option_words(socket, libc::SOL_PACKET, libc::PACKET_VERSION, [TPACKET_V2 as u32])?;
        let request = [BLOCK, blocks, slot as u32, slots as u32];
        sys::set_option_words(socket, libc::SOL_PACKET, libc::PACKET_RX_RING, request)?;
        // SAFETY: a fresh mapping at an address of the kernel's choice touches no memory of ours.
        let base =
            unsafe { mmap(ptr::null_mut(), length, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, socket, 0)? };
        let base = NonNull::new(base.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { base, slots, slot, next: 0 })
    }

    /// Gives each frame that is ready and hands its slot back to the kernel; at most `most`, and at most one turn of the ring, so that a flood
    /// cannot hold the caller for ever.
    #[expect(unsafe_code, reason = "reads memory that the kernel writes")]
    pub(super) fn drain(&mut self, most: usize, mut each: impl FnMut(Frame<'_>)) {
        for _ in 0..self.slots.min(most) {
            // SAFETY: `next < slots`, and the mapping holds `slots * self.slot` bytes.
            let slot = unsafe { self.base.add(self.next * self.slot) };
            // SAFETY: the slot begins with tp_status, aligned as every slot is (page-aligned base, a multiple of
            // 16); the kernel too writes it as one aligned word. Nothing else in this process accesses it while `&mut
            // self` is held.
            let status = unsafe { AtomicU32::from_ptr(slot.cast().as_ptr()) };
            // Acquire: what the kernel wrote before it set the bit is seen by the reads below.
            if status.load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
                return;
            }
            // SAFETY: the bytes after tp_status lie within the mapping, are initialised (the kernel zeroes the ring),
            // and belong to us until the status is handed back below; the slice does not outlive this iteration.
            let rest = unsafe { slice::from_raw_parts(slot.add(STATUS).as_ptr(), self.slot - STATUS) };
            each(unpack(rest));
            // Release: our reads are over before the kernel sees that it may write again.
            status.store(libc::TP_STATUS_KERNEL, Ordering::Release);
            self.next = (self.next + 1) % self.slots;
        }
    }
}

impl Drop for Ring {
    #[expect(unsafe_code, reason = "unmapping memory")]
    fn drop(&mut self) {
        // SAFETY: exactly what `map` mapped, and no reference into it is left: `drain` lends frames for the time of a call.
        // An error could only mean that nothing was mapped.
        let _unmapped = unsafe { munmap(self.base.as_ptr().cast(), self.slots * self.slot) };
    }
}

/// The frame in a slot whose status word has been taken off. Offsets that do not fit give an empty frame.
fn unpack(slot: &[u8]) -> Frame<'_> {
    let word = |at: usize| slot[at - STATUS..].first_chunk().map_or(0, |four| u32::from_ne_bytes(*four));
    let length = word(SNAPLEN) as usize;
    let start = usize::from((word(MAC_AND_NET) as u16).max(STATUS as u16)) - STATUS;
    let bytes = slot.get(start..).map_or(&[][..], |rest| &rest[..length.min(rest.len())]);
    let nanos = u64::from(word(SECONDS)) * 1_000_000_000 + u64::from(word(NANOS));
    let leaving = slot[PACKET_TYPE - STATUS] == libc::PACKET_OUTGOING;
    Frame { nanos, interface: word(INTERFACE), leaving, bytes }
}

/// Bytes per block: the ring's size is a multiple of it. A power of two and whole pages on every machine that Linux runs on.
const BLOCK: u32 = 64 * 1024;

/// Bytes per frame: 66 for the kernel's header, the rest for a frame's own headers (at most 134 pass the filter).
const SLOT: usize = 256;

/// Bytes per whole frame: the kernel's header, and an Ethernet frame with 1,500 bytes.
const WHOLE_SLOT: usize = 2048;

/// Bytes of tp_status.
const STATUS: usize = 4;

// Positions in `struct tpacket2_hdr` (include/uapi/linux/if_packet.h).
const SNAPLEN: usize = 8;
const MAC_AND_NET: usize = 12;
const SECONDS: usize = 16;
const NANOS: usize = 20;

/// The position of sll_ifindex in the `struct sockaddr_ll` that follows the header.
const INTERFACE: usize = 36;

/// The position of its sll_pkttype.
const PACKET_TYPE: usize = 42;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_slot_gives_its_time_and_its_bytes() {
        let mut slot = vec![0_u8; SLOT];
        slot[SNAPLEN..SNAPLEN + 4].copy_from_slice(&3_u32.to_ne_bytes());
        slot[MAC_AND_NET..MAC_AND_NET + 2].copy_from_slice(&66_u16.to_ne_bytes());
        slot[SECONDS..SECONDS + 4].copy_from_slice(&2_u32.to_ne_bytes());
        slot[NANOS..NANOS + 4].copy_from_slice(&5_u32.to_ne_bytes());
        slot[INTERFACE] = 3;
        slot[PACKET_TYPE] = libc::PACKET_OUTGOING;
        slot[66..69].copy_from_slice(&[7, 8, 9]);
        let frame = Frame { nanos: 2_000_000_005, interface: 3, leaving: true, bytes: &[7, 8, 9] };
        assert_eq!(unpack(&slot[STATUS..]), frame);
    }

    proptest! {
        #[test]
        fn no_slot_makes_it_panic(slot in prop::collection::vec(any::<u8>(), SLOT - STATUS)) {
            prop_assert!(unpack(&slot).bytes.len() <= slot.len());
        }
    }
}
