//! Pictures: whole screens that a reviewer can read (`snapshots/`), and what holds of every screen at every size.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a picture that cannot be looked at has failed")]

#[path = "screens/calm.rs"]
mod calm;
#[path = "screens/headlines.rs"]
mod headlines;
#[path = "screens/instant_replay.rs"]
mod instant_replay;
#[path = "screens/languages.rs"]
mod languages;
#[path = "screens/lesson_screens.rs"]
mod lesson_screens;
#[path = "screens/main_screen.rs"]
mod main_screen;
#[path = "screens/picker.rs"]
mod picker;
#[path = "screens/projector.rs"]
mod projector;
#[path = "screens/reduced.rs"]
mod reduced;
#[path = "screens/states.rs"]
mod states;
#[path = "screens/watch_screens.rs"]
mod watch_screens;

#[path = "screens/lesson_screens/lesson_story.rs"]
mod lesson_story;
#[path = "support/outcome.rs"]
mod outcome;
#[path = "screens/picture.rs"]
mod picture;
#[path = "support/samples.rs"]
mod samples;
#[path = "screens/watch_screens/scene.rs"]
mod scene;
#[path = "support/seeds.rs"]
mod seeds;
#[path = "screens/states/show.rs"]
mod show;
#[path = "support/snapshot.rs"]
mod snapshot;
#[path = "screens/story.rs"]
mod story;
#[path = "support/terms.rs"]
mod terms;
