//! Few bytes: what the terminal has to take for a frame of the default lab, and that the picture is right nevertheless.

use std::time::Duration;

use proptest::prelude::*;
use qviz::model::event::Environment;
use qviz::ui::state::{Msg, UiState, update};
use qviz::ui::terminal::changes;
use qviz::ui::theme::{Depth, Theme};
use qviz::ui::view;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::{Color, Modifier, Style};

use crate::story::{Story, ms};

const SIZE: Size = Size::new(120, 36);

/// The default lab's rhythm: waves of clients that fill both queues, overflow and drain.
fn waves() -> Story {
    let mut story = Story::new(Environment::Lab, 5, 1);
    for wave in 0..10 {
        story.clients(wave * 16..wave * 16 + 16, ms(500 + u64::from(wave) * 7000), Duration::from_millis(145), false);
    }
    story.accepts(210, ms(700), Duration::from_millis(333));
    story
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

/// A terminal on which the pictures of a film were drawn, one after the other.
struct Film {
    shown: Option<Buffer>,
    screen: vt100::Parser,
}

impl Film {
    fn new(size: Size) -> Self {
        crossterm::style::force_color_output(true);
        Self { shown: None, screen: emulator(size) }
    }

    /// Draws the next picture; returns its bytes, and where the terminal shows something else than if it had been drawn alone.
    fn draw(&mut self, picture: Buffer) -> (usize, Option<String>) {
        let bytes = changes(&mut self.shown, picture.clone()).unwrap();
        self.screen.process(&bytes);
        let mut alone = emulator(picture.area.as_size());
        alone.process(&changes(&mut None, picture).unwrap());
        (bytes.len(), difference(&self.screen, &alone))
    }
}

/// Draws a story frame by frame; returns the bytes of each frame but the first.
fn frames(theme: &str, count: u64, size: Size) -> Vec<usize> {
    let (mut story, mut film) = (waves(), Film::new(size));
    let theme = Theme::named(theme, Depth::True, false).unwrap();
    let mut state = UiState { theme, live: true, size, ..UiState::default() };
    let mut bytes = Vec::new();
    for frame in 1..count {
        story.run(ms(frame * 34));
        if frame % 30 == 0 {
            story.read_counters();
        }
        update(&mut state, Msg::Pulse(story.now), &story.world);
        let picture = view::picture(size, &story.world, &state, story.now);
        let signs = signs(&picture);
        let (sent, difference) = film.draw(picture);
        assert_eq!(difference, None, "frame {frame}:\n{}", film.screen.screen().contents());
        let shown = film.screen.screen().contents();
        assert!(shown.lines().map(str::trim_end).eq(signs.lines()), "frame {frame}:\n{shown}\n{signs}");
        bytes.push(sent);
    }
    bytes.split_off(1)
}

/// The signs of a picture as the emulator tells of them.
fn signs(picture: &Buffer) -> String {
    let rows = picture.content.chunks(usize::from(picture.area.width));
    let rows = rows.map(|row| row.iter().map(Cell::symbol).collect::<String>().trim_end().to_owned());
    rows.collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

fn emulator(size: Size) -> vt100::Parser {
    vt100::Parser::new(size.height.try_into().unwrap(), size.width.try_into().unwrap(), 0)
}

#[test]
fn half_a_minute_of_the_default_lab_takes_two_kilobytes_a_frame_on_average_and_is_right_in_every_cell() {
    let bytes = frames("dark", 900, SIZE);
    let mean = bytes.iter().sum::<usize>() / bytes.len();
    assert!(mean <= 2048, "on average {mean}, most {:?}", bytes.iter().max());
}

#[test]
fn the_picture_is_right_in_every_size_and_theme() {
    for (theme, size) in [("light", Size::new(80, 24)), ("contrast", Size::new(200, 60)), ("dark", Size::new(61, 17))] {
        frames(theme, 120, size);
    }
}

#[test]
fn a_picture_that_has_not_changed_takes_nothing_and_one_after_nothing_clears_the_screen() {
    let picture = view::picture(SIZE, &waves().world, &UiState::default(), ms(0));
    let mut shown = None;
    let whole = changes(&mut shown, picture.clone()).unwrap();
    assert!(whole.starts_with(b"\x1b[?2026h\x1b[0m\x1b[2J") && whole.ends_with(b"\x1b[?2026l"));
    assert_eq!(changes(&mut shown, picture.clone()).unwrap(), b"");
    let smaller = Buffer::empty(Rect::from((Position::ORIGIN, SMALL)));
    assert_eq!(changes(&mut Some(smaller), picture).unwrap(), whole, "another size");
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
        let mut terminal = Film::new(SMALL);
        for picture in film.into_iter().flatten() {
            let signs = format!("{picture:?}");
            prop_assert_eq!(terminal.draw(picture).1, None, "{}", signs);
        }
    }
}
