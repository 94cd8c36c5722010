//! Examples and exit codes, as `--help` and the manual page show them, in both languages.

use crate::text::lang::{Lang, here};

/// Under `-h`, in the current language.
pub fn short() -> &'static str {
    match here() {
        Lang::English => SHORT,
        Lang::Chinese => include_str!("../../assets/help/zh/short.txt").trim_ascii_end(),
    }
}

/// Under `--help`, in the current language.
pub fn long() -> &'static str {
    match here() {
        Lang::English => LONG,
        Lang::Chinese => include_str!("../../assets/help/zh/long.txt").trim_ascii_end(),
    }
}

/// The parts of [`long`], without their headings: examples, values, without a terminal, exit status.
pub fn parts() -> [Vec<&'static str>; 4] {
    let mut parts = [const { Vec::new() }; 4];
    let mut part = None;
    for line in long().lines() {
        if !line.is_empty() && !line.starts_with(' ') {
            part = Some(part.map_or(0, |before: usize| before + 1));
        } else if let Some(lines) = part.and_then(|part| parts.get_mut(part)).filter(|_| !line.is_empty()) {
            lines.push(line);
        }
    }
    parts
}

/// The examples of one command, or of the lab and all commands.
pub fn of(command: Option<&str>) -> Vec<(&'static str, &'static str)> {
    let [examples, ..] = parts();
    let shown = |line: &str| command.is_none_or(|command| line.split_whitespace().nth(1) == Some(command));
    let pairs = examples.chunks(2).filter_map(|pair| Some((pair.first()?.trim(), pair.get(1)?.trim())));
    pairs.filter(|(line, _)| shown(line)).collect()
}

/// Under `-h`, in English.
pub const SHORT: &str = "\
Examples:
  qviz                                  the lab with listen(5): watch both queues fill, overflow and drain
  qviz --backlog 1 --accept-rate 0      nobody accepts: see who waits, who is dropped, who is a ghost
  qviz --json --rate 200 --duration 3s  one JSON document, no picture
  qviz --record a.qviz                  the same, recorded; qviz replay a.qviz shows it again
  qviz demo                             a recorded lesson with its story; works on any Linux
  qviz watch                            the listeners of this machine: who is full, who waits, what is dropped
  qviz watch :8080 --once               one look at one of them, as a table
  qviz explain ListenOverflows          what a counter means and what to do

More: qviz --help, qviz man, qviz doctor";

/// Under `--help`, in English.
pub const LONG: &str = "\
Examples:
  qviz
      The lab with listen(5): a wave of clients every 12 seconds fills both queues, overflows them, and lets them drain.
  qviz --backlog 128 --rate 500 --accept-rate 400
      A server that is a little too slow: a bigger backlog only buys seconds.
  qviz --accept-rate 0 --backlog 3
      accept() is not called: 4 connections wait, the rest is dropped, no reply.
  qviz --half-open 100% --syncookies 0 --accept-rate max
      Clients that never answer: the SYN queue alone is full.
  qviz --workers 1 --service 500ms --rate 3
      An iterative server.
  qviz --headless --json --backlog 5 --count 40 --rate 200 --arrivals burst:20/1s --accept-rate 0 --duration 3s
      No picture; one JSON document with every drop by cause.
  qviz --jsonl --rate 10 --duration 5s | jq -c 'select(.event==\"segment\")'
      Every segment of the handshakes, as it passed.
  qviz sweep --backlog 1..512 --arrivals burst:100/2s --accept-rate 50
      The smallest backlog that loses nobody, found and confirmed by runs, beside what a formula predicts.
  qviz --record a.qviz --duration 20s, then qviz replay a.qviz
      A run, and the same run again: pause, speed, seek, step; no private network and no rights needed.
  qviz replay a.qviz --at 3.2s --size 120x36 --svg a.svg
      One moment of it as a picture.
  qviz watch
      The listeners of this machine, the fullest first; pick one to see who waits in its queue. It only reads.
  qviz watch :8080 --once --json
      One look at the listener of port 8080 as JSON: depth, limit, who waits and for how long, who is half-open.
  qviz watch :8080 --fail-on overflow --fail-on full:80% --duration 30s
      Exits with 3 and the reason at the first drop, or when the accept queue is 80 % full.
  qviz watch :8080 --fail-on overflow --to-end -- ab -n 20000 -c 200 http://127.0.0.1:8080/
      A load test that fails with 3 when anything was dropped, and otherwise has the status of ab.
  qviz tune :8080 --backlog 511 --dry-run
      What would become of that listener's limit; without --dry-run it is changed, while the program runs.
  qviz watch --pid 4242 --record b.qviz
      The network namespace of a container's process, recorded for the postmortem.

Values:
  durations 250ms, 2s, 1m30s; rates and counts 0.5, 12, 10k, 1m; percentages 30% or 30

Without a terminal:
  When stdout is not a terminal qviz runs headless: the summary is text unless --json or --jsonl is given. When only stdin is
  none, keys are read from the controlling terminal (/dev/tty); where there is none either, take --headless.
  A headless run without --duration and --count lasts until SIGINT, SIGTERM or SIGHUP; its summary comes then.

Exit status:
  0    done
  1    error: a message says what, why, and the next command
  2    usage: the words on the command line cannot be carried out
  3    an expectation or a check failed
  the status of the command behind --, where qviz watch ran one and no condition of --fail-on held
  130, 143, 129, 131   ended by SIGINT, SIGTERM, SIGHUP, SIGQUIT, after the summary";
