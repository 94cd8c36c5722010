//! The screens of `qviz watch`, made of hand-written events: what an engineer sees at three sizes, in Unicode and ASCII; and what
//! keys do there.

use qviz::model::command::Command;
use qviz::model::event::Event;
use qviz::model::stamp::Stamp;
use qviz::model::watch::{ListenerId, Target};
use qviz::ui::keymap::Action;
use qviz::ui::state::{Msg, UiState, update};
use qviz::ui::theme::{Depth, Theme};
use qviz::ui::view;
use qviz::ui::watch::{AdviceShare, Screen};
use ratatui::buffer::Buffer;
use ratatui::layout::Size;

use crate::picture::{self, lines, width};
use crate::scene::{Machine, ms, reading};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (200, 60)];

fn state(size: (u16, u16), ascii: bool) -> UiState {
    UiState {
        theme: Theme::named("dark", Depth::True, ascii).unwrap(),
        live: true,
        size: Size::new(size.0, size.1),
        ..UiState::default()
    }
}

fn draw(state: &mut UiState, machine: &Machine) -> Buffer {
    update(state, Msg::Pulse(machine.now), &machine.world);
    view::picture(state.size, &machine.world, state, machine.now)
}

fn look(state: &mut UiState, machine: &Machine) -> String {
    lines(&draw(state, machine))
}

fn press(state: &mut UiState, action: Action, machine: &Machine) -> Vec<Command> {
    state.frame = view::picture_and_info(state.size, &machine.world, state, machine.now).1;
    update(state, Msg::Press(action, machine.now), &machine.world)
}

fn shoot(name: &str, machine: &Machine, prepare: impl Fn(&mut UiState)) {
    picture::shoot(&format!("watch_{name}"), |size, ascii| {
        let mut state = state(size, ascii);
        prepare(&mut state);
        draw(&mut state, machine)
    });
}

/// The stalled python, looked into.
fn stalled(tap: bool) -> Machine {
    let target: Target = ":8000".parse().unwrap();
    let mut machine = Machine::busy(tap, Some(target));
    machine.choose(&reading(1, "0.0.0.0:8000", 6, 5));
    // An entry that no list names is believed to be reset after a few.
    for at in [12_100, 12_300, 12_500] {
        machine.pass(ms(at));
        machine.listed(5, 7400, 2);
        machine.read(1);
    }
    machine
}

fn row_with<'t>(text: &'t str, part: &str) -> &'t str {
    text.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("no `{part}` in\n{text}"))
}

/// The machines that every rule has to hold for.
const MACHINES: [fn() -> Machine; 3] = [|| Machine::busy(true, None), || stalled(true), || stalled(false)];

#[test]
fn all_listeners_show_who_is_full_and_whose_it_is() {
    shoot("all", &Machine::busy(false, None), |_| {});
    shoot("all_tap", &Machine::busy(true, None), |_| {});
}

#[test]
fn one_listener_shows_who_waits_and_what_to_do() {
    shoot("one", &stalled(false), |_| {});
    shoot("one_tap", &stalled(true), |_| {});
}

/// The stalled python with its lines to paste, whole at each size.
#[test]
fn the_line_to_paste_is_whole_at_every_size_and_y_copies_it() {
    for size in [(80, 24), (120, 36), (200, 60)] {
        let (machine, mut state) = (stalled(false), state(size, false));
        let text = look(&mut state, &machine);
        assert!(row_with(&text, "WHAT TO DO").contains("y copies"), "{text}");
        assert!(text.contains("▶ top -H -b -n 1 -p 1234"), "{size:?}\n{text}");
        assert_eq!(
            text.matches("no connection accepted for").count(),
            1,
            "{size:?}: the headline is not repeated\n{text}"
        );
        press(&mut state, Action::Copy, &machine);
        assert_eq!(state.copy.take().as_deref(), Some("top -H -b -n 1 -p 1234"));
        assert!(state.message.as_ref().unwrap().1.contains("top -H"));
        press(&mut state, Action::Copy, &machine);
        assert_eq!(state.copy.take().as_deref(), Some("grep . /proc/1234/task/*/wchan"), "the next line");
        press(&mut state, Action::Copy, &machine);
        assert_eq!(state.copy.take().as_deref(), Some("top -H -b -n 1 -p 1234"), "round");
    }
}

/// Panels come one after the other with tab, what to do among them: there it is read to its end.
#[test]
fn what_to_do_is_a_panel_that_scrolls() {
    let (machine, mut state) = (stalled(false), state((80, 24), false));
    look(&mut state, &machine);
    let mut opened = 0;
    for _ in 0..10 {
        press(&mut state, Action::Panel, &machine);
        opened += u32::from(state.watch.advice == AdviceShare::All);
    }
    assert_eq!(opened, 2, "once in five");
    while state.watch.advice != AdviceShare::All {
        press(&mut state, Action::Panel, &machine);
    }
    assert!(!look(&mut state, &machine).contains("does not help"), "it does not fit");
    for _ in 0..30 {
        press(&mut state, Action::RowDown, &machine);
    }
    let text = look(&mut state, &machine);
    assert!(text.contains("does not help") && !text.contains("WHO WAITS"), "{text}");
    press(&mut state, Action::Panel, &machine);
    assert!(look(&mut state, &machine).contains("WHO WAITS"));
}

#[test]
fn a_unix_socket_has_no_handshake_and_no_list() {
    let machine = Machine::busy(false, None);
    shoot("unix", &machine, |state| {
        for letter in "php".chars() {
            press(state, Action::Letter(letter), &machine);
        }
        assert_eq!(press(state, Action::Open, &machine), [Command::Choose(Some(ListenerId(10)))]);
    });
}

#[test]
fn help_explains_the_screen_that_one_is_on() {
    let (all, one) = (Machine::busy(false, None), stalled(false));
    shoot("help_all", &all, |state| _ = press(state, Action::Help, &all));
    shoot("help_one", &one, |state| {
        update(state, Msg::Pulse(one.now), &one.world);
        press(state, Action::Help, &one);
    });
}

#[test]
fn nothing_listens_says_where_to_look() {
    let mut machine = Machine::new(false, Some(":8080".parse().unwrap()));
    machine.pass(ms(2000));
    shoot("nothing", &machine, |_| {});
}

#[test]
fn the_smallest_screen_and_the_largest_hold_what_matters() {
    for size in [(60, 16), (300, 80)] {
        for (machine, shown) in
            [(Machine::busy(true, None), ["0.0.0.0:8000", "6/6 FULL"]), (stalled(true), ["6 wait", "limit 5"])]
        {
            let text = look(&mut state(size, false), &machine);
            assert!(shown.iter().all(|words| text.contains(words)), "{size:?}\n{text}");
        }
    }
}

#[test]
fn no_word_of_the_lab_is_on_a_watch() {
    for machine in MACHINES {
        let machine = machine();
        for size in SIZES {
            let mut state = state(size, false);
            let mut text = look(&mut state, &machine);
            press(&mut state, Action::Help, &machine);
            text += &look(&mut state, &machine);
            for word in
                [" lab", "b burst", "knob", "←→ backlog", "arrivals ", "private network", "loopback", "STEP", "n2"]
            {
                assert!(!text.contains(word), "`{word}` in\n{text}");
            }
        }
    }
}

#[test]
fn an_overfull_queue_is_shown_as_overfull() {
    let text = look(&mut state((120, 36), false), &Machine::busy(false, None));
    let row = row_with(&text, "127.0.0.1:9000");
    assert!(row.contains("9/6 FULL") && row.contains('»'), "{row}");
    assert!(row_with(&text, "│  0.0.0.0:8000").contains("6/6 FULL"));
}

#[test]
fn a_folded_group_shows_its_full_member_and_unfolds() {
    let machine = Machine::busy(false, None);
    let mut state = state((120, 36), false);
    let text = look(&mut state, &machine);
    let row = row_with(&text, "+ 0.0.0.0:80 ");
    assert!(row.contains("×4") && row.contains("512/512 1 FULL") && row.contains("nginx 712"), "{row}");
    while state.watch.chosen().is_none_or(|line| line.members.len() != 4) {
        press(&mut state, Action::RowDown, &machine);
    }
    assert_eq!(press(&mut state, Action::Open, &machine), []);
    let text = look(&mut state, &machine);
    for member in ["inode 40002", "inode 40003", "inode 40004", "inode 40005"] {
        assert!(text.contains(member), "{text}");
    }
    press(&mut state, Action::RowDown, &machine);
    assert_eq!(press(&mut state, Action::Open, &machine), [Command::Choose(Some(ListenerId(3)))]);
    press(&mut state, Action::Close, &machine);
    press(&mut state, Action::Fold, &machine);
    assert!(!look(&mut state, &machine).contains("inode 40002"));
    assert!(state.watch.chosen().is_some_and(|line| line.members.len() == 4), "the fold keeps the row");
}

#[test]
fn a_filter_takes_rows_with_every_word_and_esc_drops_it() {
    let machine = Machine::busy(false, None);
    let mut state = state((120, 36), false);
    press(&mut state, Action::Filter, &machine);
    for letter in "NGINX full".chars() {
        press(&mut state, Action::Letter(letter), &machine);
    }
    let rows = |state: &UiState| state.watch.lines.iter().map(|line| line.id.0).collect::<Vec<_>>();
    assert_eq!(rows(&state), [3]);
    press(&mut state, Action::Erase, &machine);
    press(&mut state, Action::Keep, &machine);
    assert!(!state.watch.typing && state.watch.filter == "NGINX ful");
    press(&mut state, Action::Close, &machine);
    assert!(rows(&state).len() > 8);
    press(&mut state, Action::Filter, &machine);
    press(&mut state, Action::Letter('z'), &machine);
    assert_eq!(rows(&state), [0; 0]);
    assert!(look(&mut state, &machine).contains("no listener has these words"));
    press(&mut state, Action::Drop, &machine);
    assert!(rows(&state).len() > 8);
}

#[test]
fn each_order_puts_another_listener_first() {
    let machine = Machine::busy(false, None);
    let mut state = state((120, 36), false);
    look(&mut state, &machine);
    let mut first = Vec::new();
    for _ in 0..6 {
        first.push((state.watch.order.words(), state.watch.lines[0].id.0));
        press(&mut state, Action::Sort, &machine);
    }
    let expected = [
        ("fullest first", 12),
        ("most drops first", 3),
        ("longest wait first", 12),
        ("most arrivals first", 13),
        ("by address", 2),
        ("by owner", 13),
    ];
    assert_eq!(first, expected);
}

#[test]
fn the_chosen_row_stays_chosen_while_others_pass_it() {
    let mut machine = Machine::busy(false, None);
    let mut state = state((120, 36), false);
    look(&mut state, &machine);
    press(&mut state, Action::RowDown, &machine);
    let chosen = state.watch.chosen().unwrap().id;
    machine.snapshot(vec![reading(7, "[::]:3000", 5000, 511)]);
    machine.pass(ms(13_000));
    look(&mut state, &machine);
    assert_eq!(state.watch.lines[0].id, ListenerId(7));
    assert_eq!(state.watch.chosen().unwrap().id, chosen);
}

#[test]
fn a_pause_holds_the_numbers_and_lets_one_go_on_reading() {
    let mut machine = Machine::busy(false, None);
    let mut state = state((120, 36), false);
    look(&mut state, &machine);
    press(&mut state, Action::Freeze, &machine);
    machine.snapshot(vec![reading(1, "0.0.0.0:8000", 0, 5)]);
    machine.pass(ms(14_000));
    let text = look(&mut state, &machine);
    assert!(row_with(&text, "│  0.0.0.0:8000").contains("6/6 FULL") && text.contains("PAUSED at 00:12"), "{text}");
    let before = state.watch.row;
    press(&mut state, Action::RowDown, &machine);
    assert_eq!(state.watch.row, before + 1);
    press(&mut state, Action::Freeze, &machine);
    assert!(row_with(&look(&mut state, &machine), " 0.0.0.0:8000 ").contains("0/6"));
}

#[test]
fn a_watch_of_one_target_begins_inside_and_leaves_to_all() {
    let machine = stalled(false);
    let mut state = state((120, 36), false);
    let text = look(&mut state, &machine);
    assert_eq!(state.watch.screen, Screen::One);
    assert!(row_with(&text, "qviz watching").contains("python3 1234"), "{text}");
    assert_eq!(press(&mut state, Action::Close, &machine), [Command::Choose(None)]);
    assert!(look(&mut state, &machine).contains("LISTENERS 13"));
}

#[test]
fn a_listener_that_starts_again_is_followed() {
    let mut machine = stalled(false);
    let mut state = state((120, 36), false);
    look(&mut state, &machine);
    machine.gone(1);
    machine.pass(ms(13_000));
    assert!(look(&mut state, &machine).contains("this listener was closed 0.50 s ago"));
    machine.snapshot(vec![reading(99, "0.0.0.0:8000", 1, 5)]);
    machine.choose(&reading(99, "0.0.0.0:8000", 1, 5));
    machine.owned(99, 5678, "python3", (0, None));
    machine.pass(ms(13_500));
    let text = look(&mut state, &machine);
    assert!(row_with(&text, "qviz watching").contains("python3 5678") && !text.contains("was closed"), "{text}");
}

#[test]
fn closed_entries_are_counted_whether_the_kernel_lists_them_or_not() {
    let text = look(&mut state((120, 36), false), &stalled(false));
    assert!(text.contains("FULL: 2 closed, still queued"), "{text}");
    assert!(row_with(&text, "203.0.113.8:40008").contains("† closed"), "{text}");
    assert!(text.contains("† 1 more is not listed"), "{text}");
}

#[test]
fn a_recording_opens_every_listener_but_tells_who_waits_for_one_only() {
    let mut machine = Machine::busy(false, None);
    machine.choose(&reading(1, "0.0.0.0:8000", 6, 5));
    machine.listed(6, 7400, 0);
    let mut state = state((120, 36), false);
    state.live = false;
    look(&mut state, &machine);
    while state.watch.chosen().unwrap().id != ListenerId(13) {
        press(&mut state, Action::RowDown, &machine);
    }
    assert_eq!(press(&mut state, Action::Open, &machine), []);
    let text = look(&mut state, &machine);
    assert!(text.contains("only for 0.0.0.0:8000") || text.contains("only for"), "{text}");
    assert!(row_with(&text, "qviz watching").contains("198.51.100.20:8443"));
}

#[test]
fn wide_names_keep_every_row_as_wide_as_the_screen() {
    let mut machine = Machine::busy(true, None);
    machine.owned(1, 1, "éé日本語のとても長い名前", (3, Some("コンテナ-コンテナ-コンテナ-コンテナ")));
    for columns in 60..=220 {
        let mut state = state((columns, 24), false);
        let text = look(&mut state, &machine);
        for line in text.lines().skip(2).take(15).filter(|line| line.starts_with('│')) {
            assert_eq!(width(line), usize::from(columns), "{line}");
        }
    }
}

#[test]
fn no_size_breaks_the_picture() {
    for machine in MACHINES {
        let machine = machine();
        for (width, height) in
            (0..=130).step_by(10).flat_map(|width| (0..=45).step_by(5).map(move |height| (width, height)))
        {
            let mut state = state((width, height), width % 2 == 0);
            look(&mut state, &machine);
            for action in [Action::Help, Action::Panel, Action::Freeze, Action::Bottom, Action::Open, Action::Open] {
                press(&mut state, action, &machine);
                look(&mut state, &machine);
            }
        }
    }
}

#[test]
fn ten_thousand_listeners_format_only_what_is_to_be_seen() {
    let mut machine = Machine::new(true, None);
    let listeners = (0..10_000_u64).map(|id| {
        let address = format!("127.{}.{}.1:{}", id / 250 % 250, id % 250, 1024 + id % 60_000);
        reading(id, &address, (id % 7) as u32, 511)
    });
    machine.snapshot(listeners.collect());
    machine.pass(ms(2000));
    let mut state = state((120, 36), false);
    look(&mut state, &machine);
    press(&mut state, Action::Bottom, &machine);
    let text = look(&mut state, &machine);
    assert!(text.contains("of 10000"), "{text}");
    press(&mut state, Action::PageUp, &machine);
    assert_eq!(state.watch.row, 9999 - 28);
    assert_eq!(machine.world.listeners.by_id.len(), state.watch.lines.len());
}

#[test]
fn a_refused_wish_is_said_at_once() {
    let mut machine = Machine::busy(false, None);
    machine.emit(&Event::Refused { message: "nobody listens at :8080 yet".into() });
    assert!(look(&mut state((80, 24), false), &machine).contains("nobody listens at :8080 yet"));
    assert_eq!(machine.world.listeners.since, Stamp::ZERO);
}

#[test]
fn help_fits_eighty_columns_without_a_cut() {
    for machine in [Machine::busy(false, None), stalled(false)] {
        let mut state = state((80, 24), false);
        look(&mut state, &machine);
        press(&mut state, Action::Help, &machine);
        let text = look(&mut state, &machine);
        let cut: Vec<_> = text.lines().filter(|line| line.contains("…│")).collect();
        assert!(cut.is_empty() && text.contains("ctrl-z"), "{text}");
    }
}
