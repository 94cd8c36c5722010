//! Tests of `cli::lang`.

use std::ffi::OsString;

use qviz::cli::lang::{requested, with_option_last};
use qviz::text::lang::Lang;

fn of(arguments: &str, environment: &[(&str, &str)]) -> Lang {
    let variable =
        |name: &str| environment.iter().find(|(variable, _)| *variable == name).map(|(_, value)| OsString::from(value));
    requested(&split(arguments), variable)
}

fn split(arguments: &str) -> Vec<OsString> {
    arguments.split_whitespace().map(OsString::from).collect()
}

#[test]
fn the_option_counts_wherever_it_stands() {
    for arguments in ["--lang zh", "watch --lang=zh :80", "--lang en doctor --lang zh", "--lang zh --lang xx"] {
        assert_eq!(of(arguments, &[("LC_ALL", "C")]), Lang::Chinese, "{arguments}");
    }
    for arguments in ["", "--lang", "--lang en", "--language zh", "-- --lang zh", "explain lang=zh"] {
        assert_eq!(of(arguments, &[]), Lang::English, "{arguments}");
    }
    assert_eq!(of("--lang en", &[("LANG", "zh_CN.UTF-8")]), Lang::English);
}

#[test]
fn the_option_goes_behind_the_command_and_takes_its_value_with_it() {
    assert_eq!(with_option_last(&split("--lang zh watch :80 --lang=en")), split("watch :80 --lang zh --lang=en"));
    assert_eq!(with_option_last(&split("--lang zh explain -- --lang")), split("explain --lang zh -- --lang"));
    assert_eq!(with_option_last(&split("doctor --lang")), split("doctor --lang"));
}

#[test]
fn the_strongest_locale_that_is_set_decides() {
    assert_eq!(of("", &[("LANG", "zh_CN.UTF-8")]), Lang::Chinese);
    assert_eq!(of("", &[("LC_ALL", "C"), ("LANG", "zh_CN.UTF-8")]), Lang::English);
    assert_eq!(of("", &[("LC_ALL", ""), ("LC_MESSAGES", "zh_CN"), ("LANG", "en_US")]), Lang::Chinese);
    assert_eq!(of("--lang xx", &[("LANG", "zh_CN")]), Lang::Chinese, "a slip is told in the reader's language");
}
