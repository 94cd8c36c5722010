//! Those who scrape: a few lines of HTTP, and a real Prometheus.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::fixture::SOON;
use crate::lab::wait_until;
use crate::needs::tool;

/// Sends a request and reads until the other side closes. What comes before a reset is what was said.
pub(crate) fn get(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect_timeout(&address, SOON).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _closed_or_reset = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

fn body(answer: &str) -> String {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") || head.starts_with("HTTP/1.0 200 OK\r\n"), "{head}");
    body.to_owned()
}

/// A qviz that serves metrics; killed when dropped.
pub(crate) struct Served {
    child: Child,
    /// Where it serves.
    pub(crate) address: SocketAddr,
    /// What it said until then.
    pub(crate) said: String,
}

impl Served {
    #[track_caller]
    pub(crate) fn start(words: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qviz"));
        command.arg("watch").args(words.split_whitespace()).stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let (mut said, mut line) = (String::new(), String::new());
        let mut address = None;
        // The pipe is kept open: what comes later fits into it.
        while address.is_none() || (said.contains("0.0.0.0") && !said.contains("whoever")) {
            line.clear();
            assert!(lines.read_line(&mut line).unwrap() > 0, "qviz ended: {said}");
            said.push_str(&line);
            let told =
                line.trim().strip_prefix("note: metrics at http://").and_then(|rest| rest.strip_suffix("/metrics"));
            address = address.or(told.map(|told| told.parse().unwrap()));
        }
        std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
        Self { child, address: address.unwrap(), said }
    }

    /// The page in OpenMetrics.
    #[track_caller]
    pub(crate) fn page(&self) -> String {
        let answer = get(self.address, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(answer.contains("Content-Type: application/openmetrics-text; version=1.0.0"), "{answer}");
        body(&answer)
    }

    /// The page in the older format.
    #[track_caller]
    pub(crate) fn plain(&self) -> String {
        body(&get(self.address, "GET /metrics HTTP/1.1\r\nAccept: text/plain\r\n\r\n"))
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Bytes of memory that it holds.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1024
    }

    /// How many descriptors it has open.
    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A real Prometheus with its data in a directory that goes away; killed when dropped.
pub(crate) struct Prometheus {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    /// Starts it with one target and these rules. The namespace is the test's own: the port is free.
    pub(crate) fn start(target: SocketAddr, rules: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\nrule_files: ['{}']\nscrape_configs:\n  - job_name: qviz\n    \
             static_configs:\n      - targets: ['{target}']\n",
            rules.display()
        );
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, config).unwrap();
        let address: SocketAddr = "127.0.0.1:9090".parse().unwrap();
        let mut command = tool("prometheus");
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()));
        command.arg(format!("--web.listen-address={address}")).current_dir(folder.path());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let started = Self { child, address, _folder: folder };
        wait_until(Duration::from_secs(60), "Prometheus is ready", || {
            let mut stream = TcpStream::connect(address).ok()?;
            stream.write_all(b"GET /-/ready HTTP/1.0\r\n\r\n").ok()?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).ok()?;
            answer.starts_with("HTTP/1.0 200").then_some(())
        });
        started
    }

    /// What its API answers.
    pub(crate) fn ask(&self, path: &str) -> Value {
        let answer = get(self.address, &format!("GET {path} HTTP/1.0\r\n\r\n"));
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    /// What a query answers now.
    pub(crate) fn query(&self, expression: &str) -> Value {
        let escaped: Vec<_> = expression.bytes().map(|byte| format!("%{byte:02X}")).collect();
        self.ask(&format!("/api/v1/query?query={}", escaped.concat()))
    }

    /// The result as soon as there is one.
    #[track_caller]
    pub(crate) fn wait_for(&self, expression: &str) -> Vec<Value> {
        self.wait_within(SOON, expression)
    }

    #[track_caller]
    pub(crate) fn wait_within(&self, deadline: Duration, expression: &str) -> Vec<Value> {
        wait_until(deadline, expression, || {
            let answer = self.query(expression);
            assert_eq!(answer["status"], "success", "{answer}");
            let result = answer["data"]["result"].as_array().unwrap().clone();
            (!result.is_empty()).then_some(result)
        })
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
