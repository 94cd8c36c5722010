//! What became of the server and the load generator of `qviz run`.

use std::io::{self, Write};

use crate::report::summary::{LoadProgram, Programs, ServerProgram, Summary};
use crate::say;

pub(super) fn write(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    let Some(Programs { server, load }) = &summary.programs else { return Ok(()) };
    write_server(out, server)?;
    load.as_ref().map_or(Ok(()), |load| write_load(out, load))
}

/// A server's words matter where it has ended; what it says while it works is in its log.
fn write_server(out: &mut dyn Write, server: &ServerProgram) -> io::Result<()> {
    writeln!(out, "\n{}", say!("SERVER: {command}", command = server.command.join(" ")))?;
    if !server.other_listeners.is_empty() {
        let others = server.other_listeners.join(", ");
        writeln!(out, "  {}", say!("It listens on {others} as well: --port chooses.", others))?;
    }
    let Some(exit) = server.exit else { return Ok(()) };
    writeln!(out, "  {}", say!("Its first process has ended during the run: {how}.", how = how(exit)))?;
    write_lines(out, &server.output)
}

fn write_load(out: &mut dyn Write, load: &LoadProgram) -> io::Result<()> {
    writeln!(out, "\n{}", say!("LOAD GENERATOR: {command}", command = load.command))?;
    let how = load.exit.map_or_else(|| say!("ended by qviz with the run").to_owned(), how);
    writeln!(out, "  {}", say!("It has ended: {how}.", how))?;
    write_lines(out, &load.output)
}

/// A status as a shell gives it, in words.
fn how(exit: i32) -> String {
    match exit {
        127 => say!("the command was not found (status 127)").to_owned(),
        signal @ 129..=192 => say!("by signal {number}", number = signal - 128),
        status => say!("status {status}", status),
    }
}

fn write_lines(out: &mut dyn Write, lines: &[String]) -> io::Result<()> {
    lines.iter().try_for_each(|line| writeln!(out, "    {line}"))
}
