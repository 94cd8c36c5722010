//! The language that is wished for, found before the words are parsed: help and errors are said in it, too.

use std::ffi::OsString;

use crate::model::lang::Lang;

/// The language of `--lang` where these words have it, else that of the environment's locale. `env` gives a variable's value.
///
/// A value that names no language is refused by the parser; until then the locale's is spoken.
pub fn wished(words: impl IntoIterator<Item = OsString>, env: impl Fn(&str) -> Option<String>) -> Lang {
    option(words).unwrap_or_else(|| of_environment(env))
}

/// The language of the locale: the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set and not empty.
pub fn of_environment(env: impl Fn(&str) -> Option<String>) -> Lang {
    let locale = LOCALES.into_iter().find_map(|name| env(name).filter(|value| !value.is_empty()));
    Lang::of_locale(&locale.unwrap_or_default())
}

/// The last `--lang LANG` or `--lang=LANG` before `--`.
fn option(words: impl IntoIterator<Item = OsString>) -> Option<Lang> {
    let mut words = words.into_iter().take_while(|word| word != "--");
    let mut found = None;
    while let Some(word) = words.next() {
        let Some(word) = word.to_str().map(str::to_owned) else { continue };
        if word == OPTION {
            found = words.next().and_then(|value| named(value.to_str()?)).or(found);
        } else if let Some(value) = word.strip_prefix(OPTION).and_then(|rest| rest.strip_prefix('=')) {
            found = named(value).or(found);
        }
    }
    found
}

fn named(name: &str) -> Option<Lang> {
    Lang::ALL.into_iter().find(|lang| lang.name() == name)
}

const OPTION: &str = "--lang";
const LOCALES: [&str; 3] = ["LC_ALL", "LC_MESSAGES", "LANG"];

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &str, variables: &[(&str, &str)]) -> Lang {
        let env = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        wished(words.split_whitespace().map(OsString::from), env)
    }

    #[test]
    fn the_option_wins_over_the_locale_wherever_it_stands() {
        for words in ["--lang zh", "--lang=zh", "explain ghost --lang zh", "--lang zh watch :80", "--lang en --lang zh"]
        {
            assert_eq!(of(words, &[("LC_ALL", "en_US.UTF-8")]), Lang::Chinese, "{words}");
        }
        assert_eq!(of("--lang en", &[("LC_ALL", "zh_CN.UTF-8")]), Lang::English);
        for words in ["", "--lang", "--lang klingon", "-- --lang zh", "--language zh", "zh"] {
            assert_eq!(of(words, &[]), Lang::English, "{words}");
        }
    }

    #[test]
    fn lc_all_wins_over_lc_messages_and_that_over_lang() {
        assert_eq!(of("", &[("LANG", "zh_CN.UTF-8")]), Lang::Chinese);
        assert_eq!(of("", &[("LC_MESSAGES", "en_GB.UTF-8"), ("LANG", "zh_CN.UTF-8")]), Lang::English);
        assert_eq!(of("", &[("LC_ALL", "zh_CN"), ("LC_MESSAGES", "C"), ("LANG", "C")]), Lang::Chinese);
        assert_eq!(of("", &[("LC_ALL", ""), ("LANG", "zh_CN.UTF-8")]), Lang::Chinese);
    }
}
