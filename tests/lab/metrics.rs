//! `qviz watch --metrics` from outside: what a scraper gets, what a hostile one can do, and what a real Prometheus makes of it.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::fixture::{SOON, connect, listen, start_connect};
use crate::lab;
use crate::needs::{had, program, tool};
use crate::netns::inside;
use scraper::{Prometheus, Served, get};

#[path = "metrics/scraper.rs"]
pub(crate) mod scraper;

fn asset(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/watch").join(name)
}

/// The value of the one sample with this name and address.
fn sample(page: &str, name: &str, address: &str) -> Option<f64> {
    let start = format!("{name}{{address=\"{address}\",");
    let line = page.lines().find(|line| line.starts_with(&start))?;
    line.rsplit_once(' ').unwrap().1.parse().ok()
}

/// Every metric's name that the page declares or samples.
fn names(page: &str) -> BTreeSet<String> {
    let sampled = page.lines().filter(|line| !line.starts_with('#')).map(|line| line.split(['{', ' ']).next().unwrap());
    let typed = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")).filter_map(|line| line.split_once(' '));
    let declared = typed.map(|(name, kind)| if kind == "counter" { format!("{name}_total") } else { name.to_owned() });
    sampled.map(str::to_owned).chain(declared).collect()
}

/// Every word that begins like one of our metrics.
fn mentioned(text: &str) -> BTreeSet<String> {
    let words = text.split(|one: char| !(one.is_ascii_alphanumeric() || one == '_'));
    words.filter(|word| word.starts_with("qviz_")).map(str::to_owned).collect()
}

case!(a_scrape_tells_of_a_full_listener_and_its_drops);
fn a_scrape_tells_of_a_full_listener_and_its_drops() {
    inside(|| {
        let (_listener, address) = listen("127.0.0.1:0", 3);
        let served = Served::start("--headless --metrics 0");
        served.page();
        let _waiting = connect(address, 4);
        let _refused: Vec<_> = (0..3).map(|_| start_connect(address)).collect();
        let address = address.to_string();
        let page = lab::wait_until(SOON, "three drops and a queue of 4", || {
            let page = served.page();
            let told = |name| sample(&page, name, &address);
            let full = told("qviz_accept_queue_depth") == Some(4.0);
            (full && told("qviz_listener_drops_total")? >= 3.0).then_some(page)
        });
        assert_eq!(sample(&page, "qviz_accept_queue_limit", &address), Some(3.0));
        assert_eq!(sample(&page, "qviz_accept_queue_capacity", &address), Some(4.0));
        assert_eq!(sample(&page, "qviz_accept_queue_high_water", &address), Some(4.0));
        assert!(page.ends_with("# EOF\n") && page.contains("family=\"tcp4\""), "{page}");
        lab::wait_until(SOON, "the stall is told", || {
            (sample(&served.page(), "qviz_listener_stalled", &address)? > 0.0).then_some(())
        });
    });
}

case!(a_scrape_is_answered_beside_the_picture_too);
fn a_scrape_is_answered_beside_the_picture_too() {
    const TERMINAL: &str = "import pty, sys; pty.spawn(sys.argv[1:])";
    had(program("python3"));
    inside(|| {
        let mut command = tool("python3");
        command.args(["-c", TERMINAL, env!("CARGO_BIN_EXE_qviz"), "watch", "--metrics", "9742"]);
        command.env("TERM", "xterm-256color").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut terminal = command.spawn().unwrap();
        let mut screen = terminal.stdout.take().unwrap();
        let (begun, picture) = std::sync::mpsc::channel();
        let drawn = std::thread::spawn(move || {
            // It has to keep up with the picture: where the terminal is full, nothing else goes on.
            let (mut begun, mut drawn, mut piece) = (Some(begun), Vec::new(), [0; 4096]);
            while let Ok(length @ 1..) = std::io::Read::read(&mut screen, &mut piece) {
                drawn.extend_from_slice(&piece[..length]);
                if begun.is_some() && String::from_utf8_lossy(&drawn).contains("\u{1b}[?1049h") {
                    begun.take().map(|begun| begun.send(()));
                }
                if begun.is_none() {
                    drawn.clear();
                }
            }
        });
        let address = "127.0.0.1:9742".parse().unwrap();
        lab::wait_until(SOON, "it listens", || TcpStream::connect(address).ok());
        for _ in 0..2 {
            let answer = get(address, "GET /metrics HTTP/1.1\r\n\r\n");
            assert!(answer.contains("qviz_listeners 1\n") && answer.ends_with("# EOF\n"), "{answer}");
        }
        picture.recv_timeout(SOON).expect("the picture");
        terminal.kill().unwrap();
        terminal.wait().unwrap();
        drawn.join().unwrap();
    });
}

case!(a_bare_port_is_on_loopback_and_a_port_that_is_taken_is_an_error);
fn a_bare_port_is_on_loopback_and_a_port_that_is_taken_is_an_error() {
    inside(|| {
        let served = Served::start("--headless --metrics 9742");
        assert_eq!(served.address.to_string(), "127.0.0.1:9742");
        let output = lab::run_qviz(["watch", "--headless", "--metrics", ":9742"], SOON);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains("127.0.0.1:9742") && message.contains("try:"), "{message}");
        let open = Served::start("--headless --metrics 0.0.0.0:9743");
        assert!(open.said.contains("whoever reaches 0.0.0.0:9743"), "{}", open.said);
    });
}

case!(what_is_not_the_page_is_refused_by_its_status);
fn what_is_not_the_page_is_refused_by_its_status() {
    inside(|| {
        let served = Served::start("--headless --metrics 0");
        for (request, status) in [
            ("GET /other HTTP/1.1\r\n\r\n", "404"),
            ("POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "405"),
            ("hello\r\n\r\n", "400"),
            ("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421"),
        ] {
            let answer = get(served.address, request);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}: {answer}");
        }
        let endless = format!("GET /metrics HTTP/1.1\r\nX: {}", "a".repeat(9000));
        assert!(get(served.address, &endless).starts_with("HTTP/1.1 431 "));
    });
}

case!(health_is_no_scrape_and_the_root_names_what_there_is);
fn health_is_no_scrape_and_the_root_names_what_there_is() {
    inside(|| {
        let served = Served::start("--headless --metrics 0");
        let scrapes = || {
            let page = served.page();
            let line = page.lines().find(|line| line.starts_with("qviz_scrapes_total ")).map(str::to_owned);
            line.unwrap().rsplit_once(' ').unwrap().1.parse::<f64>().unwrap() as u64
        };
        let before = scrapes();
        for _ in 0..3 {
            let health = get(served.address, "GET /healthz HTTP/1.1\r\n\r\n");
            assert!(health.starts_with("HTTP/1.1 200 OK") && health.ends_with("\r\n\r\nok\n"), "{health}");
        }
        let head = get(served.address, "HEAD /healthz HTTP/1.1\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 200 OK") && head.ends_with("\r\n\r\n"), "{head}");
        assert_eq!(scrapes(), before + 1, "health is no scrape: the high-water marks stay");
        let index = get(served.address, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(index.contains("text/html") && index.contains("href=\"/metrics\""), "{index}");
    });
}

case!(silent_and_slow_scrapers_keep_nobody_out_and_cost_no_memory);
fn silent_and_slow_scrapers_keep_nobody_out_and_cost_no_memory() {
    inside(|| {
        let served = Served::start("--headless --metrics 0");
        served.page();
        let before = served.resident();
        let mut hostile = Vec::new();
        for _ in 0..300 {
            let mut stream = TcpStream::connect_timeout(&served.address, SOON).unwrap();
            // It may have been pushed out already.
            let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nX: ");
            hostile.push(stream);
        }
        assert!(served.page().ends_with("# EOF\n"));
        for stream in &mut hostile {
            let _ = stream.write_all(&[b'a'; 4096]);
        }
        assert!(served.page().ends_with("# EOF\n"));
        let (after, descriptors) = (served.resident(), served.descriptors());
        assert!(after < before + (8 << 20), "{before} bytes became {after}");
        assert!(descriptors < 100, "{descriptors} descriptors are open");
        let held = hostile.iter_mut().filter(|stream| stream.peer_addr().is_ok()).count();
        assert!(held > 0, "the hostile ones were there all the time");
    });
}

case!(a_storm_of_idle_connections_closes_no_scrape_without_its_page);
fn a_storm_of_idle_connections_closes_no_scrape_without_its_page() {
    inside(|| {
        let served = Served::start("--headless --metrics 0");
        served.page();
        let address = served.address;
        let (over, opened) = (AtomicBool::new(false), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut idle = std::collections::VecDeque::new();
                while !over.load(Ordering::Relaxed) && opened.load(Ordering::Relaxed) < 100_000 {
                    idle.extend(TcpStream::connect_timeout(&address, SOON));
                    opened.fetch_add(1, Ordering::Relaxed);
                    if idle.len() > 200 {
                        idle.pop_front();
                    }
                }
            });
            let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
            let mut answers = Vec::new();
            // Far more idle ones than it keeps, however fast this machine is.
            lab::wait_until(SOON, "200 scrapes and 500 idle connections", || {
                answers.push(get(address, request));
                (answers.len() >= 200 && opened.load(Ordering::Relaxed) > 500).then_some(())
            });
            over.store(true, Ordering::Relaxed);
            let without = answers.iter().filter(|answer| !answer.ends_with("# EOF\n")).count();
            assert_eq!(without, 0, "of {} scrapes", answers.len());
        });
    });
}

case!(many_scrapes_at_once_all_get_the_page);
fn many_scrapes_at_once_all_get_the_page() {
    inside(|| {
        let served = Served::start("--headless --metrics 0");
        served.page();
        let answers: Vec<_> = std::thread::scope(|scope| {
            let scrapes: Vec<_> = (0..64).map(|_| scope.spawn(|| served.page())).collect();
            scrapes.into_iter().map(|scrape| scrape.join().unwrap()).collect()
        });
        assert!(answers.iter().all(|page| page.ends_with("# EOF\n")));
        let head = get(served.address, "HEAD /metrics HTTP/1.1\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 200 OK") && head.ends_with("\r\n\r\n"), "{head}");
        let absolute = format!("GET http://{}/metrics HTTP/1.1\r\n\r\n", served.address);
        assert!(get(served.address, &absolute).ends_with("# EOF\n"));
    });
}

case!(each_name_in_the_rules_and_the_dashboard_is_one_of_ours);
fn each_name_in_the_rules_and_the_dashboard_is_one_of_ours() {
    inside(|| {
        let served = Served::start("--headless --metrics 0");
        let ours = lab::wait_until(SOON, "the first readings", || {
            let names = names(&served.page());
            names.contains("qviz_kernel_events_total").then_some(names)
        });
        for name in ["alerts.yml", "grafana.json"] {
            let text = fs::read_to_string(asset(name)).unwrap();
            let used = mentioned(&text);
            assert!(used.len() >= 6, "{name} uses {used:?}");
            let unknown: Vec<_> = used.difference(&ours).collect();
            assert!(unknown.is_empty(), "{name} uses {unknown:?}, which qviz does not serve: {ours:?}");
        }
    });
}

case!(the_dashboard_is_whole_in_itself);
fn the_dashboard_is_whole_in_itself() {
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(asset("grafana.json")).unwrap()).unwrap();
    let variables: BTreeSet<_> = dashboard["templating"]["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| variable["name"].as_str().unwrap().to_owned())
        .collect();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "each panel has an id of its own");
    let mut taken = BTreeSet::new();
    for panel in panels {
        let title = panel["title"].as_str().unwrap();
        let place = |side: &str| panel["gridPos"][side].as_u64().unwrap();
        assert!(place("x") + place("w") <= 24, "{title} stands beyond the 24 columns");
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                assert!(taken.insert((x, y)), "{title} covers another panel");
            }
        }
        for target in panel["targets"].as_array().unwrap() {
            let expr = target["expr"].as_str().unwrap();
            let used = expr.split('$').skip(1).map(|rest| {
                rest.split(|one: char| !(one.is_ascii_alphanumeric() || one == '_')).next().unwrap().to_owned()
            });
            for name in used.filter(|name| name != "__rate_interval") {
                assert!(variables.contains(&name), "{title} uses ${name}: {variables:?}");
            }
            assert!(!mentioned(expr).is_empty(), "{title}: {expr}");
        }
    }
}

/// A page in the older format, as promtool judges it.
#[track_caller]
pub(crate) fn promtool_takes(plain: &str) {
    let mut command = Command::new(had(program("promtool")));
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut check = command.spawn().unwrap();
    check.stdin.take().unwrap().write_all(plain.as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}\n{plain}");
}

case!(promtool_takes_the_page_and_the_rules);
fn promtool_takes_the_page_and_the_rules() {
    let promtool = had(program("promtool"));
    let rules = Command::new(&promtool).args(["check", "rules"]).arg(asset("alerts.yml")).output().unwrap();
    let said = String::from_utf8_lossy(&rules.stdout).into_owned() + &String::from_utf8_lossy(&rules.stderr);
    assert!(rules.status.success() && said.contains("8 rules found"), "{said}");
    inside(|| {
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("a \"quote\" and a \\ and a\nline");
        let _odd = std::os::unix::net::UnixListener::bind(&odd).unwrap();
        let (_listener, _) = listen("127.0.0.1:0", 3);
        let served = Served::start("--headless --metrics 0");
        let plain = lab::wait_until(SOON, "the odd path and its own cost", || {
            let page = served.plain();
            let odd = page.contains("a \\\"quote\\\" and a \\\\ and a");
            (odd && page.contains("qviz_cpu_seconds_total ")).then_some(page)
        });
        promtool_takes(&plain);
    });
}

case!(a_real_prometheus_scrapes_it_and_its_alerts_fire);
fn a_real_prometheus_scrapes_it_and_its_alerts_fire() {
    had(program("prometheus"));
    inside(|| {
        let (_listener, address) = listen("127.0.0.1:0", 3);
        let served = Served::start("--headless --metrics 0");
        let _waiting = connect(address, 4);
        let prometheus = Prometheus::start(served.address, &asset("alerts.yml"));
        let up = prometheus.wait_for("up{job=\"qviz\"} == 1");
        assert_eq!(up.len(), 1, "{up:?}");
        let full = prometheus.wait_for(&format!("qviz_accept_queue_depth{{address=\"{address}\"}} == 4"));
        assert_eq!(full[0]["metric"]["family"], "tcp4", "{full:?}");
        let kind = prometheus.ask("/api/v1/targets/metadata?metric=qviz_accept_queue_depth");
        assert_eq!(kind["data"][0]["type"], "gauge", "{kind}");
        let dashboard: Value = serde_json::from_str(&fs::read_to_string(asset("grafana.json")).unwrap()).unwrap();
        for target in
            dashboard["panels"].as_array().unwrap().iter().flat_map(|panel| panel["targets"].as_array().unwrap())
        {
            let expr = target["expr"].as_str().unwrap().replace("$__rate_interval", "1m");
            let expr = expr.replace("$instance", ".*").replace("$address", ".*");
            let answer = prometheus.query(&expr);
            assert_eq!(answer["status"], "success", "{expr}: {answer}");
        }
        let deadline = Duration::from_secs(90);
        for alert in ["AcceptQueueFull", "ServerStalled"] {
            let query = format!("ALERTS{{alertstate=\"firing\",alertname=\"{alert}\",address=\"{address}\"}}");
            prometheus.wait_within(deadline, &query);
        }
    });
}
