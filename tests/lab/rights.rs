//! Rights taken away one by one: what is still said is what root is told, less is said, and what is missing is named with its remedy.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::fixture::{SOON, assert_valid};
use crate::lab;
use crate::needs::{tool, tools};
use crate::netns::inside;
use crate::who::{UNPRIVILEGED, Who};

/// Whoever watches, from the one who sees most to the one who sees least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watcher {
    Root,
    /// With CAP_NET_RAW alone.
    Tap,
    /// Without any capability.
    User,
    /// And /proc hides the processes of others.
    Hidden,
}

/// What one watcher is told.
struct Told {
    document: Value,
    text: String,
}

impl Told {
    fn of(who: Watcher, program: &str) -> Self {
        let run = |format: &[&str]| {
            let user = UNPRIVILEGED.to_string();
            let mut words = vec!["setpriv", "--reuid", &user, "--regid", &user, "--clear-groups"];
            match who {
                Watcher::Root => words.clear(),
                Watcher::Tap => words.extend(["--inh-caps", "+net_raw", "--ambient-caps", "+net_raw"]),
                Watcher::User | Watcher::Hidden => words.extend(["--inh-caps", "-all", "--bounding-set", "-all"]),
            }
            words.extend([program, "watch", ":8080", "--duration", "5s"]);
            words.extend(format);
            let hide = if who == Watcher::Hidden { "mount -t proc -o hidepid=2 proc /proc && " } else { "" };
            let script = format!("{hide}exec \"$@\"");
            // In a mount namespace of its own: this machine's /proc stays as it is.
            let output = tool("unshare")
                .args(["-m", "sh", "-c", &script, "sh"])
                .args(&words)
                .stdin(Stdio::null())
                .output()
                .unwrap();
            assert!(output.status.success(), "{who:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        let document = serde_json::from_str(&run(&["--json"])).unwrap();
        assert_valid(&document);
        Self { document, text: run(&["--headless"]) }
    }

    fn rules(&self) -> BTreeSet<String> {
        let all = self.document["findings"].as_array().unwrap().iter();
        all.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
    }

    fn listener(&self, pointer: &str) -> &Value {
        self.document["listeners"][0].pointer(pointer).unwrap()
    }
}

fn listen_drops() -> u64 {
    lab::nstat(std::process::id())["TcpExtListenDrops"]
}

/// A server that takes three connections a second, in a queue of 5, and ten clients a second; two other listeners at ease.
const SCENARIO: &str = "
import socket, threading, time
listening = []
for port in (8080, 8081, 8082):
    s = socket.socket(); s.bind(('127.0.0.1', port)); s.listen(5); listening.append(s)
def serve():
    while True:
        c, _ = listening[0].accept(); time.sleep(0.3); c.close()
def one():
    s = socket.socket(); s.settimeout(30)
    try: s.connect(('127.0.0.1', 8080)); s.sendall(b'GET'); s.recv(9)
    except OSError: pass
    s.close()
threading.Thread(target=serve, daemon=True).start()
print('listens', flush=True)
while True:
    threading.Thread(target=one, daemon=True).start(); time.sleep(0.1)
";

case!(with_rights_taken_away_less_is_said_and_nothing_false, as Who::Root);
fn with_rights_taken_away_less_is_said_and_nothing_false() {
    tools(&["python3", "unshare", "setpriv", "mount"]);
    inside(|| {
        let place = tempfile::tempdir().unwrap();
        let program = place.path().join("qviz");
        std::fs::copy(env!("CARGO_BIN_EXE_qviz"), &program).unwrap();
        Command::new("chmod").args(["-R", "755"]).arg(place.path()).status().unwrap();
        let mut server = tool("python3").args(["-c", SCENARIO]).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = server.stdout.take().unwrap();
        std::io::Read::read_exact(&mut said, &mut [0; 8]).unwrap();
        lab::wait_until(SOON, "drops", || (listen_drops() > 10).then_some(()));
        let watchers = [Watcher::Root, Watcher::Tap, Watcher::User, Watcher::Hidden];
        let before = listen_drops();
        let told: Vec<_> = watchers.iter().map(|who| Told::of(*who, program.to_str().unwrap())).collect();
        let after = listen_drops();
        server.kill().unwrap();
        server.wait().unwrap();
        let all = told[0].rules();
        assert!(all.contains("accept-queue-full") && all.contains("accept-too-slow"), "{all:?}");
        for (who, one) in watchers.iter().zip(&told) {
            let more: Vec<_> = one
                .rules()
                .into_iter()
                .filter(|rule| !all.contains(rule) && !MAY_COME.contains(&rule.as_str()))
                .collect();
            assert!(more.is_empty(), "{who:?} is told {more:?}: {:#}", one.document["findings"]);
            assert!(one.rules().contains("accept-queue-full"), "{who:?}");
            assert!(!one.rules().contains("half-open-pile-up"), "{who:?}: nobody floods");
            assert!(one.listener("/drops/watched").as_u64().unwrap() <= after - before, "{who:?}");
            let (taps, owns) = (matches!(who, Watcher::Root | Watcher::Tap), *who == Watcher::Root);
            assert_eq!(one.listener("/rates/arrivals_per_s").is_number(), taps, "{who:?}");
            assert_eq!(one.listener("/rates/accepts_per_s").is_number(), taps, "{who:?}");
            assert_eq!(one.listener("/what_if").is_array(), taps, "{who:?}");
            assert_eq!((one.listener("/pid").is_number(), one.text.contains("its process")), (owns, !owns), "{who:?}");
            assert_eq!(one.text.contains("packet sockets need"), !taps, "{who:?}: {}", one.text);
            assert_eq!(one.text.contains("run qviz as root"), !owns, "{who:?}: {}", one.text);
            assert_eq!(one.text.contains("hidepid"), *who == Watcher::Hidden, "{who:?}: {}", one.text);
        }
    });
}

/// What comes and goes with the moment, whoever looks: a ghost, a cookie, two handshakes that end on two processors at once.
const MAY_COME: [&str; 4] = ["ghosts", "cookies-in-use", "one-client-many-overflows", "above-capacity"];
