//! Whole screens, made of hand-written events: what a person sees in each state, at three sizes, in Unicode and ASCII.

use std::time::Duration;

use qviz::fold::world::World;
use qviz::model::client_clock::{StepCommand, StepOutcome};
use qviz::model::command::Command;
use qviz::model::event::{Environment, Event};
use qviz::model::segment::Kind;
use qviz::model::settings::AcceptRate;
use qviz::model::stamp::Stamp;
use qviz::ui::keymap::{Action, Place, shown};
use qviz::ui::state::{Msg, UiState, update};
use qviz::ui::theme::{Depth, Theme};
use qviz::ui::view;
use ratatui::layout::Size;

#[path = "main_screen/chrome.rs"]
mod chrome;
#[path = "main_screen/past.rs"]
mod past;

use crate::picture::{self, lines};
use crate::seeds::{self, Seeds};
use crate::story::{Story, ms};

fn gap(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn idle() -> Story {
    let mut story = Story::new(Environment::Lab, 5, 0);
    story.run(ms(1500));
    story
}

fn filling() -> Story {
    let mut story = Story::new(Environment::Lab, 5, 0);
    story.clients(0..12, ms(500), gap(120), false);
    story.accepts(4, ms(1250), gap(250));
    story.run(ms(1710));
    story.read_counters();
    story
}

fn full() -> Story {
    let mut story = Story::new(Environment::Lab, 5, 0);
    story.clients(100..106, ms(500), gap(120), false);
    story.run(ms(2600));
    story.read_counters();
    story
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
    story.run(ms(1770));
    story.read_counters();
    story
}

fn host() -> Story {
    let mut story = Story::new(Environment::Host, 5, 1);
    story.run(ms(1500));
    story
}

fn state(size: (u16, u16), ascii: bool) -> UiState {
    UiState {
        theme: Theme::named("dark", Depth::True, ascii).unwrap(),
        live: true,
        size: Size::new(size.0, size.1),
        ..UiState::default()
    }
}

fn shoot(name: &str, story: &Story, prepare: impl Fn(&mut UiState, &World, Stamp)) {
    picture::shoot(&format!("lab_{name}"), |size, ascii| {
        let mut state = state(size, ascii);
        prepare(&mut state, &story.world, story.now);
        update(&mut state, Msg::Pulse(story.now), &story.world);
        view::picture(state.size, &story.world, &state, story.now)
    });
}

/// Held while three clients are under way, and one thing let happen since.
fn stepping() -> Story {
    let mut story = Story::new(Environment::Lab, 5, 0);
    story.clients(0..6, ms(500), gap(120), false);
    story.run(ms(1150));
    let mut tempo = story.world.tempo;
    tempo.hold(story.now);
    story.emit(&Event::Tempo(tempo));
    let peer = story.world.roster.iter().map(|one| one.peer).min().unwrap();
    story.emit(&Event::Stepped { peer, outcome: StepOutcome::Reached(Kind::Syn) });
    story
}

#[test]
fn what_is_under_way_stands_still_while_the_clients_time_does() {
    let story = stepping();
    let state = state((120, 36), false);
    let lanes = |after: u64| {
        let text = lines(&view::picture(state.size, &story.world, &state, story.now + gap(after)));
        text.lines().filter(|line| line.contains('▶') && line.contains("─SYN")).map(str::to_owned).collect::<Vec<_>>()
    };
    let heads = |lines: Vec<String>| lines.iter().map(|line| line.find('▶')).collect::<Vec<_>>();
    assert!(!lanes(0).is_empty());
    assert_eq!(heads(lanes(0)), heads(lanes(60_000)));
}

#[test]
fn the_key_of_step_mode_lets_time_run_again() {
    let story = stepping();
    let mut state = state((120, 36), false);
    assert_eq!(press(&mut state, Action::Step, &story), [Command::Step(StepCommand::Go)]);
}

/// Opens the ladder of the connection of this name.
fn ladder_of(label: &str) -> impl Fn(&mut UiState, &World, Stamp) {
    move |state, world, now| {
        update(state, Msg::Press(Action::Open, now), world);
        update(state, Msg::Press(Action::Filter, now), world);
        for letter in label.chars() {
            update(state, Msg::Press(Action::Letter(letter), now), world);
        }
        update(state, Msg::Press(Action::Keep, now), world);
        update(state, Msg::Press(Action::Open, now), world);
    }
}

/// Cookies only: the server keeps nothing until an ACK comes back, and then the queue is full.
fn phantoms() -> Story {
    let mut story = Story::new(Environment::Lab, 1, 2);
    story.clients(300..305, ms(500), gap(80), false);
    story.run(ms(1500));
    story.read_counters();
    story
}

#[test]
fn the_ladder_of_a_syn_that_died_twice_says_when_it_comes_again() {
    shoot("ladder_syn", &overflowing(), ladder_of("m0"));
}

#[test]
fn the_ladder_of_a_ghost_shows_two_truths_and_how_it_ends() {
    shoot("ladder_ghost", &ghosts(), ladder_of("u7"));
}

#[test]
fn the_ladder_of_a_phantom_says_that_it_never_learns() {
    shoot("ladder_phantom", &phantoms(), ladder_of("e4"));
}

#[test]
fn the_list_shows_both_beliefs_and_the_next_timer_of_each() {
    shoot("list", &overflowing(), |state, world, now| {
        for action in [Action::Open, Action::Sort, Action::RowDown, Action::RowDown] {
            update(state, Msg::Press(action, now), world);
        }
    });
}

#[test]
fn help_explains_the_screen_that_one_is_on() {
    for (screen, opens) in [("list", 1), ("ladder", 2)] {
        shoot(&format!("help_{screen}"), &ghosts(), |state, world, now| {
            for _ in 0..opens {
                update(state, Msg::Press(Action::Open, now), world);
                update(state, Msg::Pulse(now), world);
            }
            update(state, Msg::Press(Action::Help, now), world);
        });
    }
}

#[test]
fn a_connection_that_has_gone_stays_on_its_ladder() {
    let mut story = filling();
    let mut state = state((120, 36), false);
    ladder_of("a0")(&mut state, &story.world, story.now);
    let look = |state: &mut UiState, story: &Story| {
        update(state, Msg::Pulse(story.now), &story.world);
        lines(&view::picture(state.size, &story.world, state, story.now))
    };
    assert!(look(&mut state, &story).contains("accept()"));
    story.run(ms(9000));
    let text = look(&mut state, &story);
    assert!(text.contains("LADDER · a0") && text.contains("accept()") && text.contains("ended"), "{text}");
}

/// Two in five clients silent, resets instead of ghosts, the backlog going up and down: states that no story thinks of.
fn wild(seed: u32, rung: Environment) -> Story {
    let backlog = [0, 1, 5, 17, 128, 4096][seed as usize % 6];
    let mut story = Story::new(rung, backlog, i64::from(seed % 3));
    if seed % 4 == 3 {
        story.abort_on_overflow();
    }
    for round in 0..6 {
        let first = ms(300 + u64::from(round) * 700 + u64::from(seed % 7) * 13);
        story.clients(
            round * 40..round * 40 + 10 + seed % 30,
            first,
            gap(u64::from(seed % 5) * 9),
            (seed + round) % 5 < 2,
        );
        story.accepts(seed % 9, first, gap(50));
        story.run(first + gap(450));
        story.listen([3, backlog, 0, 40][(seed + round) as usize % 4]);
    }
    story.read_counters();
    story
}

#[test]
fn no_size_and_no_world_breaks_the_picture() {
    for seed in Seeds::of_this_run().range() {
        println!("{}", seeds::command(seed, "screens", "no_size_and_no_world"));
        let seed = seed as u32;
        let story = wild(seed, if seed % 5 == 4 { Environment::Host } else { Environment::Lab });
        let sizes = (0..=60).flat_map(|width| (0..=20).map(move |height| (width, height)));
        let larger = [
            (61, 16),
            (77, 17),
            (79, 23),
            (80, 24),
            (109, 31),
            (110, 32),
            (169, 49),
            (170, 50),
            (320, 100),
            (400, 20),
            (60, 120),
        ];
        for (index, size) in sizes.skip(seed as usize % 7).step_by(7).chain(larger).enumerate() {
            let mut state = state(size, seed.is_multiple_of(2));
            update(&mut state, Msg::Pulse(story.now), &story.world);
            view::picture(state.size, &story.world, &state, story.now);
            if index % 5 > 0 {
                continue;
            }
            let elsewhere = [Action::Open, Action::RowDown, Action::Help, Action::Open, Action::RowUp, Action::Open];
            for action in [Action::Help, Action::Panel, Action::Freeze, Action::Panel].into_iter().chain(elsewhere) {
                update(&mut state, Msg::Press(action, story.now), &story.world);
                view::picture(state.size, &story.world, &state, story.now + gap(700));
            }
            view::picture(Size::new(size.1, size.0), &story.world, &state, story.now);
        }
    }
}

/// What is on the picture's row that contains `part`.
fn row_with<'t>(text: &'t str, part: &str) -> &'t str {
    text.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("no `{part}` in\n{text}"))
}

#[test]
fn a_queue_beyond_its_capacity_is_never_clamped() {
    let mut story = full();
    story.listen(2);
    let state = state((120, 36), false);
    let text = lines(&view::picture(state.size, &story.world, &state, story.now));
    assert!(row_with(&text, "ACCEPT QUEUE").contains("6/3 FULL"));
    let cells = row_with(&text, "k0");
    for label in ["k0", "k1", "k2", "k3", "k4", "k5"] {
        assert!(cells.contains(label), "{label} in {cells}");
    }
    assert!(cells.find('┃').unwrap() < cells.find("k0").unwrap());
    assert!(
        cells.find("k3").unwrap() < cells.find('┃').unwrap() || cells.contains("k2 ┃"),
        "the limit stands after two: {cells}"
    );
}

#[test]
fn a_dropped_syn_is_readable_until_its_retry_is_on_the_way() {
    let mut story = Story::new(Environment::Lab, 0, 0);
    story.clients(0..1, ms(100), gap(0), false);
    story.clients(1..2, ms(900), gap(0), false);
    let state = state((120, 36), false);
    let mut look = |after: u64| {
        story.run(ms(1100 + after));
        lines(&view::picture(state.size, &story.world, &state, story.now))
    };
    for (after, countdown) in [(30, "retry in 0.8 s"), (400, "retry in 0.4 s"), (790, "retry in 0.1 s")] {
        let text = look(after);
        assert!(row_with(&text, "a1 SYN dropped: accept queue full").contains(countdown), "{text}");
        assert!(text.contains("SYNs dropped: 1 · accept queue full (1 of 1). No reply, no RST"), "{text}");
    }
    let text = look(900);
    assert!(!text.contains("a1 SYN dropped: accept queue full  "), "{text}");
    assert!(row_with(&text, "2nd SYN▶").contains("a1"), "{text}");
}

#[test]
fn above_thirty_moves_a_second_names_give_way_to_marks_and_then_to_flows() {
    let mut story = Story::new(Environment::Lab, 128, 0);
    story.clients(0..400, ms(100), gap(12), false);
    story.accepts(300, ms(400), gap(14));
    story.run(ms(3000));
    let mut state = state((120, 36), false);
    update(&mut state, Msg::Pulse(story.now), &story.world);
    let text = lines(&view::picture(state.size, &story.world, &state, story.now));
    assert!(text.contains("1 ▶ = 1 client"), "{text}");
    story.clients(400..3000, ms(3000), gap(1), false);
    story.run(ms(5500));
    update(&mut state, Msg::Pulse(story.now), &story.world);
    let text = lines(&view::picture(state.size, &story.world, &state, story.now));
    assert!(text.contains("too fast to draw") && text.contains("1k/s"), "{text}");
}

fn press(state: &mut UiState, action: Action, story: &Story) -> Vec<Command> {
    state.frame = view::picture_and_info(state.size, &story.world, state, story.now).1;
    update(state, Msg::Press(action, story.now), &story.world)
}

#[test]
fn each_key_of_the_lab_sends_its_command() {
    use qviz::model::settings::{Arrivals, Sysctl};
    let story = idle();
    let wave = |size| Command::Arrivals(Arrivals::Wave { size, period: Duration::from_secs(6) });
    let expected = [
        (Action::BacklogUp, Command::Listen(6)),
        (Action::BacklogDown, Command::Listen(4)),
        (Action::ArrivalsUp, wave(19)),
        (Action::ArrivalsDown, wave(17)),
        (Action::AcceptFaster, Command::AcceptRate(AcceptRate::PerSecond(6.0))),
        (Action::AcceptSlower, Command::AcceptRate(AcceptRate::PerSecond(3.0))),
        (Action::PauseAccept, Command::AcceptRate(AcceptRate::Paused)),
        (Action::Burst, Command::Burst(12)),
        (Action::Step, Command::Step(StepCommand::Hold)),
        (Action::Next, Command::Step(StepCommand::Next)),
        (Action::AcceptOne, Command::AcceptOne),
        (Action::Slow, Command::Pace(0.5)),
        (Action::HalfOpen, Command::HalfOpen(0.5)),
        (Action::RoundTrip, Command::Rtt(Duration::from_millis(800))),
        (Action::Cookies, Command::Sysctl(Sysctl::Syncookies, 1)),
        (Action::Overflow, Command::Sysctl(Sysctl::AbortOnOverflow, 1)),
    ];
    let every = shown(true, Place::Stage).into_iter().flat_map(|binding| binding.keys).map(|(_, action)| *action);
    for action in every {
        let mut state = state((120, 36), false);
        let wanted = expected.iter().find(|(which, _)| *which == action).map(|(_, command)| *command);
        assert_eq!(press(&mut state, action, &story), wanted.into_iter().collect::<Vec<_>>(), "{action:?}");
        let usual = UiState::default();
        let inside = state.exit_request.is_some()
            || state.help.is_some()
            || state.frozen.is_some()
            || state.panel != usual.panel
            || state.projector
            || state.lang != usual.lang;
        let inside = inside || state.browse.screen != usual.browse.screen;
        let timeline = [Action::ZoomIn, Action::ZoomOut].contains(&action) && state.window != usual.window;
        // Nothing is earlier or later than all that there is.
        // And nobody is chosen here whose segments could be lost or held.
        let asks_in_vain =
            [Action::Earlier, Action::Later, Action::Replay, Action::Lose, Action::Hold].contains(&action);
        let says_why = asks_in_vain && state.message.is_some();
        let inside = inside || timeline || says_why;
        assert!(wanted.is_some() || inside || action == Action::Close, "{action:?} does nothing");
        // What the whole picture or its header says by itself.
        let leaves = [Action::Quit, Action::Suspend, Action::Help, Action::Open, Action::Freeze];
        let leaves = [&leaves[..], &[Action::Projector, Action::Language]].concat().contains(&action);
        let said = state.message.is_some() || state.confirmed.is_some() || state.asked.is_some();
        assert!(said || leaves, "{action:?} does not say what it did");
    }
}

#[test]
fn a_held_key_goes_on_before_facts_confirm_it() {
    let story = idle();
    let mut state = state((120, 36), false);
    let sent: Vec<_> = (0..3).flat_map(|_| press(&mut state, Action::BacklogUp, &story)).collect();
    assert_eq!(sent, [Command::Listen(6), Command::Listen(7), Command::Listen(8)]);
    let later = update(&mut state, Msg::Press(Action::BacklogUp, story.now + gap(500)), &story.world);
    assert_eq!(later, [Command::Listen(6)], "what facts never confirmed is forgotten");
}

#[test]
fn pause_goes_back_to_the_rate_before_it() {
    let mut story = idle();
    let mut state = state((120, 36), false);
    press(&mut state, Action::PauseAccept, &story);
    story.knobs(5, AcceptRate::Paused, 0.0);
    assert_eq!(press(&mut state, Action::PauseAccept, &story), [Command::AcceptRate(AcceptRate::PerSecond(4.0))]);
}

#[test]
fn keys_that_would_change_the_host_say_why_not() {
    let story = host();
    for action in [Action::Cookies, Action::Overflow, Action::RoundTrip, Action::Step, Action::Next, Action::Slow] {
        let mut state = state((120, 36), false);
        assert_eq!(press(&mut state, action, &story), []);
        let (_, message) = state.message.clone().unwrap();
        let text = lines(&view::picture(state.size, &story.world, &state, story.now));
        assert!(text.contains(&message[..40]), "{message}");
    }
}
