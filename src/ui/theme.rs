//! Five meanings, their colours and glyphs. Every meaning has a glyph and a word too: nothing is shown by colour alone.
//!
//! Text keeps the terminal's own foreground and background; colour is used for the meanings only. The hues (sky blue, orange,
//! bluish green, vermilion, reddish purple: Okabe and Ito) differ for every kind of colour vision and are visible on dark and on
//! light backgrounds; themes only change their lightness.

use ratatui::style::{Color, Modifier, Style};

pub mod ascii;

/// The themes by name.
pub const NAMES: [&str; 4] = ["dark", "light", "contrast", "mono"];

/// Whether colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorChoice {
    /// As the terminal and `NO_COLOR` say.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How many colours the terminal has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// None: bold, reverse and underline alone.
    Mono,
    /// The sixteen names.
    #[default]
    Sixteen,
    /// The 256-colour cube.
    Cube,
    /// 24 bits.
    True,
}

/// What a colour means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// On its way.
    Travelling,
    /// Waiting, from 0 (just come) to 3 (long).
    Waiting(u8),
    /// Served.
    Served,
    /// Dropped, reset, expired, or closed while queued.
    Lost,
    /// Client and server state differ; also warnings.
    Divergent,
    /// One connection as itself, by its number: a hue that stays with it, whatever becomes of it. Next to its name, never alone.
    Identity(u32),
}

/// Which lightness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Background {
    #[default]
    Dark,
    Light,
}

/// Colours and glyphs of one screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Theme {
    background: Background,
    depth: Depth,
    /// High contrast: nothing is faint.
    loud: bool,
    /// Nothing but ASCII.
    pub ascii: bool,
}

/// The environment variables about colours; passed in, never read here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terminfo {
    /// `TERM`.
    pub term: String,
    /// `COLORTERM`.
    pub colorterm: String,
    /// `NO_COLOR` is set and not empty.
    pub no_color: bool,
}

impl Theme {
    /// The theme of this name; `None` when there is none.
    pub fn named(name: &str, depth: Depth, ascii: bool) -> Option<Self> {
        let (background, depth) = match name {
            "" | "dark" | "contrast" => (Background::Dark, depth),
            "light" => (Background::Light, depth),
            "mono" => (Background::Dark, Depth::Mono),
            _ => return None,
        };
        Some(Self { background, depth, loud: name == "contrast", ascii })
    }

    /// The same theme with high contrast.
    #[must_use]
    pub const fn loud(self) -> Self {
        Self { loud: true, ..self }
    }

    /// Foreground and background for projector mode, where the terminal's own may be too pale; `None` where there are no colours.
    pub const fn solid_colors(self) -> Option<(Color, Color)> {
        match (self.depth, self.background) {
            (Depth::Mono, _) => None,
            (_, Background::Dark) => Some((Color::White, Color::Black)),
            (_, Background::Light) => Some((Color::Black, Color::White)),
        }
    }

    /// The style of a meaning, for text on the terminal's own background.
    pub fn text(self, meaning: Meaning) -> Style {
        let style = Style::new().fg(self.color(meaning));
        match meaning {
            // A hue light enough under black text is too pale on a light background.
            Meaning::Identity(number) if self.background == Background::Light && self.depth != Depth::Mono => {
                let (rgb, cube, named) = DEEP_HUES[number as usize % HUES.len()];
                Style::new().fg(if self.depth == Depth::Sixteen { named } else { self.shade(rgb, cube) })
            }
            Meaning::Lost => style.add_modifier(Modifier::BOLD),
            Meaning::Waiting(_) if self.loud && self.background == Background::Light => {
                // A pale yellow on white is not to be read from the last row.
                Style::new().fg(self.color(Meaning::Waiting(3))).add_modifier(Modifier::BOLD)
            }
            Meaning::Divergent if self.depth == Depth::Mono => style.add_modifier(Modifier::UNDERLINED),
            _ => style,
        }
    }

    /// The style of a meaning as a filled surface.
    pub fn fill(self, meaning: Meaning) -> Style {
        if self.depth == Depth::Mono {
            return Style::new().add_modifier(Modifier::REVERSED);
        }
        let dark_fill = matches!(meaning, Meaning::Lost | Meaning::Waiting(2..));
        let foreground = if self.background == Background::Light && dark_fill { Color::White } else { Color::Black };
        Style::new().bg(self.color(meaning)).fg(foreground)
    }

    /// What matters most now.
    pub fn alarm(self) -> Style {
        self.fill(Meaning::Lost).add_modifier(Modifier::BOLD)
    }

    /// What is there but does not matter now.
    pub fn calm(self) -> Style {
        match (self.depth, self.background) {
            _ if self.loud => Style::new(),
            (Depth::Mono, _) => Style::new().add_modifier(Modifier::DIM),
            (Depth::Sixteen, _) => Style::new().fg(Color::DarkGray),
            (_, Background::Dark) => Style::new().fg(self.shade([138; 3], 245)),
            (_, Background::Light) => Style::new().fg(self.shade([108; 3], 242)),
        }
    }

    /// Titles and numbers that matter.
    #[expect(clippy::unused_self, reason = "asked of the theme like every other style; bold is bold in all of them")]
    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    fn shade(self, [r, g, b]: [u8; 3], cube: u8) -> Color {
        if self.depth == Depth::True { Color::Rgb(r, g, b) } else { Color::Indexed(cube) }
    }

    fn color(self, meaning: Meaning) -> Color {
        match self.depth {
            Depth::Mono => Color::Reset,
            Depth::Sixteen => sixteen(meaning, self.background, self.loud),
            Depth::Cube => {
                Color::Indexed(if self.background == Background::Light { light(meaning).1 } else { dark(meaning).1 })
            }
            Depth::True => {
                let [r, g, b] = if self.background == Background::Light { light(meaning).0 } else { dark(meaning).0 };
                Color::Rgb(r, g, b)
            }
        }
    }
}

/// The depth of colour to use.
pub fn depth(choice: ColorChoice, terminal: &Terminfo) -> Depth {
    let known = if terminal.colorterm.contains("truecolor") || terminal.colorterm.contains("24bit") {
        Depth::True
    } else if terminal.term.contains("256color") || terminal.term.contains("direct") {
        Depth::Cube
    } else {
        Depth::Sixteen
    };
    let plain = terminal.no_color || terminal.term == "dumb" || terminal.term.starts_with("vt1");
    match choice {
        ColorChoice::Never => Depth::Mono,
        ColorChoice::Auto if plain => Depth::Mono,
        ColorChoice::Auto | ColorChoice::Always => known,
    }
}

/// The theme whose name is most like this one.
pub fn nearest(name: &str) -> &'static str {
    let common = |other: &str| other.chars().filter(|letter| name.contains(*letter)).count();
    NAMES.into_iter().max_by_key(|other| common(other)).unwrap_or(NAMES[0])
}

type Shade = ([u8; 3], u8);

const fn dark(meaning: Meaning) -> Shade {
    match meaning {
        Meaning::Travelling => ([86, 180, 233], 74),
        Meaning::Waiting(0) => ([240, 228, 130], 228),
        Meaning::Waiting(1) => ([240, 205, 70], 221),
        Meaning::Waiting(2) => ([240, 175, 40], 214),
        Meaning::Waiting(_) => ([230, 145, 0], 208),
        Meaning::Served => ([40, 185, 140], 42),
        Meaning::Lost => ([240, 95, 50], 203),
        Meaning::Divergent => ([214, 136, 190], 176),
        Meaning::Identity(number) => HUES[number as usize % HUES.len()],
    }
}

const fn light(meaning: Meaning) -> Shade {
    match meaning {
        Meaning::Travelling => ([0, 105, 170], 25),
        Meaning::Waiting(0) => ([200, 160, 0], 178),
        Meaning::Waiting(1) => ([195, 140, 0], 172),
        Meaning::Waiting(2) => ([185, 115, 0], 136),
        Meaning::Waiting(_) => ([165, 90, 0], 130),
        Meaning::Served => ([0, 130, 95], 29),
        Meaning::Lost => ([190, 50, 0], 160),
        Meaning::Divergent => ([160, 60, 130], 127),
        Meaning::Identity(number) => HUES[number as usize % HUES.len()],
    }
}

/// The hues of single connections: light enough under black text, none like the colour of [`Meaning::Lost`].
const HUES: [Shade; 5] =
    [([86, 180, 233], 74), ([240, 228, 66], 227), ([40, 185, 140], 42), ([214, 136, 190], 176), ([205, 205, 205], 252)];

/// The same hues as text on a light background, with their names.
const DEEP_HUES: [([u8; 3], u8, Color); 5] = [
    ([0, 105, 170], 25, Color::Blue),
    ([130, 110, 0], 94, Color::Yellow),
    ([0, 130, 95], 29, Color::Green),
    ([160, 60, 130], 127, Color::Magenta),
    ([90, 90, 90], 240, Color::DarkGray),
];

const fn sixteen(meaning: Meaning, background: Background, loud: bool) -> Color {
    match (meaning, background) {
        (Meaning::Travelling, Background::Light) => Color::Blue,
        (Meaning::Travelling, _) => Color::Cyan,
        (Meaning::Waiting(0 | 1), Background::Dark) => Color::LightYellow,
        (Meaning::Waiting(_), _) => Color::Yellow,
        (Meaning::Served, _) => Color::Green,
        (Meaning::Lost, Background::Dark) if loud => Color::LightRed,
        (Meaning::Lost, _) => Color::Red,
        (Meaning::Divergent, _) => Color::Magenta,
        (Meaning::Identity(number), _) => {
            [Color::Cyan, Color::LightYellow, Color::Green, Color::LightMagenta, Color::Gray]
                [number as usize % HUES.len()]
        }
    }
}
