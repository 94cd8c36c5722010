//! What one client costs from its first SYN to its end, bytes included, against a listener that answers at once.
//!
//! `cargo bench --bench crowd`. Target: less than 2 µs for a whole life without round-trip time, less than 150 ns for a
//! frame.
#![expect(clippy::unwrap_used, reason = "a broken bench shall stop")]

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use qviz::lab::crowd::{Crowd, CrowdPlan, Outbox};
use qviz::lab::wire::Destination;
use qviz::lab::wire::bytes::{Frames, Macs};
use qviz::model::command::Command;
use qviz::model::segment::{Kind, Segment, Toward, flags};
use qviz::model::settings::{AcceptRate, Arrivals, Knobs, Sysctls};
use qviz::model::stamp::Stamp;

/// Clients per round: as many as start in one call.
const ROUND: u32 = 200;

fn crowd(rtt: Duration, jitter: Duration, detail_per_s: u32) -> Crowd {
    let knobs = Knobs {
        backlog: 5,
        rate: 0.0,
        arrivals: Arrivals::Steady,
        accept_rate: AcceptRate::Max,
        half_open: 0.0,
        loss: 0.0,
        rtt,
        jitter,
        workers: None,
        service: Duration::ZERO,
    };
    Crowd::new(CrowdPlan {
        listener: listener(),
        seed: 1,
        knobs,
        sysctls: Sysctls::default(),
        count: None,
        turns: 0,
        detail_per_s,
    })
}

fn listener() -> SocketAddr {
    "198.51.100.1:8080".parse().unwrap()
}

fn frames() -> Frames {
    Frames::new(Macs { client: [2; 6], kernel: [4; 6] }, &Destination::from(listener()))
}

/// The listener's answers, from what stands in the segment alone.
fn answers(segment: &Segment) -> [Option<Segment>; 2] {
    let seq = if segment.kind() == Kind::Syn { 7 } else { segment.ack };
    let answer = |flags, seq| Segment {
        toward: Toward::Client,
        flags,
        seq,
        ack: segment.end(),
        payload: 0,
        window_scale: true,
        ..*segment
    };
    match segment.kind() {
        Kind::Syn => [Some(answer(flags::SYN | flags::ACK, seq)), None],
        Kind::Data => [Some(answer(flags::ACK, seq)), Some(answer(flags::FIN | flags::ACK, seq))],
        Kind::Fin => [Some(answer(flags::ACK, seq)), None],
        _ => [None, None],
    }
}

/// Starts one round of clients at `now` and moves all segments until none is left; how many frames were made.
fn round(crowd: &mut Crowd, frames: &mut Frames, now: Stamp, outbox: &mut Outbox) -> usize {
    crowd.command(now, &Command::Burst(ROUND));
    let mut made = 0;
    let mut sent = Vec::new();
    while crowd.next_deadline().is_some_and(|next| next <= now) || !outbox.send.is_empty() {
        crowd.tick(now, outbox);
        sent.append(&mut outbox.send);
        for segment in sent.drain(..) {
            black_box(frames.frame(&segment).unwrap());
            made += 1;
            for answer in answers(&segment).into_iter().flatten() {
                crowd.receive(now, &answer, outbox);
            }
        }
    }
    black_box(outbox.facts.len());
    outbox.facts.clear();
    made
}

fn lives(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("life");
    group.throughput(Throughput::Elements(u64::from(ROUND)));
    for (name, rtt, jitter, detail) in [
        ("rtt 0, told in full", 0, 0, u32::MAX),
        ("rtt 0, sums only", 0, 0, 0),
        ("rtt 20 ms, told in full", 20, 0, u32::MAX),
        ("rtt 20 ms ± 10 ms, told in full", 20, 10, u32::MAX),
    ] {
        group.bench_function(name, |bencher| {
            let mut crowd = crowd(Duration::from_millis(rtt), Duration::from_millis(jitter), detail);
            let (mut frames, mut outbox) = (frames(), Outbox::default());
            let mut now = Stamp::ZERO;
            bencher.iter(|| {
                now = now + Duration::from_millis(1);
                round(&mut crowd, &mut frames, now, &mut outbox)
            });
            assert!(crowd.live() < 200 * ROUND as usize, "lives end");
        });
    }
    group.finish();
}

fn frame(criterion: &mut Criterion) {
    let mut outbox = Outbox::default();
    let mut crowd = crowd(Duration::ZERO, Duration::ZERO, 0);
    crowd.command(Stamp::ZERO, &Command::Burst(1));
    crowd.tick(Stamp::ZERO, &mut outbox);
    let syn = outbox.send.remove(0);
    let data = Segment { flags: flags::ACK | flags::PSH, payload: 40, ..syn };
    let mut frames = frames();
    for (name, segment) in [("frame: SYN", syn), ("frame: 40 bytes", data)] {
        criterion.bench_function(name, |bencher| bencher.iter(|| frames.frame(black_box(&segment)).unwrap().len()));
    }
}

criterion_group!(benches, lives, frame);
criterion_main!(benches);
