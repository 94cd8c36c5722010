//! The text of a system error in the current language. English is the system's own.

use std::io;

use rustix::io::Errno;

use super::name;
use crate::say;
use crate::text::lang::{Lang, here, speaks_in_keys};
use crate::text::marks::mark_errno;

/// The text of the error: in English the system's; an error without an errno has its own.
pub fn describe(error: &io::Error) -> String {
    if let Some(errno) = error.raw_os_error().filter(|_| speaks_in_keys()) {
        return mark_errno(errno);
    }
    let number = error.raw_os_error().filter(|_| here() != Lang::English);
    match number.and_then(|number| Some((words(Errno::from_raw_os_error(number))?, number))) {
        Some((words, number)) => say!("{words} ({name})", words, name = name(number)),
        None => error.to_string(),
    }
}

/// The text of an error number, as [`describe`].
pub fn describe_errno(errno: i32) -> String {
    describe(&io::Error::from_raw_os_error(errno))
}

/// The errors that a lab or a watch can meet, as `strerror(3)` writes them.
fn words(errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::PERM => say!("Operation not permitted"),
        Errno::NOENT => say!("No such file or directory"),
        Errno::SRCH => say!("No such process"),
        Errno::INTR => say!("Interrupted system call"),
        Errno::IO => say!("Input/output error"),
        Errno::NXIO => say!("No such device or address"),
        Errno::BADF => say!("Bad file descriptor"),
        Errno::AGAIN => say!("Resource temporarily unavailable"),
        Errno::NOMEM => say!("Cannot allocate memory"),
        Errno::ACCESS => say!("Permission denied"),
        Errno::BUSY => say!("Device or resource busy"),
        Errno::EXIST => say!("File exists"),
        Errno::NODEV => say!("No such device"),
        Errno::NOTDIR => say!("Not a directory"),
        Errno::ISDIR => say!("Is a directory"),
        Errno::INVAL => say!("Invalid argument"),
        Errno::NFILE => say!("Too many open files in system"),
        Errno::MFILE => say!("Too many open files"),
        Errno::FBIG => say!("File too large"),
        Errno::NOSPC => say!("No space left on device"),
        Errno::ROFS => say!("Read-only file system"),
        Errno::PIPE => say!("Broken pipe"),
        Errno::NOSYS => say!("Function not implemented"),
        Errno::USERS => say!("Too many users"),
        Errno::PROTONOSUPPORT => say!("Protocol not supported"),
        Errno::OPNOTSUPP => say!("Operation not supported"),
        Errno::AFNOSUPPORT => say!("Address family not supported by protocol"),
        Errno::ADDRINUSE => say!("Address already in use"),
        Errno::ADDRNOTAVAIL => say!("Cannot assign requested address"),
        Errno::NETDOWN => say!("Network is down"),
        Errno::NETUNREACH => say!("Network is unreachable"),
        Errno::CONNABORTED => say!("Software caused connection abort"),
        Errno::CONNRESET => say!("Connection reset by peer"),
        Errno::NOBUFS => say!("No buffer space available"),
        Errno::TIMEDOUT => say!("Connection timed out"),
        Errno::CONNREFUSED => say!("Connection refused"),
        Errno::HOSTUNREACH => say!("No route to host"),
        Errno::INPROGRESS => say!("Operation now in progress"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::lang::within;

    #[test]
    fn english_is_the_systems_own_text_and_chinese_names_the_number() {
        let mut known = 0;
        for number in 1..134 {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!(describe(&error), error.to_string());
            let Some(english) = words(Errno::from_raw_os_error(number)) else { continue };
            known += 1;
            assert!(error.to_string().starts_with(english), "{english}: {error}");
            let chinese = within(Lang::Chinese, || describe(&error));
            assert!(name(number).starts_with('E') && chinese.ends_with(&format!("（{}）", name(number))), "{chinese}");
            assert!(!chinese.contains(english), "{chinese}");
        }
        assert_eq!(known, 38);
    }

    #[test]
    fn an_error_of_ones_own_speaks_for_itself() {
        let error = io::Error::other("of one's own");
        assert_eq!(within(Lang::Chinese, || describe(&error)), "of one's own");
    }
}
