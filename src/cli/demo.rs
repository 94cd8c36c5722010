//! `qviz demo`: a recorded lesson that comes inside the program, played with its story. It needs no rights and no private network.

use std::path::PathBuf;

use super::args::{DemoArgs, FrameArgs, ReplayArgs};
use super::exit::{Exit, Failure};
use super::replay;

/// Plays a demo as the arguments ask for.
///
/// # Errors
/// A [`Failure`] with the next command.
pub(super) fn run(args: &DemoArgs) -> Result<Exit, Failure> {
    let name = args.name.as_deref().unwrap_or(FIRST);
    replay::run(&ReplayArgs { file: PathBuf::from(name), output: args.output.clone(), frames: FrameArgs::default() })
}

/// What is played where none is named.
const FIRST: &str = "silent-drop";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::carried;

    #[test]
    fn the_first_demo_is_carried() {
        assert!(carried::DEMOS.text(FIRST).is_some_and(|text| text.starts_with("{\"qviz-recording\":2,")));
    }
}
