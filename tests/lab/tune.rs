//! `qviz tune` from outside: real listeners of other processes, `ss` as the witness before and after.

use std::net::SocketAddr;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::fixture::{HttpServer, SOON, assert_valid, connect, listen, ss};
use crate::lab;
use crate::needs::{Missing, tool};
use crate::netns::inside;
use crate::who::{UNPRIVILEGED, is_root};

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn tune(words: &str) -> Output {
    lab::run_qviz(["tune"].into_iter().chain(words.split_whitespace()), SOON)
}

/// A change that succeeds: its document.
#[track_caller]
fn tuned(words: &str) -> Value {
    let output = tune(&format!("{words} --json"));
    assert!(output.status.success(), "{words}: {}", said(&output.stderr));
    let document = serde_json::from_slice(&output.stdout).unwrap();
    assert_valid(&document);
    document
}

/// A change that fails: its message; nothing may stand on stdout.
#[track_caller]
fn refusal(words: &str, code: i32) -> String {
    let output = tune(words);
    let message = said(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{words}: {message}");
    assert!(output.stdout.is_empty(), "{words}: {}", said(&output.stdout));
    message
}

fn limit(address: SocketAddr) -> u64 {
    ss(address).unwrap().1
}

/// The limits of all listeners of this port, as `ss` says.
fn limits(port: u16) -> Vec<u64> {
    let output = tool("ss").args(["-ltnH", &format!("sport = :{port}")]).output().unwrap();
    let text = said(&output.stdout);
    text.lines().map(|line| line.split_whitespace().nth(2).unwrap().parse().unwrap()).collect()
}

case!(a_running_servers_limit_goes_from_5_to_64_and_back_by_the_command_that_is_printed);
fn a_running_servers_limit_goes_from_5_to_64_and_back_by_the_command_that_is_printed() {
    inside(|| {
        let server = HttpServer::start(8080);
        assert_eq!(limit(server.address), 5);
        let document = tuned(":8080 --backlog 64");
        assert_eq!(limit(server.address), 64);
        let listener = &document["listeners"][0];
        assert_eq!((&listener["before"], &listener["after"]), (&5.into(), &64.into()), "{document:#}");
        assert_eq!((listener["pid"].as_u64(), &listener["command"]), (Some(server.pid().into()), &"python3".into()));
        let link = std::fs::read_link(format!("/proc/{}/fd/{}", server.pid(), listener["fd"])).unwrap();
        assert!(link.to_string_lossy().starts_with("socket:"), "{}", link.display());
        assert!(document["permanent"].as_str().unwrap().contains("request_queue_size = 64"), "{document:#}");
        // The new limit holds: 65 connections fit, where 6 did.
        server.signal(rustix::process::Signal::STOP);
        let _waiting = connect(server.address, 65);
        lab::wait_until(SOON, "65 wait", || ss(server.address).filter(|(depth, ..)| *depth == 65));
        let undo = document["undo"].as_str().unwrap();
        let words = undo.strip_prefix("qviz tune ").expect(undo);
        assert!(tune(words).status.success());
        assert_eq!(limit(server.address), 5);
    });
}

case!(a_dry_run_says_what_would_be_and_changes_nothing);
fn a_dry_run_says_what_would_be_and_changes_nothing() {
    inside(|| {
        let (_listener, address) = listen("127.0.0.1:0", 5);
        let document = tuned(&format!("{address} --backlog 64 --dry-run"));
        assert_eq!((&document["dry_run"], &document["listeners"][0]["after"]), (&true.into(), &64.into()));
        let text = said(&tune(&format!("{address} --backlog 64 --dry-run")).stdout);
        assert!(text.contains("would be 64") && text.contains("nothing was changed"), "{text}");
        assert_eq!(limit(address), 5);
    });
}

case!(a_backlog_above_somaxconn_is_clamped_and_said);
fn a_backlog_above_somaxconn_is_clamped_and_said() {
    inside(|| {
        let (_listener, address) = listen("127.0.0.1:0", 5);
        let somaxconn = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
        let somaxconn: u64 = somaxconn.trim().parse().unwrap();
        for backlog in [somaxconn + 1, i32::MAX as u64] {
            let document = tuned(&format!("{address} --backlog {backlog}"));
            assert_eq!(document["clamped"], true, "{document:#}");
            assert_eq!(document["listeners"][0]["after"], somaxconn, "{document:#}");
            assert_eq!(limit(address), somaxconn);
        }
        let text = said(&tune(&format!("{address} --backlog {}", somaxconn + 1)).stdout);
        assert!(
            text.contains(&format!("makes {somaxconn} of {}", somaxconn + 1)) && text.contains("sysctl -w"),
            "{text}"
        );
        assert_eq!(tuned(&format!("{address} --backlog {somaxconn}"))["clamped"], false);
    });
}

case!(all_sockets_of_a_reuseport_group_are_changed);
fn all_sockets_of_a_reuseport_group_are_changed() {
    inside(|| {
        let (_first, address) = listen("127.0.0.1:0", 5);
        let (_second, _) = listen(&address.to_string(), 5);
        let (_third, _) = listen(&address.to_string(), 5);
        let document = tuned(&format!("{} --backlog 64", address.port()));
        assert_eq!(document["listeners"].as_array().unwrap().len(), 3, "{document:#}");
        assert_eq!(limits(address.port()), [64, 64, 64]);
    });
}

case!(members_with_different_limits_have_no_command_that_undoes_it);
fn members_with_different_limits_have_no_command_that_undoes_it() {
    inside(|| {
        let (_first, address) = listen("127.0.0.1:0", 5);
        let (_second, _) = listen(&address.to_string(), 9);
        assert_eq!(tuned(&format!("{address} --backlog 64"))["undo"], Value::Null);
        let text = said(&tune(&format!("{address} --backlog 9")).stdout);
        assert!(text.contains(&format!("qviz tune {address} --backlog 64")), "{text}");
    });
}

case!(several_addresses_of_one_program_are_changed_and_each_has_its_undo);
fn several_addresses_of_one_program_are_changed_and_each_has_its_undo() {
    inside(|| {
        let (_one, first) = listen("127.0.0.1:8080", 5);
        let (_other, second) = listen("127.0.0.2:8080", 9);
        let document = tuned("8080 --backlog 64");
        assert_eq!((limit_of(&document, first), limit_of(&document, second)), (64, 64));
        let undo = "qviz tune 127.0.0.1:8080 --backlog 5 && qviz tune 127.0.0.2:8080 --backlog 9";
        assert_eq!(document["undo"], undo);
    });
}

fn limit_of(document: &Value, address: SocketAddr) -> u64 {
    let rows = document["listeners"].as_array().unwrap();
    rows.iter().find(|row| row["address"] == address.to_string()).unwrap()["after"].as_u64().unwrap()
}

case!(a_port_of_several_programs_is_refused_and_one_can_be_named);
fn a_port_of_several_programs_is_refused_and_one_can_be_named() {
    inside(|| {
        let server = HttpServer::start(8080);
        let (_own, other) = listen("127.0.0.2:8080", 5);
        let message = refusal("8080 --backlog 64", 1);
        for needed in ["2 listeners", "nothing was changed", "127.0.0.1:8080 (python3", "127.0.0.2:8080", "--pid"] {
            assert!(message.contains(needed), "{needed}: {message}");
        }
        assert_eq!(limits(8080), [5, 5]);
        let document = tuned(&format!("8080 --backlog 64 --pid {}", server.pid()));
        assert_eq!(document["listeners"].as_array().unwrap().len(), 1);
        assert_eq!(document["listeners"][0]["address"], server.address.to_string());
        assert!(document["undo"].as_str().unwrap().contains(&format!("--pid {}", server.pid())), "{document:#}");
        assert_eq!(tuned("127.0.0.2:8080 --backlog 7")["listeners"][0]["address"], other.to_string());
        let mut found = limits(8080);
        found.sort_unstable();
        assert_eq!(found, [7, 64]);
    });
}

case!(nobody_there_is_an_error_that_names_the_nearest);
fn nobody_there_is_an_error_that_names_the_nearest() {
    inside(|| {
        let (_near, _) = listen("127.0.0.1:8081", 5);
        let message = refusal("8080 --backlog 64", 1);
        assert!(message.contains("nothing listens on :8080") && message.contains("127.0.0.1:8081"), "{message}");
        assert!(message.contains("try:"), "{message}");
        assert!(refusal("/run/no.sock --backlog 64", 1).contains("/run/no.sock"));
        assert!(refusal("8081 --backlog 64 --pid 4194304", 1).contains("try:"));
    });
}

case!(a_negative_or_huge_backlog_is_a_usage_error);
fn a_negative_or_huge_backlog_is_a_usage_error() {
    for (words, needed) in [
        ("8080 --backlog -1", "somaxconn"),
        ("8080 --backlog 2147483648", "2147483647"),
        ("8080 --backlog many", "such as 0, 5, 511"),
        ("8080", "--backlog"),
        ("--backlog 5", "TARGET"),
        ("localhost:80 --backlog 5", "names are not looked up"),
        ("8080 --backlog 5 --pid 0", "from 1 to 4194304"),
    ] {
        let message = refusal(words, 2);
        assert!(message.contains(needed), "{words}: {message}");
    }
}

case!(backlog_0_holds_one_connection_and_what_waits_stays);
fn backlog_0_holds_one_connection_and_what_waits_stays() {
    inside(|| {
        let (_listener, address) = listen("127.0.0.1:0", 5);
        let _waiting = connect(address, 4);
        let text = said(&tune(&format!("{address} --backlog 0")).stdout);
        assert!(text.contains("holds 1 connections") && text.contains("4 connections wait"), "{text}");
        assert_eq!(ss(address).map(|(depth, limit, _)| (depth, limit)), Some((4, 0)));
    });
}

case!(a_unix_sockets_limit_is_changed_for_its_own_user);
fn a_unix_sockets_limit_is_changed_for_its_own_user() {
    inside(|| {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("app.sock");
        let listener = UnixListener::bind(&path).unwrap();
        rustix::net::listen(&listener, 5).unwrap();
        let document = tuned(&format!("{} --backlog 2", path.display()));
        assert_eq!(document["listeners"][0]["family"], "unix");
        assert_eq!(document["listeners"][0]["fd"], listener.as_raw_fd());
        // Three fit, the fourth does not.
        let _waiting: Vec<_> = (0..3).map(|_| UnixStream::connect(&path).unwrap()).collect();
        let fourth = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
        fourth.set_nonblocking(true).unwrap();
        let refused = fourth.connect(&socket2::SockAddr::unix(&path).unwrap()).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::WouldBlock);
        let text = said(&tune(&format!("{} --backlog 5", path.display())).stdout);
        assert!(text.contains("SO_PEERCRED"), "{text}");
    });
}

/// qviz as an ordinary user, where root runs the tests; a copy, since the build's folder may be closed to others.
fn as_ordinary_user(words: &str) -> Result<Output, Missing> {
    if !is_root() {
        return Err(Missing::optional("root", "a second user is needed"));
    }
    let place = tempfile::tempdir().unwrap();
    let mode = |path: &Path| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    mode(place.path());
    let program = place.path().join("qviz");
    std::fs::copy(env!("CARGO_BIN_EXE_qviz"), &program).unwrap();
    mode(&program);
    let mut command = Command::new(program);
    command.arg("tune").args(words.split_whitespace()).current_dir("/").uid(UNPRIVILEGED).gid(UNPRIVILEGED);
    Ok(command.output().unwrap())
}

case!(another_users_process_is_refused_with_the_command_that_would_do_it);
fn another_users_process_is_refused_with_the_command_that_would_do_it() -> Result<(), Missing> {
    let (_listener, address) = listen("127.0.0.1:0", 5);
    for more in ["", "--dry-run"] {
        let words = format!("{address} --backlog 64 {more}");
        let output = as_ordinary_user(&words)?;
        let message = said(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains("belongs to user 0"), "{message}");
        assert!(message.contains(&format!("sudo qviz tune {}", words.trim())), "{message}");
    }
    assert_eq!(limit(address), 5);
    Ok(())
}

case!(root_is_not_shown_as_the_owner_of_anothers_unix_socket);
fn root_is_not_shown_as_the_owner_of_anothers_unix_socket() -> Result<(), Missing> {
    if !is_root() {
        return Err(Missing::optional("root", "a second user is needed"));
    }
    let place = tempfile::tempdir().unwrap();
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let path = place.path().join("app.sock");
    let lines = format!(
        "import socket,time\ns=socket.socket(socket.AF_UNIX)\ns.bind({:?})\ns.listen(5)\ntime.sleep(600)",
        path.to_str().unwrap()
    );
    let mut server = tool("python3").args(["-c", &lines]).uid(UNPRIVILEGED).gid(UNPRIVILEGED).spawn().unwrap();
    lab::wait_until(SOON, "the server listens", || UnixStream::connect(&path).ok());
    let message = refusal(&format!("{} --backlog 64", path.display()), 1);
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(message.contains("SO_PEERCRED") && message.contains("setpriv --reuid 65534"), "{message}");
    Ok(())
}
