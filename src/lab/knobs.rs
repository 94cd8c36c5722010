//! Writes the sysctls of the private namespace. Never those of the host.

use std::fmt;
use std::path::PathBuf;

use rustix::io::Errno;

use super::confinement::Confinement;
use super::netns::PrivateNetns;
use crate::model::settings::Sysctl;
use crate::say;
use crate::text::errno::describe_errno;

/// A sysctl that was not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KnobError {
    /// The calling thread is not in a namespace that qviz made.
    #[error("{}", say!("{name} is not written: this is not a network that qviz made", name))]
    NotOurs {
        /// The sysctl's name.
        name: String,
    },
    /// The kernel does not take this value (EINVAL).
    #[error(
        "{}",
        say!("the kernel does not take {value} for {name}{note}", value, name, note = range_note(name))
    )]
    OutOfRange {
        /// The sysctl's name.
        name: String,
        /// The value that was refused.
        value: i64,
    },
    /// The file could not be written or read back.
    #[error("{}", say!("{name} is out of reach: {reason}", name, reason))]
    File {
        /// The sysctl's name.
        name: String,
        /// Why.
        reason: SysctlFileError,
    },
}

/// Why a file below /proc/sys could not be written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SysctlFileError {
    /// This kernel has no such sysctl.
    Missing,
    /// The kernel has it, and does not show it here.
    Hidden,
    /// /proc/sys is mounted read-only, as in containers.
    ReadOnly,
    /// Another error number.
    Other(i32),
}

impl KnobError {
    /// The remedy.
    pub fn hint(&self) -> String {
        match self {
            Self::NotOurs { .. } => say!("enter the lab first: qviz --net lab").to_owned(),
            Self::OutOfRange { name, .. } => match range(name) {
                Some((least, most)) => say!("choose a value from {least} to {most}", least, most),
                None => say!("choose another value").to_owned(),
            },
            Self::File { reason: SysctlFileError::Missing, .. } => say!("a newer kernel has it").to_owned(),
            Self::File { reason: SysctlFileError::Hidden, .. } => "sudo qviz".to_owned(),
            Self::File { reason: SysctlFileError::ReadOnly, .. } => Confinement::read().settings().to_owned(),
            Self::File { .. } => "qviz doctor".to_owned(),
        }
    }
}

impl fmt::Display for SysctlFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str(say!("this kernel does not have it")),
            Self::Hidden => f.write_str(say!("this kernel hides it in the network of an ordinary user")),
            Self::ReadOnly => f.write_str(say!("/proc/sys is read-only here")),
            Self::Other(errno) => f.write_str(&describe_errno(*errno)),
        }
    }
}

/// The range that Linux accepts (measured on 6.18; `net/ipv4/sysctl_net_ipv4.c`).
pub const fn accepted_range(sysctl: Sysctl) -> (i64, i64) {
    match sysctl {
        Sysctl::Somaxconn => (0, i32::MAX as i64),
        Sysctl::Syncookies | Sysctl::AbortOnOverflow | Sysctl::SynackRetries => (0, u8::MAX as i64),
        Sysctl::MaxSynBacklog | Sysctl::MaxTwBuckets => (i32::MIN as i64, i32::MAX as i64),
        Sysctl::SynRetries => (1, MAX_TCP_SYNCNT),
        Sysctl::SynLinearTimeouts => (0, MAX_TCP_SYNCNT),
        Sysctl::MigrateReq => (0, 1),
    }
}

/// Writes one sysctl in a namespace of our own, and reads it back.
pub(in crate::lab) fn write(netns: PrivateNetns, name: &str, value: i64) -> Result<i64, KnobError> {
    if !netns.is_current() {
        return Err(KnobError::NotOurs { name: name.to_owned() });
    }
    // What has the value already is not written: it may be read-only.
    if read(name) == Ok(value) {
        return Ok(value);
    }
    match std::fs::write(path(name), value.to_string()) {
        Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => {
            Err(KnobError::OutOfRange { name: name.to_owned(), value })
        }
        Err(error) => Err(file_error(name, &error)),
        Ok(()) => read(name),
    }
}

/// Why a sysctl cannot be written here, if so: its file is opened for writing, and nothing is written.
pub(in crate::lab) fn may_write(name: &str) -> Result<(), KnobError> {
    std::fs::OpenOptions::new().write(true).open(path(name)).map(drop).map_err(|error| file_error(name, &error))
}

/// Reads one sysctl of the calling thread's namespace.
pub(crate) fn read(name: &str) -> Result<i64, KnobError> {
    let text = std::fs::read_to_string(path(name)).map_err(|error| file_error(name, &error))?;
    text.trim().parse().map_err(|_| KnobError::File {
        name: name.to_owned(),
        reason: SysctlFileError::Other(Errno::BADMSG.raw_os_error()),
    })
}

fn path(name: &str) -> PathBuf {
    PathBuf::from("/proc/sys").join(name.replace('.', "/"))
}

fn file_error(name: &str, error: &std::io::Error) -> KnobError {
    let reason = match Errno::from_io_error(error) {
        // Every kernel has them, and some show them to no namespace that an ordinary user has made.
        Some(Errno::NOENT) if name.starts_with("net.core.") && path("net.ipv4").exists() => SysctlFileError::Hidden,
        Some(Errno::NOENT) => SysctlFileError::Missing,
        Some(Errno::ROFS) => SysctlFileError::ReadOnly,
        errno => SysctlFileError::Other(errno.unwrap_or(Errno::IO).raw_os_error()),
    };
    KnobError::File { name: name.to_owned(), reason }
}

fn range(name: &str) -> Option<(i64, i64)> {
    Sysctl::ALL.into_iter().find(|sysctl| sysctl.name() == name).map(accepted_range)
}

fn range_note(name: &str) -> String {
    range(name).map(|(least, most)| say!("; it takes {least} to {most}", least, most)).unwrap_or_default()
}

/// include/net/tcp.h
const MAX_TCP_SYNCNT: i64 = 127;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_value_comes_with_the_range() {
        let error = KnobError::OutOfRange { name: Sysctl::SynRetries.name().to_owned(), value: 0 };
        assert_eq!(error.to_string(), "the kernel does not take 0 for net.ipv4.tcp_syn_retries; it takes 1 to 127");
        assert_eq!(error.hint(), "choose a value from 1 to 127");
    }

    #[test]
    fn a_missing_file_is_a_missing_feature() {
        let error = read("net.ipv4.no_such_thing").unwrap_err();
        assert_eq!(error.to_string(), "net.ipv4.no_such_thing is out of reach: this kernel does not have it");
    }
}
