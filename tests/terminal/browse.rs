//! The list of connections and the ladder of one: every key that counts there, in a real terminal.

use qviz::ui::keymap::{Action, Place};

use crate::pane::{Pane, depth};

/// Clients that stay: the server never accepts, and both queues are full at once.
const WORDS: &str = "--backlog 3 --rate 8 --arrivals steady --accept-rate 0";

const ESC: &[u8] = b"\x1b";
const ENTER: &[u8] = b"\r";
const DOWN: &[u8] = b"\x1b[B";

/// Presses the key where it counts and waits for its effect.
pub(crate) fn proven(place: Place, key: &[u8], action: Action) {
    let mut pane = Pane::qviz((120, 36), WORDS);
    pane.wait_for_picture();
    pane.wait("some connections", |pane| depth(pane, "ACCEPT QUEUE").is_some_and(|(depth, _)| depth >= 3));
    pane.press(ENTER);
    pane.wait("some connections", |pane| rows(pane).len() >= 3);
    match place {
        Place::List => on_the_list(&mut pane, key, action),
        Place::Filter => in_the_filter(&mut pane, key, action),
        Place::Ladder => on_the_ladder(&mut pane, key, action),
        other => panic!("{other:?} is tried elsewhere"),
    }
}

/// Opens the list from the stage and closes it.
pub(crate) fn opened(pane: &mut Pane, key: &[u8]) {
    pane.press(key);
    pane.wait_for("┌ CONNECTIONS");
    pane.press(ESC);
    pane.wait("the stage", |pane| pane.text().contains("ACCEPT QUEUE"));
}

fn on_the_list(pane: &mut Pane, key: &[u8], action: Action) {
    match action {
        Action::RowDown => another(pane, key),
        Action::RowUp => {
            another(pane, DOWN);
            another(pane, key);
        }
        Action::Sort => {
            for words in ["by state", "most tries first", "next timer first", "newest first"] {
                pane.press(key);
                pane.wait_for(words);
            }
        }
        Action::Filter => {
            pane.press(key);
            pane.wait_for("filter: ");
            pane.press(b"q");
            pane.wait_for("filter: q");
        }
        Action::Open => {
            let name = chosen(pane);
            pane.press(key);
            pane.wait_for(&format!("LADDER · {name}"));
            pane.press(ESC);
            pane.wait_for("┌ CONNECTIONS");
        }
        Action::Close => {
            pane.press(key);
            pane.wait("the stage", |pane| pane.text().contains("ACCEPT QUEUE"));
        }
        other => panic!("{other:?} is not for the list"),
    }
}

fn in_the_filter(pane: &mut Pane, key: &[u8], action: Action) {
    pane.press(b"/198.18zz");
    pane.wait_for("no connection has this text");
    match action {
        Action::Erase => {
            pane.press(key);
            pane.press(key);
            pane.wait_for("filter: 198.18▏");
            pane.wait("rows again", |pane| rows(pane).len() >= 3);
        }
        Action::Keep => {
            pane.press(key);
            pane.wait_for("filter: 198.18zz · newest first");
        }
        Action::Drop => {
            pane.press(key);
            pane.wait("no filter", |pane| !pane.text().contains("filter:") && rows(pane).len() >= 3);
        }
        Action::Quit => {
            pane.press(key);
            assert_eq!(pane.end().code(), Some(0));
        }
        other => panic!("{other:?} is not for the filter"),
    }
}

fn on_the_ladder(pane: &mut Pane, key: &[u8], action: Action) {
    let name = chosen(pane);
    pane.press(ENTER);
    pane.wait_for(&format!("LADDER · {name}"));
    match action {
        Action::Open => {
            pane.press(key);
            pane.wait("another ladder", |pane| {
                pane.text().contains("LADDER · ") && !pane.text().contains(&format!("LADDER · {name}"))
            });
        }
        Action::Close => {
            pane.press(key);
            pane.wait_for("┌ CONNECTIONS");
        }
        Action::RowUp | Action::RowDown => {
            pane.wait("two lines", |pane| ["SYN-ACK", "2nd try"].iter().any(|line| pane.text().contains(line)));
            pane.press(b"\x1b[A");
            pane.wait_for("1 later");
            if action == Action::RowDown {
                pane.press(key);
                pane.wait("the last line", |pane| !pane.text().contains("1 later"));
            }
        }
        other => panic!("{other:?} is not for the ladder"),
    }
}

/// The rows of the list: the names of their connections.
fn rows(pane: &Pane) -> Vec<String> {
    let text = pane.text();
    let rows = text.lines().filter(|line| line.contains("198.18."));
    rows.filter_map(|line| line.split("198.18.").next()?.split_whitespace().last().map(str::to_owned)).collect()
}

/// The name in the chosen row.
#[track_caller]
fn chosen(pane: &Pane) -> String {
    let text = pane.text();
    let row = text.lines().find(|line| line.starts_with("│▶")).unwrap_or_else(|| panic!("a chosen row in\n{text}"));
    row.split_whitespace().nth(2).unwrap_or_default().to_owned()
}

#[track_caller]
fn another(pane: &mut Pane, key: &[u8]) {
    let before = chosen(pane);
    pane.press(key);
    pane.wait("another row", |pane| pane.text().contains("│▶") && chosen(pane) != before);
}
