//! The witnesses themselves, on a listener that has nothing to do with qviz: a test that trusts them has to be able to.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use crate::lab;
use crate::needs::{had, network, program, tool, tools};

const PORT: u16 = 8080;

/// A foreign listener with backlog 2 in a network namespace of its own.
struct School {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl School {
    fn open() -> Self {
        tools(&["ip"]);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/school.py");
        let mut command = tool("unshare");
        command.args(["--user", "--map-root-user", "--net", "sh", "-c"]);
        command.arg("ip link set lo up && echo 0 >/proc/sys/net/ipv4/tcp_syncookies && exec \"$0\" \"$@\"");
        command.arg(had(program("python3"))).arg(script).args([PORT.to_string(), "2".to_owned()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (orders, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut school = Self { child, orders, answers };
        school.expect_line("ready");
        school
    }

    fn expect_line(&mut self, word: &str) {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), word);
    }

    fn connect(&mut self, clients: usize) {
        writeln!(self.orders, "{clients}").unwrap();
        self.expect_line("done");
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for School {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

case!(ss_nstat_and_the_capture_agree_about_an_overflow);
fn ss_nstat_and_the_capture_agree_about_an_overflow() {
    network();
    let mut school = School::open();
    let pid = school.pid();
    let capture = had(lab::Capture::start(pid, "lo", PORT));
    assert_eq!(lab::ss_listener(pid, PORT), Some((0, 2)));
    let before = lab::nstat(pid);

    school.connect(5);

    let queue = lab::wait_until(Duration::from_secs(10), "a full accept queue", || {
        lab::ss_listener(pid, PORT).filter(|(length, _)| *length == 3)
    });
    assert_eq!(queue, (3, 2), "backlog 2 holds 3");
    let wire = capture.stop();
    let after = lab::nstat(pid);
    let moved = |name: &str| after[name] - before[name];
    assert_eq!((wire.syn, wire.syn_ack, wire.ack), (5, 3, 3), "{wire:?}");
    assert_eq!((wire.data, wire.rst, wire.fin, wire.dropped), (0, 0, 0, 0), "{wire:?}");
    // The two refused clients may have tried again between the capture's end and nstat.
    assert!(moved("TcpExtListenOverflows") >= 2 + wire.syn_retransmit, "{wire:?}");
    assert_eq!(moved("TcpExtListenOverflows"), moved("TcpExtListenDrops"));
    assert_eq!(moved("TcpActiveOpens"), 5);
}

case!(the_capture_tells_a_syn_sent_again_from_a_new_one);
fn the_capture_tells_a_syn_sent_again_from_a_new_one() {
    network();
    let mut school = School::open();
    let pid = school.pid();
    let capture = had(lab::Capture::start(pid, "lo", PORT));
    school.connect(4);
    // Three fill the queue; the fourth is refused in silence and comes back after a second.
    lab::wait_until(Duration::from_secs(10), "a retransmitted SYN", || {
        (lab::nstat(pid)["TcpExtTCPSynRetrans"] >= 1).then_some(())
    });
    let wire = capture.stop();
    assert_eq!((wire.syn, wire.syn_ack), (4, 3), "{wire:?}");
    assert!(wire.syn_retransmit >= 1, "{wire:?}");
    assert_eq!(wire.segments, wire.syn + wire.syn_retransmit + wire.syn_ack + wire.ack, "{wire:?}");
}

case!(nothing_listens_where_nobody_called_listen);
fn nothing_listens_where_nobody_called_listen() {
    network();
    let school = School::open();
    assert_eq!(lab::ss_listener(school.pid(), PORT + 1), None);
}

case!(a_capture_of_no_interface_says_what_is_missing);
fn a_capture_of_no_interface_says_what_is_missing() {
    network();
    let school = School::open();
    let refusal = lab::Capture::start(school.pid(), "cellar0", PORT).err().unwrap();
    assert!(refusal.why.contains("No such device"), "{refusal}");
}

case!(a_deadline_that_passes_names_what_was_waited_for);
fn a_deadline_that_passes_names_what_was_waited_for() {
    let waits = || lab::wait_until(Duration::from_millis(20), "a miracle", || None::<()>);
    let panicked = std::panic::catch_unwind(waits).unwrap_err();
    assert_eq!(panicked.downcast_ref::<String>().unwrap(), "not within 20ms: a miracle");
}

case!(qviz_is_waited_for_and_its_status_is_told);
fn qviz_is_waited_for_and_its_status_is_told() {
    assert!(lab::run_qviz(["--version"], Duration::from_secs(10)).status.success());
}
