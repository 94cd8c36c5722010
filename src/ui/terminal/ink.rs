//! The attributes of what is written next (SGR), and the shortest way from one to the other. Pure.

use std::io::Write;

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

/// How the next sign will look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ink {
    color: Color,
    ground: Color,
    modifier: Modifier,
}

/// What a cell needs of the ink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Need {
    /// `None` for a blank, which shows nothing of an ink that only colours signs.
    color: Option<Color>,
    ground: Color,
    modifier: Modifier,
}

impl Need {
    pub(super) fn of(cell: &Cell) -> Self {
        let Cell { fg, bg, modifier, .. } = *cell;
        if cell.symbol() == " " && !modifier.intersects(ON_BLANKS) {
            Self { color: None, ground: bg, modifier: Modifier::empty() }
        } else {
            Self { color: Some(fg), ground: bg, modifier }
        }
    }

    /// What both need, if one ink is right for both.
    pub(super) fn with(self, other: Self) -> Option<Self> {
        let fits_blank = |full: Self, blank: Self| {
            blank.color.is_none() && full.ground == blank.ground && !full.modifier.intersects(ON_BLANKS)
        };
        if self == other || fits_blank(self, other) { Some(self) } else { fits_blank(other, self).then_some(other) }
    }
}

impl Ink {
    /// True when nothing but signs would be seen of it: what the terminal itself fills with blanks is plain.
    pub(super) fn leaves_plain_blanks(&self) -> bool {
        self.ground == Color::Reset && !self.modifier.intersects(ON_BLANKS)
    }

    /// How many bytes [`change_to`](Self::change_to) takes.
    pub(super) fn way_to(&self, need: Need) -> usize {
        let mut bytes = Vec::new();
        { *self }.change_to(need, &mut bytes);
        bytes.len()
    }

    /// Writes what makes the next sign look as needed.
    pub(super) fn change_to(&mut self, need: Need, out: &mut Vec<u8>) {
        let wanted = match need.color {
            Some(color) => Self { color, ground: need.ground, modifier: need.modifier },
            None => Self { ground: need.ground, modifier: self.modifier - ON_BLANKS, ..*self },
        };
        if wanted == *self {
            return;
        }
        let (changed, anew) = (wanted.after(self), wanted.after_reset());
        let words = if changed.len() <= anew.len() { changed } else { anew };
        out.extend_from_slice(b"\x1b[");
        out.extend_from_slice(&words);
        out.push(b'm');
        *self = wanted;
    }

    /// The parameters for what differs from `before`.
    fn after(&self, before: &Self) -> Vec<u8> {
        let mut words = Words::default();
        let mut lit = before.modifier;
        for (modifiers, off) in OFF {
            if (lit - self.modifier).intersects(modifiers) {
                words.add(format_args!("{off}"));
                lit -= modifiers;
            }
        }
        words.light(self.modifier - lit);
        if self.color != before.color {
            words.color(self.color, 30);
        }
        if self.ground != before.ground {
            words.color(self.ground, 40);
        }
        words.0
    }

    /// The parameters from nothing.
    fn after_reset(&self) -> Vec<u8> {
        let mut words = Words::default();
        let plain = Self::default();
        if *self != plain {
            words.add(format_args!("0"));
            let rest = self.after(&plain);
            words.0.push(b';');
            words.0.extend_from_slice(&rest);
        }
        words.0
    }
}

/// Parameters, with a semicolon between two.
#[derive(Debug, Default)]
struct Words(Vec<u8>);

impl Words {
    fn add(&mut self, word: std::fmt::Arguments<'_>) {
        if !self.0.is_empty() {
            self.0.push(b';');
        }
        let _memory_takes_all = self.0.write_fmt(word);
    }

    fn light(&mut self, modifiers: Modifier) {
        for (modifier, on) in ON {
            if modifiers.contains(modifier) {
                self.add(format_args!("{on}"));
            }
        }
    }

    /// `base` is 30 for the sign and 40 for its ground.
    fn color(&mut self, color: Color, base: u8) {
        let dark = |number: u8| (base + number, None);
        let bright = |number: u8| (base + 60 + number, None);
        let (code, rest) = match color {
            Color::Reset => (base + 9, None),
            Color::Black => dark(0),
            Color::Red => dark(1),
            Color::Green => dark(2),
            Color::Yellow => dark(3),
            Color::Blue => dark(4),
            Color::Magenta => dark(5),
            Color::Cyan => dark(6),
            Color::Gray => dark(7),
            Color::DarkGray => bright(0),
            Color::LightRed => bright(1),
            Color::LightGreen => bright(2),
            Color::LightYellow => bright(3),
            Color::LightBlue => bright(4),
            Color::LightMagenta => bright(5),
            Color::LightCyan => bright(6),
            Color::White => bright(7),
            Color::Indexed(number) => (base + 8, Some((number, None))),
            Color::Rgb(red, green, blue) => (base + 8, Some((red, Some((green, blue))))),
        };
        match rest {
            None => self.add(format_args!("{code}")),
            Some((number, None)) => self.add(format_args!("{code};5;{number}")),
            Some((red, Some((green, blue)))) => self.add(format_args!("{code};2;{red};{green};{blue}")),
        }
    }
}

/// What is to be seen on a blank, too.
const ON_BLANKS: Modifier =
    Modifier::REVERSED.union(Modifier::UNDERLINED).union(Modifier::CROSSED_OUT).union(Modifier::HIDDEN);

/// How each is switched on.
const ON: [(Modifier, u8); 9] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::SLOW_BLINK, 5),
    (Modifier::RAPID_BLINK, 6),
    (Modifier::REVERSED, 7),
    (Modifier::HIDDEN, 8),
    (Modifier::CROSSED_OUT, 9),
];

/// What is switched off together.
const OFF: [(Modifier, u8); 7] = [
    (Modifier::BOLD.union(Modifier::DIM), 22),
    (Modifier::ITALIC, 23),
    (Modifier::UNDERLINED, 24),
    (Modifier::SLOW_BLINK.union(Modifier::RAPID_BLINK), 25),
    (Modifier::REVERSED, 27),
    (Modifier::HIDDEN, 28),
    (Modifier::CROSSED_OUT, 29),
];
