//! The reduced lab, without a packet tap: what is seen is shown, and what is not is never said to be nothing.

use std::net::Ipv4Addr;

use qviz::fold::headline::Story as Told;
use qviz::model::event::{ClientEvent, Environment, Event};
use qviz::model::peer::Peer;
use qviz::model::sample::QueueReading;
use qviz::text::lang::Lang;
use qviz::ui::state::{Msg, UiState, update};
use qviz::ui::view;
use ratatui::layout::Size;

use crate::picture::lines;
use crate::story::{Story, ms};

/// A listener of backlog 5 that is full and has dropped three packets, and a client whose `connect()` has not returned.
fn full() -> Story {
    let mut story = Story::new(Environment::Host, 5, 1);
    let read = |depth, drops| Event::Queue(QueueReading { depth: Some(depth), limit: Some(5), drops: Some(drops) });
    story.now = ms(100);
    story.emit(&read(0, 7));
    for (at, depth, drops) in [(6000, 6, 7), (6100, 6, 10), (7500, 6, 10)] {
        story.now = ms(at);
        story.emit(&read(depth, drops));
        let client = Peer::v4(Ipv4Addr::new(127, 1, 0, 9), 40_000);
        story.emit(&Event::Client { id: 8, peer: client, event: ClientEvent::Started { half_open: false } });
    }
    story
}

fn state(size: (u16, u16), projector: bool, lang: Lang) -> UiState {
    UiState { live: true, size: Size::from(size), projector, lang, ..UiState::default() }
}

fn picture(story: &Story, state: &UiState) -> String {
    lines(&view::picture(state.size, &story.world, state, story.now))
}

#[test]
fn what_is_not_seen_is_never_shown_as_nothing() {
    let story = full();
    for size in [(80, 24), (100, 30), (120, 36), (200, 60)] {
        for projector in [false, true] {
            let text = picture(&story, &state(size, projector, Lang::English));
            for untrue in ["no drops", "nothing dropped", "agree", "round trip", "arr/s     0", "explained 0"] {
                assert!(!text.contains(untrue) || text.contains("DISAGREE") && untrue == "agree", "{untrue}:\n{text}");
            }
            assert!(!text.contains("client and server agree"), "{text}");
            // In large letters words are no text.
            let large = projector && size.0 == 200;
            assert!(
                large || text.contains("reduced lab") && text.to_lowercase().contains("not visible here"),
                "{text}"
            );
        }
    }
}

#[test]
fn the_listeners_own_count_is_the_headline_and_stands_beside_what_is_not_known() {
    let story = full();
    assert_eq!(story.world.headline.shown().map(|shown| &shown.story), Some(&Told::Unseen));
    let text = picture(&story, &state((120, 36), false, Lang::English));
    assert!(text.contains("packets dropped by the listener: 3 · cause not visible here"), "{text}");
    assert!(text.contains("3 packets") && text.contains("✗ dropped: 3 (sk_drops)"), "{text}");
    assert!(text.contains("connect() has not returned: 1") && text.contains("a8 connect()"), "{text}");
    assert!(text.contains("6/6 FULL") && text.contains("✗ drop    3"), "{text}");
    let chinese = picture(&story, &state((120, 36), false, Lang::Chinese));
    assert!(chinese.contains("监听套接字丢弃的报文：3") && chinese.contains("精简实验环境"), "{chinese}");
}

#[test]
fn why_it_is_reduced_is_said_once_for_five_seconds_and_nothing_interrupts_it() {
    let mut story = Story::new(Environment::Host, 5, 1);
    let mut shown = Vec::new();
    for at in (0..9000).step_by(50) {
        story.now = ms(at);
        let (depth, drops) = (Some(6), Some(at as u32 / 100));
        story.emit(&Event::Queue(QueueReading { depth, limit: Some(5), drops }));
        shown.extend(story.world.headline.shown().map(|shown| shown.story.clone()));
    }
    let fallback = shown.iter().filter(|story| **story == Told::Fallback).count();
    assert!((95..=105).contains(&fallback), "{fallback} frames of 50 ms");
    assert!(shown.contains(&Told::Unseen) && shown.last() != Some(&Told::Fallback), "{shown:?}");
}

#[test]
fn there_is_no_instant_replay_of_what_was_not_seen() {
    use qviz::ui::keymap::Action;
    let (story, mut state) = (full(), state((120, 36), false, Lang::English));
    update(&mut state, Msg::Press(Action::Replay, story.now), &story.world);
    assert_eq!(state.message.unwrap().1, "single drops are not visible here: no instant replay");
}
