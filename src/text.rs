//! TEXTS: sentences in every language of qviz, system errors as text, and text in lines and columns. No facts, no I/O.
//!
//! Start at [`lang`]: every text for people goes through [`say!`](crate::say).

pub mod carried;
pub mod errno;
pub mod json;
pub mod lang;
mod marks;
mod message;
pub mod sanitize;
pub mod sentence;
pub mod words;
pub mod wrap;
