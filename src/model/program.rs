//! A program of somebody else's that runs in the lab.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// What is known of such a program at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramState {
    /// What it does in the lab.
    pub role: ProgramRole,
    /// The command and its arguments.
    pub command: Vec<String>,
    /// Its first process, as qviz sees it; `None` where that has ended before it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The server's listener.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listener: Option<SocketAddr>,
    /// Where the server listens besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_listeners: Vec<SocketAddr>,
    /// The backlog that qviz was asked to give it; `None`: its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backlog_asked: Option<i32>,
    /// The status of its first process as a shell gives it, 128 and the number for a signal; `None` while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    /// The last lines that it has written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
}

/// What such a program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProgramRole {
    /// It owns the listener.
    Server,
    /// It sends clients.
    Load,
}
