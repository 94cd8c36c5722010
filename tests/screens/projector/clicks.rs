//! What a click hits is what the eye sees there: places come from the frame itself.

use super::{
    Action, Panel, Position, Rect, Screen, Scroll, Stamp, Story, Target, UiState, gap, ghosts, lines, ms, overflowing,
    state, update, view,
};
use super::{Depth, Environment, Msg};
use qviz::ui::hit_map::HitMap;
use qviz::ui::keymap::{Place, shown};
use ratatui::buffer::Buffer;

fn frame(state: &mut UiState, story: &Story) -> (Buffer, HitMap) {
    update(state, Msg::Pulse(story.now), &story.world);
    let (picture, frame) = view::picture_and_info(state.size, &story.world, state, story.now);
    state.frame = frame.clone();
    (picture, frame.hit_map)
}

fn text_in(picture: &Buffer, area: Rect) -> String {
    let cells = area.positions().map(|at| picture[at].symbol());
    cells.collect()
}

/// Where a text stands.
fn find(picture: &Buffer, text: &str) -> Position {
    let all = lines(picture);
    let row = all.lines().position(|line| line.contains(text)).unwrap_or_else(|| panic!("no {text} in\n{all}"));
    let before = all.lines().nth(row).and_then(|line| line.split(text).next()).unwrap_or_default();
    Position::new(before.chars().count() as u16, row as u16)
}

fn usual(size: (u16, u16)) -> UiState {
    UiState { projector: false, ..state(size, Depth::True, false) }
}

#[test]
fn every_place_of_a_connection_shows_its_name_and_opens_its_ladder() {
    let tales: [(fn() -> Story, bool); 4] =
        [(overflowing, false), (overflowing, true), (ghosts, false), (ghosts, true)];
    for (tell, projector) in tales {
        let story = tell();
        let mut state = UiState { projector, ..state((80, 24), Depth::True, false) };
        let (picture, map) = frame(&mut state, &story);
        let mut connections = 0;
        for (area, target) in map.clicks() {
            let Target::Connection(peer, id) = target else { continue };
            let name = story.world.connection(&peer).unwrap().label();
            let covered = area.positions().any(|at| map.click(at) != Some(target));
            assert!(covered || text_in(&picture, area).contains(&name), "{name} at {area}:\n{}", lines(&picture));
            let mut state = state.clone();
            update(&mut state, Msg::Click(target, story.now), &story.world);
            assert_eq!(state.browse.screen, Screen::Ladder);
            assert_eq!(state.browse.chosen.as_ref().and_then(|chosen| chosen.connection.id), id);
            assert!(lines(&frame(&mut state, &story).0).contains(&format!("LADDER · {name}")));
            connections += 1;
        }
        assert!(connections >= 8, "both queues and the floor: {connections}");
    }
}

#[test]
fn a_row_of_the_list_opens_its_own_ladder() {
    let story = overflowing();
    let mut state = usual((120, 36));
    update(&mut state, Msg::Press(Action::Open, story.now), &story.world);
    let (picture, map) = frame(&mut state, &story);
    let target = map.click(find(&picture, "k9 ")).unwrap();
    update(&mut state, Msg::Click(target, story.now), &story.world);
    assert!(lines(&frame(&mut state, &story).0).contains("LADDER · k9"));
}

#[test]
fn a_key_in_the_footer_is_pressed_by_a_click_and_each_of_a_pair_by_its_own() {
    let story = overflowing();
    for projector in [false, true] {
        let mut state = UiState { projector, ..usual((200, 60)) };
        let (picture, map) = frame(&mut state, &story);
        let key = |text: &str, right: u16| {
            let at = find(&picture, text);
            map.click(Position::new(at.x + right, at.y))
        };
        assert_eq!(key("b burst", 3), Some(Target::Key(Action::Burst)));
        assert_eq!(key("[ ] accept", 0), Some(Target::Key(Action::AcceptSlower)));
        assert_eq!(key("[ ] accept", 2), Some(Target::Key(Action::AcceptFaster)));
        assert_eq!(key("←→ backlog", 1), Some(Target::Key(Action::BacklogUp)));
        assert_eq!(key("q quit", 0), Some(Target::Key(Action::Quit)));
        let wanted = shown(true, Place::Stage).iter().filter(|binding| !binding.short.is_empty()).count();
        let keys = map.clicks().filter(|(_, target)| matches!(target, Target::Key(_))).count();
        assert!(keys >= wanted, "every key of the footer: {keys} of {wanted}");
    }
}

#[test]
fn a_title_chooses_its_panel_and_the_one_that_shares_its_place() {
    let story = overflowing();
    let mut state = usual((80, 24));
    let mut click = |text: &str| {
        let (picture, map) = frame(&mut state, &story);
        let target = map.click(find(&picture, text)).unwrap();
        update(&mut state, Msg::Click(target, story.now), &story.world);
        state.panel
    };
    assert_eq!(click("WHAT HAPPENED"), Panel::Ledger);
    assert_eq!(click("LEDGER"), Panel::Counters);
    let mut state = usual((120, 36));
    let (picture, map) = frame(&mut state, &story);
    assert_eq!(map.click(find(&picture, "LEDGER")), Some(Target::Panel(Panel::Ledger)));
    update(&mut state, Msg::Click(Target::Panel(Panel::Counters), story.now), &story.world);
    assert_eq!(state.panel, Panel::Settings);
}

#[test]
fn the_wheel_turns_what_it_is_over_and_stops_at_both_ends() {
    let story = overflowing();
    let mut state = usual((80, 24));
    let (picture, map) = frame(&mut state, &story);
    let at = find(&picture, "WHAT HAPPENED");
    assert_eq!(map.wheel(at), Some(Scroll::Notes));
    let newest = lines(&picture);
    for _ in 0..99 {
        update(&mut state, Msg::Wheel { scroll: Scroll::Notes, up: false }, &story.world);
    }
    let text = lines(&frame(&mut state, &story).0);
    assert!(text.contains("newer") && text.contains(" listen(5)"), "the oldest event: {text}");
    for _ in 0..99 {
        update(&mut state, Msg::Wheel { scroll: Scroll::Notes, up: true }, &story.world);
    }
    assert_eq!(lines(&frame(&mut state, &story).0), newest);
    update(&mut state, Msg::Press(Action::Open, story.now), &story.world);
    let (_, map) = frame(&mut state, &story);
    assert_eq!(map.wheel(Position::new(40, 12)), Some(Scroll::Rows));
    let row = state.browse.row;
    update(&mut state, Msg::Wheel { scroll: Scroll::Rows, up: false }, &story.world);
    assert_eq!(state.browse.row, row + 1);
}

#[test]
fn what_the_help_covers_is_not_hit_and_its_keys_are() {
    let story = overflowing();
    let mut state = usual((120, 36));
    state.help = Some(0);
    let (picture, map) = frame(&mut state, &story);
    let at = find(&picture, "as many clients at once");
    assert_eq!(map.click(at), Some(Target::Key(Action::Burst)));
    assert_eq!(map.click(find(&picture, "HELP")), Some(Target::Key(Action::Help)));
    assert_eq!(map.click(Position::new(0, 3)), None, "beside the help");
}

#[test]
fn a_held_moment_is_hit_as_it_was_and_opens_the_ladder_of_that_moment() {
    let mut story = overflowing();
    let mut state = usual((120, 36));
    update(&mut state, Msg::Press(Action::Freeze, story.now), &story.world);
    story.run(ms(9700));
    let (picture, map) = frame(&mut state, &story);
    let at = find(&picture, "│ l2 │");
    let target = map.click(Position::new(at.x + 2, at.y));
    assert!(matches!(target, Some(Target::Connection(_, Some(112)))), "{target:?}");
    update(&mut state, Msg::Click(target.unwrap(), story.now + gap(1)), &story.world);
    assert!(state.frozen.is_some() && state.browse.screen == Screen::Ladder);
    let (picture, map) = frame(&mut state, &story);
    let told = find(&picture, "behind this held moment");
    assert_eq!(map.click(told), Some(Target::Key(Action::Freeze)));
}

#[test]
fn the_wheel_over_the_timeline_goes_back_in_time_and_forth() {
    let mut story = Story::new(Environment::Lab, 5, 0);
    story.run(ms(60_000));
    let mut state = usual((120, 36));
    let (picture, map) = frame(&mut state, &story);
    let at = find(&picture, "LAST");
    let scroll = map.wheel(at).unwrap();
    for (up, title) in [(true, "THE PAST"), (false, "LAST")] {
        update(&mut state, Msg::Wheel { scroll, up }, &story.world);
        find(&frame(&mut state, &story).0, title);
    }
}

#[test]
fn a_click_on_somebody_who_has_gone_changes_nothing() {
    let story = Story::new(Environment::Lab, 5, 0);
    let mut state = usual((80, 24));
    let gone = Target::Connection(qviz::model::peer::Peer::v4(std::net::Ipv4Addr::LOCALHOST, 9), Some(7));
    update(&mut state, Msg::Click(gone, Stamp::ZERO), &story.world);
    assert_eq!(state.browse.screen, Screen::Stage);
}
