//! What the command line of the tests asks for, as libtest understands it.

/// Which tests run, and how.
#[derive(Debug)]
pub(crate) struct Options {
    words: Vec<String>,
    skipped: Vec<String>,
    exact: bool,
    ignored: Ignored,
    pub(crate) list: bool,
    pub(crate) capture: bool,
    /// Tests at the same time.
    pub(crate) threads: usize,
}

/// Whether the tests run that run only when they are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ignored {
    No,
    Too,
    Alone,
}

impl Options {
    /// `at_once`: tests at the same time for each processor.
    pub(crate) fn read(arguments: &[String], at_once: usize) -> Self {
        let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
        let mut options = Self {
            words: Vec::new(),
            skipped: Vec::new(),
            exact: has("--exact"),
            ignored: match (has("--ignored"), has("--include-ignored")) {
                (true, _) => Ignored::Alone,
                (false, true) => Ignored::Too,
                (false, false) => Ignored::No,
            },
            list: has("--list"),
            capture: !has("--nocapture") && !has("--no-capture"),
            threads: std::thread::available_parallelism().map_or(2, |processors| processors.get() * at_once),
        };
        let mut arguments = arguments.iter().flat_map(|argument| argument.splitn(2, '='));
        while let Some(argument) = arguments.next() {
            match argument {
                "--skip" => options.skipped.extend(arguments.next().map(str::to_owned)),
                "--test-threads" => {
                    let threads = arguments.next().and_then(|number| number.parse().ok());
                    options.threads = threads.unwrap_or(options.threads).max(1);
                }
                "--format" | "--color" | "--logfile" | "--shuffle-seed" | "-Z" => drop(arguments.next()),
                word if !word.starts_with('-') => options.words.push(word.to_owned()),
                _ => {}
            }
        }
        options
    }

    /// Whether a test of this name is chosen; `ignored`: it runs only when it is asked for.
    pub(crate) fn choose(&self, title: &str, ignored: bool) -> bool {
        let meant = |word: &String| if self.exact { title == word } else { title.contains(word.as_str()) };
        (self.words.is_empty() || self.words.iter().any(meant))
            && !self.skipped.iter().any(meant)
            && (ignored || self.ignored != Ignored::Alone)
    }

    /// Whether those run that run only when they are asked for.
    pub(crate) fn include_ignored(&self) -> bool {
        self.ignored != Ignored::No
    }
}
