//! Whole screens, made of hand-written events: what a person sees in each state, at three sizes, in Unicode and ASCII.

use std::time::Duration;

use qviz::model::event::Rung;
use qviz::model::settings::AcceptRate;
use qviz::model::stamp::Stamp;
use qviz::model::world::World;
use qviz::ui::keymap::Action;
use qviz::ui::state::{Msg, UiState, update};
use qviz::ui::theme::{Depth, Theme};
use qviz::ui::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Size;

#[path = "screens/tale.rs"]
mod tale;

use tale::{Tale, ms};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (200, 60)];

fn gap(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn idle() -> Tale {
    let mut tale = Tale::new(Rung::Lab, 5, 0);
    tale.run(ms(1500));
    tale
}

fn filling() -> Tale {
    let mut tale = Tale::new(Rung::Lab, 5, 0);
    tale.clients(0..12, ms(500), gap(120), false);
    tale.accepts(4, ms(1250), gap(250));
    tale.run(ms(1710));
    tale.read_counters();
    tale
}

fn full() -> Tale {
    let mut tale = Tale::new(Rung::Lab, 5, 0);
    tale.clients(100..106, ms(500), gap(120), false);
    tale.run(ms(2600));
    tale.read_counters();
    tale
}

fn overflowing() -> Tale {
    let mut tale = Tale::new(Rung::Lab, 5, 0);
    tale.clients(108..132, ms(6500), gap(110), false);
    tale.accepts(4, ms(7200), gap(420));
    tale.run(ms(9130));
    tale.read_counters();
    tale
}

fn ghosts() -> Tale {
    let mut tale = Tale::new(Rung::Lab, 5, 0);
    tale.clients(200..210, ms(500), gap(25), false);
    tale.run(ms(1600));
    tale.read_counters();
    tale
}

fn cookies() -> Tale {
    let mut tale = Tale::new(Rung::Lab, 5, 1);
    tale.knobs(5, AcceptRate::PerSecond(4.0), 0.5);
    tale.clients(0..6, ms(500), gap(30), true);
    tale.clients(6..9, ms(800), gap(120), false);
    tale.run(ms(1330));
    tale.read_counters();
    tale
}

fn host() -> Tale {
    let mut tale = Tale::new(Rung::Host, 5, 1);
    tale.run(ms(1500));
    tale
}

fn state(size: (u16, u16), ascii: bool) -> UiState {
    UiState {
        theme: Theme::named("dark", Depth::True, ascii).unwrap(),
        listens: true,
        size: Size::new(size.0, size.1),
        ..UiState::default()
    }
}

fn lines(buffer: &Buffer) -> String {
    let rows = buffer.content.chunks(usize::from(buffer.area.width.max(1)));
    let text = rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned());
    text.collect::<Vec<_>>().join("\n")
}

fn shoot(name: &str, tale: &Tale, prepare: impl Fn(&mut UiState, &World, Stamp)) {
    for (size, ascii) in SIZES.into_iter().flat_map(|size| [(size, false), (size, true)]) {
        let mut state = state(size, ascii);
        prepare(&mut state, &tale.world, tale.now);
        update(&mut state, Msg::Pulse(tale.now), &tale.world);
        let picture = view::picture(state.size, &tale.world, &state, tale.now);
        let text = lines(&picture);
        assert!(!ascii || text.is_ascii(), "{name}: {:?}", text.chars().find(|sign| !sign.is_ascii()));
        let suffix = if ascii { "ascii" } else { "unicode" };
        insta::assert_snapshot!(format!("{name}_{}x{}_{suffix}", size.0, size.1), text);
    }
}

fn as_is(_: &mut UiState, _: &World, _: Stamp) {}

#[test]
fn idle_is_calm() {
    shoot("idle", &idle(), as_is);
}

#[test]
fn filling_shows_each_connection_where_the_kernel_has_it() {
    shoot("filling", &filling(), as_is);
}

#[test]
fn full_says_so() {
    shoot("full", &full(), as_is);
}

#[test]
fn overflowing_shows_who_died_and_why_and_when_it_returns() {
    shoot("overflowing", &overflowing(), as_is);
}

#[test]
fn ghosts_stand_on_both_sides() {
    shoot("ghosts", &ghosts(), as_is);
}

#[test]
fn cookies_keep_nothing() {
    shoot("cookies", &cookies(), as_is);
}

#[test]
fn frozen_says_that_the_run_goes_on() {
    shoot("frozen", &overflowing(), |state, world, now| {
        update(state, Msg::Press(Action::Freeze, now), world);
    });
}

#[test]
fn help_explains_signs_and_keys() {
    shoot("help", &overflowing(), |state, world, now| {
        update(state, Msg::Press(Action::Help, now), world);
    });
}

#[test]
fn the_host_rung_says_why_and_what_to_do() {
    shoot("host", &host(), as_is);
}

#[test]
fn too_small_shows_the_numbers_that_matter() {
    let tale = overflowing();
    for size in [(59, 16), (60, 15), (40, 10), (20, 5), (20, 1)] {
        let state = state(size, false);
        let picture = view::picture(state.size, &tale.world, &state, tale.now);
        insta::assert_snapshot!(format!("small_{}x{}", size.0, size.1), lines(&picture));
    }
}
