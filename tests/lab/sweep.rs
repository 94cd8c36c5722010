//! `qviz sweep` from outside: what it advises is true in runs of the lab, and what it predicts is near what it measures.

use std::process::Output;
use std::time::Duration;

use serde_json::Value;

use crate::fixture::assert_valid;
use crate::lab;
use crate::needs::{network, tools};

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn qviz(words: &str) -> Output {
    lab::run_qviz(words.split_whitespace(), LONG)
}

/// A sweep that ends well: its document.
#[track_caller]
fn sweep(words: &str) -> Value {
    let output = qviz(&format!("sweep {words} --json"));
    assert!(output.status.success(), "{words}: {}", said(&output.stderr));
    let document = serde_json::from_slice(&output.stdout).unwrap();
    assert_valid(&document);
    document
}

/// The row of a backlog.
#[track_caller]
fn row(document: &Value, backlog: i64) -> &Value {
    let rows = document["rows"].as_array().unwrap();
    rows.iter().find(|row| row["backlog"] == backlog).unwrap_or_else(|| panic!("{backlog} is not in {document:#}"))
}

/// Clients that the listener has dropped, in a run of the lab by itself.
fn dropped(backlog: i64, words: &str) -> u64 {
    let output = qviz(&format!("--backlog {backlog} {words} --json"));
    assert!(output.status.success(), "{}", said(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let drops = document["drops"].as_array().unwrap();
    drops.iter().filter(|drop| drop["cause"] != "client:lost").filter_map(|drop| drop["clients"].as_u64()).sum()
}

case!(the_advice_is_confirmed_by_a_run_with_it_and_refuted_with_one_less, alone);
fn the_advice_is_confirmed_by_a_run_with_it_and_refuted_with_one_less() {
    network();
    let document = sweep("--backlog 1..512 --arrivals burst:100/2s --accept-rate 50");
    let advised = document["advice"]["backlog"].as_i64().unwrap_or_else(|| panic!("{document:#}"));
    assert_eq!(document["advice"]["confirmed"], true);
    let (with, less) = (row(&document, advised), row(&document, advised - 1));
    assert_eq!((&with["lost"], &with["clients_hit"]), (&0.into(), &0.into()), "{with:#}");
    assert!(with["runs"].as_u64().unwrap() >= 2 && less["lost"].as_u64().unwrap() > 0, "{document:#}");
    assert!(document["rows"].as_array().unwrap().len() <= 12, "a guess saves runs: {document:#}");
    // The same in the lab itself, at a distance that a busy machine does not blur.
    let words = "--arrivals burst:100/2s --accept-rate 50 --count 300 --duration 7s";
    assert_eq!(dropped(advised * 5 / 4, words), 0);
    assert!(dropped(advised / 2, words) > 0);
}

case!(what_is_predicted_of_a_burst_is_within_a_fifth_of_what_is_measured, alone);
fn what_is_predicted_of_a_burst_is_within_a_fifth_of_what_is_measured() {
    network();
    let document =
        sweep("--backlog 5,20,40 --arrivals burst:60/3s --accept-rate 30 --rtt 20ms --count 60 --duration 3s");
    for row in document["rows"].as_array().unwrap() {
        let predicted = &row["predicted"];
        assert_eq!(predicted["model"], "fluid");
        for (measured, foreseen) in
            [(&row["clients_hit"], &predicted["clients_hit"]), (&row["wait_ms"]["max"], &predicted["longest_wait_ms"])]
        {
            let (measured, foreseen) = (measured.as_f64().unwrap(), foreseen.as_f64().unwrap());
            let beside = foreseen <= measured * 1.2 + 2.0 && foreseen >= measured * 0.8 - 2.0;
            assert!(beside, "{foreseen} predicted, {measured} measured: {row:#}");
        }
    }
}

case!(where_no_backlog_is_enough_the_accept_rate_that_is_was_tried);
fn where_no_backlog_is_enough_the_accept_rate_that_is_was_tried() {
    network();
    let document = sweep("--backlog 5,20 --rate 60 --accept-rate 20 --rtt 20ms --duration 2s");
    let advice = &document["advice"];
    assert_eq!(advice["backlog"], Value::Null, "{advice:#}");
    let rate = advice["accept_rate"].as_f64().unwrap_or_else(|| panic!("{document:#}"));
    assert!(rate >= 60.0 && advice["confirmed"] == true, "{advice:#}");
    let rows = document["rows"].as_array().unwrap();
    let tried = rows.iter().find(|row| row["accept_rate"] == rate).unwrap();
    assert_eq!((&tried["lost"], &tried["backlog"]), (&0.into(), &20.into()), "{tried:#}");
    assert!(row(&document, 5)["lost"].as_u64().unwrap() > 0);
}

case!(where_a_larger_backlog_than_those_tried_is_enough_it_is_tried);
fn where_a_larger_backlog_than_those_tried_is_enough_it_is_tried() {
    network();
    let document = sweep("--backlog 5,10 --arrivals burst:40/2s --accept-rate 30 --rtt 20ms --count 40 --duration 2s");
    let advised = document["advice"]["backlog"].as_i64().unwrap_or_else(|| panic!("{document:#}"));
    assert!(advised > 10 && row(&document, advised)["lost"] == 0, "{document:#}");
}

case!(a_range_that_begins_high_enough_needs_no_search_and_workers_are_a_row_each);
fn a_range_that_begins_high_enough_needs_no_search_and_workers_are_a_row_each() {
    network();
    let document = sweep(
        "--backlog 30..40 --workers 2,4 --service 20ms --arrivals burst:20/1s --rtt 20ms --count 20 --duration 1s",
    );
    assert_eq!(document["advice"]["backlog"], 30, "{document:#}");
    let rows = document["rows"].as_array().unwrap();
    let workers: Vec<_> = rows.iter().map(|row| row["workers"].as_u64()).collect();
    assert_eq!(workers, [Some(2), Some(4)]);
    assert!(rows.iter().all(|row| row["accept_rate"].is_null() && row["runs"] == 2), "{document:#}");
}

case!(the_table_and_the_chart_have_every_value);
fn the_table_and_the_chart_have_every_value() {
    network();
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("sweep.svg");
    let words =
        "sweep --backlog 3,17 --arrivals burst:10/1s --accept-rate 100 --rtt 20ms --count 10 --duration 500ms --svg";
    let output = lab::run_qviz(words.split(' ').chain([file.to_str().unwrap()]), LONG);
    assert!(output.status.success(), "{}", said(&output.stderr));
    let (table, chart) = (said(&output.stdout), std::fs::read_to_string(&file).unwrap());
    for needed in ["backlog", "lost", "predicted", "longest wait", "predicted by fluid"] {
        assert!(table.contains(needed), "{needed}: {table}");
    }
    assert!(chart.starts_with("<svg") && chart.trim_end().ends_with("</svg>"), "{chart}");
    for value in [3, 17] {
        assert!(chart.contains(&format!(">{value}</text>")), "{chart}");
        assert!(table.lines().any(|line| line.trim_start().starts_with(&format!("{value} "))), "{table}");
    }
}

case!(each_bad_value_is_a_usage_error_with_its_reason);
fn each_bad_value_is_a_usage_error_with_its_reason() {
    for (words, needed) in [
        ("", "--backlog"),
        ("--backlog 512..1", "1..512"),
        ("--backlog 5,many", "such as 0, 5, 511"),
        ("--backlog -1", "somaxconn"),
        ("--backlog 5 --accept-rate 3,maxi", "did you mean max?"),
        ("--backlog 5 --workers 0", "such as 40"),
        ("--backlog 5 --repeat 0", "from 1 to 100"),
        ("--backlog 5 --rate 0", "nothing to compare"),
        ("--backlog 5 --net host --somaxconn 9", "this host's own settings"),
    ] {
        let output = qviz(&format!("sweep {words}"));
        let message = said(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words}: {message}");
        assert!(output.stdout.is_empty() && message.contains(needed), "{words}: {message}");
    }
}

/// Many runs one after the other.
const LONG: Duration = Duration::from_secs(240);

/// A server that accepts this many connections a second.
fn slow_server(per_second: u32) -> [String; 3] {
    let program = format!(
        "import socket, time\ns = socket.socket()\ns.setsockopt(1, 2, 1)\ns.bind(('', 8080))\ns.listen(5)\nwhile True:\n  \
         c, _ = s.accept(); c.recv(999); c.sendall(b'HTTP/1.0 200 OK\\r\\n\\r\\nok'); c.close(); time.sleep(1 / {per_second})"
    );
    ["python3".to_owned(), "-c".to_owned(), program]
}

#[track_caller]
fn sweep_of_program(words: &str, server: &[String]) -> Value {
    let words = format!("sweep {words} --json --");
    let output = lab::run_qviz(words.split_whitespace().map(str::to_owned).chain(server.iter().cloned()), LONG);
    assert!(output.status.success(), "{}", said(&output.stderr));
    let document = serde_json::from_slice(&output.stdout).unwrap();
    assert_valid(&document);
    document
}

case!(the_backlog_for_a_server_of_ones_own_is_found_and_its_overload_is_said, alone);
fn the_backlog_for_a_server_of_ones_own_is_found_and_its_overload_is_said() {
    network();
    tools(&["python3"]);
    let found = sweep_of_program("--backlog 1..64 --arrivals burst:20/1s --rtt 20ms", &slow_server(25));
    let advised = found["advice"]["backlog"].as_i64().unwrap_or_else(|| panic!("{found:#}"));
    assert!((5..=20).contains(&advised) && found["advice"]["confirmed"] == true, "{found:#}");
    assert!(row(&found, advised - 1)["lost"].as_u64().unwrap() > 0, "{found:#}");
    let rows = found["rows"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["predicted"].is_null() && row["started"] == 60), "{found:#}");

    let overload = sweep_of_program("--backlog 5,200 --rate 100 --duration 3s", &slow_server(20));
    assert_eq!(overload["advice"]["backlog"], Value::Null, "{overload:#}");
    let sentence = overload["advice"]["sentence"].as_str().unwrap();
    assert!(sentence.contains("lost nobody only because the run ended"), "{sentence}");
}
