//! What stands around the picture: header, footer, help, and a held moment that can be looked around in.

use qviz::fold::world::World;
use qviz::model::stamp::Stamp;
use qviz::session::recording::record::RecordingStatus;
use qviz::session::recording::transport::{PlayCommand, PlaybackState};
use qviz::ui::keymap::{Action, Mode, Place, footer, shown};
use qviz::ui::state::{Msg, Origin, UiState, update};
use qviz::ui::view;
use ratatui::layout::Size;

use super::{gap, lines, overflowing, press, row_with, state, stepping};
use crate::story::{Story, ms};

fn look(state: &UiState, story: &Story) -> String {
    lines(&view::picture(state.size, &story.world, state, story.now))
}

fn open(state: &mut UiState, place: Place, story: &Story) {
    let opens: &[Action] = match place {
        Place::List => &[Action::Open],
        Place::Filter => &[Action::Open, Action::Filter],
        Place::Ladder => &[Action::Open, Action::Open],
        _ => &[],
    };
    for action in opens {
        press(state, *action, story);
        update(state, Msg::Pulse(story.now), &story.world);
    }
    assert!(state.place() == place || place == Place::Help);
}

/// The words that stand between the edges of the help, page after page.
fn pages(state: &mut UiState, story: &Story) -> Vec<String> {
    let mut pages = Vec::new();
    press(state, Action::Help, story);
    while state.help.is_some() {
        let text = look(state, story);
        let top = text.lines().position(|line| line.contains("HELP")).unwrap();
        let inside = text.lines().skip(top + 1).filter_map(|line| {
            let (_, inside) = line.split_once(if state.theme.ascii { '|' } else { '│' })?;
            Some(inside.split_whitespace().filter(|word| !["│", "|"].contains(word)).collect::<Vec<_>>().join(" "))
        });
        pages.push(inside.collect::<Vec<_>>().join(" "));
        press(state, Action::Help, story);
        assert!(pages.len() < 20, "the help ends");
    }
    pages
}

#[test]
fn every_sentence_of_the_help_is_reached_by_turning_pages_at_every_size() {
    let story = overflowing();
    for (size, listens) in [(80, 24), (60, 16), (120, 36)].into_iter().flat_map(|size| [(size, true), (size, false)]) {
        for place in [Place::Stage, Place::List, Place::Ladder] {
            let mut state = state(size, false);
            state.live = listens;
            open(&mut state, place, &story);
            let all = pages(&mut state, &story);
            let text = all.join(" ");
            for binding in shown(listens, place) {
                let wanted = binding.long.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(text.contains(&wanted), "{size:?} {place:?}: `{wanted}` is not in\n{text}");
            }
            let sign = match place {
                Place::Stage => "SYN cookie: answered, and nothing kept until its ACK comes back",
                Place::List => "what a side does next by itself, and in how many seconds",
                _ => "which timer runs, and what it does if nothing changes",
            };
            assert!(text.contains(sign), "{size:?} {place:?}: {text}");
            assert!(size.1 > 24 || !listens || all.len() > 1, "{size:?} has pages");
        }
    }
}

#[test]
fn the_helps_pages_are_turned_both_ways_and_it_says_which_one_is_shown() {
    let story = overflowing();
    let mut state = state((80, 24), false);
    for (action, page) in [
        (Action::Help, "HELP 1/3"),
        (Action::NextPage, "HELP 2/3"),
        (Action::NextPage, "HELP 3/3"),
        (Action::NextPage, "HELP 3/3"),
        (Action::PageBefore, "HELP 2/3"),
        (Action::PageBefore, "HELP 1/3"),
        (Action::PageBefore, "HELP 1/3"),
        (Action::Help, "HELP 2/3"),
    ] {
        press(&mut state, action, &story);
        let text = look(&state, &story);
        assert!(text.contains(page) && text.contains("q quit"), "{action:?}: {text}");
    }
    state.size = Size::new(200, 60);
    assert!(look(&state, &story).contains("┌ HELP ─"), "a larger screen has one page");
    press(&mut state, Action::Help, &story);
    assert!(!look(&state, &story).contains("HELP"));
}

/// Everything that one footer can say, as its row would write it.
fn keys_of(state: &UiState, world: &World) -> [Vec<String>; 2] {
    let sign = |ascii: &'static str, sign: &'static str| if state.theme.ascii { ascii } else { sign };
    footer(state.live, state.place(), &state.modes(world, true))
        .map(|keys| keys.iter().map(|(key, words)| format!("{} {words}", sign(key.ascii, key.label))).collect())
}

/// Modes and places of lab and replay.
fn situations(story: &Story, size: (u16, u16)) -> Vec<UiState> {
    let mut all = Vec::new();
    for (listens, ascii) in [(true, false), (true, true), (false, false), (false, true)] {
        for place in [Place::Stage, Place::List, Place::Filter, Place::Ladder, Place::Help] {
            for frozen in [false, true] {
                let mut state = state(size, ascii);
                state.live = listens;
                open(&mut state, place, story);
                if frozen {
                    press(&mut state, Action::Freeze, story);
                }
                if place == Place::Help && size.1 >= 24 {
                    press(&mut state, Action::Help, story);
                }
                all.push(state);
            }
        }
    }
    all
}

#[test]
fn the_footer_never_cuts_a_key_and_always_has_help_and_quit() {
    for (story, step) in [(overflowing(), false), (stepping(), true)] {
        for width in (60..=200).step_by(11).chain([80, 120, 200]) {
            for state in situations(&story, (width, 24)) {
                let text = look(&state, &story);
                let row = text.lines().last().unwrap().trim().to_owned();
                let [first, last] = keys_of(&state, &story.world);
                let mut rest = row.as_str();
                let mut seen = Vec::new();
                while !rest.is_empty() {
                    let next = first.iter().chain(&last).find(|key| {
                        rest.strip_prefix(key.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
                    });
                    let key = next.unwrap_or_else(|| panic!("{width}: `{rest}` begins with no whole key: {row}"));
                    rest = rest[key.len()..].trim_start();
                    seen.push(key.clone());
                }
                assert!(seen.ends_with(&last) && !last.is_empty(), "{width}: {row}");
                let wanted: &[&str] = match state.place() {
                    Place::Filter => &["ctrl-c quit"],
                    _ => &["? help", "q quit"],
                };
                assert!(wanted.iter().all(|key| seen.iter().any(|seen| seen == key)), "{width}: {row}");
                let letters = !matches!(state.place(), Place::Filter | Place::Help);
                if letters && state.frozen.is_some() {
                    assert_eq!(seen[0], "f unfreeze", "{width}: {row}");
                }
                if letters && step && state.live {
                    for key in ["t resume time", "n next", "a accept one"] {
                        assert!(seen.iter().any(|seen| seen == key), "{width}: {key} is not in {row}");
                    }
                }
                if state.place() == Place::Stage && !state.live {
                    assert!(seen.iter().any(|seen| seen == "space pause"), "{width}: {row}");
                }
            }
        }
    }
}

#[test]
fn the_modes_are_those_of_the_moment_that_is_shown() {
    let story = stepping();
    let mut state = state((120, 36), false);
    assert_eq!(state.modes(&story.world, true), [Mode::Step]);
    press(&mut state, Action::Freeze, &story);
    assert_eq!(state.modes(&story.world, true), [Mode::Frozen, Mode::Step]);
}

/// The rows of a picture without those of the header.
fn below_header(text: &str) -> String {
    text.lines().skip(2).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_held_moment_can_be_looked_around_in_while_the_run_goes_on() {
    let mut story = overflowing();
    let mut state = state((120, 36), false);
    let accepted = story.world.clients.accepted;
    let drops = story.world.ledger.kernel_drops();
    press(&mut state, Action::Freeze, &story);
    // Everything that can be looked at, at the moment itself and later.
    let walk = |state: &UiState, story: &Story| {
        let mut state = state.clone();
        let mut seen = Vec::new();
        let steps = [Action::Panel, Action::Open, Action::RowDown, Action::Sort, Action::Open, Action::RowUp];
        let more = [Action::Close, Action::Close, Action::ZoomIn, Action::Panel, Action::Help, Action::Help];
        for size in [(120, 36), (80, 24), (200, 60), (60, 16)] {
            update(&mut state, Msg::Resize(Size::new(size.0, size.1)), &story.world);
            for action in steps.into_iter().chain(more) {
                press(&mut state, action, story);
                update(&mut state, Msg::Pulse(story.now), &story.world);
                state.message = None;
                seen.push(below_header(&look(&state, story)));
            }
        }
        seen
    };
    let before = walk(&state, &story);
    assert!(before.iter().any(|text| text.contains("LADDER")) && before.iter().any(|text| text.contains("HELP")));
    assert!(before.iter().any(|text| text.contains("CONNECTIONS")));
    let now = story.now;
    story.clients(400..430, now, gap(20), false);
    story.accepts(5, now + gap(100), gap(50));
    story.run(now + gap(3000));
    story.read_counters();
    assert_eq!(walk(&state, &story), before);
    let text = look(&state, &story);
    let since = format!(
        "{} accepted, {} dropped since",
        story.world.clients.accepted - accepted,
        story.world.ledger.kernel_drops() - drops
    );
    assert!(story.world.clients.accepted > accepted && story.world.ledger.kernel_drops() > drops);
    assert!(text.contains("FROZEN at 00:09") && text.contains(&since) && text.contains("now 00:12"), "{text}");
    press(&mut state, Action::Freeze, &story);
    let text = look(&state, &story);
    assert!(text.contains("00:12  ▶ live") && !text.contains("FROZEN"), "{text}");
}

#[test]
fn a_held_moment_is_told_at_every_size_with_what_has_happened_since() {
    let mut story = overflowing();
    for size in [(60, 16), (80, 24), (100, 30), (120, 36)] {
        for recording in [None, Some(RecordingStatus::Running)] {
            let mut state = state(size, false);
            state.recording = recording;
            press(&mut state, Action::Freeze, &story);
            let text = look(&state, &story);
            assert!(text.contains("FROZEN at 00:09") && text.contains("f unfreeze"), "{size:?}: {text}");
            assert!(text.contains("0 accepted"), "{size:?}: {text}");
        }
    }
    let mut tiny = state((40, 10), false);
    press(&mut tiny, Action::Freeze, &story);
    story.run(ms(12_000));
    assert!(look(&tiny, &story).contains("‖ FROZEN at 00:09 · f unfreezes"));
}

#[test]
fn a_knob_that_is_turned_while_the_moment_is_held_is_turned_in_the_run_behind() {
    let story = overflowing();
    let mut state = state((120, 36), false);
    press(&mut state, Action::Freeze, &story);
    assert_eq!(press(&mut state, Action::BacklogUp, &story).len(), 1);
    assert!(look(&state, &story).contains("done in the run behind this held moment; f shows it"));
}

#[test]
fn playing_a_recording_lets_a_held_moment_go() {
    let story = overflowing();
    let mut state = state((120, 36), false);
    state.live = false;
    state.replay = Some(PlaybackState { position: story.now, end: ms(20_000), tenths: 10, paused: false });
    press(&mut state, Action::Freeze, &story);
    assert!(look(&state, &story).contains("the replay goes on"));
    press(&mut state, Action::Play(PlayCommand::Home), &story);
    assert!(state.frozen.is_none());
}

#[test]
fn the_header_says_that_the_run_is_recorded_and_when_that_has_failed() {
    let story = overflowing();
    for (size, ascii) in [(60, 16), (80, 24), (120, 36)].into_iter().flat_map(|size| [(size, false), (size, true)]) {
        let mut state = state(size, ascii);
        assert!(!look(&state, &story).contains("REC"));
        for (recording, sign, twin) in [
            (RecordingStatus::Running, "● REC  00:09", "@ REC  00:09"),
            (RecordingStatus::Full, "■ REC full", "# REC full"),
            (RecordingStatus::Failed, "✗ REC failed", "x REC failed"),
        ] {
            state.recording = Some(recording);
            let text = look(&state, &story);
            assert!(text.lines().next().unwrap().contains(if ascii { twin } else { sign }), "{size:?}: {text}");
        }
    }
}

#[test]
fn a_frame_in_a_file_says_of_which_recording_and_moment_it_is_and_never_that_it_is_live() {
    let (story, held) = (overflowing(), stepping());
    for size in [(60, 16), (80, 24), (120, 36)] {
        let mut state = state(size, false);
        state.origin = Some(Origin { name: "lesson.qviz".into(), end: Stamp::from_millis(12_500) });
        let text = look(&state, &story);
        assert!(row_with(&text, "lesson.qviz").contains("lesson.qviz at 9.130s of 12.500s"), "{text}");
        assert!(!text.contains("live"), "{text}");
        assert!(look(&state, &held).contains("‖ STEP"));
    }
}
