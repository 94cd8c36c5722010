//! Chinese screens: no English word, no half letter, straight frames.

use qviz::model::counters::Counter;
use qviz::model::settings::Sysctl;
use qviz::text::lang::Lang;
use ratatui::buffer::Buffer;

use super::takes;
use crate::picture::{assert_sound, bent, rows, width};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (200, 60)];

/// Names of the field: they are the same in every language.
const TERMS: &str = "SYN ACK RST FIN accept listen connect close backlog cookie SYN_SENT SYN_RCVD ESTABLISHED ETIMEDOUT \
    ECONNREFUSED ECONNRESET EAGAIN ACCEPT SO_REUSEPORT CAP_NET_RAW IPv unix root pid uid inode namespace PID PATH sk_drops \
    Linux qviz min ms CPU ss xp fg Ctrl Shift REC doctor watch client wire netns sudo sysctl grep proc task wchan net \
    Python http socketserver request_queue_size top \
    space enter tab esc backspace home end pgup pgdn ctrl lf rt up dn";

/// The English words of a line. What the end of a text cuts is no word, nor what a help that lies over it cuts.
fn english(line: &str, names: &str, helped: bool) -> Vec<String> {
    let terms: Vec<&str> = TERMS.split_whitespace().collect();
    let is_part = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    let pieces = line.split('…').map(|piece| piece.trim_end_matches(is_part));
    let last = line.rsplit('…').next().unwrap_or_default();
    let pieces = pieces.take(line.matches('…').count()).chain([last]);
    let outside = |piece: &str| !helped || !piece.starts_with(is_part) && !piece.ends_with(is_part);
    let pieces = pieces.flat_map(|piece| piece.split(['│', '┌', '┐', '└', '┘'])).filter(|piece| outside(piece));
    let words = pieces.flat_map(|piece| piece.split(move |sign: char| !is_part(sign)));
    let words = words.map(|word| word.trim_end_matches(char::is_numeric));
    let is_word = |word: &&str| word.as_bytes().windows(2).any(|pair| pair.iter().all(u8::is_ascii_alphabetic));
    let is_counter = |word: &str| Counter::ALL.into_iter().any(|counter| counter.name() == word);
    let is_sysctl = |word: &str| Sysctl::ALL.into_iter().any(|sysctl| sysctl.name().contains(word) && word.len() > 3);
    let known = |word: &str| terms.contains(&word) || is_counter(word) || is_sysctl(word) || names.contains(word);
    words.filter(is_word).filter(|word| !known(word)).map(str::to_owned).collect()
}

#[test]
fn no_english_word_is_left_on_a_chinese_screen() {
    let mut left = Vec::new();
    for take in takes::all(Lang::Chinese) {
        let name = take.name;
        for size in SIZES {
            let frame = take.draw(size);
            let text = rows(&frame.picture);
            assert!(text.iter().any(|line| line.chars().any(|sign| width(&sign.to_string()) > 1)), "{name} {size:?}");
            for line in text {
                let words = english(&line, &frame.names, name.contains("help"));
                if !words.is_empty() {
                    left.push(format!("{name} {size:?}: {words:?} in {line}"));
                }
            }
        }
    }
    assert!(left.is_empty(), "{}", left.join("\n"));
}

#[test]
fn no_letter_is_cut_in_two_and_no_edge_is_bent_at_any_size() {
    let mut compared = 0;
    for (take, other) in takes::all(Lang::Chinese).iter().zip(takes::all(Lang::English)) {
        let name = take.name;
        for size in [(60, 16), (67, 19), (80, 24), (93, 27), (101, 31), (110, 32), (131, 41), (170, 50), (220, 70)] {
            let chinese = take.draw(size).picture;
            assert_sound(name, size, &chinese);
            // What falls lies over the edges, in every language.
            if bent(&other.draw(size).picture).1.is_empty() {
                let (straight, bent) = bent(&chinese);
                assert_eq!(bent, [], "{name} {size:?}\n{}", rows(&chinese).join("\n"));
                compared += straight;
            }
        }
    }
    assert!(compared > 5000, "{compared} edges");
}

#[test]
fn a_screen_too_small_for_the_picture_is_chinese_too() {
    for take in takes::all(Lang::Chinese) {
        for width in (1..60).step_by(3) {
            for size in [(width, 1 + width % 5), (width, 15), (100, width % 16)] {
                assert_sound(take.name, size, &take.draw(size).picture);
            }
        }
    }
}

#[test]
fn in_ascii_only_chinese_letters_are_none_and_each_stays() {
    for mut take in takes::all(Lang::Chinese) {
        let letters = |picture: &Buffer| {
            let han = |sign: &&str| sign.starts_with(|sign: char| ('\u{4E00}'..='\u{9FFF}').contains(&sign));
            picture.content.iter().map(ratatui::buffer::Cell::symbol).filter(han).count()
        };
        let usual = letters(&take.draw((120, 36)).picture);
        take.state.theme.ascii = true;
        let picture = take.draw((120, 36)).picture;
        let text = rows(&picture).join("\n");
        let foreign = text.chars().find(|sign| !sign.is_ascii() && width(&sign.to_string()) != 2);
        assert_eq!(foreign, None, "{}\n{text}", take.name);
        // Keys have longer signs there, so that fewer of them may fit.
        assert!(letters(&picture) * 10 >= usual * 8 && usual > 20, "{}: {usual}\n{text}", take.name);
    }
}

#[test]
fn a_screen_that_is_switched_is_as_if_it_had_begun_in_that_language() {
    for (mut begun, there) in takes::all(Lang::English).into_iter().zip(takes::all(Lang::Chinese)) {
        begun.switched();
        for size in SIZES {
            let (here, there) = (begun.draw(size).picture, there.draw(size).picture);
            assert_eq!(rows(&here), rows(&there), "{} {size:?}", begun.name);
        }
    }
}

/// The column in which a row shows this.
fn column(picture: &Buffer, row: u16, text: &str) -> Option<u16> {
    let signs: Vec<&str> = (0..picture.area.width).map(|x| picture[(x, row)].symbol()).collect();
    let wanted: Vec<String> = text
        .chars()
        .flat_map(|sign| {
            let sign = sign.to_string();
            let half = (width(&sign) > 1).then(|| " ".to_owned());
            [Some(sign), half].into_iter().flatten()
        })
        .collect();
    signs.windows(wanted.len()).position(|window| window.iter().zip(&wanted).all(|(a, b)| a == b)).map(|x| x as u16)
}

#[test]
fn the_columns_of_a_table_stand_where_they_stand_in_english() {
    let (here, there) = (takes::all(Lang::Chinese), takes::all(Lang::English));
    let anchors = [("list", "next timer", "下一个定时器"), ("watch_all", "depth/cap.", "深度/容量")];
    let heads = [
        ("list", 80, "client", "客户端"),
        ("list", 120, "state", "状态"),
        ("list", 200, "next timer", "下一个定时器"),
        ("watch_all", 80, "owner", "进程"),
        ("watch_all", 200, "lately", "最近"),
        // Numbers stand still, too.
        ("list", 120, "1.5s", "1.5s"),
        ("watch_all", 80, "230", "230"),
        ("watch_all", 120, "76.7", "76.7"),
    ];
    for (name, columns, english, chinese) in heads {
        let anchor = anchors.iter().find(|(other, ..)| *other == name).unwrap();
        let find = |takes: &[takes::Take], head: &str, text: &str| {
            let take = takes.iter().find(|take| take.name == name).unwrap();
            let picture = take.draw((columns, 30)).picture;
            let first = (0..30).find(|row| column(&picture, *row, head).is_some()).unwrap();
            (first..30).find_map(|row| column(&picture, row, text)).unwrap()
        };
        let (here, there) = (find(&here, anchor.2, chinese), find(&there, anchor.1, english));
        assert_eq!(here, there, "{name} {columns}: {chinese}, {english}");
    }
}
