//! The screen's event loop: facts, keys, signals and time in; frames and commands out.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::bookmarks::Bookmarks;
use super::keymap::{self, Action};
use super::keys::{Input, Keys};
use super::lesson::LessonState;
use super::lesson_loop::LessonLoop;
use super::pace::{Motion, Pace};
use super::state::{ExitRequest, Msg, UiState, update};
use super::terminal::{self, Screen};
use super::theme::{self, Terminfo, Theme};
use super::view::{self, placement::Placement};
use super::{UiError, UiPlan};
use crate::fold::listeners::ListenerState;
use crate::fold::world::World;
use crate::model::event::{Event, Stamped};
use crate::model::lesson::Phase;
use crate::say;
use crate::session::observer::{EventObserver, asked};
use crate::session::recording::transport::PlayCommand;
use crate::session::signals::{EndSignals, Ignored};
use crate::session::{Session, rest};
use crate::text::lang;

mod input;
mod lesson;
mod picker;
mod steps;

pub use picker::{pick, play_beside};

use steps::Until;

/// How long at most until a terminal that is gone, or a panic elsewhere, is noticed.
const MAX_WAIT: Duration = Duration::from_millis(100);

/// How long a key may take to be carried out before the next frame.
const AT_ONCE: Duration = Duration::from_millis(60);

/// Why the screen was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitReason {
    /// The user asked for it.
    Quit,
    /// The session is over.
    Ended,
    /// This signal came.
    Signal(i32),
    /// The terminal has hung up.
    TerminalGone,
}

/// Shows the session until it is left; with a `lesson_loop` a lesson is played beside it, and the session is replaced with each scene.
/// Facts are folded into `world` as they come and passed to `observer`, which is also answered when it asks; after [`ExitReason::Quit`] the
/// caller stops the lab and folds the rest. The terminal is restored when this returns.
///
/// # Errors
/// When the terminal cannot be used, the theme has no such name, or a part of the program has panicked.
pub async fn run<'a>(
    session: &mut Session,
    world: &mut World,
    plan: &UiPlan,
    observer: &'a mut dyn EventObserver,
    lesson_loop: Option<LessonLoop<'a>>,
) -> Result<ExitReason, UiError> {
    let (projector, mouse, lang) = (plan.projector, plan.mouse, lang::here());
    let lesson = LessonState::new(lesson_loop.is_some()).of_class(plan.class);
    let (theme, live) = (theme_of(plan)?, session.takes_commands());
    let state = UiState { theme, lang, live, projector, mouse, lesson, ..UiState::default() };
    let failed = |source| UiError::Terminal { doing: say!("hear signals of"), source };
    let signals = Signals::listen().map_err(failed)?;
    let screen = Screen::enter(plan.mouse)?;
    let keys = Keys::listen().map_err(|source| UiError::Terminal { doing: say!("read keys from"), source })?;
    let (pace, bookmarks) = (Pace::default(), Bookmarks::default());
    let mut screen_loop =
        ScreenLoop { screen, state, pace, suspended: false, first_drop_shown: false, bookmarks, observer, lesson_loop };
    screen_loop.turn(session, world, (signals, keys)).await
}

fn theme_of(plan: &UiPlan) -> Result<Theme, UiError> {
    let read = |name: &str| std::env::var(name).unwrap_or_default();
    let terminal =
        Terminfo { term: read("TERM"), colorterm: read("COLORTERM"), no_color: !read("NO_COLOR").is_empty() };
    let depth = theme::depth(plan.color, &terminal);
    Theme::named(&plan.theme, depth, plan.ascii).ok_or_else(|| UiError::Theme { name: plan.theme.clone() })
}

/// What the loop holds.
struct ScreenLoop<'a> {
    screen: Screen,
    state: UiState,
    pace: Pace,
    suspended: bool,
    first_drop_shown: bool,
    bookmarks: Bookmarks,
    observer: &'a mut dyn EventObserver,
    lesson_loop: Option<LessonLoop<'a>>,
}

impl ScreenLoop<'_> {
    async fn turn(
        &mut self,
        session: &mut Session,
        world: &mut World,
        (mut signals, mut keys): (Signals, Keys),
    ) -> Result<ExitReason, UiError> {
        let clock = session.clock();
        let mut listening = true;
        // The first facts describe the lab; they are there already.
        if let Some(facts) = session.next().await {
            self.fold(world, &facts);
        }
        loop {
            let now = clock.now();
            if terminal::panicked() {
                return Err(UiError::Panicked);
            }
            if self.screen.is_gone() {
                return Ok(ExitReason::TerminalGone);
            }
            self.advance_lesson(session, world).await?;
            if !self.suspended && self.pace.wait(now).is_zero() && self.frame(session, world).is_err() {
                return Ok(ExitReason::TerminalGone);
            }
            let pause = self.pace.wait(clock.now()).min(self.lesson_wait(clock.now()));
            let pause = pause.clamp(Duration::from_millis(1), MAX_WAIT);
            tokio::select! {
                biased;
                action = signals.next() => {
                    if let Some(reason) = self.signal(action)? {
                        return Ok(reason);
                    }
                }
                input = keys.next(), if listening => match input {
                    Some(input) => {
                        if let Some(reason) = self.input(session, world, &input).await? {
                            return Ok(reason);
                        }
                    }
                    None => listening = false,
                },
                facts = session.next() => match facts {
                    Some(facts) => {
                        self.fold(world, &facts);
                        self.pass(session, world);
                    }
                    None if terminal::panicked() => return Err(UiError::Panicked),
                    None => return Ok(ExitReason::Ended),
                },
                () = asked(self.observer) => self.observer.answer(world),
                () = rest(pause) => {}
            }
        }
    }

    fn frame(&mut self, session: &Session, world: &World) -> std::io::Result<()> {
        let (now, shown) = (session.clock().now(), session.moment());
        if self.screen.is_behind() {
            self.pace.held_up(now);
            return Ok(());
        }
        self.state.replay = session.playing();
        self.state.recording = session.recording_status();
        update(&mut self.state, Msg::Resize(self.screen.size()), world);
        update(&mut self.state, Msg::Pulse(now), world);
        self.first_drop(world, shown);
        let state = &mut self.state;
        self.screen.draw(|buf| state.frame = view::draw(buf, world, state, shown))?;
        let held = state.frozen.is_some() || state.replay.is_some_and(|replay| replay.paused || replay.is_over());
        let motion = match held {
            true => Motion::Still,
            false if world.listeners.watching.is_some() => motion_of_watch(state, world),
            false => match motion(&Placement::of(world, state.density, shown)) {
                Motion::Quiet if counts(world) => Motion::Counting,
                motion => motion,
            },
        };
        self.pace.drew(now, motion);
        Ok(())
    }

    fn fold(&mut self, world: &mut World, facts: &[Stamped]) {
        let depths = |world: &World| (world.accept_queue.depth(), world.syn_queue.depth());
        let before = depths(world);
        for fact in facts {
            world.apply(fact.at, &fact.event);
            self.state.lesson.handle(world, &fact.event);
            self.observer.observe(world, fact);
        }
        if depths(world) != before || facts.iter().any(|fact| is_visible(&fact.event)) {
            self.pace.facts();
        }
    }

    /// A key, or the mouse on what is to be seen.
    async fn input(
        &mut self,
        session: &mut Session,
        world: &mut World,
        input: &Input,
    ) -> Result<Option<ExitReason>, UiError> {
        let watches = world.listeners.watching.is_some();
        let place = if watches { self.state.watch.place() } else { self.state.place() };
        let asked = match input {
            Input::Key(key) => keymap::action(key, session.takes_commands(), place),
            Input::Mouse(mouse) => self.point(session, world, *mouse),
        };
        let Some(action) = asked else {
            self.without_effect(session, world, input);
            return Ok(None);
        };
        let action = lesson::confirmed(action, place, world);
        if action.is_for_the_lesson() {
            self.pace.touched();
            return self.press(session, world, action).await.map(|()| None);
        }
        self.act(session, world, action)
    }

    fn act(&mut self, session: &mut Session, world: &mut World, action: Action) -> Result<Option<ExitReason>, UiError> {
        for command in update(&mut self.state, Msg::Press(action, session.moment()), world) {
            session.send(command);
        }
        self.state.time_message(session.clock().now());
        if let Some(line) = self.state.copy.take() {
            self.screen.copy(&line);
        }
        // The language of messages about facts that come now, and of the summary.
        lang::speak(self.state.lang);
        match action {
            Action::Play(PlayCommand::Step) => self.step_until(session, world, Until::Visible),
            Action::NextDrop => self.step_until(session, world, Until::Drop),
            Action::Play(command) => self.play(session, world, command),
            _ => {}
        }
        self.pace.touched();
        match self.state.exit_request.take() {
            Some(ExitRequest::Suspend) => self.suspend()?,
            Some(ExitRequest::Quit) => return Ok(Some(ExitReason::Quit)),
            None => {}
        }
        Ok(None)
    }

    /// Plays a recording, and folds facts up to its new position for a moment: the rest comes with the other facts.
    fn play(&mut self, session: &mut Session, world: &mut World, command: PlayCommand) {
        let kept = session.play(command, self.bookmarks.places()).and_then(|index| self.bookmarks.world(index));
        if let Some(kept) = kept {
            *world = kept;
        }
        let (clock, began) = (session.clock(), session.clock().now());
        while clock.now().since(began) < AT_ONCE
            && let Some(facts) = session.ready()
        {
            self.fold(world, &facts);
            self.pass(session, world);
        }
    }

    /// A place of a recording to which one may come back.
    fn pass(&mut self, session: &Session, world: &World) {
        if let Some(here) = session.bookmark() {
            self.bookmarks.pass(here, world);
            if session.playing().is_some_and(|playing| playing.paused || playing.is_over()) {
                // A paused replay still has to fold the facts up to its position.
                self.pace.touched();
            }
        }
    }

    fn signal(&mut self, action: SignalAction) -> Result<Option<ExitReason>, UiError> {
        match action {
            SignalAction::End(number) => return Ok(Some(ExitReason::Signal(number))),
            SignalAction::Suspend => self.suspend()?,
            SignalAction::Continue => {
                if let Err(source) = self.screen.take_again() {
                    // The kernel continues whom a closed terminal has stopped.
                    let gone = self.screen.is_gone();
                    return if gone {
                        Ok(Some(ExitReason::TerminalGone))
                    } else {
                        Err(UiError::Terminal { doing: say!("come back to"), source })
                    };
                }
                self.suspended = false;
                self.pace.touched();
            }
            SignalAction::Resize => {
                self.screen.redraw();
                self.pace.touched();
            }
        }
        Ok(None)
    }

    /// Gives the terminal back and stops; what follows comes after `fg`.
    fn suspend(&mut self) -> Result<(), UiError> {
        self.screen.leave();
        self.suspended = true;
        terminal::stop_here().map_err(|source| UiError::Terminal { doing: say!("stop beside"), source })
    }
}

/// True while a waiting lesson shows for how long.
fn counts(world: &World) -> bool {
    world.lesson.as_ref().is_some_and(|progress| progress.phase == Phase::Doing && !progress.over)
}

fn motion(placement: &Placement<'_>) -> Motion {
    if placement.glides() {
        Motion::Gliding
    } else if placement.counts() {
        Motion::Counting
    } else {
        Motion::Quiet
    }
}

/// Ages run while a client waits; nothing in a watch glides.
fn motion_of_watch(state: &UiState, world: &World) -> Motion {
    let waits = |listener: &ListenerState| listener.reading.queue.depth.unwrap_or(0) > 0;
    let waiting = state.watch.held.is_none() && world.listeners.by_id.values().map(Box::as_ref).any(waits);
    if waiting { Motion::Counting } else { Motion::Quiet }
}

/// True for facts that change what is to be seen at once; the others wait for the next frame.
const fn is_visible(event: &Event) -> bool {
    let is_reading = matches!(event, Event::Queue(_) | Event::Listed(_) | Event::Counters(_) | Event::Snapshot(_));
    let is_survey =
        matches!(event, Event::Owned { .. } | Event::Holders { .. } | Event::Occupants { .. } | Event::SynsSeen(_));
    !(is_reading || is_survey || matches!(event, Event::Tick | Event::Cost { .. } | Event::Loss(_)))
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug)]
enum SignalAction {
    End(i32),
    Suspend,
    Continue,
    Resize,
}

/// Every signal that matters to a screen.
struct Signals {
    ends: EndSignals,
    stop: Signal,
    go_on: Signal,
    resize: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        let raw = |number: rustix::process::Signal| signal(SignalKind::from_raw(number.as_raw()));
        Ok(Self {
            ends: EndSignals::take(Ignored::Heard)?,
            stop: raw(rustix::process::Signal::TSTP)?,
            go_on: raw(rustix::process::Signal::CONT)?,
            resize: signal(SignalKind::window_change())?,
        })
    }

    /// The next signal; of several at once, one that ends the run comes first.
    async fn next(&mut self) -> SignalAction {
        tokio::select! {
            biased;
            number = self.ends.next() => SignalAction::End(number),
            _ = self.stop.recv() => SignalAction::Suspend,
            _ = self.go_on.recv() => SignalAction::Continue,
            _ = self.resize.recv() => SignalAction::Resize,
        }
    }
}
