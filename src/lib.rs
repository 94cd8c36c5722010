//! # qviz: the listen queues, made visible
//!
//! A program calls `listen(fd, backlog)`, and from then on the kernel keeps two queues for it: half-open requests (SYN_RCVD) and
//! finished connections (ESTABLISHED) that wait for `accept()`. qviz owns a real listener in a private network, brings its own
//! clients, and shows both queues live. Nothing is simulated that the kernel can do.
//!
//! One sentence: *Linux speaks (kernel), we poke it (lab), on a script (scenario); the session lines the facts up in one stream,
//! the fold makes a picture of them, and the screen or a report shows them.*
//!
//! ## The rooms
//!
//! | room | what it is | where to start |
//! |---|---|---|
//! | [`text`] | what we say: sentences in two languages, errors in words, wrapping, sanitizing | [`text::lang`], [`text::wrap`] |
//! | [`model`] | vocabulary: events, commands, segments, samples, settings; values only, no words of a language | [`model::event`], [`model::command`] |
//! | [`kernel`] | what Linux says, reads only: TCP_INFO, sock_diag, counters and sysctls in /proc, packet taps, owners of sockets, its log, other namespaces | [`kernel::tap`], [`kernel::own_socket`], [`kernel::proc`], [`kernel::census`] |
//! | [`lab`] | our network: namespaces, sysctls, the listener and its server, packet-level and real clients, programs of the user's; each effect is a guard undone on drop | [`lab::namespace`], [`lab::server`], [`lab::wire`], [`lab::crowd`], [`lab::program`] |
//! | [`experiment`] | the lessons' experiments on real sockets and child processes, beside the listener | [`experiment::run`] |
//! | [`fold`] | facts → picture, pure: world, attribution of drops, ledger, all listeners of a machine, findings, `--fail-on` | [`fold::world`], [`fold::ledger`], [`fold::listeners`], [`fold::finding`], [`fold::fail_on`] |
//! | [`scenario`] | what happens when, pure: scripts, lessons and their files, the player, conditions on facts | [`scenario::Script`], [`scenario::player`] |
//! | [`session`] | the stream: every source in one line of stamped events, live, watched or recorded; the only clock; metrics served | [`session::live`], [`session::watch`], [`session::recording`] |
//! | [`report`] | facts → bytes: JSON documents and lines, text, OpenMetrics | [`report::summary`] |
//! | [`ui`] | facts → cells: keys, screens, themes, the terminal, export as SVG and asciicast | [`ui::keymap`], [`ui::view`] |
//! | [`cli`] | words → plan: arguments, help, exit codes, doctor, explain, man page | [`cli::run`] |
//!
//! The lab's run begins in [`session::live`], a watch of other programs' listeners in [`session::watch`] over [`kernel::census`]; all of
//! them are folded by [`fold::listeners`], the one that is looked into by [`fold::world`].
//!
//! Commands go down (keys, script → lab). Facts come up (lab, sampler, tap → session → [`fold::world::World::apply`] → view or report).
//!
//! ## Who may see whom
//!
//! `tests/architecture.rs` reads this table and fails with `file:line` where an import or a word breaks it.
//!
//! | room | may import | must not contain |
//! |---|---|---|
//! | text | model | tokio, ratatui, socket2, std::fs, std::net::TcpStream, Instant, SystemTime |
//! | model | – | tokio, ratatui, socket2, std::fs, std::net::TcpStream, Instant, SystemTime |
//! | kernel | text model | ratatui, tokio, Instant, SystemTime |
//! | lab | text model | ratatui, tokio, Instant, SystemTime, netstat |
//! | experiment | text model lab | ratatui, tokio, Instant, SystemTime, netstat |
//! | fold | text model | tokio, ratatui, socket2, std::fs, std::net::TcpStream, Instant, SystemTime |
//! | scenario | text model fold | tokio, ratatui, socket2, std::fs, Instant, SystemTime |
//! | session | text model kernel lab experiment fold scenario | ratatui, println |
//! | report | text model fold scenario session | ratatui, socket2 |
//! | ui | text model fold scenario session | socket2, std::net |
//! | cli | text model kernel lab experiment fold scenario session report ui | socket2, libc |

#![cfg_attr(
    not(feature = "internals"),
    allow(unreachable_pub, reason = "`pub` is a room's face, and rooms are private here")
)]

pub use cli::run;

#[cfg(not(feature = "internals"))]
mod cli;
#[cfg(not(feature = "internals"))]
mod experiment;
#[cfg(not(feature = "internals"))]
mod fold;
#[cfg(not(feature = "internals"))]
mod kernel;
#[cfg(not(feature = "internals"))]
mod lab;
#[cfg(not(feature = "internals"))]
mod model;
#[cfg(not(feature = "internals"))]
mod report;
#[cfg(not(feature = "internals"))]
mod scenario;
#[cfg(not(feature = "internals"))]
mod session;
#[cfg(not(feature = "internals"))]
mod text;
#[cfg(not(feature = "internals"))]
mod ui;

#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod cli;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod experiment;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod fold;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod kernel;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod lab;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod model;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod report;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod scenario;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod session;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod text;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod ui;
