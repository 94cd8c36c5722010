//! Few bytes: what the terminal has to take for a frame of the default lab, and that the picture is right nevertheless.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;
use qviz::model::event::Rung;
use qviz::ui::state::{Msg, UiState, update};
use qviz::ui::terminal::pen::Pen;
use qviz::ui::theme::{Depth, Theme};
use qviz::ui::view;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::{Color, Modifier, Style};
use ratatui::{Terminal, TerminalOptions, Viewport};

use crate::tale::{Tale, ms};

/// What goes to a terminal.
#[derive(Clone, Default)]
struct Wire(Rc<RefCell<Vec<u8>>>);

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const SIZE: Size = Size::new(120, 36);

/// The default lab's rhythm: waves of clients that fill both queues, overflow and drain.
fn waves() -> Tale {
    let mut tale = Tale::new(Rung::Lab, 5, 1);
    for wave in 0..10 {
        tale.clients(wave * 16..wave * 16 + 16, ms(500 + u64::from(wave) * 7000), Duration::from_millis(145), false);
    }
    tale.accepts(210, ms(700), Duration::from_millis(333));
    tale
}

/// All that an eye can tell of a cell.
fn look(cell: &vt100::Cell) -> (&str, [vt100::Color; 2], [bool; 5]) {
    let (ground, underline, inverse) = (cell.bgcolor(), cell.underline(), cell.inverse());
    match cell.contents() {
        "" | " " => ("", [ground; 2], [underline, inverse, false, false, false]),
        sign => (sign, [ground, cell.fgcolor()], [underline, inverse, cell.bold(), cell.dim(), cell.italic()]),
    }
}

/// The first place in which two screens look different, and how.
fn difference(one: &vt100::Parser, other: &vt100::Parser) -> Option<String> {
    let (one, other) = (one.screen(), other.screen());
    let (rows, columns) = one.size();
    let mut places = (0..rows.get()).flat_map(|row| (0..columns.get()).map(move |column| (row, column)));
    places.find_map(|(row, column)| {
        let (one, other) = (look(one.cell(row, column).unwrap()), look(other.cell(row, column).unwrap()));
        (one != other).then(|| format!("row {row}, column {column}: {one:?} and {other:?}"))
    })
}

/// Draws a story frame by frame; returns the bytes of each frame but the first, by our pen and by the toolkit's usual writer.
fn frames(projector: &str, count: u64, size: Size) -> (Vec<usize>, Vec<usize>) {
    let (mut tale, wire) = (waves(), Wire::default());
    let theme = Theme::named(projector, Depth::True, false).unwrap();
    let mut state = UiState { theme, listens: true, size, ..UiState::default() };
    let viewport = Viewport::Fixed(Rect::new(0, 0, size.width, size.height));
    crossterm::style::force_color_output(true);
    let mut usual = Terminal::with_options(CrosstermBackend::new(wire.clone()), TerminalOptions { viewport }).unwrap();
    let (mut pen, mut ours, mut theirs) = (Pen::default(), emulator(size), emulator(size));
    let mut bytes = (Vec::new(), Vec::new());
    for frame in 1..count {
        tale.run(ms(frame * 34));
        if frame % 30 == 0 {
            tale.read_counters();
        }
        update(&mut state, Msg::Pulse(tale.now), &tale.world);
        let picture = view::picture(size, &tale.world, &state, tale.now);
        usual.draw(|frame| frame.buffer_mut().clone_from(&picture)).unwrap();
        let mut drawn = Vec::new();
        pen.draw(picture, &mut drawn);
        let usual = std::mem::take(&mut *wire.0.borrow_mut());
        ours.process(&drawn);
        theirs.process(&usual);
        assert_eq!(difference(&ours, &theirs), None, "frame {frame}:\n{}", ours.screen().contents());
        bytes.0.push(drawn.len());
        bytes.1.push(usual.len());
    }
    (bytes.0.split_off(1), bytes.1.split_off(1))
}

fn emulator(size: Size) -> vt100::Parser {
    vt100::Parser::new(size.height.try_into().unwrap(), size.width.try_into().unwrap(), 0)
}

#[test]
fn half_a_minute_of_the_default_lab_takes_two_kilobytes_a_frame_at_most_and_is_right_in_every_cell() {
    let (mut ours, theirs) = frames("dark", 900, SIZE);
    let sum = |bytes: &[usize]| bytes.iter().sum::<usize>();
    assert!(sum(&ours) * 2 < sum(&theirs) + sum(&theirs) / 4, "{} {}", sum(&ours), sum(&theirs));
    ours.sort_unstable();
    let p99 = ours[ours.len() * 99 / 100];
    assert!(p99 <= 2048, "99th percentile {p99}, most {:?}", ours.last());
}

#[test]
fn the_picture_is_right_in_every_size_and_theme() {
    for (theme, size) in [("light", Size::new(80, 24)), ("contrast", Size::new(200, 60)), ("dark", Size::new(61, 17))] {
        frames(theme, 120, size);
    }
}

#[test]
fn a_picture_that_has_not_changed_takes_nothing() {
    let (mut pen, mut out) = (Pen::default(), Vec::new());
    let picture = view::picture(SIZE, &waves().world, &UiState::default(), ms(0));
    pen.draw(picture.clone(), &mut out);
    assert!(!out.is_empty());
    out.clear();
    pen.draw(picture.clone(), &mut out);
    assert_eq!(out, b"");
    pen.forget();
    pen.draw(picture, &mut out);
    assert!(out.starts_with(b"\x1b[m\x1b[2J"));
}

/// Any picture of few cells, and the same moved to the left: signs of one and two columns, blanks, colours and attributes.
fn pictures() -> impl Strategy<Value = [Buffer; 2]> {
    let signs = prop::sample::select(vec![" ", " ", " ", "a", "b", "─", "▶", "界", "語"]);
    let colors = prop::sample::select(vec![Color::Reset, Color::Red, Color::Indexed(99), Color::Rgb(1, 2, 3)]);
    let modifiers = prop::sample::select(vec![
        Modifier::empty(),
        Modifier::BOLD,
        Modifier::REVERSED,
        Modifier::UNDERLINED | Modifier::ITALIC,
    ]);
    let piece = (0..SMALL.width, 0..SMALL.height, signs, colors.clone(), colors, modifiers, 1..9_usize);
    (prop::collection::vec(piece, 0..12), 1..5_u16).prop_map(|(pieces, by)| {
        [0, by].map(|by| {
            let mut picture = Buffer::empty(Rect::from((Position::ORIGIN, SMALL)));
            for (x, y, sign, color, ground, modifier, times) in &pieces {
                let style = Style::new().fg(*color).bg(*ground).add_modifier(*modifier);
                picture.set_string(x.saturating_sub(by), *y, sign.repeat(*times), style);
            }
            picture
        })
    })
}

const SMALL: Size = Size::new(17, 4);

proptest! {
    #[test]
    fn any_picture_after_any_other_looks_as_if_drawn_alone(film in prop::collection::vec(pictures(), 1..6)) {
        let (mut pen, mut screen) = (Pen::default(), emulator(SMALL));
        for picture in film.into_iter().flatten() {
            let (mut bytes, mut alone) = (Vec::new(), Vec::new());
            pen.draw(picture.clone(), &mut bytes);
            screen.process(&bytes);
            Pen::default().draw(picture, &mut alone);
            let mut wanted = emulator(SMALL);
            wanted.process(&alone);
            prop_assert_eq!(difference(&screen, &wanted), None, "{:?}", String::from_utf8_lossy(&bytes));
        }
    }
}
