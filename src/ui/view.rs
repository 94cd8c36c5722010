//! The picture: (`World`, `UiState`, now) → cells. One file per area; nothing here changes anything.
//!
//! Things arrive from the left, wait twice, leave to the right. Position is state: a cell stands where the kernel has its
//! connection.

use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};

use super::browse::Screen;
use super::state::{Panel, UiState};
use super::theme::{Theme, ascii};
use crate::model::stamp::Stamp;
use crate::model::world::World;

mod caption;
pub(super) mod cast;
mod counters;
mod footer;
mod header;
mod help;
mod ink;
mod ladder;
pub(super) mod layout;
mod ledger;
mod list;
mod notes;
mod settings;
mod small;
mod stage;
mod still;
mod timeline;
mod watch;

use cast::Cast;

/// The smallest terminal that shows the whole picture.
pub const SMALLEST: Size = Size::new(60, 16);

/// Everything that the areas look at.
struct Scene<'a> {
    world: &'a World,
    state: &'a UiState,
    theme: Theme,
    now: Stamp,
    /// The same moment in the clients' time: their countdowns and what is under way.
    clients: Stamp,
    cast: Cast<'a>,
}

impl Scene<'_> {
    /// True when other people's listeners are watched.
    const fn watches(&self) -> bool {
        self.world.survey.watching.is_some()
    }
}

/// Paints the whole screen.
pub fn draw(buf: &mut Buffer, world: &World, state: &UiState, now: Stamp) {
    let cast = if state.still.is_some() { Cast::default() } else { Cast::of(world, state.density, now) };
    let scene = Scene { world, state, theme: state.theme, now, clients: world.tempo.at(now), cast };
    match &state.still {
        Some(still) => still::paint(buf, &scene, still),
        None => live(buf, &scene),
    }
    match state.help {
        true if scene.watches() => watch::help(buf, &scene),
        true => help::paint(buf, &scene),
        false => {}
    }
    if scene.theme.ascii {
        ascii::translate(buf);
    }
}

/// The whole screen as a picture of its own.
pub fn picture(size: Size, world: &World, state: &UiState, now: Stamp) -> Buffer {
    let mut buf = Buffer::empty(Rect::from((ratatui::layout::Position::ORIGIN, size)));
    draw(&mut buf, world, state, now);
    buf
}

fn live(buf: &mut Buffer, scene: &Scene<'_>) {
    if buf.area.width < SMALLEST.width || buf.area.height < SMALLEST.height {
        small::paint(buf, scene);
        return;
    }
    if scene.watches() {
        return watch::paint(buf, scene);
    }
    match scene.state.browse.screen {
        Screen::Stage => {}
        Screen::List => return list::paint(buf, scene),
        Screen::Ladder => return ladder::paint(buf, scene),
    }
    let plan = layout::plan(buf.area, scene.state.panel, caption::rows(buf.area.width, scene.world));
    header::paint(buf, plan.header, scene);
    caption::paint(buf, plan.caption, scene);
    stage::paint(buf, &plan.stage, scene);
    timeline::paint(buf, plan.timeline, scene);
    for (panel, area) in plan.panels {
        match panel {
            Panel::Notes => notes::paint(buf, area, scene),
            Panel::Ledger => ledger::paint(buf, area, scene),
            Panel::Counters => counters::paint(buf, area, scene),
            Panel::Settings => settings::paint(buf, area, scene),
        }
    }
    footer::paint(buf, plan.footer, scene);
}
