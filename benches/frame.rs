//! One frame at 120×36: render, diff and the bytes that go to the terminal, against an empty frame in the same run.
//!
//! Targets: ≤ 1 ms at the 99th percentile, ≤ 2 KB per frame in the default lab.

use std::hint::black_box;
use std::io::{self, Write};
use std::time::Duration;

use criterion::{Criterion, criterion_group};
use qviz::model::event::{Environment, Event};
use qviz::model::stamp::Stamp;
use qviz::session::clock::Clock;
use qviz::ui::keymap::Action;
use qviz::ui::state::{Msg, UiState, update};
use qviz::ui::terminal::changes;
use qviz::ui::theme::{Depth, Theme};
use qviz::ui::view;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};

#[path = "../tests/support/outcome.rs"]
mod outcome;
#[path = "../tests/screens/story.rs"]
#[expect(dead_code, reason = "the screens' tests use the rest")]
mod story;

use story::{Story, ms};

const SIZE: Size = Size::new(120, 36);

/// The default lab's rhythm: waves of clients that fill both queues, overflow and drain.
fn waves() -> Story {
    let mut story = Story::new(Environment::Lab, 5, 1);
    for wave in 0..10 {
        story.clients(wave * 16..wave * 16 + 16, ms(500 + u64::from(wave) * 7000), Duration::from_millis(145), false);
    }
    story.accepts(210, ms(700), Duration::from_millis(333));
    story
}

fn state() -> UiState {
    let theme = Theme::named("dark", Depth::True, false).unwrap_or_default();
    UiState { theme, live: true, size: SIZE, ..UiState::default() }
}

/// Every frame of half a minute, one by one.
fn percentiles() -> io::Result<()> {
    let (clock, mut story, mut state) = (Clock::start(), waves(), state());
    let (mut frames, mut shown) = (Vec::new(), None);
    for frame in 1..900 {
        story.run(ms(frame * 34));
        if frame % 30 == 0 {
            story.read_counters();
        }
        let began = clock.now();
        update(&mut state, Msg::Pulse(story.now), &story.world);
        let picture = view::picture(SIZE, &story.world, &state, story.now);
        let bytes = changes(&mut shown, picture)?;
        frames.push((clock.now().since(began), bytes.len()));
    }
    let mut anchor = Vec::new();
    let empty = Buffer::empty(Rect::from((Position::ORIGIN, SIZE)));
    let mut blank = Some(empty.clone());
    for _ in 1..900 {
        let began = clock.now();
        changes(&mut blank, black_box(empty.clone()))?;
        anchor.push(clock.now().since(began));
    }
    let mut times: Vec<_> = frames.iter().map(|(time, _)| *time).collect();
    let mut bytes: Vec<_> = frames.iter().skip(1).map(|(_, bytes)| *bytes).collect();
    times.sort_unstable();
    bytes.sort_unstable();
    anchor.sort_unstable();
    let mean = bytes.iter().sum::<usize>() / bytes.len();
    let ratio = times[450].as_secs_f64() / anchor[450].as_secs_f64();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "frame 120x36: median {:?}, p99 {:?}; empty frame {:?}, ratio {ratio:.1}",
        times[450], times[890], anchor[450]
    )?;
    writeln!(out, "bytes per frame: mean {mean}, median {}, p99 {}, most {}", bytes[449], bytes[889], bytes[897])
}

fn frame(criterion: &mut Criterion) {
    let (mut story, state) = (waves(), state());
    story.run(ms(3000));
    let empty = Buffer::empty(Rect::from((Position::ORIGIN, SIZE)));
    let mut group = criterion.benchmark_group("frame 120x36");
    group.bench_function("empty", |bencher| {
        let mut shown = Some(empty.clone());
        bencher.iter(|| changes(&mut shown, black_box(empty.clone())));
    });
    let (mut now, mut shown) = (story.now, None);
    group.bench_function("overflowing", |bencher| {
        bencher.iter(|| {
            now = now + Duration::from_micros(100);
            let picture = view::picture(SIZE, black_box(&story.world), &state, now);
            changes(&mut shown, picture)
        });
    });
    group.finish();
}

/// What is kept at most: an hour of history, and more connections than a person can follow.
fn most() -> Story {
    let mut story = Story::new(Environment::Lab, 4096, 1);
    story.clients(0..50_000, ms(500), Duration::from_micros(10), false);
    story.run(ms(2_000));
    story.now = Stamp::from_millis(3_600_000);
    story.emit(&Event::Tick);
    story
}

/// Holding a moment: a copy of the world, made once; and the timeline over all that is kept.
fn held(criterion: &mut Criterion) {
    let mut usual = waves();
    usual.run(ms(30_000));
    let most = most();
    let mut group = criterion.benchmark_group("held moment");
    group.bench_function("copy, default lab", |bencher| bencher.iter(|| black_box(usual.world.clone())));
    group.bench_function("copy, an hour and 50k clients", |bencher| bencher.iter(|| black_box(most.world.clone())));
    for (name, zooms) in [("timeline of 30 s", 0), ("timeline of an hour", 6)] {
        let mut state = state();
        state.frame = view::picture_and_info(SIZE, &most.world, &state, most.now).1;
        for _ in 0..zooms {
            update(&mut state, Msg::Press(Action::ZoomOut, most.now), &most.world);
        }
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(view::picture(SIZE, &most.world, &state, most.now)));
        });
    }
    group.finish();
}

criterion_group!(benches, frame, held);

fn main() -> io::Result<()> {
    percentiles()?;
    benches();
    Criterion::default().configure_from_args().final_summary();
    Ok(())
}
