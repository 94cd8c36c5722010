//! Parsers of durations, rates, counts, percentages and patterns, for the command line and lessons. Each error states what is
//! allowed, with an example.

use std::time::Duration;

use crate::model::settings::{AcceptRate, Arrivals, Sysctl};
use crate::say;

/// A span of time: `250ms`, `2s`, `1m30s`, or a bare `0`. At most a year.
///
/// # Errors
/// What is allowed, in words.
pub fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.parse::<f64>().is_ok() {
        return Err(say!("a duration needs a unit: {text}ms or {text}s ({examples})", text, examples = durations()));
    }
    let span = span(text).ok_or_else(|| say!("not a duration ({examples})", examples = durations()))?;
    if span > LONGEST { Err(say!("longer than a year").to_owned()) } else { Ok(span) }
}

/// A span of time that is not zero.
///
/// # Errors
/// What is allowed, in words.
pub fn period(text: &str) -> Result<Duration, String> {
    let span = duration(text)?;
    if span < SHORTEST_PERIOD {
        Err(say!("must be 1ms or more ({examples})", examples = durations()))
    } else {
        Ok(span)
    }
}

/// Events per second: `12`, `0.5`, `10k`, `1m`, each also with `/s` behind it. At most 1000m.
///
/// # Errors
/// What is allowed, in words.
pub fn rate(text: &str) -> Result<f64, String> {
    let bare = text.trim();
    let value = scaled(bare.strip_suffix("/s").unwrap_or(bare))
        .ok_or_else(|| say!("not a rate ({examples})", examples = rates()))?;
    if value > HIGHEST_RATE {
        Err(say!("higher than 1000m per second ({examples})", examples = rates()))
    } else {
        Ok(value)
    }
}

/// A whole number of things, at least 1: `40`, `2k`, `1.5m`.
///
/// # Errors
/// What is allowed, in words.
pub fn count(text: &str) -> Result<u64, String> {
    let value = scaled(text.trim()).ok_or_else(|| say!("not a number ({examples})", examples = counts()))?;
    if value < 1.0 {
        return Err(say!("must be 1 or more; for no clients at all: --rate 0 ({examples})", examples = counts()));
    }
    if value.fract() != 0.0 || value > LARGEST_COUNT {
        return Err(say!("not a whole number up to 1000000m ({examples})", examples = counts()));
    }
    Ok(value as u64)
}

/// A whole number from 1 to 1m.
///
/// # Errors
/// What is allowed, in words.
pub fn small_count(text: &str) -> Result<u32, String> {
    let value = count(text)?;
    u32::try_from(value).ok().filter(|value| *value <= 1_000_000).ok_or_else(|| say!("more than 1m").to_owned())
}

/// A share given in percent, `30%` or `30`, returned as 0 to 1.
///
/// # Errors
/// What is allowed, in words.
pub fn share(text: &str) -> Result<f64, String> {
    let bare = text.trim();
    let number = bare.strip_suffix('%').unwrap_or(bare).trim_end();
    match plain(number) {
        Some(percent) if percent <= 100.0 => Ok(percent / 100.0),
        Some(_) => Err(say!("more than 100 % ({examples})", examples = percentages())),
        None => Err(say!("not a percentage ({examples})", examples = percentages())),
    }
}

/// The second argument of `listen(2)`: 0 to 2147483647.
///
/// # Errors
/// What is allowed, in words.
pub fn backlog(text: &str) -> Result<i32, String> {
    let bare = text.trim();
    let digits = bare.strip_prefix('-').unwrap_or(bare);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(say!("not a whole number ({examples})", examples = backlogs()));
    }
    if bare.starts_with('-') {
        return Err(say!(
            "listen(2) takes a negative backlog as a huge one and uses net.core.somaxconn: write that number ({examples})",
            examples = backlogs()
        ));
    }
    bare.parse().map_err(|_| {
        say!("beyond the int that listen(2) takes, 2147483647 at most ({examples})", examples = backlogs())
    })
}

/// When clients start: `steady`, `poisson`, `burst:N/PERIOD`, `wave:N/PERIOD`.
///
/// # Errors
/// What is allowed, in words, with the nearest name where the given one is unknown.
pub fn arrivals(text: &str) -> Result<Arrivals, String> {
    let (name, shape) = text.trim().split_once(':').map_or((text.trim(), None), |(name, shape)| (name, Some(shape)));
    match (name, shape) {
        ("steady", None) => Ok(Arrivals::Steady),
        ("poisson", None) => Ok(Arrivals::Poisson),
        ("steady" | "poisson", Some(_)) => Err(say!("{name} takes nothing behind it; its rate is --rate", name)),
        ("burst", Some(shape)) => crowd(name, shape).map(|(size, period)| Arrivals::Burst { size, period }),
        ("wave", Some(shape)) => crowd(name, shape).map(|(size, period)| Arrivals::Wave { size, period }),
        ("burst" | "wave", None) => Err(say!("{name} needs a size and a period: {name}:20/1s", name)),
        _ => {
            let near = nearest(name, &["steady", "poisson", "burst", "wave"]);
            let hint = near.first().map(|near| say!("did you mean {near}? ", near)).unwrap_or_default();
            Err(say!("no such pattern; {hint}({names})", hint, names = PATTERNS))
        }
    }
}

/// How fast `accept()` is called: a rate, `max`, or 0 for paused.
///
/// # Errors
/// What is allowed, in words.
pub fn accept_rate(text: &str) -> Result<AcceptRate, String> {
    if text.trim() == "max" {
        return Ok(AcceptRate::Max);
    }
    match rate(text) {
        Ok(0.0) => Ok(AcceptRate::Paused),
        Ok(value) => Ok(AcceptRate::PerSecond(value)),
        Err(_) => {
            let near = nearest(text.trim(), &["max"]);
            let hint = near.first().map(|near| say!(": did you mean {near}?", near)).unwrap_or_default();
            Err(say!("not a rate (such as 8, 0.5, 10k; max: as fast as possible; 0: paused){hint}", hint))
        }
    }
}

/// Workers that accept, serve, close and accept again; `none`: every connection is served at once.
///
/// # Errors
/// What is allowed, in words.
pub fn workers(text: &str) -> Result<Option<u32>, String> {
    if text.trim() == "none" { Ok(None) } else { small_count(text).map(Some) }
}

/// A sysctl that an option and a lesson can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name there.
    pub name: &'static str,
    /// The sysctl.
    pub sysctl: Sysctl,
    /// The smallest and the largest valid value.
    pub range: (i64, i64),
    /// Its value on a fresh Linux.
    pub fresh: i64,
}

impl Setting {
    /// A value of it.
    ///
    /// # Errors
    /// What is allowed, in words.
    pub fn value(&self, text: &str) -> Result<i64, String> {
        let (least, most) = self.range;
        let value = text.trim().parse().ok().filter(|value| (least..=most).contains(value));
        value.ok_or_else(|| say!("{name} takes {least} to {most}", name = self.name, least, most))
    }
}

/// Every sysctl that an option and a lesson can set.
pub const SYSCTLS: [Setting; 6] = [
    Setting { name: "syncookies", sysctl: Sysctl::Syncookies, range: (0, 2), fresh: 1 },
    Setting { name: "abort-on-overflow", sysctl: Sysctl::AbortOnOverflow, range: (0, 1), fresh: 0 },
    Setting { name: "max-syn-backlog", sysctl: Sysctl::MaxSynBacklog, range: (0, i32::MAX as i64), fresh: 128 },
    Setting { name: "somaxconn", sysctl: Sysctl::Somaxconn, range: (0, i32::MAX as i64), fresh: 4096 },
    Setting { name: "synack-retries", sysctl: Sysctl::SynackRetries, range: (0, 255), fresh: 5 },
    Setting { name: "syn-retries", sysctl: Sysctl::SynRetries, range: (1, 127), fresh: 6 },
];

/// The names most like `given`, best first, at most three; none when nothing is like it.
pub fn nearest<'a>(given: &str, known: &[&'a str]) -> Vec<&'a str> {
    let given = given.to_lowercase();
    let mut near: Vec<_> = known
        .iter()
        .map(|name| (likeness(&given, &name.to_lowercase()), *name))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .collect();
    near.sort_by(|one, other| other.0.total_cmp(&one.0));
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

/// 0 to 1; a name that contains what was given is near, as much as it is covered by it.
fn likeness(given: &str, name: &str) -> f64 {
    let edits = strsim::normalized_damerau_levenshtein(given, name);
    if given.len() > 2 && name.contains(given) {
        let covered = given.len() as f64 / name.len() as f64;
        return edits.max(0.6 + 0.4 * covered);
    }
    edits
}

fn crowd(name: &str, shape: &str) -> Result<(u32, Duration), String> {
    let (size, every) =
        shape.split_once('/').ok_or_else(|| say!("{name} needs a size and a period: {name}:20/1s", name))?;
    let size = small_count(size).map_err(|why| say!("the size of the {name}: {why}", name, why))?;
    let every =
        if every.starts_with(|first: char| first.is_ascii_digit()) { every.to_owned() } else { format!("1{every}") };
    let every = period(&every).map_err(|why| say!("the period of the {name}: {why}", name, why))?;
    Ok((size, every))
}

/// A number with an optional k or m behind it.
fn scaled(text: &str) -> Option<f64> {
    let (number, factor) = match text.strip_suffix(['k', 'K']) {
        Some(number) => (number, 1e3),
        None => text.strip_suffix(['m', 'M']).map_or((text, 1.0), |number| (number, 1e6)),
    };
    plain(number).map(|value| value * factor)
}

/// Digits with at most one point: no sign, no exponent, no infinity.
fn plain(text: &str) -> Option<f64> {
    let written = text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if written { text.parse().ok().filter(|value: &f64| value.is_finite()) } else { None }
}

/// Numbers with their units, the longest first: `1h30m`, `1.5 s`.
fn span(text: &str) -> Option<Duration> {
    let (mut rest, mut sum, mut longest) = (text, Duration::ZERO, f64::INFINITY);
    while !rest.is_empty() {
        let (number, behind) = rest.split_at(rest.find(|sign: char| !sign.is_ascii_digit() && sign != '.')?);
        let behind = behind.trim_start();
        let (unit, behind) = behind.split_at(behind.find(|sign: char| !sign.is_alphabetic()).unwrap_or(behind.len()));
        let (_, seconds) = UNITS.into_iter().find(|(names, _)| names.contains(&unit))?;
        if seconds >= longest {
            return None;
        }
        sum = sum.checked_add(Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?)?;
        (rest, longest) = (behind.trim_start(), seconds);
    }
    (!text.is_empty()).then_some(sum)
}

/// Units of time, each with its names and its seconds.
const UNITS: [(&[&str], f64); 8] = [
    (&["w", "week", "weeks"], 604_800.0),
    (&["d", "day", "days"], 86_400.0),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600.0),
    (&["m", "min", "mins", "minute", "minutes"], 60.0),
    (&["s", "sec", "secs", "second", "seconds"], 1.0),
    (&["ms", "msec", "millisecond", "milliseconds"], 1e-3),
    (&["us", "µs", "μs", "usec", "microsecond", "microseconds"], 1e-6),
    (&["ns", "nsec", "nanosecond", "nanoseconds"], 1e-9),
];

fn durations() -> &'static str {
    say!("such as 250ms, 2s, 1m30s")
}

fn rates() -> &'static str {
    say!("such as 12, 0.5, 10k, 1m per second")
}

fn counts() -> &'static str {
    say!("such as 40, 2k, 1.5m")
}

fn percentages() -> &'static str {
    say!("such as 30%, 30, 0.5%")
}

fn backlogs() -> &'static str {
    say!("such as 0, 5, 511, 2147483647")
}

const PATTERNS: &str = "steady, poisson, burst:20/1s, wave:20/8s";
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);
const SHORTEST_PERIOD: Duration = Duration::from_millis(1);
const HIGHEST_RATE: f64 = 1e9;
/// Far below 2^53, up to which every whole number has an exact `f64`.
const LARGEST_COUNT: f64 = 1e12;
/// Names less similar than this are not suggested.
const ALIKE: f64 = 0.5;
