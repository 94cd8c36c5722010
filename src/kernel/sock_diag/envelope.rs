//! The framing of netlink answers: messages with a header, attributes with a length. Parsed in place and validated: a
//! length that does not fit is an error, an answer to another request is skipped.

use std::io;

/// One message of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// One socket.
    Row {
        /// The family's own structure and its attributes.
        body: &'a [u8],
        /// NLM_F_DUMP_INTR was set.
        interrupted: bool,
    },
    /// The answer is complete.
    Done {
        /// NLM_F_DUMP_INTR was set.
        interrupted: bool,
    },
    /// The kernel refused, with this errno.
    Failed(i32),
}

/// The messages of one datagram that answer the request `sequence`; others are skipped.
#[derive(Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
    sequence: u32,
}

impl<'a> Messages<'a> {
    /// Reads `datagram`.
    pub const fn of(datagram: &'a [u8], sequence: u32) -> Self {
        Self { rest: datagram, sequence }
    }

    /// The next message of this request, or `None` at the end; an error where a length does not fit.
    fn read(&mut self) -> io::Result<Option<Message<'a>>> {
        while !self.rest.is_empty() {
            let length = word(self.rest, 0)? as usize;
            let kind = half_word(self.rest, 4)?;
            let flags = half_word(self.rest, 6)?;
            let sequence = word(self.rest, 8)?;
            let body = self.rest.get(HEADER..length).ok_or(io::ErrorKind::InvalidData)?;
            self.rest = self.rest.get(length.next_multiple_of(ALIGN)..).unwrap_or_default();
            if sequence != self.sequence {
                continue;
            }
            let interrupted = i32::from(flags) & libc::NLM_F_DUMP_INTR != 0;
            match i32::from(kind) {
                libc::NLMSG_NOOP => {}
                libc::NLMSG_DONE => return Ok(Some(finished(body, interrupted))),
                libc::NLMSG_ERROR => return Ok(Some(Message::Failed(word(body, 0)?.cast_signed().wrapping_neg()))),
                _ => return Ok(Some(Message::Row { body, interrupted })),
            }
        }
        Ok(None)
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = io::Result<Message<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let message = self.read();
        if message.is_err() {
            self.rest = &[];
        }
        message.transpose()
    }
}

/// NLMSG_DONE carries the dump's own result, negative where it failed.
fn finished(body: &[u8], interrupted: bool) -> Message<'_> {
    match word(body, 0).map(u32::cast_signed) {
        Ok(result) if result < 0 => Message::Failed(result.wrapping_neg()),
        _ => Message::Done { interrupted },
    }
}

/// The attributes after a message's fixed part: each one's kind and payload.
pub(super) fn attributes(mut rest: &[u8]) -> impl Iterator<Item = io::Result<(u16, &[u8])>> {
    std::iter::from_fn(move || {
        if rest.len() < ATTRIBUTE {
            return None;
        }
        let (Ok(length), Ok(kind)) = (half_word(rest, 0), half_word(rest, 2)) else { return None };
        let length = usize::from(length);
        let payload = rest.get(ATTRIBUTE..length);
        rest = rest.get(length.next_multiple_of(ALIGN)..).filter(|_| payload.is_some()).unwrap_or_default();
        Some(payload.map(|payload| (kind, payload)).ok_or_else(|| io::ErrorKind::InvalidData.into()))
    })
}

pub(super) fn word(bytes: &[u8], at: usize) -> io::Result<u32> {
    let four = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(io::ErrorKind::InvalidData)?;
    Ok(u32::from_ne_bytes(*four))
}

fn half_word(bytes: &[u8], at: usize) -> io::Result<u16> {
    let two = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(io::ErrorKind::InvalidData)?;
    Ok(u16::from_ne_bytes(*two))
}

/// Bytes of `struct nlmsghdr`.
pub(super) const HEADER: usize = 16;

/// Bytes of `struct nlattr`.
const ATTRIBUTE: usize = 4;

/// NLMSG_ALIGNTO and NLA_ALIGNTO.
const ALIGN: usize = 4;

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One netlink message around `body`.
    pub(in crate::kernel::sock_diag) fn message(kind: u16, flags: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
        let mut bytes = ((HEADER + body.len()) as u32).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(sequence.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(body);
        bytes
    }

    const ROW: u16 = 20;

    #[test]
    fn an_interrupted_row_is_marked() {
        let datagram = message(ROW, libc::NLM_F_DUMP_INTR as u16, 5, &[7; 8]);
        let all: Vec<_> = Messages::of(&datagram, 5).flatten().collect();
        assert_eq!(all, [Message::Row { body: &[7; 8], interrupted: true }]);
    }

    #[test]
    fn answers_to_another_request_are_passed_over() {
        let mut datagram = message(ROW, 0, 4, &[0; 72]);
        datagram.extend(message(libc::NLMSG_DONE as u16, 0, 5, &[0; 4]));
        let all: Vec<_> = Messages::of(&datagram, 5).flatten().collect();
        assert_eq!(all, [Message::Done { interrupted: false }]);
    }

    #[test]
    fn an_error_is_reported_as_its_errno() {
        for kind in [libc::NLMSG_ERROR, libc::NLMSG_DONE] {
            let datagram = message(kind as u16, 0, 5, &(-libc::ENOENT).to_ne_bytes());
            let first = Messages::of(&datagram, 5).next();
            assert!(matches!(first, Some(Ok(Message::Failed(libc::ENOENT)))), "{first:?}");
        }
    }

    #[test]
    fn a_message_cut_short_is_an_error_once() {
        let datagram = message(ROW, 0, 5, &[0; 72]);
        for cut in 1..datagram.len() {
            let all: Vec<_> = Messages::of(&datagram[..cut], 5).collect();
            assert!(matches!(all[..], [Err(_)]), "{cut}: {all:?}");
        }
    }

    #[test]
    fn an_attribute_that_does_not_fit_is_an_error_once() {
        for length in [0_u8, 3, 9] {
            let bytes = [length, 0, 1, 0, 5, 6, 7, 8];
            let all: Vec<_> = attributes(&bytes).collect();
            assert!(matches!(all[..], [Err(_)]), "{length}: {all:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_run_for_ever(
            lengths in prop::collection::vec(0_u32..200, 1..6),
            noise in prop::collection::vec(any::<u8>(), 0..600),
        ) {
            let mut datagram = noise.clone();
            for (number, length) in lengths.iter().enumerate() {
                let at = number * 88;
                if let Some(field) = datagram.get_mut(at..at + 4) {
                    field.copy_from_slice(&length.to_ne_bytes());
                }
                if let Some(field) = datagram.get_mut(at + 8..at + 12) {
                    field.copy_from_slice(&5_u32.to_ne_bytes());
                }
            }
            prop_assert!(Messages::of(&datagram, 5).count() <= datagram.len());
            prop_assert!(attributes(&noise).count() <= noise.len());
            for message in Messages::of(&datagram, 5).flatten() {
                if let Message::Row { body, .. } = message {
                    let _tcp = crate::kernel::sock_diag::codec::Row::read(body);
                    let _unix = crate::kernel::sock_diag::unix::UnixRow::read(body);
                }
            }
        }
    }
}
