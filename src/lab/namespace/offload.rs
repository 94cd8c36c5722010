//! Switches off what a device would do for the kernel, so that each frame on the wire is what its receiver sees: whole checksums, no
//! segments of several frames. Unsafe code: the ethtool ioctl has no safe form.
#![expect(unsafe_code, reason = "SIOCETHTOOL has no safe form")]

use std::ffi::CStr;
use std::os::fd::AsRawFd;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::refusal::errno_of;

/// `struct ethtool_value` (include/uapi/linux/ethtool.h).
#[repr(C)]
struct Value {
    command: u32,
    data: u32,
}

/// Switches the offloads of a link of the present namespace off (ethtool -K … off).
pub(super) fn switch_off(name: &CStr) -> Result<(), Errno> {
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    for command in OFFLOADS {
        let mut value = Value { command, data: 0 };
        // SAFETY: every bit pattern of ifreq is valid, and zero is one.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        for (place, byte) in request.ifr_name.iter_mut().zip(name.to_bytes()) {
            *place = *byte as libc::c_char;
        }
        request.ifr_ifru.ifru_data = (&raw mut value).cast();
        // SAFETY: the request is a whole ifreq whose data points to a whole ethtool_value; both outlive the call.
        let done = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCETHTOOL, &raw mut request) };
        let errno = if done == 0 { None } else { Some(errno_of(&std::io::Error::last_os_error())) };
        match errno {
            None => {}
            // This kernel's veth does not have it.
            Some(Errno::OPNOTSUPP | Errno::INVAL) if command != SET_TX_CHECKSUM => {}
            Some(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// include/uapi/linux/sockios.h
const SIOCETHTOOL: libc::Ioctl = 0x8946;
// include/uapi/linux/ethtool.h
const SET_RX_CHECKSUM: u32 = 0x15;
const SET_TX_CHECKSUM: u32 = 0x17;
const SET_SCATTER_GATHER: u32 = 0x19;
const SET_TSO: u32 = 0x1f;
const SET_GSO: u32 = 0x24;
const SET_GRO: u32 = 0x2c;
const OFFLOADS: [u32; 6] = [SET_TX_CHECKSUM, SET_SCATTER_GATHER, SET_TSO, SET_GSO, SET_GRO, SET_RX_CHECKSUM];
