//! Everything that is made of a recording or a lesson, held against the one rule: nothing in it steers a terminal.

use std::path::Path;
use std::time::Duration;

use qviz::fold::world::World;
use qviz::model::event::Event;
use qviz::model::lesson::{LessonFact, Phase};
use qviz::model::stamp::Stamp;
use qviz::report::summary::Summary;
use qviz::report::text::Marks;
use qviz::report::watch::{self, Document};
use qviz::report::{json, jsonl, text};
use qviz::scenario::parse::parse;
use qviz::session::recording::playback::{Next, Playback};
use qviz::session::recording::read::Recording;
use qviz::session::recording::transport::PlayCommand;
use qviz::ui::export::asciicast::Asciicast;
use qviz::ui::export::svg::{self, Background};
use qviz::ui::export::{self, Film};
use qviz::ui::keymap::BINDINGS;
use qviz::ui::state::{Msg, Origin, UiState, update};
use qviz::ui::theme::{Depth, Theme};
use qviz::ui::{UiPlan, view};
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_pcg::Pcg64Mcg;
use ratatui::layout::Size;

/// Windows: usual ones, and some in which little fits.
const SIZES: [(u16, u16); 7] = [(80, 24), (120, 36), (200, 60), (60, 16), (20, 5), (1, 1), (500, 3)];

/// Reads, folds, prints, draws and plays a recording.
pub(super) fn recording(path: &Path, rng: &mut Pcg64Mcg) {
    let recording = match Recording::open(path) {
        Ok(recording) => recording,
        Err(error) => return is_plain(&qviz::text::sanitize::lines(&format!("{error}\n{}", error.hint()))),
    };
    let (mut world, mut lines) = (World::new(), Vec::new());
    for fact in recording.facts().unwrap() {
        world.apply(fact.at, &fact.event);
        jsonl::write_event(&mut lines, &fact).unwrap();
    }
    is_plain_text(&lines);
    printed(&world, recording.header.repeat.as_deref());
    drawn(&recording, rng);
    pressed(&world, recording.end(), rng);
    played(&recording, rng);
}

/// Reads a lesson, and draws it as a recording of it would be.
pub(super) fn lesson(text: &str, rng: &mut Pcg64Mcg) {
    let lesson = match parse("input.toml", "input", text) {
        Ok(lesson) => lesson,
        Err(error) => return is_plain(&qviz::text::sanitize::line(&error.to_string())),
    };
    let mut world = World::new();
    let tell = |world: &mut World, fact| world.apply(Stamp::from_millis(5), &Event::Lesson(fact));
    tell(&mut world, LessonFact::Opened { name: "input".into(), source: text.into() });
    let scene = rng.random_range(0..lesson.scenes.len());
    tell(&mut world, LessonFact::Scene(scene));
    let step = rng.random_range(0..lesson.scenes[scene].steps.len());
    for phase in [Phase::Asked, Phase::Doing, Phase::Done, Phase::Missed] {
        tell(&mut world, LessonFact::Step { step, phase });
        pressed(&world, Stamp::from_millis(10), rng);
    }
    tell(&mut world, LessonFact::Over);
    pressed(&world, Stamp::from_millis(10), rng);
}

/// The reports of a lab and of a watch.
fn printed(world: &World, repeat: Option<&str>) {
    let mut summary = Summary::of(world);
    summary.repeat = repeat.map(str::to_owned);
    let mut bytes = Vec::new();
    json::write(&mut bytes, &summary).unwrap();
    jsonl::write(&mut bytes, &summary).unwrap();
    json::write(&mut bytes, &Document::of(world)).unwrap();
    for marks in [Marks::Ascii, Marks::Unicode] {
        text::write(&mut bytes, &summary, marks, 80).unwrap();
        bytes.extend_from_slice(watch::table(world, marks).as_bytes());
        bytes.extend_from_slice(watch::text(world, marks, 80).as_bytes());
    }
    is_plain_text(&bytes);
}

/// Frames in files.
fn drawn(recording: &Recording, rng: &mut Pcg64Mcg) {
    let (width, height) = *SIZES.choose(rng).unwrap();
    let plan = UiPlan { theme: "dark".into(), ascii: rng.random(), projector: rng.random(), ..UiPlan::default() };
    let origin = Origin { name: "input.qviz".into(), end: recording.end() };
    let mut film = Film::new(recording.facts().unwrap(), origin, Size::new(width, height), &plan).unwrap();
    let mut cast = Vec::new();
    let title = recording.header.repeat.as_deref().unwrap_or("qviz");
    let mut frames = Asciicast::begin(&mut cast, (width, height), title).unwrap();
    let end = recording.end().since(Stamp::ZERO);
    for part in 0..=3 {
        let at = end / 3 * part;
        let picture = film.at(Stamp::ZERO + at);
        is_plain(&export::text(&picture));
        is_plain(&svg::write(&picture, Background::Dark, title));
        frames.frame(at, picture).unwrap();
    }
    frames.end(end).unwrap();
    is_plain_text(&cast);
}

/// Keys on the last picture.
fn pressed(world: &World, now: Stamp, rng: &mut Pcg64Mcg) {
    let theme = Theme::named("dark", Depth::True, rng.random()).unwrap();
    let (width, height) = *SIZES.choose(rng).unwrap();
    let mut state = UiState { theme, live: rng.random(), size: Size::new(width, height), ..UiState::default() };
    for _ in 0..6 {
        let (picture, info) = view::picture_and_info(state.size, world, &state, now);
        is_plain(&export::text(&picture));
        state.frame = info;
        let (_, action) = BINDINGS.choose(rng).unwrap().keys.choose(rng).unwrap();
        update(&mut state, Msg::Press(*action, now), world);
        update(&mut state, Msg::Pulse(now), world);
    }
}

/// The replay of the screen, with its commands.
fn played(recording: &Recording, rng: &mut Pcg64Mcg) {
    let mut now = Stamp::from_millis(3);
    let mut playback = Playback::new(recording.facts().unwrap(), recording.end(), now);
    let span = recording.end().since(Stamp::ZERO);
    for _ in 0..40 {
        now = now + Duration::from_millis(rng.random_range(0..2_000));
        if let Next::Wait(wait) = playback.next(now) {
            now = now + wait.min(Duration::from_secs(1));
        }
        let command = match rng.random_range(0..8) {
            0 => PlayCommand::Pause,
            1 => PlayCommand::Faster,
            2 => PlayCommand::Slower,
            3 => PlayCommand::Back(span / 4),
            4 => PlayCommand::Ahead(span / 3),
            5 => PlayCommand::Home,
            6 => PlayCommand::End,
            _ => PlayCommand::Step,
        };
        playback.play(now, command, &[]);
        let state = playback.playing(now);
        assert!(state.position <= state.end && playback.reached(now) <= state.end);
    }
}

#[track_caller]
fn is_plain_text(bytes: &[u8]) {
    is_plain(std::str::from_utf8(bytes).unwrap());
}

/// No control character but the line feed, and none that turns the direction of writing.
#[track_caller]
fn is_plain(text: &str) {
    let steers = |letter: &char| {
        (letter.is_control() && *letter != '\n')
            || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if let Some(at) = text.find(|letter| steers(&letter)) {
        let from = text[..at].char_indices().rev().nth(60).map_or(0, |(from, _)| from);
        let around: String = text[from..].chars().take(120).collect();
        panic!("{around:?}");
    }
}
