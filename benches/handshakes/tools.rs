//! Load generators that people use, each against a server that answers at once, over the loopback of a namespace of their own.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use qviz::session::clock::Clock;

use super::floor::{listener, namespace};

/// The tools that are installed, of those that open a connection for each request.
pub(crate) fn installed() -> Vec<&'static str> {
    let (found, missing): (Vec<&str>, Vec<&str>) = TOOLS.iter().partition(|tool| is_installed(tool));
    for tool in missing {
        println!("{tool} is not installed: it has no row");
    }
    found
}

/// Lets a tool load the server for the time `span`; connections served per second.
pub(crate) fn load(tool: &str, span: Duration) {
    let _namespace = namespace();
    let listener = listener(Ipv4Addr::LOCALHOST);
    let address = listener.local_addr().unwrap();
    let served: &AtomicU64 = Box::leak(Box::default());
    std::thread::spawn(move || serve(&listener, served));
    let clock = Clock::start();
    let mut command = command(tool, address, span);
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(status.success(), "{tool}: {status}");
    println!("{}", served.load(Ordering::Relaxed) as f64 / clock.now().as_secs_f64());
}

/// One connection for each request, 16 at a time.
fn command(tool: &str, address: SocketAddr, span: Duration) -> Command {
    let (url, seconds) = (format!("http://{address}/"), span.as_secs());
    let words = match tool {
        "ab" => format!("-q -c 16 -n 10000000 -t {seconds} {url}"),
        "wrk" => format!("-t 1 -c 16 -d {seconds}s -H Connection:close {url}"),
        _ => format!("-z {seconds}s -c 16 --disable-keepalive --no-tui {url}"),
    };
    let mut command = Command::new(tool);
    command.args(words.split(' '));
    command
}

fn serve(listener: &TcpListener, served: &AtomicU64) {
    while let Ok((mut socket, _)) = listener.accept() {
        let mut request = [0; 2048];
        // A tool that has enough breaks off.
        if matches!(socket.read(&mut request), Ok(1..)) && socket.write_all(ANSWER).is_ok() {
            served.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn is_installed(tool: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(tool).is_file()))
}

const TOOLS: [&str; 3] = ["ab", "wrk", "oha"];
const ANSWER: &[u8] = b"HTTP/1.0 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nserved\n";
