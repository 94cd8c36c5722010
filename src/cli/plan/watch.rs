//! The arguments of `qviz watch`: what they mean together.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::{Form, PlanEnv, form};
use crate::cli::args::{Color, VerdictFormat, WatchArgs};
use crate::cli::defaults;
use crate::cli::exit::Failure;
use crate::fold::fail_on::FailOn;
use crate::model::watch::Target;
use crate::say;
use crate::session::watch::Length;

/// A watch.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct WatchPlan {
    /// What comes out.
    pub form: Form,
    /// Which listeners; `None`: all.
    pub target: Option<Target>,
    /// How long.
    pub length: Length,
    /// What ends it with exit status 3.
    pub fail_on: Vec<FailOn>,
    /// The first failure does not end it.
    pub to_end: bool,
    /// How its verdict is printed.
    pub format: VerdictFormat,
    /// What runs meanwhile; empty: nothing.
    pub command: Vec<OsString>,
    /// Where.
    pub place: WatchPlace,
    /// Where metrics are served.
    pub metrics: Option<SocketAddr>,
    /// Pages are asked for on stdin, and their series bear this namespace.
    pub metrics_pipe: Option<String>,
    /// Where it is recorded.
    pub record: Option<PathBuf>,
    /// ASCII characters only.
    pub ascii: bool,
    /// Colours of the picture.
    pub color: Color,
    /// The theme's name.
    pub theme: String,
    /// Large and high in contrast, for a room.
    pub projector: bool,
    /// The mouse is for the picture.
    pub mouse: bool,
}

/// The network namespace that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchPlace {
    /// The one of this process.
    Here,
    /// The one of this file.
    File(PathBuf),
    /// The one of this process.
    Process(u32),
}

impl WatchPlan {
    /// The plan for these arguments.
    ///
    /// # Errors
    /// Arguments that cannot be used together, or not here.
    pub fn new(args: &WatchArgs, here: PlanEnv) -> Result<Self, Failure> {
        let (run, output) = (&args.run, &args.output);
        if run.once && run.fail_on.iter().any(|condition| matches!(condition, FailOn::Overflow | FailOn::Stalled)) {
            return Err(Failure::usage(
                say!("--fail-on overflow and stalled cannot be used with --once: one look sees no change"),
                say!("--fail-on overflow --duration 10s, or --once --fail-on full:80%"),
            ));
        }
        let shown = !run.once && run.fail_on.is_empty() && args.command.is_empty();
        let form = match form(output, PlanEnv { screen: here.screen && shown, ..here })? {
            Form::Picture if !shown => Form::Text,
            form => form,
        };
        let length = match run.duration {
            _ if run.once => Length::Once,
            Some(span) => Length::For(span),
            None => Length::Endless,
        };
        let place = match (&run.netns, run.pid) {
            (Some(path), _) => WatchPlace::File(path.clone()),
            (None, Some(pid)) => WatchPlace::Process(pid),
            (None, None) => WatchPlace::Here,
        };
        Ok(Self {
            form,
            target: args.target.clone(),
            length,
            fail_on: run.fail_on.clone(),
            to_end: run.to_end,
            format: run.format.unwrap_or_default(),
            command: args.command.clone(),
            place,
            metrics: run.metrics,
            metrics_pipe: run.metrics_pipe.clone(),
            record: run.record.clone(),
            ascii: output.ascii,
            color: output.color.unwrap_or_default(),
            theme: output.theme.clone().unwrap_or_else(|| defaults::THEME.to_owned()),
            projector: output.projector,
            mouse: !output.no_mouse,
        })
    }
}

impl WatchPlace {
    /// Its name; `None` for the own one.
    pub fn words(&self) -> Option<String> {
        match self {
            Self::Here => None,
            Self::File(path) => Some(path.display().to_string()),
            Self::Process(pid) => Some(format!("pid {pid}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::*;
    use crate::cli::args::{Cli, CliCommand};

    const TERMINAL: PlanEnv = PlanEnv { screen: true, keys: true };

    fn plan(words: &str) -> Result<WatchPlan, Failure> {
        let cli = Cli::try_parse_from(["qviz", "watch"].into_iter().chain(words.split_whitespace())).unwrap();
        match cli.verb {
            Some(CliCommand::Watch(args)) => WatchPlan::new(&args, TERMINAL),
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn a_picture_comes_where_nothing_else_was_asked_for() {
        assert_eq!(plan("").unwrap().form, Form::Picture);
        assert_eq!(plan(":80 --duration 1s").unwrap().form, Form::Picture);
        for words in ["--once", "--headless", "--fail-on overflow", "--fail-on full:80%", "-- true"] {
            assert_eq!(plan(words).unwrap().form, Form::Text, "{words}");
        }
        assert_eq!(plan("--once --json").unwrap().form, Form::Json);
        assert_eq!(plan("--jsonl --fail-on overflow").unwrap().form, Form::Jsonl);
    }

    #[test]
    fn once_lasts_one_look_and_can_see_no_change() {
        assert_eq!(plan("--once").unwrap().length, Length::Once);
        assert_eq!(plan("--duration 2s").unwrap().length, Length::For(Duration::from_secs(2)));
        assert_eq!(plan("").unwrap().length, Length::Endless);
        assert_eq!(plan("--once --fail-on full:80%").unwrap().fail_on, [FailOn::Full(0.8)]);
        let refused = plan("--once --fail-on overflow --fail-on full:80%").unwrap_err();
        assert!(refused.message.contains("one look"), "{refused}");
        assert!(plan("--once --fail-on stalled").is_err() && plan("--once --fail-on wait:2s").is_ok());
    }

    #[test]
    fn a_place_is_named_by_its_file_or_by_a_process() {
        assert_eq!(plan("--netns /run/netns/a").unwrap().place.words(), Some("/run/netns/a".into()));
        assert_eq!(plan("--pid 7").unwrap().place, WatchPlace::Process(7));
        assert_eq!(plan("").unwrap().place.words(), None);
    }
}
