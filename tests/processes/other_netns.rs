//! Other people's network namespaces for real, as an ordinary user and as root.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use qviz::kernel::census::Census;
use qviz::kernel::other_netns::{self, EntryRight};
use qviz::kernel::proc::CountersFile;
use qviz::kernel::tap;
use qviz::model::counters::Counter;

use crate::needs::{Missing, tool, tools};
use crate::who::Who;

case!(a_namespace_of_ones_own_is_entered_by_pid, as Who::User, Who::Root);
fn a_namespace_of_ones_own_is_entered_by_pid() -> Result<(), Missing> {
    let (there, way) = (Elsewhere::make()?, way());
    assert_eq!(other_netns::enter_pid(there.pid()).unwrap(), way);
    there.is_here();
    Ok(())
}

case!(a_namespace_of_ones_own_is_entered_by_path, as Who::User, Who::Root);
fn a_namespace_of_ones_own_is_entered_by_path() -> Result<(), Missing> {
    let (there, way) = (Elsewhere::make()?, way());
    assert_eq!(other_netns::enter(&there.path()).unwrap(), way);
    there.is_here();
    assert_eq!(other_netns::enter(&there.path()).unwrap(), EntryRight::Here);
    Ok(())
}

case!(a_rootless_namespace_gives_its_owner_a_tap, as Who::User);
fn a_rootless_namespace_gives_its_owner_a_tap() -> Result<(), Missing> {
    let there = Elsewhere::make()?;
    assert!(tap::allowed().is_err(), "an ordinary user has no right here");
    other_netns::enter_pid(there.pid()).unwrap();
    tap::allowed().unwrap();
    Ok(())
}

case!(somebody_elses_namespace_is_refused_with_what_is_still_there, as Who::User);
#[expect(clippy::unnecessary_wraps, reason = "every case has this shape")]
fn somebody_elses_namespace_is_refused_with_what_is_still_there() -> Result<(), Missing> {
    let error = other_netns::enter_pid(1).unwrap_err();
    assert!(error.to_string().contains("/proc/1/ns/net"), "{error}");
    assert!(error.hint().contains("as root") && error.hint().contains("/proc/PID/net"), "{}", error.hint());
    CountersFile::of_pid(1).unwrap().read().unwrap();
    Ok(())
}

case!(a_second_thread_is_named_where_a_user_namespace_is_needed, as Who::User);
fn a_second_thread_is_named_where_a_user_namespace_is_needed() -> Result<(), Missing> {
    let there = Elsewhere::make()?;
    let (end, wait) = std::sync::mpsc::channel::<()>();
    let second = std::thread::spawn(move || wait.recv());
    let before = namespace("self");
    let error = other_netns::enter_pid(there.pid()).unwrap_err();
    drop(end);
    second.join().unwrap().unwrap_err();
    assert!(error.to_string().contains("2 threads"), "{error}");
    assert_eq!(namespace("self"), before);
    Ok(())
}

case!(counters_are_read_from_outside, as Who::User, Who::Root);
fn counters_are_read_from_outside() -> Result<(), Missing> {
    let there = Elsewhere::make()?;
    let read = |pid| CountersFile::of_pid(pid).unwrap().read().unwrap();
    assert_eq!(read(there.pid()).value(Counter::ActiveOpens), Some(CONNECTS));
    let error = CountersFile::of_pid(u32::MAX).unwrap_err();
    assert!(error.to_string().contains("/proc/4294967295/net"), "{error}");
    Ok(())
}

/// By which right this user enters what it made itself; inside, it may be called root.
fn way() -> EntryRight {
    if rustix::process::geteuid().is_root() { EntryRight::Right } else { EntryRight::Owner }
}

/// A process in a namespace of its own, with one listener of backlog 5 on port 81 of all addresses.
struct Elsewhere {
    child: Child,
}

impl Elsewhere {
    fn make() -> Result<Self, Missing> {
        let flags: &[&str] = if rustix::process::geteuid().is_root() { &["-n"] } else { &["-Urn"] };
        tools(&["ip", "python3"]);
        let mut command = tool("unshare");
        command.args(flags).args(["python3", "-c", LISTENS]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child =
            command.spawn().map_err(|error| Missing::because("a private network", format!("unshare: {error}")))?;
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let made = Self { child };
        if said == "listening\n" {
            Ok(made)
        } else {
            Err(Missing::because("a private network", format!("`unshare {flags:?} python3` does not work")))
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
