//! Where the output goes nowhere: closed pipes, full disks, no stdout at all.

use super::sandbox::{EXEC, Place, run};
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
