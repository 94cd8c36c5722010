//! Tests of `cli::plan`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop and say why")]

use std::time::Duration;

use clap::Parser;
use qviz::cli::args::Cli;
use qviz::cli::defaults;
use qviz::cli::exit::{Exit, Failure};
use qviz::cli::plan::{Form, LabPlan, PlanEnv, repeat};
use qviz::model::settings::{AcceptRate, Arrivals, Sysctl};

const TERMINAL: PlanEnv = PlanEnv { screen: true, keys: true };
const PIPE: PlanEnv = PlanEnv { screen: false, keys: false };

fn plan_at(words: &str, here: PlanEnv) -> Result<LabPlan, Failure> {
    let cli = Cli::try_parse_from(std::iter::once("qviz").chain(words.split_whitespace())).unwrap();
    LabPlan::new(&cli.lab, here)
}

fn plan(words: &str) -> LabPlan {
    plan_at(words, TERMINAL).unwrap()
}

fn refusal(words: &str) -> Failure {
    plan_at(words, TERMINAL).unwrap_err()
}

#[test]
fn no_arguments_give_the_default_run() {
    let plan = plan("");
    assert_eq!(plan.form, Form::Picture);
    assert_eq!(plan.knobs.backlog, 5);
    assert!(matches!(plan.knobs.arrivals, Arrivals::Wave { .. }));
    assert_eq!(plan.knobs.accept_rate, defaults::ACCEPT_RATE);
    assert_eq!((plan.duration, plan.count, plan.seed), (None, None, 1));
}

#[test]
fn a_rate_makes_arrivals_steady_and_leaves_accept_as_it_is() {
    let plan = plan("--rate 100");
    assert_eq!((plan.knobs.arrivals, plan.knobs.rate), (Arrivals::Steady, 100.0));
    assert_eq!(plan.knobs.accept_rate, defaults::ACCEPT_RATE);
}

#[test]
fn a_pattern_wins_over_the_rate() {
    let plan = plan("--rate 200 --arrivals burst:20/1s --accept-rate 0");
    assert_eq!(plan.knobs.arrivals, Arrivals::Burst { size: 20, period: Duration::from_secs(1) });
    assert_eq!(plan.knobs.accept_rate, AcceptRate::Paused);
}

#[test]
fn who_gives_the_round_trip_time_gets_exactly_that() {
    assert_eq!(plan("").knobs.jitter, defaults::JITTER);
    assert_eq!(plan("--rtt 200ms").knobs.jitter, Duration::ZERO);
    assert_eq!(plan("--rtt 200ms --jitter 5ms").knobs.jitter, Duration::from_millis(5));
}

#[test]
fn workers_set_the_pace_themselves() {
    assert_eq!(plan("--workers 1").knobs.accept_rate, AcceptRate::Max);
    assert_eq!(plan("--workers 1 --accept-rate 2").knobs.accept_rate, AcceptRate::PerSecond(2.0));
}

#[test]
fn without_a_terminal_there_is_no_picture() {
    assert_eq!(plan_at("", PIPE).unwrap().form, Form::Text);
    assert_eq!(plan_at("--json", PIPE).unwrap().form, Form::Json);
    assert_eq!(plan("--jsonl").form, Form::Jsonl);
    assert_eq!(plan("--headless").form, Form::Text);
    let keyless = PlanEnv { screen: true, keys: false };
    assert_eq!(plan_at("", keyless).unwrap_err().exit, Exit::Error);
    assert_eq!(plan_at("--json", keyless).unwrap().form, Form::Json);
}

#[test]
fn the_host_keeps_its_settings() {
    for option in [
        "--syncookies 0",
        "--abort-on-overflow 1",
        "--max-syn-backlog 9",
        "--somaxconn 9",
        "--synack-retries 1",
        "--syn-retries 1",
    ] {
        let failure = refusal(&format!("--net host {option}"));
        let name = option.split(' ').next().unwrap();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.message.contains(name) && failure.message.contains("host's own"), "{failure}");
        assert_eq!(plan(option).kernel_options, [name]);
    }
    assert_eq!(refusal("--net host --client wire").exit, Exit::Usage);
}

#[test]
fn given_sysctls_reach_the_plan_and_no_others() {
    let overrides = plan("--syncookies 0 --somaxconn 128").overrides;
    assert_eq!(overrides.value(Sysctl::Syncookies), Some(0));
    assert_eq!(overrides.value(Sysctl::Somaxconn), Some(128));
    assert_eq!(overrides.value(Sysctl::SynRetries), None);
}

#[test]
fn addresses_that_cannot_be_reached_are_refused() {
    assert!(refusal("--listen 224.0.0.1:80").message.contains("multicast"));
    for client in ["wire", "connect"] {
        let refused = refusal(&format!("--listen [::1]:8080 --client {client}"));
        assert!(refused.hint.unwrap().contains("--listen [2001:db8::1]:8080"));
    }
    assert!(plan_at("--listen [::1]:8080 --net host", TERMINAL).is_ok());
}

#[test]
fn the_command_to_repeat_a_run_can_be_pasted() {
    let words = ["--listen", "[::1]:0", "--log", "it's here"].map(str::to_owned);
    assert_eq!(repeat(&words, 7), r"qviz --listen '[::1]:0' --log 'it'\''s here' --seed 7");
    assert_eq!(repeat(&["--seed=3".to_owned()], 3), "qviz --seed=3");
    let words = ["run", "--", "sh", "-c", "a 'b'\n\tc\\\u{1b}", "--seed"].map(str::to_owned);
    assert_eq!(repeat(&words, 7), r"qviz run --seed 7 -- sh -c $'a \'b\'\n\tc\\\u001b' --seed");
}
