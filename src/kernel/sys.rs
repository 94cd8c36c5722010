//! The few system calls that no safe crate offers: socket options that are tables of 32-bit words, link-level
//! addresses, and the kind and owner of a namespace.
//!
//! With [`super::tap`]'s ring this is the only unsafe code of the room.

use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use libc::{c_int, c_void, socklen_t};
use socket2::{SockAddr, SockAddrStorage};

/// Reads a socket option that is a table of `WORDS` 32-bit words in the machine's own byte order (TCP_INFO,
/// SO_MEMINFO, PACKET_STATISTICS). The kernel fills at most the given length.
///
/// # Errors
/// `getsockopt(2)`'s own errors, and [`io::ErrorKind::UnexpectedEof`] where this kernel's table is shorter.
#[expect(unsafe_code, reason = "neither rustix nor socket2 reads these options")]
pub fn option_words<const WORDS: usize>(fd: impl AsFd, level: c_int, name: c_int) -> io::Result<[u32; WORDS]> {
    let mut words = [0_u32; WORDS];
    let mut length = size_of::<[u32; WORDS]>() as socklen_t;
    let raw = fd.as_fd().as_raw_fd();
    // SAFETY: `words` is writable memory of exactly `length` bytes, both outlive the call, the kernel writes at most `length`
    // bytes, and every bit pattern is a valid u32.
    let done = unsafe { libc::getsockopt(raw, level, name, words.as_mut_ptr().cast::<c_void>(), &raw mut length) };
    if done != 0 {
        return Err(io::Error::last_os_error());
    }
    if (length as usize) < size_of::<[u32; WORDS]>() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(words)
}

/// Sets a socket option that is a table of 32-bit words in the machine's own byte order (PACKET_VERSION, PACKET_RX_RING).
///
/// # Errors
/// `setsockopt(2)`'s own errors.
#[expect(unsafe_code, reason = "neither rustix nor socket2 sets these options")]
pub fn set_option_words<const WORDS: usize>(
    fd: impl AsFd,
    level: c_int,
    name: c_int,
    words: [u32; WORDS],
) -> io::Result<()> {
    let length = size_of::<[u32; WORDS]>() as socklen_t;
    let raw = fd.as_fd().as_raw_fd();
    // SAFETY: `words` is readable memory of exactly `length` bytes that outlives the call; the kernel only reads it.
    let done = unsafe { libc::setsockopt(raw, level, name, words.as_ptr().cast::<c_void>(), length) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The user namespace that owns a namespace (NS_GET_USERNS, ioctl_ns(2)).
///
/// # Errors
/// EPERM where that user namespace is no descendant of the caller's, ENOTTY where `fd` is no namespace.
#[expect(unsafe_code, reason = "rustix has no safe call for this ioctl")]
pub fn owning_user_namespace(fd: impl AsFd) -> io::Result<OwnedFd> {
    // SAFETY: the request takes no argument and touches no memory of ours.
    let owner = unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), NS_GET_USERNS) };
    if owner < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor for us, and nothing else refers to it.
    Ok(unsafe { OwnedFd::from_raw_fd(owner) })
}

/// Which kind of namespace `fd` is, as its CLONE_NEW… flag (NS_GET_NSTYPE, ioctl_ns(2)).
///
/// # Errors
/// ENOTTY where `fd` is no namespace.
#[expect(unsafe_code, reason = "rustix has no safe call for this ioctl")]
pub fn namespace_kind(fd: impl AsFd) -> io::Result<c_int> {
    // SAFETY: the request takes no argument and touches no memory of ours.
    let kind = unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), NS_GET_NSTYPE) };
    if kind < 0 { Err(io::Error::last_os_error()) } else { Ok(kind) }
}

/// The address of a whole interface for `bind(2)` on an AF_PACKET socket: every frame of `protocol` (host byte order, for example
/// `ETH_P_ALL`) that passes `interface`.
#[expect(unsafe_code, reason = "socket2 has no constructor for sockaddr_ll")]
pub fn link_address(interface: u32, protocol: u16) -> SockAddr {
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: the storage is zeroed memory, large and aligned enough for every kind of socket address of this platform, and
    // sockaddr_ll is one of them; all its bit patterns are valid.
    let link = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    link.sll_family = libc::AF_PACKET as u16;
    link.sll_protocol = protocol.to_be();
    link.sll_ifindex = interface.cast_signed();
    // SAFETY: the storage now holds a complete sockaddr_ll, and the length is that structure's own.
    unsafe { SockAddr::new(storage, size_of::<libc::sockaddr_ll>() as socklen_t) }
}

// include/uapi/linux/nsfs.h: _IO(0xb7, 1) and _IO(0xb7, 3).
const NS_GET_USERNS: libc::Ioctl = 0xb701;
const NS_GET_NSTYPE: libc::Ioctl = 0xb703;
