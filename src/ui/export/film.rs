//! Frames of a recording: the picture as it was at a moment of the run, drawn by the same views.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Size;

use crate::fold::world::World;
use crate::model::stamp::Stamp;
use crate::session::recording::record_reader::Facts;
use crate::text::lang;
use crate::ui::state::{Msg, Origin, UiState, update};
use crate::ui::theme::{Depth, Theme};
use crate::ui::{ColorChoice, UiError, UiPlan, view};

/// A recording that is drawn from its beginning to its end.
#[derive(Debug)]
pub struct Film {
    facts: Facts,
    world: World,
    state: UiState,
    pulsed: Stamp,
}

impl Film {
    /// A film of these facts, taken from a recording of that name, in pictures of this size.
    ///
    /// # Errors
    /// When no theme has this name.
    pub fn new(facts: Facts, origin: Origin, size: Size, plan: &UiPlan) -> Result<Self, UiError> {
        let depth = if plan.color == ColorChoice::Never { Depth::Mono } else { Depth::True };
        let theme =
            Theme::named(&plan.theme, depth, plan.ascii).ok_or_else(|| UiError::Theme { name: plan.theme.clone() })?;
        let (projector, origin) = (plan.projector, Some(origin));
        let state = UiState { theme, lang: lang::here(), live: true, size, projector, origin, ..UiState::default() };
        Ok(Self { facts, world: World::new(), state, pulsed: Stamp::ZERO })
    }

    /// The picture at a moment that is not before the one that was drawn last.
    pub fn at(&mut self, moment: Stamp) -> Buffer {
        while self.pulsed + PULSE <= moment {
            self.pulsed = (self.pulsed + PULSE).max(self.quiet_until(moment).saturating_sub(LINGERS));
            self.fold(self.pulsed);
            update(&mut self.state, Msg::Pulse(self.pulsed), &self.world);
        }
        self.fold(moment);
        update(&mut self.state, Msg::Pulse(moment), &self.world);
        view::picture(self.state.size, &self.world, &self.state, moment)
    }

    /// The next moment at which something happens, at most `moment`.
    fn quiet_until(&mut self, moment: Stamp) -> Stamp {
        self.facts.peek().map_or(moment, |fact| fact.at.min(moment))
    }

    fn fold(&mut self, moment: Stamp) {
        while self.facts.peek().is_some_and(|fact| fact.at <= moment)
            && let Some(fact) = self.facts.next()
        {
            self.world.apply(fact.at, &fact.event);
            self.state.lesson.handle(&self.world, &fact.event);
        }
    }
}

/// The rhythm in which a picture that was watched would have chosen its density.
const PULSE: Duration = Duration::from_millis(100);

/// Longer than any picture remembers what happened: of a longer time without facts only so much is played, so that a recording costs what
/// its facts cost, whatever its end claims to be.
const LINGERS: Duration = Duration::from_secs(30);
