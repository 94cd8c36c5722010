//! The one file that turns numbers into text. Widths are fixed where a number changes in place, so that nothing jumps.

use std::time::Duration;

use crate::fold::occupancy::Fullness;
use crate::model::settings::{AcceptRate, Arrivals, Knobs};
use crate::model::stamp::Stamp;
use crate::say;
pub use crate::text::words::tenths;

/// Shown in place of a value that was not read.
pub const UNKNOWN: &str = "—";

/// A count in at most five characters: `0` … `99999`, then `123k`, `1.2M`, `999M`, `12G`.
pub fn count(value: u64) -> String {
    match value {
        0..=99_999 => value.to_string(),
        100_000..=999_999 => format!("{}k", value / 1000),
        1_000_000..=9_999_999 => format!("{}.{}M", value / 1_000_000, value / 100_000 % 10),
        10_000_000..=999_999_999 => format!("{}M", value / 1_000_000),
        _ => format!("{}G", value / 1_000_000_000),
    }
}

/// A rate: `0.5/s`, `12/s`, `1.5k/s`, `100k/s`.
pub fn rate(per_s: f64) -> String {
    let scaled = |value: f64, unit: &str| {
        if (value - value.round()).abs() < 0.05 { format!("{value:.0}{unit}/s") } else { format!("{value:.1}{unit}/s") }
    };
    if !per_s.is_finite() || per_s < 0.0 {
        UNKNOWN.into()
    } else if per_s < 1000.0 {
        scaled(per_s, "")
    } else if per_s < 1e6 {
        scaled(per_s / 1e3, "k")
    } else {
        scaled(per_s / 1e6, "M")
    }
}

/// A time span in four characters: `0.7s`, ` 12s`, ` 3m `, ` 2h `.
pub fn span4(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..=9 => format!("{}.{}s", seconds, span.subsec_millis() / 100),
        10..=99 => format!(" {seconds}s"),
        100..=5_999 => format!("{:>3}m", seconds / 60),
        _ => format!("{:>3}h", (seconds / 3600).min(999)),
    }
}

/// A span as a sentence says it: `80 ms`, `0.74 s`, `12 s`, `3 min`.
pub fn span(span: Duration) -> String {
    let millis = span.as_millis();
    match millis {
        0 => format!("{} µs", span.as_micros()),
        1..=99 => format!("{millis} ms"),
        100..=9_999 => format!("{}.{:02} s", millis / 1000, millis % 1000 / 10),
        10_000..=119_999 => format!("{} s", millis / 1000),
        _ => format!("{} min", millis / 60_000),
    }
}

/// The time until something, one decimal: `0.6 s`, `12.0 s`. Rounded up, so that it ends at 0.0 when the moment has come.
pub fn countdown(left: Duration) -> String {
    let tenths = left.as_millis().div_ceil(100);
    if tenths < 1000 { format!("{}.{} s", tenths / 10, tenths % 10) } else { format!("{} s", tenths / 10) }
}

/// The session's clock: `00:12`, `1:02:07`.
pub fn clock(at: Stamp) -> String {
    let seconds = at.as_nanos() / 1_000_000_000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes:02}:{seconds:02}") }
}

/// A moment in a list, hundredths of a second, seven characters for the first hours: `  12.31`.
pub fn moment(at: Stamp) -> String {
    let hundredths = at.as_nanos() / 10_000_000;
    format!("{:>4}.{:02}", hundredths / 100, hundredths % 100)
}

/// The time since a connection began, in seconds with milliseconds, eight characters for the first hours: `   1.012`.
pub fn elapsed(since: Duration) -> String {
    format!("{:>4}.{:03}", since.as_secs(), since.subsec_millis())
}

/// The place of something in a row: `2nd`, `11th`.
pub fn ordinal(place: u16) -> String {
    match (place % 10, place % 100) {
        (_, 11..=13) => say!("{place}th", place),
        (1, _) => say!("{place}st", place),
        (2, _) => say!("{place}nd", place),
        (3, _) => say!("{place}rd", place),
        _ => say!("{place}th", place),
    }
}

/// A setting that may be unknown.
pub fn setting(value: Option<i64>) -> String {
    value.map_or_else(|| UNKNOWN.into(), |value| value.to_string())
}

/// Behind `depth/capacity`: that the queue is full, or how long ago it was.
pub fn full(fullness: Fullness) -> String {
    match fullness {
        Fullness::Full => say!(" FULL").into(),
        Fullness::WasFull(ago) => say!(" FULL {ago} ago", ago = countdown(ago)),
        Fullness::Free => String::new(),
    }
}

/// How clients arrive, in a few words.
pub fn arrivals(knobs: &Knobs) -> String {
    let seconds = |span: Duration| {
        let millis = span.as_millis();
        if millis.is_multiple_of(1000) {
            format!("{}s", millis / 1000)
        } else {
            format!("{}.{}s", millis / 1000, millis % 1000 / 100)
        }
    };
    match knobs.arrivals {
        Arrivals::Steady => rate(knobs.rate),
        Arrivals::Poisson => format!("~{}", rate(knobs.rate)),
        Arrivals::Burst { size, period } => say!("{size} each {period}", size, period = seconds(period)),
        Arrivals::Wave { size, period } => say!("{size} in {period}", size, period = seconds(period)),
    }
}

/// How fast `accept()` is called.
pub fn accepts(setting: AcceptRate) -> String {
    match setting {
        AcceptRate::Paused => say!("PAUSED").into(),
        AcceptRate::PerSecond(per_s) => rate(per_s),
        AcceptRate::Max => say!("max").into(),
    }
}
