//! Where the output goes nowhere: closed pipes, full disks, no stdout at all.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::sandbox::{EXEC, Place, here, run};
use crate::needs::network;

/// A short run.
const SHORT: &str = "--rate 50 --rtt 10ms --duration 400ms";

case!(a_full_disk_is_an_error_for_every_form_of_output);
fn a_full_disk_is_an_error_for_every_form_of_output() {
    network();
    for form in ["--headless", "--json", "--jsonl"] {
        let said = run(Place::Here, r#"exec "$0" "$@" >/dev/full"#, &format!("{form} {SHORT}"));
        said.is_error(1, &["cannot write to stdout", "No space left"]);
    }
}

case!(a_closed_pipe_is_a_quiet_end_for_every_form_of_output);
fn a_closed_pipe_is_a_quiet_end_for_every_form_of_output() {
    network();
    for form in ["--headless", "--json", "--jsonl"] {
        let lines = r#"{ "$0" "$@"; echo "ended with $?" >&2; } | true"#;
        let said = run(Place::Here, lines, &format!("{form} {SHORT}"));
        assert_eq!(said.err, "ended with 0\n", "{form}");
    }
}

case!(sigpipe_as_the_parent_left_it_changes_nothing);
fn sigpipe_as_the_parent_left_it_changes_nothing() {
    network();
    for handling in [r#"trap "" PIPE"#, "trap - PIPE"] {
        let lines = format!("{handling}\n{{ \"$0\" \"$@\"; echo \"ended with $?\" >&2; }} | head -c 1 >/dev/null");
        let said = run(Place::Here, &lines, "--jsonl --rate 50 --rtt 10ms --duration 60s");
        assert_eq!(said.err, "ended with 0\n", "{handling}");
    }
}

case!(without_stdin_stdout_and_stderr_a_run_ends_as_usual);
fn without_stdin_stdout_and_stderr_a_run_ends_as_usual() {
    network();
    for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        let said = run(Place::Here, &format!("{EXEC} {closed}"), &format!("--json {SHORT}"));
        said.is_success();
        assert_eq!(
            said.out.starts_with('{'),
            !closed.contains(" >") && !closed.starts_with('>'),
            "{closed}: {}",
            said.out
        );
    }
}

case!(diagnostics_that_nobody_takes_do_not_end_a_run);
fn diagnostics_that_nobody_takes_do_not_end_a_run() {
    network();
    let said = run(
        Place::Here,
        r#"exec "$0" "$@" 2>/dev/full"#,
        "--json --client connect --rtt 1s --rate 50 --duration 400ms",
    );
    assert_eq!(said.is_success().document()["kind"], "lab");
}

/// Each way to a file, with `FILE` for its name.
const WRITERS: [&str; 7] = [
    "--headless --duration 200ms --record FILE",
    "--headless --duration 200ms --log FILE",
    "--headless --duration 200ms --pcap FILE",
    "replay overflow --svg FILE",
    "replay overflow --cast FILE",
    "sweep --backlog 5 --duration 200ms --svg FILE",
    "run --headless --duration 200ms --server-log FILE -- sleep 9",
];

case!(no_file_is_written_through_a_link_in_a_folder_that_others_may_write_to);
fn no_file_is_written_through_a_link_in_a_folder_that_others_may_write_to() {
    network();
    let place = tempfile::tempdir().expect("a folder");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o777)).expect("its mode");
    let (target, link) = (place.path().join("target"), place.path().join("link"));
    symlink(&target, &link).expect("a link");
    for words in WRITERS {
        fs::write(&target, "").expect("a file");
        here(&words.replace("FILE", &link.display().to_string())).is_error(1, &["symbolic link"]);
        assert_eq!(fs::metadata(&target).expect("the file").len(), 0, "{words}");
    }
}

case!(a_pipe_that_nobody_reads_is_an_error_and_nothing_waits_for_a_reader);
fn a_pipe_that_nobody_reads_is_an_error_and_nothing_waits_for_a_reader() {
    network();
    let place = tempfile::tempdir().expect("a folder");
    let pipe = place.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a pipe");
    for words in WRITERS {
        here(&words.replace("FILE", &pipe.display().to_string())).is_error(1, &["nobody reads from this pipe"]);
    }
}
