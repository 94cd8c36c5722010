//! The bytes of unix_diag: one request for all listening unix sockets, and the rows of its answer (`include/uapi/linux/unix_diag.h`).

use std::io;

use crate::kernel::sock_diag::envelope::{HEADER, attributes, word};

/// Length of a request in bytes: a netlink header and `struct unix_diag_req`.
pub const REQUEST_BYTES: usize = HEADER + 24;

/// One listening unix socket: `struct unix_diag_msg` and its attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnixRow<'a> {
    /// `udiag_ino`.
    pub inode: u32,
    /// `udiag_cookie`.
    pub cookie: u64,
    /// UNIX_DIAG_NAME: the bytes of `sun_path`; an abstract name begins with a zero byte, a socket without a name has none.
    pub name: &'a [u8],
    /// `udiag_rqueue`: connections that wait for `accept()`.
    pub rqueue: Option<u32>,
    /// `udiag_wqueue`: the backlog (`sk_max_ack_backlog`).
    pub wqueue: Option<u32>,
    /// UNIX_DIAG_UID; Linux 5.3 and later.
    pub uid: Option<u32>,
}

impl<'a> UnixRow<'a> {
    /// Reads one row.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] where it is cut short.
    pub fn read(body: &'a [u8]) -> io::Result<Self> {
        let fixed = body.first_chunk::<FIXED>().ok_or(io::ErrorKind::InvalidData)?;
        let cookie = u64::from(word(fixed, 8)?) | u64::from(word(fixed, 12)?) << 32;
        let mut row = Self { inode: word(fixed, 4)?, cookie, name: &[], rqueue: None, wqueue: None, uid: None };
        for attribute in attributes(&body[FIXED..]) {
            let (kind, payload) = attribute?;
            match kind {
                NAME => row.name = payload,
                QUEUES => (row.rqueue, row.wqueue) = (Some(word(payload, 0)?), Some(word(payload, 4)?)),
                UID => row.uid = Some(word(payload, 0)?),
                _ => {}
            }
        }
        Ok(row)
    }
}

/// The request for all listening unix sockets of the namespace: names, queues and users.
pub fn request(sequence: u32) -> [u8; REQUEST_BYTES] {
    let mut bytes = [0; REQUEST_BYTES];
    let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
    put(0, &(REQUEST_BYTES as u32).to_ne_bytes());
    put(4, &SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    put(6, &((libc::NLM_F_REQUEST | libc::NLM_F_DUMP) as u16).to_ne_bytes());
    put(8, &sequence.to_ne_bytes());
    put(HEADER, &[libc::AF_UNIX as u8]);
    put(HEADER + 4, &(1_u32 << super::codec::LISTEN).to_ne_bytes());
    put(HEADER + 12, &(SHOW_NAME | SHOW_QUEUES | SHOW_UID).to_ne_bytes());
    bytes
}

/// The message type of `include/uapi/linux/sock_diag.h`.
const SOCK_DIAG_BY_FAMILY: u16 = 20;

/// Bytes of `struct unix_diag_msg`.
const FIXED: usize = 16;

// UDIAG_SHOW_NAME, UDIAG_SHOW_RQLEN, UDIAG_SHOW_UID.
const SHOW_NAME: u32 = 0x01;
const SHOW_QUEUES: u32 = 0x10;
const SHOW_UID: u32 = 0x40;

// UNIX_DIAG_NAME, UNIX_DIAG_RQLEN, UNIX_DIAG_UID.
const NAME: u16 = 0;
const QUEUES: u16 = 4;
const UID: u16 = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_cut_short_is_an_error_and_a_whole_one_is_read() {
        let mut bytes = vec![1, 1, 10, 0, 9, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0];
        bytes.extend([7, 0, 0, 0, 0, b'a', b'b', 0]);
        bytes.extend([12, 0, 4, 0, 3, 0, 0, 0, 128, 0, 0, 0]);
        let row = UnixRow::read(&bytes).unwrap();
        assert_eq!((row.inode, row.cookie, row.name), (9, 0x1_0000_0007, &[0, b'a', b'b'][..]));
        assert_eq!((row.rqueue, row.wqueue, row.uid), (Some(3), Some(128), None));
        for cut in [0, 15, 21, 30, 35] {
            assert!(UnixRow::read(&bytes[..cut]).is_err(), "{cut}");
        }
    }
}
