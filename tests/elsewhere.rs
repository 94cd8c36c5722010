//! Other people's network namespaces for real: each case runs in a process of its own with one thread, as an ordinary user and as
//! root. `cargo test --test elsewhere [FILTER]`; the harness is that of the lab's namespace.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this file is its own test harness")]
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the case's process")]

#[allow(dead_code, reason = "the lab's namespace has more kinds of cases")]
#[path = "namespace/harness.rs"]
mod harness;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use harness::{Case, Ignored, Who};
use qviz::kernel::census::Census;
use qviz::kernel::elsewhere::{self, Way};
use qviz::kernel::proc::CountersFile;
use qviz::kernel::tap;
use qviz::model::counters::Counter;

const CASES: &[Case] = &[
    ("a_namespace_of_ones_own_is_entered_by_pid", Who::User, entered_by_pid),
    ("a_namespace_of_ones_own_is_entered_by_pid", Who::Root, entered_by_pid),
    ("a_namespace_of_ones_own_is_entered_by_path", Who::User, entered_by_path),
    ("a_namespace_of_ones_own_is_entered_by_path", Who::Root, entered_by_path),
    ("a_rootless_namespace_gives_its_owner_a_tap", Who::User, tap_inside),
    ("somebody_elses_namespace_is_refused_with_what_is_still_there", Who::User, refused),
    ("a_second_thread_is_named_where_a_user_namespace_is_needed", Who::User, with_a_second_thread),
    ("counters_are_read_from_outside", Who::User, counters_from_outside),
    ("counters_are_read_from_outside", Who::Root, counters_from_outside),
];

fn main() -> ExitCode {
    harness::run(CASES)
}

fn entered_by_pid() -> Result<(), Ignored> {
    let (there, way) = (Elsewhere::make()?, way());
    assert_eq!(elsewhere::enter_pid(there.pid()).unwrap(), way);
    there.is_here();
    Ok(())
}

fn entered_by_path() -> Result<(), Ignored> {
    let (there, way) = (Elsewhere::make()?, way());
    assert_eq!(elsewhere::enter(&there.path()).unwrap(), way);
    there.is_here();
    assert_eq!(elsewhere::enter(&there.path()).unwrap(), Way::Here);
    Ok(())
}

fn tap_inside() -> Result<(), Ignored> {
    let there = Elsewhere::make()?;
    assert!(tap::allowed().is_err(), "an ordinary user has no right here");
    elsewhere::enter_pid(there.pid()).unwrap();
    tap::allowed().unwrap();
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "every case has this shape")]
fn refused() -> Result<(), Ignored> {
    let error = elsewhere::enter_pid(1).unwrap_err();
    assert!(error.to_string().contains("/proc/1/ns/net"), "{error}");
    assert!(error.hint().contains("as root") && error.hint().contains("/proc/PID/net"), "{}", error.hint());
    CountersFile::of_pid(1).unwrap().read().unwrap();
    Ok(())
}

fn with_a_second_thread() -> Result<(), Ignored> {
    let there = Elsewhere::make()?;
    let (end, wait) = std::sync::mpsc::channel::<()>();
    let second = std::thread::spawn(move || wait.recv());
    let before = namespace("self");
    let error = elsewhere::enter_pid(there.pid()).unwrap_err();
    drop(end);
    second.join().unwrap().unwrap_err();
    assert!(error.to_string().contains("2 threads"), "{error}");
    assert_eq!(namespace("self"), before);
    Ok(())
}

fn counters_from_outside() -> Result<(), Ignored> {
    let there = Elsewhere::make()?;
    let read = |pid| CountersFile::of_pid(pid).unwrap().read().unwrap();
    assert_eq!(read(there.pid()).value(Counter::ActiveOpens), Some(CONNECTS));
    let error = CountersFile::of_pid(u32::MAX).unwrap_err();
    assert!(error.to_string().contains("/proc/4294967295/net"), "{error}");
    Ok(())
}

/// By which right this user enters what it made itself; inside, it may be called root.
fn way() -> Way {
    if rustix::process::geteuid().is_root() { Way::Right } else { Way::Owner }
}

/// A process in a namespace of its own, with one listener of backlog 5 on port 81 of all addresses.
struct Elsewhere {
    child: Child,
}

impl Elsewhere {
    fn make() -> Result<Self, Ignored> {
        let flags: &[&str] = if rustix::process::geteuid().is_root() { &["-n"] } else { &["-Urn"] };
        let mut command = Command::new("unshare");
        command.args(flags).args(["python3", "-c", LISTENS]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| Ignored(format!("unshare: {error}")))?;
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let made = Self { child };
        if said == "listening\n" {
            Ok(made)
        } else {
            Err(Ignored(format!("`unshare {flags:?} python3` does not work")))
        }
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/ns/net", self.pid()))
    }

    /// This thread stands there and sees what is there.
    fn is_here(&self) {
        assert_eq!(namespace("thread-self"), namespace(&self.pid().to_string()));
        let mut out = Vec::new();
        Census::open().unwrap().read(&mut out).unwrap();
        let rows: Vec<_> = out.iter().map(|one| (one.address.to_string(), one.queue.limit)).collect();
        assert_eq!(rows, [("0.0.0.0:81".to_owned(), Some(5))]);
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn namespace(process: &str) -> PathBuf {
    std::fs::read_link(Path::new("/proc").join(process).join("ns/net")).unwrap()
}

/// Connections that the process makes.
const CONNECTS: u64 = 3;

const LISTENS: &str = r#"
import socket, subprocess, sys
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
listener = socket.create_server(("0.0.0.0", 81), backlog=5)
clients = [socket.create_connection(("127.0.0.1", 81)) for _ in range(3)]
print("listening", flush=True)
sys.stdin.read()
"#;
