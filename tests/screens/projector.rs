//! Projector mode and the mouse: what the last row sees, and what a click hits.

use std::time::Duration;

use qviz::fold::world::World;
use qviz::model::client_clock::{StepCommand, StepOutcome};
use qviz::model::event::{Environment, Event};
use qviz::model::stamp::Stamp;
use qviz::ui::browse::Screen;
use qviz::ui::hit_map::{Scroll, Target};
use qviz::ui::keymap::Action;
use qviz::ui::panel::Panel;
use qviz::ui::state::{Msg, UiState, update};
use qviz::ui::theme::{Depth, Theme};
use qviz::ui::view;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::Color;

#[path = "projector/clicks.rs"]
mod clicks;

use crate::picture::{self, lines};
use crate::story::{Story, ms};

fn gap(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn overflowing() -> Story {
    let mut story = Story::new(Environment::Lab, 5, 0);
    story.clients(108..132, ms(6500), gap(110), false);
    story.accepts(4, ms(7200), gap(420));
    story.run(ms(9130));
    story.read_counters();
    story
}

fn ghosts() -> Story {
    let mut story = Story::new(Environment::Lab, 5, 0);
    story.clients(200..210, ms(500), gap(80), false);
    story.run(ms(2990));
    story.read_counters();
    story
}

fn rushing() -> Story {
    let mut story = Story::new(Environment::Lab, 128, 0);
    story.clients(0..3000, ms(100), gap(1), false);
    story.run(ms(2600));
    story.read_counters();
    story
}

fn state(size: (u16, u16), depth: Depth, ascii: bool) -> UiState {
    UiState {
        theme: Theme::named("dark", depth, ascii).unwrap(),
        live: true,
        projector: true,
        mouse: true,
        size: Size::new(size.0, size.1),
        ..UiState::default()
    }
}

fn look(state: &mut UiState, story: &Story) -> Buffer {
    update(state, Msg::Pulse(story.now), &story.world);
    view::picture(state.size, &story.world, state, story.now)
}

fn shoot(name: &str, story: &Story, prepare: impl Fn(&mut UiState, &World, Stamp)) {
    picture::shoot(&format!("projector_{name}"), |size, ascii| {
        let mut state = state(size, Depth::True, ascii);
        prepare(&mut state, &story.world, story.now);
        look(&mut state, story)
    });
}

fn as_is(_: &mut UiState, _: &World, _: Stamp) {}

/// ACCEPT in the smallest of the large letters, its upper row.
const ACCEPT: &str = "▄▀▄ ▄▀▀ ▄▀▀ █▀▀ █▀▄ ▀█▀";

#[test]
fn an_overflow_is_seen_from_the_last_row() {
    shoot("overflowing", &overflowing(), as_is);
}

#[test]
fn ghosts_are_seen_from_the_last_row() {
    shoot("ghosts", &ghosts(), as_is);
}

#[test]
fn flows_are_seen_from_the_last_row_and_say_so() {
    shoot("rushing", &rushing(), as_is);
}

#[test]
fn frozen_says_so_in_projector_mode_too() {
    shoot("frozen", &overflowing(), |state, world, now| {
        update(state, Msg::Press(Action::Freeze, now), world);
    });
}

#[test]
fn step_mode_says_what_the_last_step_did_in_projector_mode_too() {
    let mut story = Story::new(Environment::Lab, 5, 0);
    story.clients(0..6, ms(500), gap(120), false);
    story.run(ms(1150));
    let mut tempo = story.world.tempo;
    tempo.hold(story.now);
    story.emit(&Event::Tempo(tempo));
    let peer = story.world.roster.iter().map(|one| one.peer).min().unwrap();
    story.emit(&Event::Stepped { peer, outcome: StepOutcome::Reached(qviz::model::segment::Kind::Syn) });
    let text = lines(&look(&mut state((80, 24), Depth::True, false), &story));
    assert!(text.contains("‖ STEP") && text.contains("SYN reaches the listener"), "{text}");
    let mut state = state((80, 24), Depth::True, false);
    let asked = update(&mut state, Msg::Press(Action::Step, story.now), &story.world);
    assert_eq!(asked, [qviz::model::command::Command::Step(StepCommand::Go)]);
}

#[test]
fn a_key_goes_there_and_back_also_in_a_held_moment() {
    let story = overflowing();
    let mut state = UiState { projector: false, ..state((120, 36), Depth::True, false) };
    let small = lines(&look(&mut state, &story));
    assert!(small.contains("WHAT HAPPENED") && !small.contains(ACCEPT), "{small}");
    update(&mut state, Msg::Press(Action::Freeze, story.now), &story.world);
    update(&mut state, Msg::Press(Action::Projector, story.now), &story.world);
    let large = lines(&look(&mut state, &story));
    assert!(large.contains(ACCEPT) && !large.contains("WHAT HAPPENED") && large.contains("FROZEN at 00:09"), "{large}");
    assert!(large.contains("0 accepted, 0 dropped since"), "{large}");
    update(&mut state, Msg::Press(Action::Projector, story.now), &story.world);
    update(&mut state, Msg::Press(Action::Freeze, story.now), &story.world);
    assert_eq!(state.confirmed.take().map(|(_, said)| said).as_deref(), Some("the display follows the run again"));
    assert_eq!(lines(&look(&mut state, &story)), small);
}

#[test]
fn list_ladder_and_help_work_in_projector_mode() {
    let story = overflowing();
    let mut state = state((80, 24), Depth::True, false);
    let mut press = |action| {
        update(&mut state, Msg::Press(action, story.now), &story.world);
        lines(&look(&mut state, &story))
    };
    assert!(press(Action::Open).contains("CONNECTIONS"));
    assert!(press(Action::Open).contains("LADDER · "));
    assert!(press(Action::Help).contains("· the ladder of one connection"));
}

/// Where a name stands on the picture: its cell.
fn place_of<'b>(picture: &'b Buffer, name: &str) -> Option<((u16, u16), &'b Cell)> {
    let width = usize::from(picture.area.width);
    let first = name.chars().next()?.to_string();
    picture.content.iter().enumerate().find_map(|(index, cell)| {
        let next = picture.content.get(index + 1)?;
        let found = cell.symbol() == first && next.symbol() == &name[1..] && cell.bg != Color::Black;
        found.then(|| (((index % width) as u16, (index / width) as u16), cell))
    })
}

#[test]
fn a_connection_keeps_its_name_and_its_hue_from_its_syn_to_accept() {
    let mut story = Story::new(Environment::Lab, 5, 0);
    story.clients(31..34, ms(500), gap(40), false);
    story.accepts(2, ms(1400), gap(100));
    let mut state = state((80, 24), Depth::True, false);
    let mut seen = Vec::new();
    for moment in [600, 800, 1200, 1560] {
        story.run(ms(moment));
        let picture = look(&mut state, &story);
        let ((column, _), cell) = place_of(&picture, "d1").unwrap_or_else(|| panic!("{moment}:\n{}", lines(&picture)));
        seen.push((column, cell.bg));
    }
    assert!(seen.windows(2).all(|pair| pair[0].1 == pair[1].1), "one hue all the way: {seen:?}");
    assert!(seen.windows(2).all(|pair| pair[0].0 < pair[1].0), "from the left to the right: {seen:?}");
    let other = place_of(&look(&mut state, &story), "d2").map(|(_, cell)| cell.bg);
    assert_ne!(other, Some(seen[0].1), "its neighbour has another one");
}

#[test]
fn a_dropped_syn_falls_onto_the_floor_and_its_cause_stands_there_in_large_words() {
    let mut story = Story::new(Environment::Lab, 0, 0);
    story.clients(0..1, ms(100), gap(0), false);
    story.clients(1..2, ms(900), gap(0), false);
    let mut state = state((80, 24), Depth::True, false);
    let mut rows = Vec::new();
    for after in [30, 350, 600] {
        story.run(ms(1100 + after));
        let picture = look(&mut state, &story);
        let text = lines(&picture);
        assert!(text.contains(ACCEPT) && text.contains("✗ a1: SYN dropped: no reply, no RST"), "{text}");
        rows.push(place_of(&picture, "a1").unwrap().0.1);
    }
    assert!(rows.windows(2).all(|pair| pair[0] < pair[1]), "it falls: {rows:?}");
    story.run(ms(1100 + 790));
    let text = lines(&look(&mut state, &story));
    assert!(text.contains("✗ a1") && text.contains("0.1 s"), "the dead says when it comes again: {text}");
}

#[test]
fn each_number_that_matters_stands_in_digits_of_three_rows_at_least() {
    let story = overflowing();
    let drops = story.world.ledger.kernel_drops();
    assert!((10..100).contains(&drops), "{drops}");
    let picture = look(&mut state((80, 24), Depth::True, false), &story);
    let text = lines(&picture);
    let rows: Vec<&str> = text.lines().collect();
    let top = rows.iter().position(|row| row.contains("ACCEPT QUEUE")).unwrap();
    assert!(rows[top + 1].contains("█▀▀   █ █▀▀") && rows[top + 2].contains("█▀█ ▄▀  █▀█"), "6/6: {text}");
    let floor = rows.iter().position(|row| row.contains("DROPPED ")).unwrap();
    for row in &rows[floor + 1..floor + 7] {
        let toll: String = row.chars().skip(67).collect();
        assert!(toll.contains(['█', '▀', '▄']), "so far and in the last second: {text}");
    }
}

#[test]
fn without_colours_there_are_none_and_with_them_the_paper_is_the_modes_own() {
    let story = overflowing();
    let plain = look(&mut state((120, 36), Depth::Mono, false), &story);
    assert!(plain.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    let light = Theme::named("light", Depth::True, false).unwrap();
    for (theme, paper) in [(state((1, 1), Depth::True, false).theme, Color::Black), (light, Color::White)] {
        let mut state = UiState { theme, ..state((120, 36), Depth::True, false) };
        let picture = look(&mut state, &story);
        assert!(picture.content.iter().all(|cell| cell.fg != Color::Reset && cell.bg != Color::Reset));
        let blank = picture.content.iter().filter(|cell| cell.symbol() == " " && cell.bg == paper).count();
        assert!(blank * 3 > picture.content.len(), "much of it is paper");
    }
}

#[test]
fn no_size_and_no_world_breaks_projector_mode() {
    let tales: [fn() -> Story; 4] = [overflowing, ghosts, rushing, || Story::new(Environment::Host, 4096, 2)];
    for tell in tales {
        let story = tell();
        for (width, height) in
            (1..=330).step_by(31).flat_map(|width| (1..=100).step_by(9).map(move |height| (width, height)))
        {
            let mut state = state((width, height), Depth::Sixteen, width % 2 == 0);
            look(&mut state, &story);
        }
    }
}

#[test]
fn a_recordings_frame_is_drawn_in_projector_mode_too() {
    let words = "replay assets/recordings/overflow.qviz --at 4.6s --size 80x24 --text --projector";
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_qviz"))
        .args(words.split_whitespace())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains(ACCEPT) && !text.contains("WHAT HAPPENED"), "{text}");
}
