//! Who holds a listener, on the real /proc: forked workers, names that would steer a terminal, what may not be seen, restarts.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use qviz::kernel::owners::{Owners, ProcVisibility, ScanCoverage};
use qviz::model::watch::{self, Owner};

use crate::lab;
use crate::needs::{tool, tools};
use crate::runner::{again, as_it_ended};
use crate::who::is_root;

case!(the_lowest_process_owns_a_socket_and_the_others_are_counted);
fn the_lowest_process_owns_a_socket_and_the_others_are_counted() {
    let (listener, inode) = listener();
    let mut owners = Owners::open();
    let (owner, seen) = whole(&mut owners, inode);
    let owner = owner.unwrap();
    assert_eq!((owner.pid, owner.others), (std::process::id(), 0));
    assert_eq!(owner.command, fs::read_to_string("/proc/self/comm").unwrap().trim_end());
    assert_eq!((seen.unowned, seen.complete), (0, true));
    let workers = [holding(&listener, Path::new("sleep")), holding(&listener, Path::new("sleep"))];
    let (owner, _) = whole(&mut Owners::open(), inode);
    assert_eq!(owner.unwrap().others, 2);
    drop(listener);
    let (owner, _) = whole(&mut owners, inode);
    let lowest = workers.iter().map(|worker| worker.0.id()).min().unwrap();
    assert_eq!(owner.map(|owner| (owner.pid, owner.others)), Some((lowest, 1)));
}

case!(a_name_with_control_characters_is_visible_and_steers_nothing);
fn a_name_with_control_characters_is_visible_and_steers_nothing() {
    let place = tempfile::tempdir().unwrap();
    let program = place.path().join("\x1b[2J\nx");
    fs::copy(["/bin/sleep", "/usr/bin/sleep"].iter().find(|path| Path::new(path).exists()).unwrap(), &program).unwrap();
    let (listener, inode) = listener();
    let worker = holding(&listener, &program);
    drop(listener);
    let owner = whole(&mut Owners::open(), inode).0.unwrap();
    assert_eq!((owner.pid, owner.command.as_str()), (worker.0.id(), "\\x1b[2J\\x0ax"));
}

case!(a_restart_has_a_new_owner_and_a_new_name_is_noticed);
fn a_restart_has_a_new_owner_and_a_new_name_is_noticed() {
    let (listener, inode) = listener();
    let first = holding(&listener, Path::new("sleep"));
    let kept = listener.try_clone().unwrap();
    drop(listener);
    let mut owners = Owners::open();
    let me = std::process::id();
    assert_eq!(whole(&mut owners, inode).0.unwrap().pid, me.min(first.0.id()));
    let second = holding(&kept, Path::new("tail"));
    drop((kept, first));
    // The known owners are gone: it is looked for again at once.
    let owner = whole(&mut owners, inode).0.unwrap();
    assert_eq!((owner.pid, owner.command.as_str()), (second.0.id(), "tail"));
    drop(second);
    assert_eq!(whole(&mut owners, inode).0, None);
}

case!(processes_of_others_are_counted_as_denied_with_the_remedy_and_the_own_are_still_found);
fn processes_of_others_are_counted_as_denied_with_the_remedy_and_the_own_are_still_found() {
    let (listener, inode) = listener();
    let worker = holding(&listener, Path::new("sleep"));
    drop(listener);
    // A thread can give up root for itself; an ordinary user cannot look into root's processes anyway.
    let looked = std::thread::spawn(move || {
        let root = is_root();
        if root {
            let nobody = rustix::process::Uid::from_raw(65_534);
            rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
        }
        let wanted = if root { inode } else { NO_SOCKET };
        whole(&mut Owners::open(), wanted)
    });
    let (owner, seen) = looked.join().unwrap();
    assert_eq!(owner, None);
    assert!(seen.denied > 0 && seen.denied <= seen.processes && seen.unowned == 1, "{seen:?}");
    assert_eq!(seen.owner_scope(), watch::OwnerScope::Own);
    let refused = seen.limitation().unwrap();
    assert!(refused.contains("setcap cap_net_raw,cap_sys_ptrace"), "{refused}");
    assert_eq!(whole(&mut Owners::open(), inode).0.map(|owner| owner.pid), Some(worker.0.id()));
}

case!(a_socket_that_nobody_holds_is_not_looked_for_with_every_reading);
fn a_socket_that_nobody_holds_is_not_looked_for_with_every_reading() {
    let mut owners = Owners::open();
    let (owner, seen) = whole(&mut owners, NO_SOCKET);
    assert_eq!((owner, seen.unowned, seen.complete), (None, 1, true));
    // A whole look would find the new process; before the pause is over nobody looks.
    let before = seen.processes;
    let _more: Vec<_> = (0..30).map(|_| holding(&listener().0, Path::new("sleep"))).collect();
    let wanted = BTreeSet::from([NO_SOCKET]);
    assert_eq!(owners.read(&wanted).processes, before);
    lab::wait_until(TIMEOUT, "it is looked for again", || (owners.read(&wanted).processes != before).then_some(()));
}

case!(processes_that_end_during_the_look_disturb_nothing);
fn processes_that_end_during_the_look_disturb_nothing() {
    let (_listener, inode) = listener();
    let enough = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&enough);
    let churn = std::thread::spawn(move || {
        let mut ended = 0;
        while !stop.load(Ordering::Relaxed) {
            ended += usize::from(Command::new("true").status().is_ok_and(|status| status.success()));
        }
        ended
    });
    for _ in 0..30 {
        let (owner, seen) = whole(&mut Owners::open(), inode);
        assert_eq!((owner.map(|owner| owner.pid), seen.complete), (Some(std::process::id()), true));
    }
    enough.store(true, Ordering::Relaxed);
    assert!(churn.join().unwrap() > 0);
}

case!(in_a_pid_namespace_the_numbers_are_those_of_its_own_proc);
fn in_a_pid_namespace_the_numbers_are_those_of_its_own_proc() {
    below(&["--pid", "--fork", "--mount-proc"], "exec \"$@\"", || {
        let (_listener, inode) = listener();
        let (owner, seen) = whole(&mut Owners::open(), inode);
        assert_eq!(owner.map(|owner| owner.pid), Some(std::process::id()));
        assert_eq!((seen.visibility, seen.denied), (ProcVisibility::Nested, 0));
        assert!(seen.limitation().unwrap().contains("--pid=host"));
    });
}

case!(a_proc_of_another_pid_namespace_is_known_to_be_one);
fn a_proc_of_another_pid_namespace_is_known_to_be_one() {
    below(&["--pid", "--fork"], "exec \"$@\"", || {
        let (_listener, inode) = listener();
        let (owner, seen) = whole(&mut Owners::open(), inode);
        let outside = fs::read_link("/proc/self").unwrap().to_str().unwrap().parse().ok();
        assert_eq!(owner.map(|owner| owner.pid), outside);
        assert_ne!(outside, Some(std::process::id()));
        assert_eq!(seen.visibility, ProcVisibility::Foreign);
    });
}

case!(without_proc_nobody_is_an_owner_and_the_remedy_is_named);
fn without_proc_nobody_is_an_owner_and_the_remedy_is_named() {
    below(&["--mount"], "mount -t tmpfs none /proc || exit 99; exec \"$@\"", || {
        let mut owners = Owners::open();
        let (owner, seen) = whole(&mut owners, 1);
        assert_eq!((owner, seen.visibility, seen.unowned, seen.complete), (None, ProcVisibility::Absent, 1, true));
        assert!(seen.limitation().unwrap().contains("mount -t proc proc /proc"));
    });
}

case!(hidepid_is_told_to_those_from_whom_it_hides);
fn hidepid_is_told_to_those_from_whom_it_hides() {
    let lines = "mount -t proc -o hidepid=2 proc /proc || exit 99; exec \"$@\"";
    below(&["--pid", "--fork", "--mount"], lines, || {
        let (listener, inode) = listener();
        let worker = holding(&listener, Path::new("sleep"));
        drop(listener);
        let (owner, seen) = whole(&mut Owners::open(), inode);
        assert_eq!(
            (owner.map(|owner| owner.pid), seen.visibility),
            (Some(worker.0.id()), ProcVisibility::Nested),
            "root sees all"
        );
        // An ordinary user's namespace has one user, from whom nothing is hidden.
        if fs::read_to_string("/proc/self/uid_map").unwrap().split_whitespace().nth(2) == Some("1") {
            return;
        }
        let hidden = std::thread::spawn(move || {
            let nobody = rustix::process::Uid::from_raw(65_534);
            rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
            whole(&mut Owners::open(), inode)
        });
        let (owner, seen) = hidden.join().unwrap();
        assert_eq!(
            (owner, seen.visibility, seen.owner_scope()),
            (None, ProcVisibility::Hidden, watch::OwnerScope::Own)
        );
        assert!(seen.limitation().unwrap().contains("hidepid"));
    });
}

/// Runs the present test in a process of its own below `unshare` with these options, as root there.
fn below(options: &[&str], lines: &str, body: fn()) {
    if env::var_os(INSIDE).is_some() {
        return body();
    }
    tools(&["mount"]);
    let mut unshare = tool("unshare");
    if !is_root() {
        unshare.args(["--user", "--map-root-user"]);
    }
    as_it_ended(unshare.args(options).args(["sh", "-c", lines, "sh"]).args(again()).env(INSIDE, "1"));
}

/// The owner of a socket after a whole look.
fn whole(owners: &mut Owners, inode: u64) -> (Option<Owner>, ScanCoverage) {
    let seen = owners.read_whole(&BTreeSet::from([inode]));
    assert!(owners.all().all(|(found, _)| found == inode));
    (owners.owner(inode).cloned(), seen)
}

fn listener() -> (TcpListener, u64) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let inode = rustix::fs::fstat(&listener).unwrap().st_ino;
    (listener, inode)
}

/// A process that holds the listener as its stdin and waits; it ends with the value.
struct Holding(Child);

fn holding(listener: &impl AsFd, program: &Path) -> Holding {
    let stdin: OwnedFd = listener.as_fd().try_clone_to_owned().unwrap();
    let arguments: &[&str] = if program.ends_with("tail") { &["-f", "/dev/null"] } else { &["1000"] };
    Holding(Command::new(program).args(arguments).stdin(Stdio::from(stdin)).stdout(Stdio::null()).spawn().unwrap())
}

impl Drop for Holding {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// No socket has this inode.
const NO_SOCKET: u64 = u64::MAX;

/// Set for the process that already stands where it shall.
const INSIDE: &str = "QVIZ_OWNERS_INSIDE";

const TIMEOUT: Duration = Duration::from_secs(20);
