//! The program in a real terminal: every key, every way out, every size, and the story that the defaults tell.

#[path = "support/lab.rs"]
mod lab;
#[path = "terminal/pane.rs"]
mod pane;
#[path = "terminal/traces.rs"]
mod traces;

#[path = "terminal/browse.rs"]
mod browse;
#[path = "terminal/chrome.rs"]
mod chrome;
#[path = "terminal/exits.rs"]
mod exits;
#[path = "terminal/keys.rs"]
mod keys;
#[path = "terminal/lesson.rs"]
mod lesson;
#[path = "terminal/mouse.rs"]
mod mouse;
#[path = "terminal/panics.rs"]
mod panics;
#[path = "terminal/sizes.rs"]
mod sizes;
#[path = "terminal/stalled.rs"]
mod stalled;
#[path = "terminal/story.rs"]
mod story;
