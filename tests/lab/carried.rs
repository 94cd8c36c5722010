//! What the program carries: demos and recordings that play anywhere, alert rules, dashboard, the format of lessons.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::fixture::assert_valid;

/// qviz from an empty folder: none of the repository's files is near.
fn qviz(words: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_qviz"));
    command.args(words.split_whitespace()).current_dir(folder.path()).env("LC_ALL", "C");
    command.output().unwrap()
}

#[track_caller]
fn printed(words: &str) -> String {
    let output = qviz(words);
    assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn file(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

case!(every_demo_plays_from_an_empty_folder_and_its_story_holds);
fn every_demo_plays_from_an_empty_folder_and_its_story_holds() {
    let demos = qviz::text::carried::DEMOS.names();
    assert!(demos.len() >= 3, "{demos:?}");
    for name in demos {
        let words = format!("demo {name} --jsonl");
        let lines = printed(&words);
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let told = |what: &str| lines.iter().filter(|line| line["event"] == "lesson" && line["what"] == what).count();
        assert!(told("step") >= 6 && told("over") == 1, "{name} tells no story, or not to its end");
        let summary = lines.last().unwrap();
        assert_valid(summary);
        assert_eq!(summary["kind"], "lab");
    }
}

case!(a_recording_that_comes_with_qviz_replays_as_its_file_does);
fn a_recording_that_comes_with_qviz_replays_as_its_file_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/recordings/overflow.qviz");
    assert_eq!(printed("replay overflow --json"), printed(&format!("replay {} --json", path.display())));
    let unknown = qviz("replay overflw");
    assert_eq!(unknown.status.code(), Some(1));
}

case!(alert_rules_dashboard_and_format_are_printed_as_they_stand_in_the_repository);
fn alert_rules_dashboard_and_format_are_printed_as_they_stand_in_the_repository() {
    assert_eq!(printed("watch --print-alerts"), file("assets/watch/alerts.yml"));
    assert_eq!(printed("watch --print-dashboard"), file("assets/watch/grafana.json"));
    assert_eq!(printed("lesson --format"), file("assets/lessons/README.md"));
}
