//! What the kernel's log says of a flooded listener stands in a watch's findings: as often as the log, read by this test, says it; never where this
//! test may not read it either.

use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

use serde_json::Value;

use crate::lab;
use crate::needs::{tool, tools};
use crate::netns::inside;

/// Requests that nobody answers (IP_MINTTL drops the SYN-ACKs at their clients), more than the SYN queue holds.
const FLOOD: &str = "
import socket, sys, time
s = socket.socket(); s.bind((sys.argv[1], 8080)); s.listen(4); kept = []
for _ in range(24):
    c = socket.socket(); c.setsockopt(socket.IPPROTO_IP, 21, 255); c.setblocking(False); kept.append(c)
    try: c.connect((sys.argv[1], 8080))
    except OSError: pass
print('flooded', flush=True); time.sleep(60)
";

/// All that the kernel's log holds; nothing where it is kept from this user (kernel.dmesg_restrict), or there is none.
fn kernel_log() -> String {
    let opened = std::fs::OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open("/dev/kmsg");
    let mut log = match opened {
        Ok(log) => log,
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::NotFound), "{error}");
            return String::new();
        }
    };
    let (mut text, mut record) = (String::new(), [0; 8192]);
    loop {
        match log.read(&mut record) {
            Ok(length) => text.push_str(&String::from_utf8_lossy(&record[..length])),
            Err(error) if error.raw_os_error() == Some(libc::EPIPE) => {}
            Err(_) => return text,
        }
    }
}

case!(what_the_kernels_log_says_of_a_listener_stands_beside_its_findings);
fn what_the_kernels_log_says_of_a_listener_stands_beside_its_findings() {
    tools(&["python3"]);
    inside(|| {
        // The log is one for all network namespaces: an address that no other test has.
        let pid = std::process::id();
        let address = format!("127.77.{}.{}", pid >> 8 & 255, pid & 255);
        let mut flood =
            tool("python3").args(["-c", FLOOD, &address]).stdout(std::process::Stdio::piped()).spawn().unwrap();
        flood.stdout.as_mut().unwrap().read_exact(&mut [0; 8]).unwrap();
        let target = format!("{address}:8080");
        let output = lab::run_qviz(["watch", &target, "--duration", "1500ms", "--jsonl"], Duration::from_secs(30));
        flood.kill().unwrap();
        flood.wait().unwrap();
        let lines: Vec<Value> =
            output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        let said: Vec<_> = lines.iter().filter(|line| line["event"] == "flood_logged").collect();
        // The kernel says it once for each listener, and leaves it out when it has said it often of others.
        let logged = kernel_log().contains(&format!("SYN flooding on port {target}."));
        assert_eq!(said.len(), usize::from(logged), "{said:?}");
        let evidence = lines.last().unwrap()["findings"].as_array().unwrap().iter();
        let ago: Vec<_> =
            evidence.filter_map(|finding| finding["evidence"]["syn_flood_logged_s_ago"].as_f64()).collect();
        assert_eq!(!ago.is_empty(), logged, "{:#}", lines.last().unwrap()["findings"]);
        assert!(ago.iter().all(|ago| (1.0..60.0).contains(ago)), "{ago:?}");
    });
}
