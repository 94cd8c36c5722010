//! Screens in either language: the recorded states, and those of hand-written events.

use std::time::Duration;

use qviz::fold::world::World;
use qviz::model::event::Environment;
use qviz::model::stamp::Stamp;
use qviz::text::lang::{Lang, within};
use qviz::ui::keymap::Action;
use qviz::ui::state::{Msg, UiState, update};
use qviz::ui::theme::{Depth, Theme};
use qviz::ui::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Size;

use super::taught;
use crate::scene::{Machine, reading};
use crate::show::{self, Show};
use crate::story::{Story, ms};

/// One screen, and the names on it that are nobody's words.
pub(crate) struct Frame {
    pub(crate) picture: Buffer,
    pub(crate) names: String,
}

/// A screen of which the size is still open: a world, and the keys that are pressed into it.
pub(crate) struct Take {
    pub(crate) name: &'static str,
    pub(crate) world: World,
    pub(crate) state: UiState,
    pub(crate) now: Stamp,
    pub(crate) actions: Vec<Action>,
    pub(crate) names: String,
}

impl Take {
    /// These keys pressed into this world at this moment.
    pub(crate) fn of(name: &'static str, (world, now): (World, Stamp), state: UiState, actions: &[Action]) -> Self {
        Self { name, world, state, now, actions: actions.to_vec(), names: String::new() }
    }

    /// The same screen, begun in the other language and switched by the key.
    pub(crate) fn switched(&mut self) {
        self.actions.insert(0, Action::Language);
    }

    /// The screen in this size.
    pub(crate) fn draw(&self, (width, height): (u16, u16)) -> Frame {
        let mut state = UiState { size: Size::new(width, height), ..self.state.clone() };
        update(&mut state, Msg::Pulse(self.now), &self.world);
        for action in &self.actions {
            state.frame = view::picture_and_info(state.size, &self.world, &state, self.now).1;
            update(&mut state, Msg::Press(*action, self.now), &self.world);
            update(&mut state, Msg::Pulse(self.now), &self.world);
        }
        Frame { picture: view::picture(state.size, &self.world, &state, self.now), names: self.names.clone() }
    }
}

/// Every screen in this language.
pub(crate) fn all(lang: Lang) -> Vec<Take> {
    within(lang, || {
        let told = recorded(lang).into_iter().chain(lesson_takes(lang)).chain(watched(lang));
        told.chain(taught::all(lang)).collect()
    })
}

fn recorded(lang: Lang) -> Vec<Take> {
    let take = |name, recording: &str, go: &dyn Fn(Show) -> Show, (action, times): (Action, usize)| {
        let mut show = Show::of(recording, (120, 36), false);
        show.state.lang = lang;
        let Show { world, state, now, .. } = go(show);
        let names = world.began.as_ref().map_or_else(String::new, |began| began.kernel.clone());
        Take { name, world, state, now, actions: vec![action; times], names }
    };
    let plain = |name, recording, go| take(name, recording, go, (Action::Help, 0));
    let overflowing = |name, keys| take(name, "queues", &show::overflowing, keys);
    vec![
        plain("idle", "queues", &show::idle),
        plain("filling", "queues", &show::filling),
        plain("full", "queues", &show::full),
        plain("overflowing", "queues", &show::overflowing),
        plain("ghosts", "stranded", &show::ghosts),
        plain("cookies", "flood", &show::cookies),
        plain("frozen", "queues", &show::frozen),
        plain("step", "steps", &show::step),
        plain("host", "loopback", &show::host),
        plain("replay_end", "queues", &show::replay_end),
        overflowing("ledger", (Action::Panel, 1)),
        overflowing("counters", (Action::Panel, 2)),
        overflowing("settings", (Action::Panel, 3)),
        overflowing("help", (Action::Help, 1)),
        overflowing("help_2", (Action::Help, 2)),
        overflowing("help_3", (Action::Help, 3)),
    ]
}

/// Many clients on a queue that is drained slowly.
fn overflowing() -> Story {
    let mut story = Story::new(Environment::Lab, 5, 0);
    story.clients(108..132, ms(6500), Duration::from_millis(110), false);
    story.accepts(4, ms(7200), Duration::from_millis(420));
    story.run(ms(9130));
    story.read_counters();
    story
}

fn ghosts() -> Story {
    let mut story = Story::new(Environment::Lab, 5, 0);
    story.clients(200..210, ms(500), Duration::from_millis(80), false);
    story.run(ms(2990));
    story.read_counters();
    story
}

fn phantoms() -> Story {
    let mut story = Story::new(Environment::Lab, 1, 2);
    story.clients(300..305, ms(500), Duration::from_millis(80), false);
    story.run(ms(1500));
    story.read_counters();
    story
}

fn rushing(clients: u32) -> Story {
    let mut story = Story::new(Environment::Lab, 128, 0);
    story.clients(0..clients, ms(100), Duration::from_micros(2_400_000 / u64::from(clients)), false);
    story.run(ms(2600));
    story.read_counters();
    story
}

fn host() -> Story {
    let mut story = Story::new(Environment::Host, 5, 1);
    story.run(ms(1500));
    story
}

pub(crate) fn state(lang: Lang, projector: bool) -> UiState {
    let theme = Theme::named("dark", Depth::True, false).unwrap();
    UiState { theme, lang, projector, live: true, mouse: true, ..UiState::default() }
}

/// What the host rung of a story says about its machine.
const MACHINE: &str = "user namespaces are denied AppArmor sudo sysctl kernel apparmor_restrict_unprivileged_userns or";

fn lesson_takes(lang: Lang) -> Vec<Take> {
    use Action::{Earlier, Filter, Freeze, HalfOpen, Help, Keep, Letter, Open, Sort, ZoomIn};
    let take = |name, story: Story, projector, actions: &[Action]| {
        let take = Take::of(name, (story.world, story.now), state(lang, projector), actions);
        Take { names: MACHINE.into(), ..take }
    };
    vec![
        take("list", overflowing(), false, &[Open, Sort]),
        take("filter", overflowing(), false, &[Open, Filter, Letter('m')]),
        take("nothing_found", overflowing(), false, &[Open, Filter, Letter('#'), Keep]),
        take("ladder_syn", overflowing(), false, &[Open, Sort, Open]),
        take("ladder_ghost", ghosts(), false, &[Open, Sort, Open]),
        take("ladder_phantom", phantoms(), false, &[Open, Sort, Open]),
        take("help_list", ghosts(), false, &[Open, Help]),
        take("help_ladder", ghosts(), false, &[Open, Open, Help]),
        take("past", overflowing(), false, &[ZoomIn, Earlier]),
        take("refused", host(), false, &[HalfOpen]),
        take("marks", rushing(300), false, &[]),
        take("flows", rushing(3000), false, &[]),
        take("projector_ghosts", ghosts(), true, &[]),
        take("projector_overflowing", overflowing(), true, &[]),
        take("projector_phantoms", phantoms(), true, &[]),
        take("projector_flows", rushing(3000), true, &[]),
        take("projector_frozen", overflowing(), true, &[Freeze]),
        take("projector_calm", host(), true, &[]),
    ]
}

/// The stalled python, looked into.
fn stalled(tap: bool) -> Machine {
    let mut machine = Machine::busy(tap, Some(":8000".parse().unwrap()));
    machine.choose(&reading(1, "0.0.0.0:8000", 6, 5));
    machine.listed(5, 7400, 2);
    machine.pass(ms(12_500));
    machine
}

fn nothing() -> Machine {
    let mut machine = Machine::new(false, Some(":8080".parse().unwrap()));
    machine.pass(ms(2000));
    machine
}

fn watched(lang: Lang) -> Vec<Take> {
    use Action::{Filter, Freeze, Help, Keep, Letter, Open, Panel, RowDown, Sort};
    let take = |name, machine: Machine, actions: &[Action]| {
        let Machine { world, now, .. } = machine;
        let names = world.listeners.by_id.values().map(|one| {
            let owner = one.owner.as_ref();
            let place = owner.and_then(|owner| owner.place.clone()).unwrap_or_default();
            format!("{} {} {place} ", one.reading.address, owner.map_or("", |owner| owner.command.as_str()))
        });
        let names = names.collect();
        Take { names, ..Take::of(name, (world, now), state(lang, false), actions) }
    };
    let busy = || Machine::busy(false, None);
    vec![
        take("watch_all", busy(), &[]),
        take("watch_all_tap", Machine::busy(true, None), &[RowDown, Sort]),
        take("watch_paused", busy(), &[Freeze]),
        take("watch_filter", busy(), &[Filter, Letter('n'), Letter('g')]),
        take("watch_one", stalled(false), &[]),
        take("watch_one_tap", stalled(true), &[]),
        take("watch_one_half_open", stalled(true), &[Panel]),
        take("watch_frozen", stalled(true), &[Freeze]),
        take("watch_unix", busy(), &[Filter, Letter('p'), Letter('h'), Letter('p'), Keep, Open]),
        take("watch_nothing", nothing(), &[]),
        take("watch_help_all", busy(), &[Help]),
        take("watch_help_one", stalled(false), &[Help]),
    ]
}
