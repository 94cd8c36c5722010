//! Runs qviz in a place that a few lines of shell have made bad, and holds what it says against the rules.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::lab::wait_until;
use crate::needs::{Missing, tool, tools};
use crate::traces::Traces;

/// What qviz said in the end, and how it ended.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The kind of place: where the shell's lines run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// Just here.
    Here,
    /// In a user namespace, as its root.
    User,
    /// In a user and network namespace, as its root; loopback is [`UP`] only if the lines say so.
    Network,
    /// In a user and mount namespace, as its root.
    Mounts,
    /// In a user, network and mount namespace, as its root.
    Container,
    /// In a user, mount and process namespace, as its root.
    Processes,
}

impl Place {
    /// Ends the test where such a place cannot be had, or what its lines call.
    pub(crate) fn must_be_had(self) {
        tools(&["ip", "mount", "setpriv"]);
        let output = self.shell("exec true", "").output().expect("a shell");
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr);
            Missing::because(&format!("a namespace ({self:?})"), why.trim()).end();
        }
    }

    /// A shell in such a place with these lines, for which qviz is `$0` and its words are `$@`.
    fn shell(self, lines: &str, words: &str) -> Command {
        let flags: &[&str] = match self {
            Self::Here => &[],
            Self::User => &["--user", "--map-root-user"],
            Self::Network => &["--user", "--map-root-user", "--net"],
            Self::Mounts => &["--user", "--map-root-user", "--mount"],
            Self::Container => &["--user", "--map-root-user", "--net", "--mount"],
            Self::Processes => &["--user", "--map-root-user", "--mount", "--pid", "--fork", "--mount-proc"],
        };
        let mut command = if flags.is_empty() { Command::new("sh") } else { tool("unshare") };
        if !flags.is_empty() {
            command.args(flags).arg("sh");
        }
        command.arg("-c").arg(lines).arg(env!("CARGO_BIN_EXE_qviz")).args(words.split_whitespace());
        command.stdin(Stdio::null()).env_remove("NO_COLOR");
        command
    }
}

/// Starts `lines`, in which `"$0" "$@"` is qviz with its words, as the leader of a process group.
pub(crate) fn start(place: Place, lines: &str, words: &str) -> Child {
    let mut command = place.shell(lines, words);
    command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a shell")
}

/// Runs `lines` to their end and checks what holds everywhere: no panic, and nothing left.
#[track_caller]
pub(crate) fn run(place: Place, lines: &str, words: &str) -> Said {
    end(start(place, lines, words), words)
}

/// The words alone, here.
#[track_caller]
pub(crate) fn here(words: &str) -> Said {
    run(Place::Here, EXEC, words)
}

/// Waits for the end of what was started.
#[track_caller]
pub(crate) fn end(child: Child, words: &str) -> Said {
    let pid = child.id();
    let traces = Traces::of(pid);
    // One thread reads both pipes to their end; this one has the deadline.
    let reader = std::thread::spawn(|| child.wait_with_output().expect("its output"));
    wait_until(Duration::from_secs(30), &format!("the end of qviz {words} (group {pid})"), || {
        reader.is_finished().then_some(())
    });
    let said = Said::from(reader.join().expect("its output"));
    traces.assert_gone();
    for bad in ["panicked", "RUST_BACKTRACE", "this is a bug"] {
        assert!(!said.err.contains(bad) && !said.out.contains(bad), "{words}: {}", said.err);
    }
    said
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Said {
    /// One message: what and why with all of `parts`, and a next step; nothing on stdout.
    #[track_caller]
    pub(crate) fn is_error(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.err);
        assert_eq!(self.err.matches("error: ").count(), 1, "one message: {}", self.err);
        assert!(self.err.starts_with("error: "), "{}", self.err);
        let next = ["\n  try: ", "--help", "such as "];
        assert!(next.iter().any(|next| self.err.contains(next)), "it names a next step: {}", self.err);
        assert!(!self.err.contains("try: try"), "{}", self.err);
        assert!(self.out.is_empty(), "{}", self.out);
        self.assert_stderr(parts);
    }

    /// The run went on to its end.
    #[track_caller]
    pub(crate) fn is_success(&self) -> &Self {
        assert_eq!(self.code, Some(0), "{}", self.err);
        self
    }

    /// What was written to stdout, without the breaks of its lines.
    pub(crate) fn text(&self) -> String {
        self.out.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Stderr has all of these.
    #[track_caller]
    pub(crate) fn assert_stderr(&self, parts: &[&str]) -> &Self {
        for part in parts {
            assert!(self.err.contains(part), "{part:?} is missing: {}", self.err);
        }
        self
    }

    /// The one document on stdout.
    #[track_caller]
    pub(crate) fn document(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {:?} {}", self.out, self.err))
    }
}

/// A number of the document.
#[track_caller]
pub(crate) fn count(document: &Value, pointer: &str) -> u64 {
    let value = document.pointer(pointer);
    value.and_then(Value::as_u64).unwrap_or_else(|| panic!("{pointer} is {value:?}"))
}

/// All segments that were dropped, by any cause that is known.
#[track_caller]
pub(crate) fn drops(document: &Value) -> u64 {
    let drops = document["drops"].as_array().expect("drops");
    drops.iter().filter_map(|drop| drop["segments"].as_u64()).sum()
}

/// The first line where loopback is needed in a network of its own.
pub(crate) const UP: &str = "ip link set lo up || exit 99\n";

/// The last line of every script: qviz takes the shell's place.
pub(crate) const EXEC: &str = r#"exec "$0" "$@""#;
