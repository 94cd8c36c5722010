//! The text of a fact as it is kept: the key of a sentence and its values, in no language.
//!
//! Made and shown by the room `text`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A text that is rendered when it is shown, in the language of that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Message {
    /// The same in every language: a name, a number. Older recordings hold whole sentences in this form.
    Plain(String),
    /// A sentence of the table.
    Said {
        /// Its key: what it is in English, with its `{holes}`.
        say: String,
        /// What fills them.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        with: BTreeMap<String, Self>,
    },
    /// An error of the system.
    Errno {
        /// Its number.
        errno: i32,
    },
    /// A sequence.
    Joined(Vec<Self>),
}

impl Default for Message {
    fn default() -> Self {
        Self::Plain(String::new())
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Plain(text.to_owned())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Plain(text)
    }
}
