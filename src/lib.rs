//! # qviz: the listen queues, made visible
//!
//! A program calls `listen(fd, backlog)`, and from then on the kernel keeps two queues for it: half-open requests (SYN_RCVD) and
//! finished connections (ESTABLISHED) that wait for `accept()`. qviz owns a real listener in a private network, brings its own
//! clients, and shows both queues live. Nothing is simulated that the kernel can do.
//!
//! One sentence: *Linux speaks (kernel), we poke it (lab), on a script (scenario); the session lines the facts up in one stream,
//! the model folds them, and the screen or a report shows them.*
//!
//! ## The rooms
//!
//! | room | what it is | where to start |
//! |---|---|---|
//! | [`model`] | what is true: values and pure functions | [`model::event`], [`model::world`] |
//! | [`kernel`] | what Linux says: reads only | [`kernel::tap`], [`kernel::own`] |
//! | [`lab`] | what we do to Linux: the only room with side effects | [`lab::namespace`], [`lab::crowd`] |
//! | [`scenario`] | what happens when: commands at stamps, lessons | [`scenario::Script`], [`scenario::player`] |
//! | [`session`] | the stream: every source in one line of stamped events; the only clock | [`session::Session`] |
//! | [`report`] | facts → bytes | [`report::summary`] |
//! | [`ui`] | facts → cells | [`ui::view`] |
//! | [`cli`] | words → plan | [`cli::run`] |
//!
//! The lab's run begins in [`session::live`], a watch of other people's listeners in [`session::attach`] over [`kernel::census`]; all of
//! them are folded by [`model::survey`], the one that is looked into by [`model::world`].
//!
//! Commands go down (keys, script → lab). Facts come up (lab, eyes → session → [`model::world::World::apply`] → view or report).
//!
//! ## Who may see whom
//!
//! `tests/architecture.rs` reads this table and fails with `file:line` where an import or a word breaks it.
//!
//! | room | may import | must not contain |
//! |---|---|---|
//! | model | – | tokio, ratatui, socket2, std::fs, std::net::TcpStream, Instant, SystemTime |
//! | kernel | model | ratatui, tokio, Instant, SystemTime |
//! | lab | model | ratatui, tokio, Instant, SystemTime, netstat |
//! | scenario | model | tokio, ratatui, socket2, std::fs, Instant, SystemTime |
//! | session | model kernel lab scenario | ratatui, println |
//! | report | model scenario session | ratatui, socket2 |
//! | ui | model scenario session | socket2, std::net |
//! | cli | model kernel lab scenario session report ui | socket2, libc |

pub mod cli;
pub mod kernel;
pub mod lab;
pub mod model;
pub mod report;
pub mod scenario;
pub mod session;
pub mod ui;
