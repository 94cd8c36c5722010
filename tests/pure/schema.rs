//! What qviz prints is what its committed JSON Schema says, no more and no less.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop and say why")]

use std::net::Ipv4Addr;
use std::time::Duration;

use qviz::fold::world::World;
use qviz::model::cause::Cause;
use qviz::model::client_clock::{ClientClock, StepOutcome};
use qviz::model::counters::{Counter, Counters};
use qviz::model::event::{Began, ClientEvent, Environment, Event, Listening, Loss, ServerEvent, Stamped};
use qviz::model::experiment::{CallOutcome, CallRecord, ExperimentFact, ExperimentId};
use qviz::model::lesson::{Judged, LessonFact, Phase};
use qviz::model::peer::Peer;
use qviz::model::program::{ProgramRole, ProgramState};
use qviz::model::sample::{HalfOpen, Listed, QueueReading, Source, Waiting};
use qviz::model::segment::{Kind, Segment, Toward, flags};
use qviz::model::settings::{AcceptRate, Arrivals, ClientKind, Knobs, Sysctl, Sysctls};
use qviz::model::stamp::Stamp;
use qviz::model::watch::{
    Address, HolderProcess, ListenerId, ListenerOptions, ListenerReading, ListenerSnapshot, Owner, QueueOccupants,
    Rights, SynCounts, TapReach, Watching,
};
use qviz::report::jsonl;
use qviz::report::summary::Summary;
use qviz::report::watch::Document;
use serde_json::Value;

use crate::schema_document::{assert_valid, schema};

fn line(event: Event) -> Value {
    let mut bytes = Vec::new();
    jsonl::write_event(&mut bytes, &Stamped { at: Stamp::from_millis(1234), event }).unwrap();
    assert_eq!(bytes.last(), Some(&b'\n'));
    serde_json::from_slice(&bytes).unwrap()
}

fn peer() -> Peer {
    Peer::v4(Ipv4Addr::new(198, 18, 0, 1), 40_000)
}

fn began() -> Event {
    let mut sysctls = Sysctls::default();
    sysctls.set(Sysctl::Somaxconn, 4096);
    Event::Began(Box::new(Began {
        syn_rule: None,
        kernel: "6.18.44".to_owned(),
        environment: Environment::Lab,
        fallback: None,
        pid: 4242,
        seed: 1,
        clients: ClientKind::Wire,
        address: "198.51.100.1:8080".parse().unwrap(),
        tap: true,
        private_counters: true,
        watched: false,
        host: sysctls.clone(),
        sysctls,
    }))
}

fn knobs(arrivals: Arrivals, accept_rate: AcceptRate) -> Event {
    Event::Knobs(Box::new(Knobs {
        rate: 12.5,
        arrivals,
        accept_rate,
        half_open: 0.3,
        rtt: Duration::from_millis(400),
        jitter: Duration::from_micros(1500),
        ..Knobs::quiet()
    }))
}

fn segment() -> Event {
    Event::Segment(Segment {
        peer: peer(),
        toward: Toward::Listener,
        flags: flags::SYN,
        seq: u32::MAX,
        ack: 0,
        payload: 0,
        window_scale: true,
        timestamps: false,
    })
}

fn client_events() -> Vec<Event> {
    let at = Stamp::from_millis(2000);
    [
        ClientEvent::Started { half_open: true },
        ClientEvent::Departed { kind: Kind::Syn, attempt: 1, arrives: at },
        ClientEvent::Lost { kind: Kind::SynAck, outbound: false },
        ClientEvent::WillRetry { at, gives_up: false },
        ClientEvent::Connected,
        ClientEvent::Finished,
        ClientEvent::Refused,
        ClientEvent::Reset,
        ClientEvent::TimedOut,
        ClientEvent::Vanished,
        ClientEvent::Failed { errno: 99 },
    ]
    .into_iter()
    .map(|life| Event::Client { id: 7, peer: peer(), event: life })
    .collect()
}

fn watch_events() -> Vec<Event> {
    let Event::Began(began) = began() else { unreachable!() };
    let id = ListenerId(77);
    let target = Some("127.0.0.1:8080".parse().unwrap());
    let rights = Rights { tap: true, ..Rights::default() };
    let watching = Watching {
        kernel: "6.18.44".into(),
        pid: 1,
        rights,
        netns: Some("web".into()),
        target,
        sysctls: began.sysctls,
    };
    let tcp = ListenerReading {
        id,
        address: Address::Tcp("127.0.0.1:8080".parse().unwrap()),
        v6_only: None,
        queue: QueueReading { depth: Some(6), limit: Some(5), drops: Some(3) },
        inode: 99,
        uid: Some(0),
    };
    let unix = ListenerReading {
        id: ListenerId(78),
        address: Address::Unix("/run/x.sock".into()),
        queue: QueueReading::default(),
        uid: None,
        ..tcp.clone()
    };
    let owner = Owner { pid: 1234, command: "nginx".into(), others: 2, place: Some("web".into()) };
    vec![
        Event::Watching(Box::new(watching)),
        Event::Snapshot(Box::new(ListenerSnapshot { changed: vec![tcp, unix], gone: vec![ListenerId(5)] })),
        Event::Owned { id, owner: Some(owner) },
        Event::Owned { id: ListenerId(78), owner: None },
        Event::Holders {
            id,
            holders: vec![HolderProcess { pid: 1234, state: 'S', ..HolderProcess::default() }],
            served: Some(3),
        },
        Event::Occupants { id, occupants: QueueOccupants { half_open: Some(1), oldest_wait_ms: Some(1500) } },
        Event::Occupants { id, occupants: QueueOccupants::default() },
        Event::Options { id, options: ListenerOptions { defer_accept_s: Some(30), ..ListenerOptions::default() } },
        Event::FloodLogged { id, ago_ms: 3500 },
        Event::SynsSeen(vec![SynCounts { id, syns: 4, again: 1 }]),
        Event::SynsSampled { span_ms: 200, counts: vec![SynCounts { id, syns: 4000, again: 0 }] },
        Event::TapReach(TapReach { sampled: true, follows: false }),
        Event::Chosen(None),
        Event::Chosen(Some(id)),
    ]
}

fn lesson_events() -> Vec<Event> {
    let measured = [("held".to_owned(), Some(6.5)), ("limit".to_owned(), None)].into();
    let judged = Judged { id: "n".into(), holds: None, measured, unknown: vec!["kept.half".into()] };
    let facts = [
        LessonFact::Opened { name: "burst".into(), source: "order = 1".into() },
        LessonFact::Scene(0),
        LessonFact::Step { step: 0, phase: Phase::Asked },
        LessonFact::Chose { choice: 1 },
        LessonFact::Step { step: 0, phase: Phase::Doing },
        LessonFact::Measured { numbers: [("held".into(), 6.5)].into(), right: vec![Some(true), None] },
        LessonFact::Judged(judged),
        LessonFact::Kept { name: "held".into(), value: 6.5 },
        LessonFact::Scored { right: None },
        LessonFact::Step { step: 0, phase: Phase::Done },
        LessonFact::Step { step: 1, phase: Phase::Missed },
        LessonFact::Over,
    ];
    facts.into_iter().map(Event::Lesson).collect()
}

fn trial_events() -> Vec<Event> {
    let line = |mood| CallRecord { who: "server".into(), call: "listen(5)".into(), outcome: "0".into(), mood };
    let lines = [CallOutcome::Plain, CallOutcome::Good, CallOutcome::Refused, CallOutcome::Silent]
        .map(|mood| ExperimentFact::Line(line(mood)));
    let whole = ExperimentId::ALL
        .into_iter()
        .flat_map(|trial| [ExperimentFact::Began(trial), ExperimentFact::Ended { trial, failed: Some("no".into()) }]);
    let measured = ExperimentFact::Measured { name: "held".into(), value: 6.0 };
    let ended = ExperimentFact::Ended { trial: ExperimentId::BindFour, failed: None };
    whole.chain(lines).chain([measured, ended]).map(Event::Experiment).collect()
}

/// At least one of each kind and of each form within a kind.
fn every_event() -> Vec<Event> {
    let mut counters = Counters::default();
    counters.set(Counter::ListenDrops, 3);
    let waiting = Waiting { peer: peer(), age_ms: None, bytes: 5, closed: false, cookie: 9 };
    let half_open = HalfOpen { peer: peer(), retransmits: 1, next_ms: 960, cookie: u64::MAX };
    let mut events = lesson_events();
    events.extend(client_events());
    events.extend(watch_events());
    events.extend(trial_events());
    events.extend([
        began(),
        Event::Listening(Listening { backlog: 5, somaxconn: Some(4096), limit: None }),
        Event::Sysctl { name: Sysctl::Syncookies, value: 2 },
        knobs(Arrivals::Steady, AcceptRate::Max),
        knobs(Arrivals::Poisson, AcceptRate::Paused),
        knobs(Arrivals::Burst { size: 20, period: Duration::from_secs(1) }, AcceptRate::PerSecond(0.5)),
        knobs(Arrivals::Wave { size: 16, period: Duration::from_secs(7) }, AcceptRate::Max),
        segment(),
        Event::Served { peer: peer(), event: ServerEvent::Accepted { waited_ms: Some(3), cookie: None } },
        Event::Served { peer: peer(), event: ServerEvent::Closed },
        Event::Served { peer: peer(), event: ServerEvent::FoundReset },
        Event::AcceptFailed { errno: 24 },
        Event::Queue(QueueReading { depth: Some(6), limit: Some(5), drops: None }),
        Event::Listed(Box::new(Listed { half_open: Some(vec![half_open]), waiting: None })),
        Event::Listed(Box::new(Listed { half_open: None, waiting: Some(vec![waiting]) })),
        Event::Counters(Box::new(counters)),
        Event::Loss(Loss::LateTicks(1)),
        Event::Loss(Loss::TapDropped(2)),
        Event::Loss(Loss::DetailSkipped(3)),
        Event::Loss(Loss::ArrivalsSkipped(4)),
        Event::Loss(Loss::Saturated),
        Event::Cost { source: Source::Queue, nanos: 700 },
        Event::Tempo(ClientClock { pace: 0.25, held: true, ..ClientClock::default() }),
        Event::Stepped { peer: peer(), outcome: StepOutcome::Reached(Kind::Syn) },
        Event::Stepped { peer: peer(), outcome: StepOutcome::Accepted },
        Event::Refused { message: "no".into() },
        Event::Program(Box::new(ProgramState {
            role: ProgramRole::Server,
            command: vec!["nginx".into()],
            pid: Some(7),
            listener: "0.0.0.0:80".parse().ok(),
            other_listeners: Vec::new(),
            backlog_asked: None,
            exit: None,
            output: vec!["a line".into()],
        })),
        Event::Ended,
    ]);
    events
}

#[test]
fn every_event_line_fits_the_schema() {
    for event in every_event() {
        let line = line(event);
        assert_eq!(line["t_s"], 1.234);
        assert_valid(&line);
    }
}

#[test]
fn every_kind_of_event_in_the_schema_is_written_by_some_event() {
    let (schema, _) = schema();
    let written: std::collections::BTreeSet<_> =
        every_event().into_iter().map(|event| format!("event_{}", line(event)["event"].as_str().unwrap())).collect();
    let described: std::collections::BTreeSet<_> =
        schema["$defs"].as_object().unwrap().keys().filter(|name| name.starts_with("event_")).cloned().collect();
    assert_eq!(written, described);
}

#[test]
fn a_tick_has_no_line() {
    let mut bytes = Vec::new();
    jsonl::write_event(&mut bytes, &Stamped { at: Stamp::ZERO, event: Event::Tick }).unwrap();
    assert!(bytes.is_empty());
}

#[test]
fn the_summary_of_nothing_and_of_a_run_fit_the_schema() {
    let mut world = World::new();
    assert_valid(&serde_json::to_value(Summary::of(&world)).unwrap());
    for (millis, event) in every_event().into_iter().enumerate() {
        world.apply(Stamp::from_millis(millis as u64), &event);
    }
    let mut summary = Summary::of(&world);
    summary.repeat = Some("qviz --seed 1".to_owned());
    let value = serde_json::to_value(summary).unwrap();
    assert_valid(&value);
    assert_eq!(value["listener"]["address"], "198.51.100.1:8080");
}

#[test]
fn a_drop_that_only_the_listener_counts_fits_the_schema() {
    let mut world = World::new();
    let queue = |drops| Event::Queue(QueueReading { depth: Some(0), limit: Some(5), drops: Some(drops) });
    let mut counters = Counters::default();
    for counter in Counter::ALL {
        counters.set(counter, 0);
    }
    for (millis, event) in
        [began(), queue(0), Event::Counters(Box::new(counters)), queue(2), Event::Ended].iter().enumerate()
    {
        world.apply(Stamp::from_millis(millis as u64), event);
    }
    let value = serde_json::to_value(Summary::of(&world)).unwrap();
    assert_eq!(value["ledger"]["unexplained"][0]["counter"], "sk_drops", "{}", value["ledger"]);
    assert_valid(&value);
}

#[test]
fn the_document_of_nothing_and_of_a_watch_fit_the_schema() {
    let mut world = World::new();
    assert_valid(&serde_json::to_value(Document::of(&world)).unwrap());
    let Event::Began(mut began) = began() else { unreachable!() };
    began.watched = true;
    let half_open = HalfOpen { peer: peer(), retransmits: 1, next_ms: 960, cookie: 8 };
    let waiting = Waiting { peer: peer(), age_ms: Some(3), bytes: 5, closed: false, cookie: 9 };
    let listed = Listed { half_open: Some(vec![half_open]), waiting: Some(vec![waiting]) };
    let mut events = watch_events();
    events.extend([
        Event::Began(began),
        Event::Queue(QueueReading { depth: Some(6), limit: Some(5), drops: Some(3) }),
        Event::Listed(Box::new(listed.clone())),
        Event::Listed(Box::new(listed.clone())),
        Event::Listed(Box::new(listed)),
        Event::Counters(Box::default()),
        Event::Snapshot(Box::new(ListenerSnapshot { changed: Vec::new(), gone: vec![ListenerId(78)] })),
    ]);
    for (millis, event) in events.iter().enumerate() {
        world.apply(Stamp::from_millis(millis as u64), event);
        let document = serde_json::to_value(Document::of(&world)).unwrap();
        assert_valid(&document);
    }
    let document = serde_json::to_value(Document::of(&world)).unwrap();
    let states: Vec<_> = document["listeners"][0]["waiting"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["established", "reset", "reset", "reset", "reset", "reset"]);
    assert!(!document["findings"].as_array().unwrap().is_empty());
    let (_, validator) = schema();
    let mut spoilt = document.clone();
    spoilt["listeners"][0]["waiting"][0]["state"] = "asleep".into();
    assert!(!validator.is_valid(&spoilt));
    let mut spoilt = document;
    spoilt["listeners"][0].as_object_mut().unwrap().remove("drops");
    assert!(!validator.is_valid(&spoilt));
}

#[test]
fn the_schema_refuses_what_qviz_never_prints() {
    let (_, validator) = schema();
    let good = serde_json::to_value(Summary::of(&World::new())).unwrap();
    let spoilt = |pointer: &str, value: Value| {
        let mut document = good.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        document
    };
    assert!(validator.is_valid(&good));
    assert!(!validator.is_valid(&spoilt("/clients/started", "many".into())));
    assert!(!validator.is_valid(&spoilt("/duration_s", Value::Null)));
    assert!(!validator.is_valid(&spoilt("/drops/0/cause", "syn:bad-luck".into())));
    assert!(!validator.is_valid(&spoilt("/kind", "picture".into())));
    let mut more = good.clone();
    more["surprise"] = 1.into();
    assert!(!validator.is_valid(&more));
}

#[test]
fn the_schema_lists_the_models_own_names() {
    let (schema, _) = schema();
    let keys = |pointer: &str| -> Vec<String> {
        schema.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect()
    };
    let sorted = |names: Vec<&str>| {
        let mut names: Vec<_> = names.into_iter().map(str::to_owned).collect();
        names.sort();
        names
    };
    let mut counters = keys("/$defs/counters/properties");
    counters.sort();
    assert_eq!(counters, sorted(Counter::ALL.map(Counter::name).to_vec()));
    let mut sysctls = keys("/$defs/sysctls/properties");
    sysctls.sort();
    assert_eq!(sysctls, sorted(Sysctl::ALL.map(Sysctl::name).to_vec()));
    let drops = schema.pointer("/$defs/lab/properties/drops/prefixItems").unwrap().as_array().unwrap();
    let causes: Vec<_> = drops.iter().map(|one| one["properties"]["cause"]["const"].as_str().unwrap()).collect();
    assert_eq!(causes, Cause::ALL.map(Cause::name));
}
