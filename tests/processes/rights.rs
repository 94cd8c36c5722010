//! A program that was given rights with its file (setcap(8)) lends them to nobody: files that its user names are opened as that user.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output};

use crate::needs::{Missing, tool};
use crate::who::{UNPRIVILEGED, Who};

/// A folder in which everybody may go, with a copy of qviz that has these rights, and a file of root's alone.
fn place() -> Result<tempfile::TempDir, Missing> {
    let place = tempfile::tempdir().unwrap();
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(place.path(), 0o755);
    let program = place.path().join("qviz");
    fs::copy(env!("CARGO_BIN_EXE_qviz"), &program).unwrap();
    mode(&program, 0o755);
    let output =
        tool("setcap").arg("cap_net_raw,cap_sys_ptrace,cap_dac_override,cap_dac_read_search+ep").arg(&program).output();
    let output = output.unwrap();
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Missing::optional("a file system that keeps capabilities", why));
    }
    for (name, text) in [("secret.qviz", "s3cret"), ("secret.toml", "s3cret = 1\n")] {
        fs::write(place.path().join(name), text).unwrap();
        mode(&place.path().join(name), 0o600);
    }
    Ok(place)
}

/// Runs that qviz as an ordinary user.
fn run(place: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(place.join("qviz"));
    command.args(words).current_dir(place).uid(UNPRIVILEGED).gid(UNPRIVILEGED).output().unwrap()
}

case!(files_of_others_stay_closed_to_the_user_of_a_program_with_rights, as Who::Root);
fn files_of_others_stay_closed_to_the_user_of_a_program_with_rights() -> Result<(), Missing> {
    let place = place()?;
    for words in [
        &["replay", "secret.qviz", "--json"][..],
        &["lesson", "./secret.toml", "--check"],
        &["--headless", "--duration", "100ms", "--record", "secret.qviz"],
        &["--headless", "--duration", "100ms", "--record", "new.qviz"],
        &["--headless", "--duration", "100ms", "--log", "new.log"],
        &["--headless", "--duration", "100ms", "--pcap", "secret.qviz"],
        &["--headless", "--duration", "100ms", "--pcap", "new.pcapng"],
        &["run", "--headless", "--duration", "1s", "--server-log", "new.log", "--", "sleep", "1"],
        &["replay", "overflow", "--svg", "new.svg"],
        &["config", "--config", "secret.toml"],
    ] {
        let output = run(place.path(), words);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{words:?}: {said}");
        assert!(said.contains("Permission denied") && !said.contains("s3cret"), "{words:?}: {said}");
    }
    // The rights are there all the same: the tap that they are for works.
    let output = run(place.path(), &["doctor", "--json"]);
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = said["checks"].as_array().unwrap();
    let tap = checks.iter().find(|check| check["id"] == "watch.tap").unwrap();
    assert_eq!(tap["works"], true, "{tap}");
    Ok(())
}
