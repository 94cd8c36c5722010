//! The picture: (`World`, `UiState`, now) → cells. One file per area; nothing here changes anything.
//!
//! Connections arrive on the left, wait in two queues, leave on the right. A cell is drawn where the kernel has its
//! connection.

use std::cell::RefCell;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::{Color, Style};

use super::browse::Screen;
use super::hit_map::{FrameInfo, HitMap, Target};
use super::panel::Panel;
use super::state::UiState;
use super::theme::{Theme, ascii};
use crate::fold::course::LessonProgress;
use crate::fold::director;
use crate::fold::headline::QueueName;
use crate::fold::occupancy::{Fullness, Occupancy};
use crate::fold::world::World;
use crate::model::stamp::Stamp;
use crate::text::lang::within;

mod caption;
mod chosen_listener;
mod counters;
mod footer;
mod header;
mod help;
mod instant_replay;
mod ladder;
mod large;
pub(super) mod layout;
mod ledger;
mod lesson;
mod letters;
mod list;
mod newest_drop;
mod next_steps;
mod notes;
pub mod picker;
pub(super) mod placement;
mod places;
mod projector;
mod queue_box;
mod settings;
mod small;
mod stage;
mod text;
mod timeline;
mod toast;
mod waits;
mod watch;

use letters::{LargeText, Letter};
use placement::Placement;

/// The smallest terminal that shows the whole picture.
pub const SMALLEST: Size = Size::new(60, 16);

/// An instant replay with fewer rows takes those of the timeline for as long as it lasts.
const ROOM_TO_REPLAY: u16 = 7;

/// Everything that the areas need.
struct Scene<'a> {
    /// The world that is shown: the present one, or a held one.
    world: &'a World,
    /// The present world and moment.
    live: (&'a World, Stamp),
    state: &'a UiState,
    theme: Theme,
    now: Stamp,
    /// The same moment in the clients' time: their countdowns and what is under way.
    clients_now: Stamp,
    placement: Placement<'a>,
    /// The text of a lesson that is not on the screen.
    reminder: Option<String>,
    /// The clickable areas, noted while they are painted.
    hit_map: RefCell<HitMap>,
}

impl Scene<'_> {
    /// True when other people's listeners are watched.
    const fn watches(&self) -> bool {
        self.world.listeners.watching.is_some()
    }

    /// Letters of this size and look.
    const fn large_text(&self, letter: Letter, style: Style) -> LargeText {
        LargeText { letter, style, ascii: self.theme.ascii }
    }

    /// Whether a queue is shown as full.
    fn fullness(&self, queue: QueueName) -> Fullness {
        director::fullness(self.world, queue, self.now)
    }

    /// True while a lesson asks for a prediction: nothing on the screen may give the answer.
    fn is_asked(&self) -> bool {
        self.world.lesson.as_deref().is_some_and(LessonProgress::asks)
    }

    /// True before the first answer of a lesson, until a queue was full: what fits into it is what may be asked.
    fn conceals(&self) -> bool {
        let world = self.world;
        if self.state.lesson.lesson().is_some_and(|lesson| lesson.challenge) {
            return false;
        }
        let was_full =
            |queue: &Occupancy, capacity: Option<u32>| capacity.is_none_or(|capacity| queue.max() >= capacity);
        let open = world.lesson.as_deref().is_some_and(|progress| progress.answers.is_empty() && !progress.over);
        open && !was_full(&world.accept_queue, world.accept_capacity())
            && !was_full(&world.syn_queue, world.syn_capacity())
    }

    /// The columns of the timeline's plot; `None` where no timeline is on the screen.
    fn plot_width(&self) -> Option<u16> {
        let (state, world) = (self.state, self.world);
        let shows = state.browse.screen == Screen::Stage && !is_small(state.size);
        let whole = Rect::from((Position::ORIGIN, state.size));
        let area = || match (&world.lesson, state.projector) {
            (Some(_), _) => lesson::timeline(whole, state, world),
            (None, true) => projector::timeline(whole),
            (None, false) => stage_plan(whole, state, world).timeline,
        };
        shows.then(area).and_then(timeline::plot_width)
    }

    /// The info of the painted frame.
    fn info(self) -> FrameInfo {
        let (state, plot_width) = (self.state, self.plot_width());
        let help_pages = if self.watches() { 1 } else { help::pages(state) };
        let many_panels = layout::is_roomy(state.size) && (self.world.lesson.is_none() || lesson::is_wide(state.size));
        FrameInfo { hit_map: self.hit_map.into_inner(), plot_width, help_pages, many_panels }
    }
}

/// Paints the whole screen in the language of the state, and returns what keys and mouse need of it.
pub fn draw(buf: &mut Buffer, world: &World, state: &UiState, now: Stamp) -> FrameInfo {
    within(state.lang, || draw_in_language(buf, world, state, now))
}

fn draw_in_language(buf: &mut Buffer, world: &World, state: &UiState, now: Stamp) -> FrameInfo {
    let live = (world, now);
    let (world, now) = state.frozen.as_ref().map_or(live, |frozen| (&frozen.world, frozen.at));
    let placement = Placement::of(world, state.density, now);
    let theme = if state.projector { state.theme.loud() } else { state.theme };
    let hit_map = RefCell::default();
    let clients_now = world.tempo.at(now);
    let mut scene = Scene { world, live, state, theme, now, clients_now, placement, reminder: None, hit_map };
    scene.reminder = lesson::reminder::text(&scene);
    whole(buf, &scene);
    match state.help {
        Some(_) if scene.watches() => watch::help(buf, &scene),
        Some(page) => help::paint(buf, &scene, page),
        None => {}
    }
    if state.projector {
        fill_default_colors(buf, theme);
    }
    if scene.theme.ascii {
        ascii::translate(buf);
    }
    scene.info()
}

/// Replaces the terminal's default colours by the theme's own.
fn fill_default_colors(buf: &mut Buffer, theme: Theme) {
    let Some((foreground, background)) = theme.solid_colors() else { return };
    for cell in &mut buf.content {
        if cell.fg == Color::Reset {
            cell.fg = foreground;
        }
        if cell.bg == Color::Reset {
            cell.bg = background;
        }
    }
}

/// The whole screen as a picture of its own.
pub fn picture(size: Size, world: &World, state: &UiState, now: Stamp) -> Buffer {
    picture_and_info(size, world, state, now).0
}

/// The same with the frame's info.
pub fn picture_and_info(size: Size, world: &World, state: &UiState, now: Stamp) -> (Buffer, FrameInfo) {
    let mut buf = Buffer::empty(Rect::from((Position::ORIGIN, size)));
    let info = draw(&mut buf, world, state, now);
    (buf, info)
}

const fn is_small(size: Size) -> bool {
    size.width < SMALLEST.width || size.height < SMALLEST.height
}

fn stage_plan(area: Rect, state: &UiState, world: &World) -> layout::Plan {
    layout::plan(area, state.panel, (caption::rows(area), places(world)))
}

/// How many places the larger queue has.
fn places(world: &World) -> u32 {
    let held = |queue: &Occupancy, capacity: Option<u32>| queue.depth().max(capacity.unwrap_or(0));
    held(&world.accept_queue, world.accept_capacity()).max(held(&world.syn_queue, world.syn_capacity()))
}

fn whole(buf: &mut Buffer, scene: &Scene<'_>) {
    if is_small(buf.area.as_size()) {
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
    if let Some(progress) = &scene.world.lesson {
        return lesson::paint(buf, scene, progress);
    }
    if scene.state.projector {
        return projector::paint(buf, scene);
    }
    let plan = stage_plan(buf.area, scene.state, scene.world);
    header::paint(buf, plan.header, scene);
    caption::paint(buf, plan.caption, scene);
    stage::paint(buf, &plan.stage, scene);
    timeline::paint(buf, plan.timeline, scene);
    let panels = plan.panels.iter().map(|(_, area)| *area).reduce(Rect::union).unwrap_or(plan.timeline);
    for (panel, area) in plan.panels {
        paint_panel(buf, panel, area, scene);
    }
    if let Some([left, right]) = plan.extra {
        newest_drop::paint(buf, left, scene);
        waits::paint(buf, right, scene);
    }
    if let Some(replay) = &scene.state.instant_replay {
        let below = if panels.height < ROOM_TO_REPLAY { plan.timeline.union(panels) } else { panels };
        let area = plan.extra.map_or(below, |[left, right]| left.union(right));
        instant_replay::paint(buf, area, scene, replay);
    }
    footer::paint(buf, plan.footer, scene);
}

fn paint_panel(buf: &mut Buffer, panel: Panel, area: Rect, scene: &Scene<'_>) {
    scene.hit_map.borrow_mut().note(Rect { height: 1, ..area }, Target::Panel(panel));
    match panel {
        Panel::Notes => notes::paint(buf, area, scene),
        Panel::Ledger => ledger::paint(buf, area, scene),
        Panel::Counters => counters::paint(buf, area, scene),
        Panel::Settings => settings::paint(buf, area, scene),
    }
}
