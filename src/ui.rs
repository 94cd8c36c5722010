//! FACTS → CELLS: keymap, state, views, theme, terminal.
//!
//! The screen is a pure function: [`view::draw`] paints a [`World`](crate::fold::world::World) as seen at one moment and
//! changes nothing. Keys become commands in [`state::update`], which is pure too. [`terminal`] is the only file that touches the
//! terminal, [`mod@run`] the only loop.

use std::io;

use ratatui::layout::Size;
use thiserror::Error;

use crate::say;

mod bookmarks;
pub mod browse;
pub mod export;
pub mod hit_map;
pub mod instant_replay;
pub mod keymap;
mod keys;
pub mod lesson;
pub mod lesson_loop;
pub mod numbers;
pub mod pace;
pub mod panel;
pub mod picker;
pub mod run;
pub mod state;
pub mod steps;
pub mod terminal;
pub mod theme;
pub mod view;
pub mod watch;
pub mod window;

pub use lesson_loop::LessonLoop;
pub use run::{ExitReason, run};
pub use theme::ColorChoice;

/// The largest picture, live or in a file: more columns and rows than any screen has, and little memory all the same.
pub const LARGEST: Size = Size::new(500, 200);

/// How the screen looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a wish of its own")]
pub struct UiPlan {
    /// Nothing but ASCII.
    pub ascii: bool,
    /// Whether colours are used.
    pub color: ColorChoice,
    /// The theme's name, one of [`theme::NAMES`].
    pub theme: String,
    /// Projector mode: fewer and larger elements.
    pub projector: bool,
    /// The mouse is for the picture, not for the terminal.
    pub mouse: bool,
    /// A class votes on the questions of a lesson.
    pub class: bool,
}

/// What keeps the screen from being shown.
#[derive(Debug, Error)]
pub enum UiError {
    /// A terminal operation failed.
    #[error("{}", say!("cannot {doing} the terminal: {error}", doing, error = source))]
    Terminal {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// A thread or task panicked; its message was printed when it happened.
    #[error("{}", say!("a part of qviz has failed; its message stands above"))]
    Panicked,
    /// The session of a lesson's scene cannot be opened.
    #[error("{}", say!("cannot open scene {scene} of the lesson: {why}", scene, why))]
    Scene {
        /// Which one, from 1.
        scene: usize,
        /// Why.
        why: String,
    },
    /// No theme has this name.
    #[error("{}", say!("unknown theme `{name}`", name))]
    Theme {
        /// The name.
        name: String,
    },
}

impl UiError {
    /// The next command to try.
    pub fn hint(&self) -> String {
        match self {
            Self::Terminal { .. } => {
                say!("qviz --headless runs without a screen; `qviz doctor` says what this terminal can do").into()
            }
            Self::Scene { .. } => say!("`qviz doctor` says what works here").into(),
            Self::Panicked => say!("this is a bug in qviz: please report it with the message above").into(),
            Self::Theme { name } => {
                let near = theme::nearest(name);
                say!("did you mean `{near}`? Themes: {all}", near, all = theme::NAMES.join(", "))
            }
        }
    }
}
