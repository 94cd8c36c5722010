//! The languages of qviz. English texts are in the code, where they are used; a table holds the translations.
//!
//! [`say!`](crate::say) looks a text up: its English is the key of the table, so that it reads where it is used, and a test finds
//! missing translations (`tests/screens/languages.rs`). Names of the field (SYN, accept(), ListenOverflows), keys of documents,
//! options and addresses are not translated.
//!
//! The language is that of the process ([`speak`]), or of a closure ([`within`]): a frame is drawn in the language of its
//! [`UiState`](crate::ui::state::UiState).

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt::{Display, Write as _};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use serde::{Deserialize, Serialize};

use super::{carried, marks};

/// A language of qviz.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Lang {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Simplified Chinese.
    #[serde(rename = "zh")]
    Chinese,
}

impl Lang {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// The name used in options and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }

    /// The other language.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::English => Self::Chinese,
            Self::Chinese => Self::English,
        }
    }

    /// The language of a locale such as `zh_CN.UTF-8`; English if it is not supported.
    pub fn of_locale(locale: &str) -> Self {
        let language = locale.split(['_', '-', '.', '@']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("zh") { Self::Chinese } else { Self::English }
    }

    const fn of_number(number: u8) -> Self {
        if number == Self::Chinese as u8 { Self::Chinese } else { Self::English }
    }
}

/// The process's language.
static PROCESS: AtomicU8 = AtomicU8::new(Lang::English as u8);

thread_local! {
    static HERE: Cell<Option<ThreadLanguage>> = const { Cell::new(None) };
}

/// The language of a closure.
#[derive(Clone, Copy)]
enum ThreadLanguage {
    In(Lang),
    /// None: keys and values, marked.
    Keys,
}

/// Sets the language of the process.
pub fn speak(lang: Lang) {
    PROCESS.store(lang as u8, Ordering::Relaxed);
}

/// The current language of this thread.
pub fn here() -> Lang {
    match HERE.get() {
        Some(ThreadLanguage::In(lang)) => lang,
        Some(ThreadLanguage::Keys) => Lang::English,
        None => Lang::of_number(PROCESS.load(Ordering::Relaxed)),
    }
}

/// True while texts are keys and values.
pub(super) fn speaks_in_keys() -> bool {
    matches!(HERE.get(), Some(ThreadLanguage::Keys))
}

/// Runs `work` in this language.
pub fn within<T>(lang: Lang, work: impl FnOnce() -> T) -> T {
    speaking(ThreadLanguage::In(lang), work)
}

/// Runs `work` while each text is its key with its holes' values, marked for [`Message::marked`].
///
/// [`Message::marked`]: crate::model::message::Message::marked
pub fn in_keys<T>(work: impl FnOnce() -> T) -> T {
    speaking(ThreadLanguage::Keys, work)
}

fn speaking<T>(language: ThreadLanguage, work: impl FnOnce() -> T) -> T {
    /// Restores the language, also on a panic.
    struct Before(Option<ThreadLanguage>);
    impl Drop for Before {
        fn drop(&mut self) {
            HERE.set(self.0);
        }
    }
    let _before = Before(HERE.replace(Some(language)));
    work()
}

/// The text in the current language; the English one if it has no translation.
#[inline(never)]
pub fn said(english: &'static str) -> &'static str {
    if speaks_in_keys() { marked().get(english).map_or(english, String::as_str) } else { said_of(english) }
}

/// The text of this key in the current language.
pub(super) fn said_of(english: &str) -> &str {
    match here() {
        Lang::English => english,
        Lang::Chinese => chinese().get(english).map_or(english, String::as_str),
    }
}

/// The text with its holes filled: `{name}` stands for the value of that name.
#[inline(never)]
pub fn filled(english: &'static str, holes: &[(&str, &dyn Display)]) -> String {
    if speaks_in_keys() { marks::mark(english, holes) } else { fill(said(english), holes) }
}

/// A text of any origin with its holes filled. Unknown holes stay as they are.
pub fn fill(text: &str, holes: &[(&str, &dyn Display)]) -> String {
    let mut filled = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, behind) = rest.split_at(open);
        filled.push_str(before);
        let hole = behind.find('}').map(|close| (&behind[1..close], &behind[close + 1..]));
        let filling = hole.and_then(|(name, after)| Some((holes.iter().find(|(hole, _)| *hole == name)?, after)));
        if let Some(((_, value), after)) = filling {
            let _a_string_takes_everything = write!(filled, "{value}");
            rest = after;
        } else {
            filled.push('{');
            rest = &behind[1..];
        }
    }
    filled.push_str(rest);
    filled
}

/// A text for people in the current language.
///
/// `say!("half open")` is a `&'static str`; `say!("{count} of {all}", count, all = queue.len())` is a `String`. A number that needs a
/// width or digits is formatted before: `share = format_args!("{share:.1}")`.
#[macro_export]
macro_rules! say {
    (@value $hole:ident) => { $hole };
    (@value $hole:ident = $value:expr) => { $value };
    ($text:literal) => { $crate::text::lang::said($text) };
    ($text:literal, $($hole:ident $(= $value:expr)?),+ $(,)?) => {
        $crate::text::lang::filled($text, &[$((stringify!($hole), &$crate::say!(@value $hole $(= $value)?))),+])
    };
}

/// Every pair of texts of the table, by its English one.
pub fn chinese() -> &'static HashMap<String, String> {
    static TABLE: OnceLock<HashMap<String, String>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let read = |page: String| toml::from_str::<HashMap<String, String>>(&page).unwrap_or_default();
        carried::CHINESE.texts().flat_map(read).collect()
    })
}

/// Every text of the table without holes, marked.
fn marked() -> &'static HashMap<&'static str, String> {
    static TABLE: OnceLock<HashMap<&'static str, String>> = OnceLock::new();
    TABLE.get_or_init(|| chinese().keys().map(|key| (key.as_str(), marks::mark(key, &[]))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_filled_by_name_and_nothing_else_is_touched() {
        assert_eq!(fill("{who} waits {s} s {x} {", &[("s", &2), ("who", &"a1")]), "a1 waits 2 s {x} {");
        let who = "a1";
        assert_eq!(say!("{who} of {all}", who, all = 1 + 1), "a1 of 2");
    }

    #[test]
    fn a_language_holds_within_a_piece_of_work_only() {
        assert_eq!(here(), Lang::English);
        within(Lang::Chinese, || {
            assert_eq!(here(), Lang::Chinese);
            within(Lang::English, || assert_eq!(here(), Lang::English));
            assert_eq!(here(), Lang::Chinese);
        });
        assert_eq!(here(), Lang::English);
    }

    #[test]
    fn a_locale_chooses_the_language() {
        for chinese in ["zh_CN.UTF-8", "zh", "zh-Hans", "ZH_TW"] {
            assert_eq!(Lang::of_locale(chinese), Lang::Chinese, "{chinese}");
        }
        for english in ["C", "", "en_US.UTF-8", "de_DE", "zhx"] {
            assert_eq!(Lang::of_locale(english), Lang::English, "{english}");
        }
    }
}
