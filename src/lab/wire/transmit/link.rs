//! The address of an interface for a packet socket that only sends. It needs unsafe code.

use std::mem::size_of;

use socket2::{SockAddr, SockAddrStorage};

/// For `bind(2)` on an AF_PACKET socket: this interface and protocol 0, which means that nothing is received
/// (packet(7)).
#[expect(unsafe_code, reason = "no safe crate makes a sockaddr_ll")]
pub(super) fn sending_address(interface: u32) -> SockAddr {
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: the storage is zeroed, large and aligned enough for every socket address of this platform; sockaddr_ll is
    // one of them, and every bit pattern of it is valid.
    let link = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    link.sll_family = libc::AF_PACKET as u16;
    link.sll_ifindex = interface.cast_signed();
    // SAFETY: the storage holds a complete sockaddr_ll, and the length is that structure's own.
    unsafe { SockAddr::new(storage, size_of::<libc::sockaddr_ll>() as libc::socklen_t) }
}
