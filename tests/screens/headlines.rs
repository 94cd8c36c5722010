//! The headline can be read: how long each one stands, and that headline, badges and gates of a frame say the same. Frames are drawn
//! every 50 ms, as a program would sample the screen; their time is passed in. `terminal::readable` does the same with the program.

use std::time::Duration;

use qviz::model::event::Environment;
use qviz::model::settings::AcceptRate;
use qviz::ui::state::{Msg, UiState, update};
use qviz::ui::view;
use ratatui::layout::Size;

use crate::picture::rows;
use crate::samples::{SIZE, STEP, Samples};
use crate::show::Show;
use crate::story::{Story, ms};

const RECORDINGS: [&str; 7] = ["cookies", "flood", "ghosts", "loopback", "overflow", "queues", "stranded"];

fn of_recording(name: &str) -> Samples {
    let mut show = Show::of(name, SIZE, false).until("a beginning", |world| world.accept_capacity().is_some());
    let mut samples = Samples::default();
    while !show.world.ended {
        show = show.and_then(STEP);
        samples.take(&rows(&show.frame()));
    }
    samples
}

/// A minute of a story.
fn of_story(mut story: Story) -> Samples {
    let mut state = UiState { live: true, size: Size::from(SIZE), ..UiState::default() };
    let mut samples = Samples::default();
    for frame in 1..=1200 {
        story.run(ms(frame * 50));
        update(&mut state, Msg::Pulse(story.now), &story.world);
        samples.take(&rows(&view::picture(Size::from(SIZE), &story.world, &state, story.now)));
    }
    samples
}

const fn gap(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The rhythm of the default lab.
fn waves(cookies: i64) -> Story {
    let mut story = Story::new(Environment::Lab, 5, cookies);
    for wave in 0..5 {
        story.clients(wave * 20..wave * 20 + 20, ms(500 + u64::from(wave) * 12_000), gap(200), false);
    }
    story.accepts(150, ms(700), gap(400));
    story
}

/// More clients come than are accepted, all the time.
fn overload() -> Story {
    let mut story = Story::new(Environment::Lab, 5, 0);
    story.clients(0..180, ms(500), gap(330), false);
    story.accepts(120, ms(700), gap(500));
    story
}

/// A burst every few seconds, which is gone at once: the queues are full for moments.
fn bursts() -> Story {
    let mut story = Story::new(Environment::Lab, 5, 1);
    for burst in 0..20 {
        story.clients(burst * 9..burst * 9 + 9, ms(500 + u64::from(burst) * 3000), gap(5), false);
    }
    story.accepts(600, ms(700), gap(100));
    story
}

/// Clients that never send their final ACK beside those who do, and accept() is paused for a while.
fn flood() -> Story {
    let mut story = Story::new(Environment::Lab, 5, 0);
    story.clients(0..60, ms(500), gap(990), true);
    story.clients(100..220, ms(700), gap(450), false);
    story.accepts(40, ms(900), gap(500));
    story.knobs(5, AcceptRate::Paused, 0.5);
    story.accepts(100, ms(35_000), gap(250));
    story
}

#[test]
fn in_recordings_each_headline_stands_until_it_is_read_and_nothing_contradicts_it() {
    for name in RECORDINGS {
        let samples = of_recording(name);
        assert_eq!(samples.contradictions, [""; 0], "{name}");
        // Recordings are short: the end may be what ends the last headline. Whole minutes are in the test below.
        assert!(samples.whole().iter().all(|seen| seen.stood >= gap(2500)), "{name}: {:#?}", samples.headlines);
        let minutes = samples.marks.len().div_ceil(1200);
        assert!(samples.changes_of_full() <= 12 * minutes, "{name}: {samples}");
        let interrupted = samples.headlines.len() - 1 - samples.whole().len();
        assert!(interrupted <= 3, "{name}: one above the other: note, full, dropped: {:#?}", samples.headlines);
    }
}

#[test]
fn a_minute_of_waves_can_be_read() {
    for cookies in [0, 1] {
        let samples = of_story(waves(cookies));
        samples.assert_readable();
        assert!(samples.whole().len() >= 8, "{:#?}", samples.headlines);
    }
}

#[test]
fn a_minute_of_overload_can_be_read() {
    of_story(overload()).assert_readable();
}

#[test]
fn a_minute_of_bursts_can_be_read() {
    of_story(bursts()).assert_readable();
}

#[test]
fn a_minute_of_a_flood_can_be_read() {
    of_story(flood()).assert_readable();
}
