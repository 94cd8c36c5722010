//! The configuration file: defaults of options by their long names, in TOML. An option on the command line is stronger, and conflicts
//! with nothing that stands here.
//!
//! `--config FILE` names another one, `--no-config` none; without them it is `$XDG_CONFIG_HOME/qviz/config.toml`, else
//! `~/.config/qviz/config.toml`, if there is one.

use std::ffi::OsString;
use std::io::ErrorKind as ErrorKindOfFile;
use std::path::{Path, PathBuf};

use clap::Command;
use clap::error::ErrorKind;
use toml::de::{DeTable, DeValue};

use super::exit::Failure;
use super::values;
use crate::say;
use crate::session::files;
use crate::text::sanitize;

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The file that was read; `None`: none.
    pub file: Option<PathBuf>,
    /// The file that would have been read.
    pub place: Option<PathBuf>,
    settings: Vec<Setting>,
}

/// One option's default.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Setting {
    /// The option's long name.
    name: String,
    /// Its value as on the command line; several for an option that may be given twice.
    values: Vec<String>,
    /// The line in the file, counted from 1.
    line: usize,
    /// As it stands in the file.
    written: String,
}

impl Config {
    /// Reads the file that these arguments and this environment name, and holds it against the command line; `refusal` says in words why
    /// an option does not take a value.
    ///
    /// # Errors
    /// A file that was named and cannot be read; what is no TOML; a key that is no option, with its line and the nearest one; a value
    /// that the option does not take.
    pub fn read(
        arguments: &[OsString],
        variable: impl Fn(&str) -> Option<OsString>,
        command: &Command,
        refusal: impl Fn(&clap::Error) -> String,
    ) -> Result<Self, Failure> {
        let (named, none) = asked(arguments);
        let place = named.clone().or_else(|| usual(variable));
        let Some(path) = place.clone().filter(|_| !none) else { return Ok(Self { place, ..Self::default() }) };
        let text = match files::read_text(&path, LONGEST) {
            Ok(text) => text,
            Err(error) if named.is_none() && is_none(error.kind()) => {
                return Ok(Self { place, ..Self::default() });
            }
            Err(error) => {
                return Err(Failure::new(
                    say!("cannot read {file}: {error}", file = path.display(), error),
                    say!("another file: --config FILE, or none: --no-config"),
                ));
            }
        };
        let settings = parse(&text).and_then(|settings| {
            settings.iter().try_for_each(|setting| check(setting, command, &refusal))?;
            Ok(settings)
        });
        let settings = settings.map_err(|fault| fault.into_failure(&path))?;
        Ok(Self { file: Some(path), place, settings })
    }

    /// The command line with these defaults.
    pub fn applied(&self, command: Command) -> Command {
        self.settings.iter().fold(command, with_default)
    }

    /// The value of an option that is needed before the arguments are parsed.
    pub fn value(&self, name: &str) -> Option<&str> {
        let setting = self.settings.iter().find(|setting| setting.name == name)?;
        setting.values.last().map(String::as_str)
    }

    /// What is in force, as a file that says the same.
    pub fn text(&self) -> String {
        let place = |path: &PathBuf| sanitize::line(&path.display().to_string());
        let mut text = match (&self.file, &self.place) {
            (Some(file), _) => format!("# {}\n", place(file)),
            (None, Some(file)) => {
                format!("# {}\n", say!("no configuration file; it would be {file}", file = place(file)))
            }
            (None, None) => format!("# {}\n", say!("no configuration file")),
        };
        for setting in &self.settings {
            text.push_str(&format_args!("{} = {}\n", setting.name, setting.written).to_string());
        }
        text
    }
}

/// The other arguments, without the options that name the file.
pub fn without_options(arguments: &[OsString]) -> Vec<OsString> {
    let mut others = Vec::new();
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        match word.to_str() {
            Some("--") => {
                others.push(word.clone());
                others.extend(rest.by_ref().cloned());
            }
            Some("--no-config") => {}
            Some("--config") => drop(rest.next()),
            Some(option) if option.starts_with("--config=") => {}
            _ => others.push(word.clone()),
        }
    }
    others
}

/// The file that was named, and whether none was asked for.
fn asked(arguments: &[OsString]) -> (Option<PathBuf>, bool) {
    let (mut file, mut none) = (None, false);
    let mut rest = arguments.iter().take_while(|word| *word != "--");
    while let Some(word) = rest.next() {
        match word.to_str() {
            Some("--no-config") => none = true,
            Some("--config") => file = rest.next().map(PathBuf::from),
            Some(option) => file = option.strip_prefix("--config=").map(PathBuf::from).or(file),
            None => {}
        }
    }
    (file, none)
}

fn usual(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = |name: &str| variable(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let base = folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")));
    base.map(|base| base.join("qviz").join("config.toml"))
}

/// No file at the usual place, or the home of somebody else, as after a change of the user.
const fn is_none(error: ErrorKindOfFile) -> bool {
    matches!(error, ErrorKindOfFile::NotFound | ErrorKindOfFile::PermissionDenied | ErrorKindOfFile::NotADirectory)
}

/// What is wrong with a file.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    line: usize,
    message: String,
}

impl Fault {
    fn into_failure(self, path: &Path) -> Failure {
        let place = format!("{}:{}", path.display(), self.line);
        Failure::usage(
            sanitize::line(&format!("{place}: {}", self.message)),
            say!("correct that line, or leave the file out: --no-config"),
        )
    }
}

fn parse(text: &str) -> Result<Vec<Setting>, Fault> {
    let line = |at: usize| text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
    let document = DeTable::parse(text).map_err(|error| Fault {
        line: line(error.span().map_or(0, |span| span.start)),
        message: error.message().to_owned(),
    })?;
    let setting = |(key, value): (&toml::Spanned<std::borrow::Cow<'_, str>>, &toml::Spanned<DeValue<'_>>)| {
        let (name, at) = (key.get_ref().to_string(), line(key.span().start));
        let scalars = match value.get_ref() {
            DeValue::Array(items) => items.iter().map(|item| scalar(item.get_ref())).collect(),
            one => scalar(one).map(|one| vec![one]),
        };
        let written = text.get(value.span()).unwrap_or_default().to_owned();
        match scalars {
            Some(values) => Ok(Setting { name, values, line: at, written }),
            None => Err(Fault {
                line: at,
                message: say!("{name}: a text, a number, true or false, or a list of them", name),
            }),
        }
    };
    let mut settings = document.get_ref().iter().map(setting).collect::<Result<Vec<_>, _>>()?;
    settings.sort_by_key(|setting| setting.line);
    Ok(settings)
}

/// As it is written on the command line.
fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number.to_string())
        }
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

/// Whether a command has this option and takes these values.
fn check(setting: &Setting, command: &Command, refusal: &impl Fn(&clap::Error) -> String) -> Result<(), Fault> {
    let fault = |message: String| Fault { line: setting.line, message };
    let all: Vec<_> = std::iter::once((None, command))
        .chain(command.get_subcommands().map(|verb| (Some(verb.get_name()), verb)))
        .collect();
    let long = |command: &&Command| command.get_arguments().find(|arg| arg.get_long() == Some(&setting.name)).cloned();
    let found = all.iter().find_map(|(verb, command)| Some((*verb, long(command)?)));
    let Some((verb, option)) = found.filter(|_| !NOT_HERE.contains(&setting.name.as_str())) else {
        let mut known: Vec<_> =
            all.iter().flat_map(|(_, command)| command.get_arguments().filter_map(clap::Arg::get_long)).collect();
        known.retain(|name| !NOT_HERE.contains(name));
        known.sort_unstable();
        known.dedup();
        let near = values::nearest(&setting.name, &known);
        let hint = near.first().map(|near| say!("did you mean {near}? ", near)).unwrap_or_default();
        return Err(fault(say!(
            "unknown key `{key}`; {hint}keys are the long names of options",
            key = setting.name,
            hint
        )));
    };
    let flag = !option.get_action().takes_values();
    if flag && !matches!(setting.values[..], [ref value] if value == "true" || value == "false") {
        return Err(fault(say!("{name} is switched on or off: true or false", name = setting.name)));
    }
    let words = setting.values.iter().filter(|_| !flag).map(|value| format!("--{}={value}", setting.name));
    let words = std::iter::once("qviz".to_owned()).chain(verb.map(str::to_owned)).chain(words);
    match command.clone().try_get_matches_from(words) {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::ValueValidation | ErrorKind::InvalidValue | ErrorKind::ArgumentConflict
            ) =>
        {
            let text = refusal(&error);
            let said = text.lines().next().unwrap_or_default();
            let own = say!("error: {message}", message = "");
            Err(fault(said.strip_prefix(own.as_str()).unwrap_or(said).to_owned()))
        }
        _ => Ok(()),
    }
}

/// The command and all below it, each option of this name with the default.
fn with_default(command: Command, setting: &Setting) -> Command {
    let command = command.mut_args(|arg| {
        if arg.get_long() != Some(&setting.name) {
            return arg;
        }
        if arg.get_action().takes_values() {
            arg.default_values(setting.values.clone())
        } else if setting.values[..] == ["true"] {
            arg.default_value("true")
        } else {
            arg
        }
    });
    command.mut_subcommands(|verb| with_default(verb, setting))
}

/// Options that are no settings.
const NOT_HERE: [&str; 4] = ["config", "no-config", "help", "version"];

/// Far more bytes than such a file has.
const LONGEST: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches};

    use super::*;
    use crate::cli::args::{Cli, CliCommand};

    fn config(text: &str) -> Result<Config, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(&["--config".into(), path.into()], |_| None, &Cli::command(), ToString::to_string)
    }

    fn parsed(config: &Config, words: &str) -> Cli {
        let words = std::iter::once("qviz").chain(words.split_whitespace());
        let matches = config.applied(Cli::command()).try_get_matches_from(words);
        Cli::from_arg_matches(&matches.unwrap_or_else(|error| panic!("{error}"))).unwrap()
    }

    #[test]
    fn defaults_come_from_the_file_and_the_command_line_is_stronger() {
        let config = config("backlog = 16\ntheme = \"light\"\nrtt = \"200ms\"\njson = true\nlang = \"zh\"\n").unwrap();
        let cli = parsed(&config, "");
        assert_eq!((cli.lab.listener.backlog, cli.lab.output.theme.as_deref()), (Some(16), Some("light")));
        assert!(cli.lab.output.json);
        assert_eq!(parsed(&config, "--backlog 3").lab.listener.backlog, Some(3));
        assert!(parsed(&config, "--jsonl").lab.output.jsonl, "what is given conflicts with no default");
        match parsed(&config, "watch :80 --once").verb {
            Some(CliCommand::Watch(args)) => assert_eq!(args.output.theme.as_deref(), Some("light")),
            other => panic!("{other:?}"),
        }
        assert_eq!(config.value("lang"), Some("zh"));
        assert!(config.text().ends_with("lang = \"zh\"\n"), "{}", config.text());
    }

    #[test]
    fn what_is_wrong_is_reported_with_its_line_and_the_nearest_name() {
        for (text, line, why) in [
            ("backlog = 16\nbaklog = 5\n", 2, "did you mean backlog?"),
            ("\n\nbacklog = \"many\"\n", 3, "such as 0, 5, 511"),
            ("theme = \"drak\"", 1, "drak"),
            ("json = 1", 1, "true or false"),
            ("backlog = {}", 1, "a text, a number"),
            ("backlog = ", 1, ""),
            ("config = \"x\"", 1, "unknown key"),
        ] {
            let failure = config(text).unwrap_err();
            assert!(failure.message.contains(&format!("config.toml:{line}: ")), "{text}: {failure}");
            assert!(failure.message.contains(why), "{text}: {failure}");
        }
    }

    #[test]
    fn the_place_is_that_of_the_xdg_rules_and_a_missing_file_is_none() {
        let variable = |name: &str| (name == "HOME").then(|| OsString::from("/no/such/home"));
        let config = Config::read(&[], variable, &Cli::command(), ToString::to_string).unwrap();
        assert_eq!(config.place.as_deref(), Some(Path::new("/no/such/home/.config/qviz/config.toml")));
        assert_eq!(config.file, None);
        let named = Config::read(&["--config=/no/such".into()], |_| None, &Cli::command(), ToString::to_string);
        assert!(named.unwrap_err().message.contains("/no/such"));
        assert_eq!(
            Config::read(&["--no-config".into()], variable, &Cli::command(), ToString::to_string).unwrap().file,
            None
        );
    }

    #[test]
    fn the_options_are_taken_out_but_not_behind_the_dashes() {
        let split = |words: &str| words.split_whitespace().map(OsString::from).collect::<Vec<_>>();
        let words = split("--config a watch --no-config :80 --config=b -- run --config c");
        assert_eq!(without_options(&words), split("watch :80 -- run --config c"));
        assert_eq!(asked(&words), (Some("b".into()), true));
    }
}
