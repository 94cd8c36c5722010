//! Counters and sysctls, from `/proc/thread-self/net` and `/proc/sys`, and the kernel's name for itself.
//!
//! `/proc/thread-self` shows the namespace of the thread that opens the files; they keep showing that namespace
//! whichever thread reads them later. So open them on a thread inside the namespace. Start at [`CountersFile`].

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use procfs::FromBufRead as _;
use thiserror::Error;

use crate::kernel::proc::columns::Columns;
use crate::model::counters::Counters;
use crate::model::settings::{Sysctl, Sysctls};
use crate::say;
use crate::text::errno::describe;

mod columns;

/// The two counter files of one network namespace, kept open.
#[derive(Debug)]
pub struct CountersFile {
    netstat: Table,
    snmp: Table,
}

/// Why the counters cannot be read.
#[derive(Debug, Error)]
#[error("{}", say!("cannot open {path}: {source}", path = path.display(), source = describe(source)))]
pub struct CountersError {
    path: PathBuf,
    source: io::Error,
}

impl CountersError {
    /// What the reader can do about it.
    pub fn hint(&self) -> &'static str {
        match self.source.kind() {
            io::ErrorKind::NotFound => {
                say!(
                    "is /proc mounted here? `mount -t proc proc /proc` brings it back; without it the counters stay unknown"
                )
            }
            io::ErrorKind::PermissionDenied => {
                say!(
                    "/proc hides this process (hidepid): run `mount -o remount,hidepid=0 /proc` as root; the counters stay unknown"
                )
            }
            _ => say!(
                "run `cat /proc/thread-self/net/netstat` to see the kernel's own answer; the counters stay unknown"
            ),
        }
    }
}

impl From<CountersError> for io::Error {
    fn from(error: CountersError) -> Self {
        Self::new(error.source.kind(), error)
    }
}

impl CountersFile {
    /// Opens the counters of the namespace of the calling thread.
    ///
    /// # Errors
    /// [`CountersError`] where /proc is absent or hidden.
    pub fn open() -> Result<Self, CountersError> {
        Self::open_in(Path::new(THREAD_NET))
    }

    /// Opens the counters of the network namespace of another process, without entering it. No right is needed where /proc shows
    /// the process. `pid` is a number of /proc's own pid namespace.
    ///
    /// # Errors
    /// [`CountersError`] where the process is gone or hidden.
    #[cfg(any(test, feature = "internals"))]
    pub fn of_pid(pid: u32) -> Result<Self, CountersError> {
        Self::open_in(&Path::new("/proc").join(pid.to_string()).join("net"))
    }

    /// Opens `netstat` and `snmp` in the directory `net`, for example `/proc/PID/net` for the namespace of another process.
    ///
    /// # Errors
    /// [`CountersError`] where one of the files cannot be opened.
    pub fn open_in(net: &Path) -> Result<Self, CountersError> {
        Ok(Self { netstat: Table::open(net.join("netstat"))?, snmp: Table::open(net.join("snmp"))? })
    }

    /// Reads both files. A counter that this kernel does not have stays unknown.
    ///
    /// # Errors
    /// `pread(2)`'s own errors, and [`io::ErrorKind::InvalidData`] where a file is no counter table.
    pub fn read(&mut self) -> io::Result<Counters> {
        let mut counters = Counters::default();
        self.netstat.read(&mut counters)?;
        self.snmp.read(&mut counters)?;
        Ok(counters)
    }
}

/// How often something was sent in the network namespace of the calling thread that has no way out of it: without a route (OutNoRoutes),
/// or to a UDP port of its own where nobody listens (NoPorts; a name server on 127.0.0.53, say). Zero where that cannot be read.
pub fn sends_without_a_way() -> u64 {
    let read = |file| fs::read_to_string(Path::new(THREAD_NET).join(file)).unwrap_or_default();
    let (v4, v6) = (read("snmp"), read("snmp6"));
    let counts = [
        columns::value(&v4, "Ip", "OutNoRoutes"),
        columns::value(&v4, "Udp", "NoPorts"),
        line_value(&v6, "Ip6OutNoRoutes"),
        line_value(&v6, "Udp6NoPorts"),
    ];
    counts.into_iter().flatten().sum()
}

/// A value of a file of lines `NAME NUMBER`, as snmp6 is one.
fn line_value(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix([' ', '\t'])?.trim().parse().ok())
}

/// Every sysctl that qviz knows, in the network namespace of the calling thread. What this kernel does not have is `None`.
pub fn read_sysctls() -> Sysctls {
    read_sysctls_in(Path::new("/proc/sys"))
}

/// Every sysctl that qviz knows, from files under the directory `sys`.
pub fn read_sysctls_in(sys: &Path) -> Sysctls {
    let mut values = Sysctls::default();
    for sysctl in Sysctl::ALL {
        let text = fs::read_to_string(sys.join(sysctl.name().replace('.', "/")));
        if let Some(value) = text.ok().and_then(|text| text.trim().parse().ok()) {
            values.set(sysctl, value);
        }
    }
    values
}

/// The kernel's release, as `uname -r` prints it.
pub fn kernel_release() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}

/// One file of counter tables, its reused buffer, and the positions of the needed counters.
#[derive(Debug)]
struct Table {
    file: File,
    text: Vec<u8>,
    columns: Columns,
}

impl Table {
    fn open(path: PathBuf) -> Result<Self, CountersError> {
        match File::open(&path) {
            Ok(file) => Ok(Self { file, text: vec![0; FIRST_BUFFER], columns: Columns::default() }),
            Err(source) => Err(CountersError { path, source }),
        }
    }

    fn read(&mut self, counters: &mut Counters) -> io::Result<()> {
        let length = self.whole()?;
        let text = &self.text[..length];
        if self.columns.pick(text, counters) {
            return Ok(());
        }
        self.columns =
            Columns::from_buf_read(text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        if self.columns.pick(text, counters) { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    /// Reads the file in one `pread`. The kernel writes such a file anew for each read from its beginning (`seq_read_iter`,
    /// `fs/seq_file.c`), so a buffer that came back full is doubled and filled again.
    fn whole(&mut self) -> io::Result<usize> {
        loop {
            let length = self.file.read_at(&mut self.text, 0)?;
            if length < self.text.len() {
                return Ok(length);
            }
            self.text.resize(length * 2, 0);
        }
    }
}

/// Where a thread's own network namespace shows its counters.
const THREAD_NET: &str = "/proc/thread-self/net";

/// Bytes; netstat has about 4,600 on Linux 6.18, snmp about 1,500.
const FIRST_BUFFER: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::counters::Counter;

    #[test]
    fn this_kernel_has_the_two_counters_of_the_accept_queue() {
        let counters = CountersFile::open().unwrap().read().unwrap();
        assert!(counters.value(Counter::ListenOverflows).is_some() && counters.value(Counter::OutRsts).is_some());
        assert!(!kernel_release().is_empty());
    }

    #[test]
    fn a_file_larger_than_the_buffer_and_with_new_columns_is_still_read() {
        let net = tempfile::tempdir().unwrap();
        let filler = " Filler".repeat(4000);
        let zeros = " 1".repeat(4000);
        let text = format!("TcpExt:{filler} ListenDrops New ListenOverflows\nTcpExt:{zeros} 7 8 9\n");
        fs::write(net.path().join("netstat"), text).unwrap();
        fs::write(net.path().join("snmp"), "Tcp: MaxConn OutRsts\nTcp: -1 4\n").unwrap();
        let mut file = CountersFile::open_in(net.path()).unwrap();
        for _ in 0..2 {
            let counters = file.read().unwrap();
            assert_eq!(counters.value(Counter::ListenDrops), Some(7));
            assert_eq!(counters.value(Counter::ListenOverflows), Some(9));
            assert_eq!(counters.value(Counter::OutRsts), Some(4));
            assert_eq!(counters.value(Counter::TCPReqQFullDrop), None);
        }
    }

    #[test]
    fn a_missing_proc_is_an_error_with_a_hint() {
        let empty = tempfile::tempdir().unwrap();
        let error = CountersFile::open_in(empty.path()).unwrap_err();
        assert!(error.to_string().contains("netstat") && error.hint().contains("mount"));
    }

    #[test]
    fn a_missing_sysctl_is_unknown_and_not_zero() {
        let sys = tempfile::tempdir().unwrap();
        fs::create_dir_all(sys.path().join("net/core")).unwrap();
        fs::write(sys.path().join("net/core/somaxconn"), "4096\n").unwrap();
        let values = read_sysctls_in(sys.path());
        assert_eq!(values.value(Sysctl::Somaxconn), Some(4096));
        assert_eq!(values.value(Sysctl::Syncookies), None);
        assert!(read_sysctls().value(Sysctl::Somaxconn).is_some());
    }
}
