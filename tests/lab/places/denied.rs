//! Where the kernel denies the private network: auto falls back to loopback and says why, everything else is an error with the
//! remedy for this very case.

use super::sandbox::{EXEC, Place, count, run};
use crate::needs::{had, program};
use crate::pane::{Pane, SOON};
use crate::traces::Traces;

/// A bad place: its lines, and what has to be said there.
struct Denial {
    place: Place,
    lines: &'static str,
    why: &'static str,
    remedy: &'static str,
}

const DENIALS: [Denial; 3] = [
    Denial {
        place: Place::User,
        lines: "echo 0 >/proc/sys/user/max_net_namespaces || exit 99",
        why: "user.max_net_namespaces is 0",
        remedy: "sudo sysctl user.max_net_namespaces=1024",
    },
    // Without a right it is an ordinary user's way, which begins with a user namespace.
    Denial {
        place: Place::User,
        lines: "echo 0 >/proc/sys/user/max_user_namespaces || exit 99\nset -- setpriv --bounding-set=-all \"$0\" \"$@\"\nexec \"$@\"",
        why: "user.max_user_namespaces is 0",
        remedy: "sudo sysctl user.max_user_namespaces=1024",
    },
    Denial {
        place: Place::Mounts,
        lines: "mount -t tmpfs none /proc || exit 99",
        why: "/proc is not mounted here",
        remedy: "sudo mount -t proc proc /proc",
    },
];

impl Denial {
    fn script(&self) -> String {
        format!("{}\n{EXEC}", self.lines)
    }
}

case!(auto_falls_back_to_loopback_with_real_clients_and_says_why_and_what_would_help);
fn auto_falls_back_to_loopback_with_real_clients_and_says_why_and_what_would_help() {
    for denial in DENIALS {
        denial.place.must_be_had();
        let words = "--json --listen 127.0.0.1:0 --rate 50 --accept-rate max --duration 500ms";
        let said = run(denial.place, &denial.script(), words);
        said.is_success().assert_stderr(&["note: on this host's loopback", denial.why, denial.remedy]);
        let document = said.document();
        assert_eq!((document["rung"].as_str(), document["client"].as_str()), (Some("host"), Some("connect")));
        assert!(
            document["fallback"].as_str().is_some_and(|why| why.contains(denial.remedy)),
            "{}",
            document["fallback"]
        );
        assert!(count(&document, "/clients/accepted") > 5, "{}", document["clients"]);
        assert_eq!(document["ledger"]["balanced"], serde_json::Value::Null, "shared counters decide nothing");
        let text = run(denial.place, &denial.script(), "--headless --listen 127.0.0.1:0 --duration 100ms");
        assert!(text.is_success().text().contains(denial.remedy), "{}", text.out);
    }
}

case!(doctor_says_that_only_the_reduced_lab_works_and_that_is_a_success);
fn doctor_says_that_only_the_reduced_lab_works_and_that_is_a_success() {
    let [denial, ..] = DENIALS;
    denial.place.must_be_had();
    let document = run(denial.place, &denial.script(), "doctor --json").is_success().document();
    assert_eq!((document["verdict"].as_str(), document["works"].as_bool()), (Some("reduced"), Some(true)));
    let text = run(denial.place, &denial.script(), "doctor");
    assert!(text.is_success().text().contains("Only the reduced lab works here"), "{}", text.out);
}

case!(what_needs_the_private_network_is_an_error_with_the_remedy);
fn what_needs_the_private_network_is_an_error_with_the_remedy() {
    for denial in DENIALS {
        denial.place.must_be_had();
        for option in ["--net lab", "--syncookies 0", "--client wire"] {
            let words = format!("--headless --duration 1s {option}");
            let said = run(denial.place, &denial.script(), &words);
            said.is_error(1, &[option.split(' ').next().unwrap_or_default(), denial.why, denial.remedy]);
        }
    }
}

case!(the_picture_says_why_it_stands_on_loopback);
fn the_picture_says_why_it_stands_on_loopback() {
    let [denial, ..] = DENIALS;
    denial.place.must_be_had();
    let command = pty_process::blocking::Command::new(had(program("unshare")))
        .args(["--user", "--map-root-user", "sh", "-c", &denial.script(), env!("CARGO_BIN_EXE_qviz")])
        .args(["--listen", "127.0.0.1:0", "--rate", "0"]);
    let mut pane = Pane::start((200, 60), Pane::environment(command));
    pane.wait_for_picture();
    pane.wait_for(denial.why);
    pane.wait_for("this host's loopback");
    let traces = Traces::of(pane.pid());
    for key in ["c", "o", "l"] {
        let before = pane.text();
        pane.press(key.as_bytes());
        pane.wait("an answer in words", |pane| {
            let text = pane.text();
            text != before && (text.contains("belongs to this host") || text.contains("the lab in its private network"))
        });
    }
    pane.press(b"q");
    assert_eq!(pane.end().code(), Some(0), "within {SOON:?}");
    pane.assert_left_clean(&traces);
    let summary = pane.afterwards().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(summary.contains(denial.remedy), "{summary}");
}

case!(a_stored_recording_is_a_demo_where_the_private_network_is_denied);
fn a_stored_recording_is_a_demo_where_the_private_network_is_denied() {
    let recording = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/recordings/queues.qviz");
    let usual = run(Place::Here, EXEC, &format!("replay {recording} --json"));
    for denial in DENIALS {
        denial.place.must_be_had();
        let said = run(denial.place, &denial.script(), &format!("replay {recording} --json"));
        assert_eq!(said.is_success().out, usual.out, "{}", denial.why);
    }
    let [denial, ..] = DENIALS;
    let command = pty_process::blocking::Command::new(had(program("unshare")))
        .args(["--user", "--map-root-user", "sh", "-c", &denial.script(), env!("CARGO_BIN_EXE_qviz")])
        .args(["replay", recording]);
    let mut pane = Pane::start((120, 36), Pane::environment(command));
    pane.wait_for("replay 1×");
    pane.press(b"\x1b[F");
    pane.wait_for("4/4 FULL");
    let traces = Traces::of(pane.pid());
    pane.press(b"q");
    assert_eq!(pane.end().code(), Some(0));
    pane.assert_left_clean(&traces);
}

case!(a_proc_with_processes_alone_is_enough_for_a_run_that_says_what_it_does_not_know);
fn a_proc_with_processes_alone_is_enough_for_a_run_that_says_what_it_does_not_know() {
    let lines = format!("mount -t proc -o subset=pid proc /proc || exit 99\n{EXEC}");
    Place::Processes.must_be_had();
    let said = run(Place::Processes, &lines, "--json --rate 50 --rtt 10ms --accept-rate max --duration 500ms");
    let document = said.is_success().document();
    assert_eq!(document["rung"], "lab", "{}", said.err);
    assert_eq!(document["sysctls"]["net.core.somaxconn"], 4096, "no /proc/sys: measured by listen() all the same");
    assert_eq!(
        document["sysctls"]["net.ipv4.tcp_syncookies"],
        serde_json::Value::Null,
        "no /proc/sys: unknown is null"
    );
    assert!(count(&document, "/clients/accepted") > 5, "{}", document["clients"]);
}

case!(a_lesson_that_cannot_be_tried_is_skipped_with_the_remedy_and_that_is_no_success_unless_it_is_allowed);
fn a_lesson_that_cannot_be_tried_is_skipped_with_the_remedy_and_that_is_no_success_unless_it_is_allowed() {
    for denial in DENIALS {
        denial.place.must_be_had();
        for (words, code) in [("lesson burst --check --json", 3), ("lesson burst --check --json --allow-skips", 0)] {
            let said = run(denial.place, &denial.script(), words);
            assert_eq!(said.code, Some(code), "{words}: {}", said.err);
            let document = said.document();
            assert_eq!((count(&document, "/skipped"), count(&document, "/failed")), (1, 0));
            let why = document["lessons"][0]["skipped"].as_str().unwrap_or_default();
            assert!(why.contains(denial.why) && why.contains(denial.remedy), "{why}");
        }
    }
}
