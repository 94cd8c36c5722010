//! WHAT WE SAY: sentences in every language of qviz, the words for the system's errors, and text in lines and columns. No facts, no I/O.
//!
//! Start at [`lang`]: [`say!`](crate::say) is the one way to say something to a person.

pub mod errno;
pub mod lang;
mod marks;
mod message;
pub mod sanitize;
pub mod sentence;
pub mod words;
pub mod wrap;
