//! The mouse in a real terminal: what is clicked is what is seen, and the terminal keeps it where that is wished.

use crate::needs::network;
use crate::pane::{Pane, depth};
use crate::traces::Traces;

/// Clients that stay: the server never accepts.
const WORDS: &str = "--backlog 3 --rate 8 --arrivals steady --accept-rate 0";

case!(a_click_opens_a_ladder_presses_a_key_and_a_wheel_goes_through_the_list);
fn a_click_opens_a_ladder_presses_a_key_and_a_wheel_goes_through_the_list() {
    network();
    let mut pane = Pane::qviz((120, 36), WORDS);
    pane.wait_for_picture();
    pane.wait("a full queue", |pane| depth(pane, "ACCEPT QUEUE").is_some_and(|(depth, _)| depth >= 4));
    let traces = Traces::of(pane.pid());
    // The first client of all stands in the accept queue for good.
    let cell = pane.find("│ a0 │");
    pane.click((cell.0 + 2, cell.1));
    pane.wait_for("LADDER · a0");
    pane.press(b"\x1b");
    pane.wait("the row of a0", |pane| pane.text().contains("│▶"));
    let before = pane.find("│▶");
    pane.turn((before.0 + 20, before.1), true);
    pane.wait("the row above", |pane| pane.text().contains("│▶") && pane.find("│▶") != before);
    let key = pane.find("? help");
    pane.click(key);
    pane.wait_for("HELP");
    assert!(pane.text().contains("Shift+drag selects text"), "{}", pane.text());
    pane.press(b"\x1b");
    pane.wait("the list with its keys", |pane| !pane.text().contains("HELP") && pane.text().contains("s sort"));
    let quit = pane.find("q quit");
    pane.click(quit);
    assert_eq!(pane.end().code(), Some(0));
    pane.assert_left_clean(&traces);
}

case!(without_the_mouse_the_terminal_keeps_it_and_every_key_works);
fn without_the_mouse_the_terminal_keeps_it_and_every_key_works() {
    network();
    let mut pane = Pane::qviz((80, 24), "--backlog 5 --no-mouse");
    pane.wait_for_picture();
    let traces = Traces::of(pane.pid());
    pane.press(b"?");
    pane.wait_for("HELP");
    assert!(!pane.text().contains("Shift+drag") && !pane.reports_mouse(), "{}", pane.text());
    pane.press(b"q");
    assert_eq!(pane.end().code(), Some(0));
    pane.assert_left_clean(&traces);
    assert!(!String::from_utf8_lossy(pane.seen()).contains("\x1b[?1000"), "nothing was said about the mouse at all");
}
