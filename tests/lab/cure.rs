//! The line that qviz says, put into a real program's configuration and applied, ends the drops.

use serde_json::Value;

use crate::needs::{had, tool, tools};
use crate::netns::inside;
use crate::servers::fleet::program;

/// Overflow, advice, its application, and the same bursts again.
fn cures(name: &str, line: &str) {
    let folder = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/cure/cure.py");
    let output = tool("python3").args([script, env!("CARGO_BIN_EXE_qviz"), name]).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    eprintln!("{name}: {told}");
    assert!(told["before"].as_u64().unwrap() > 100, "{name} did not overflow: {told}");
    assert_eq!(told["line"], line, "{name}: {told}");
    assert_eq!((&told["limit"], &told["after"]), (&1024.into(), &0.into()), "{name}: {told}");
}

case!(nginxs_line_and_its_reload_end_the_drops, alone);
fn nginxs_line_and_its_reload_end_the_drops() {
    had(program("nginx"));
    tools(&["python3", "ss", "nstat", "taskset"]);
    inside(|| cures("nginx", "listen 127.0.0.1:8080 backlog=1024;"));
}

case!(rediss_line_and_a_restart_end_the_drops, alone);
fn rediss_line_and_a_restart_end_the_drops() {
    had(program("redis-server"));
    tools(&["python3", "ss", "nstat", "taskset"]);
    inside(|| cures("redis", "tcp-backlog 1024"));
}

case!(php_fpms_line_and_a_restart_end_the_drops, alone);
fn php_fpms_line_and_a_restart_end_the_drops() {
    had(program("php-fpm"));
    tools(&["python3", "ss", "nstat", "taskset"]);
    inside(|| cures("php-fpm", "listen.backlog = 1024"));
}

case!(nodes_line_and_a_restart_end_the_drops, alone);
fn nodes_line_and_a_restart_end_the_drops() {
    had(program("node"));
    tools(&["python3", "ss", "nstat", "taskset"]);
    inside(|| cures("node", "server.listen({ port, backlog: 1024 })"));
}

case!(a_jvms_line_and_a_restart_end_the_drops, alone);
fn a_jvms_line_and_a_restart_end_the_drops() {
    had(program("java"));
    tools(&["python3", "ss", "nstat", "taskset"]);
    inside(|| cures("java", "new ServerSocket(port, 1024)"));
}
