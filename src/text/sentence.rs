//! A text that is made when it is shown, in the current language: it may be shown in another language later.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::lang::{Lang, within};

/// A sentence with its numbers, not yet in any language.
#[derive(Clone)]
pub struct Sentence(Arc<dyn Fn() -> String + Send + Sync>);

impl Sentence {
    /// A sentence made by `words` with [`say!`](crate::say).
    pub fn new(words: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(words))
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&(self.0)())
    }
}

impl fmt::Debug for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&(self.0)(), f)
    }
}

impl PartialEq for Sentence {
    /// Two sentences are equal when their English texts are.
    fn eq(&self, other: &Self) -> bool {
        within(Lang::English, || (self.0)() == (other.0)())
    }
}

impl Serialize for Sentence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::say;

    #[test]
    fn a_kept_sentence_follows_the_language_in_which_it_is_shown() {
        let kept = Sentence::new(|| say!("{count} workers", count = 3));
        assert_eq!(kept.to_string(), "3 workers");
        assert_eq!(within(Lang::Chinese, || kept.to_string()), "3 个工作线程");
        assert_eq!(kept, kept.clone());
        assert_ne!(kept, Sentence::new(String::new));
    }
}
