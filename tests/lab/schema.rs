//! What real runs print is what the committed JSON Schema says.

use serde_json::Value;

use crate::needs::network;
use crate::schema_document::{assert_valid, schema};

case!(what_the_doctor_says_fits_the_schema);
fn what_the_doctor_says_fits_the_schema() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_qviz")).args(["doctor", "--json"]).output().unwrap();
    assert_valid(&serde_json::from_slice(&output.stdout).unwrap());
}

/// Runs qviz and returns what it printed.
fn printed(words: &str) -> String {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_qviz")).args(words.split(' ')).output().unwrap();
    assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

case!(a_checked_lesson_fits_the_schema_in_both_forms);
fn a_checked_lesson_fits_the_schema_in_both_forms() {
    network();
    let document: Value = serde_json::from_str(&printed("lesson n-plus-one --check --json")).unwrap();
    assert_valid(&document);
    assert_eq!(
        (&document["kind"], &document["passed"], &document["failed"]),
        (&"lessons".into(), &1.into(), &0.into())
    );
    let lines = printed("lesson n-plus-one --check --jsonl");
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        assert_valid(line);
    }
    assert_eq!((&lines[0]["event"], &lines[0]["what"]), (&"lesson".into(), &"opened".into()));
    assert_eq!(lines.last().unwrap()["kind"], "lessons");
    let (_, validator) = schema();
    let mut spoilt = document;
    spoilt["claims"][0]["verdict"] = "maybe".into();
    assert!(!validator.is_valid(&spoilt));
}

case!(real_runs_fit_the_schema_in_both_forms_and_with_both_kinds_of_clients);
fn real_runs_fit_the_schema_in_both_forms_and_with_both_kinds_of_clients() {
    let run = "--rate 50 --rtt 20ms --backlog 2 --duration 600ms --seed 7";
    for place in ["--net auto", "--net host --listen 127.0.0.1:0", "--client connect --listen 198.51.100.1:0"] {
        if place.starts_with("--client") {
            network();
        }
        assert_valid(&serde_json::from_str(&printed(&format!("{place} {run} --json"))).unwrap());
        let lines: Vec<Value> = printed(&format!("{place} {run} --jsonl"))
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        for line in &lines {
            assert_valid(line);
        }
        let (first, last) = (lines.first().unwrap(), lines.last().unwrap());
        assert_eq!((&first["event"], &last["kind"]), (&"began".into(), &"lab".into()));
        assert_eq!(lines[lines.len() - 2]["event"], "ended");
    }
}
