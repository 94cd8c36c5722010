//! The command line from outside: what is printed where, and how the program ends.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::CommandCargoExt;
use rustix::process::Signal;

use crate::needs::tools;
use crate::snapshot::store;

#[path = "cli/chinese.rs"]
mod chinese;

/// The program as in a terminal of 110 columns and a locale of no language.
fn qviz(words: &str) -> Command {
    let mut command = Command::cargo_bin("qviz").unwrap();
    command.args(words.split_whitespace()).stdin(Stdio::null()).env_remove("NO_COLOR").env("COLUMNS", "110");
    command.env_remove("LC_ALL").env_remove("LC_MESSAGES").env("LANG", "C.UTF-8");
    command
}

fn output(words: &str) -> Output {
    qviz(words).output().unwrap()
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The message on stderr of words that cannot be carried out; nothing may stand on stdout.
fn usage_error(words: &str) -> String {
    let output = output(words);
    assert_eq!(output.status.code(), Some(2), "{words}: {}", said(&output.stderr));
    assert!(output.stdout.is_empty(), "{words}");
    said(&output.stderr)
}

case!(each_bad_value_says_what_was_given_what_is_allowed_and_an_example);
fn each_bad_value_says_what_was_given_what_is_allowed_and_an_example() {
    for (words, given, example) in [
        ("--backlog many", "many", "such as 0, 5, 511"),
        ("--backlog 2147483648", "2147483648", "2147483647"),
        ("--backlog -1", "-1", "somaxconn"),
        ("--rate -5", "-5", "such as 12"),
        ("--rate 1e9", "1e9", "10k"),
        ("--rtt 5", "5", "5ms or 5s"),
        ("--duration 0", "0", "1ms"),
        ("--duration soon", "soon", "250ms"),
        ("--half-open 130%", "130%", "such as 30%"),
        ("--loss much", "much", "30%"),
        ("--accept-rate maxi", "maxi", "did you mean max?"),
        ("--arrivals stedy", "stedy", "did you mean steady?"),
        ("--arrivals burst:20", "burst:20", "burst:20/1s"),
        ("--count 0", "0", "--rate 0"),
        ("--listen localhost:80", "localhost:80", "198.51.100.1:8080"),
        ("--listen 127.0.0.1", "127.0.0.1", "port is missing"),
        ("--workers 0", "0", "such as 40"),
        ("--syncookies 3", "3", "from 0 to 2"),
        ("--abort-on-overflow yes", "yes", "abort-on-overflow"),
        ("--seed x", "x", "seed"),
        ("watch localhost:80", "localhost:80", "names are not looked up"),
        ("watch 65536", "65536", "65535"),
        ("watch --fail-on overflw", "overflw", "did you mean overflow?"),
        ("watch --fail-on full", "full", "full:80%"),
        ("watch --duration 5", "5", "5ms or 5s"),
        ("watch --pid 0", "0", "from 1 to 4194304"),
    ] {
        let message = usage_error(words);
        assert!(message.contains(&format!("'{given}'")), "{words}: {message}");
        assert!(message.contains(example), "{words}: {message}");
    }
}

case!(an_unknown_word_offers_the_nearest_right_one);
fn an_unknown_word_offers_the_nearest_right_one() {
    for (words, right) in [
        ("--net labb", "lab"),
        ("--client wired", "wire"),
        ("--color sometimes --color alway", "always"),
        ("--theme drak", "dark"),
        ("docter", "doctor"),
        ("wach", "watch"),
        ("watch --fail-no overflow", "--fail-on"),
        ("--backlogs 5", "--backlog"),
        ("completions bahs", "bash"),
        ("explain ListenOverflow", "qviz explain ListenOverflows"),
    ] {
        let message = usage_error(words);
        assert!(message.contains(right), "{words}: {message}");
    }
}

case!(words_that_exclude_each_other_are_refused_with_the_reason);
fn words_that_exclude_each_other_are_refused_with_the_reason() {
    for (words, reason) in [
        ("--json --jsonl", "cannot be used with"),
        ("--net host --syncookies 0", "this host's own settings"),
        ("--net host --somaxconn 9", "this host's own settings"),
        ("--net host --client wire", "private network"),
        ("--listen [::1]:8080", "--listen [2001:db8::1]:8080"),
        ("--listen 224.0.0.1:80 --net host", "multicast"),
        ("--backlog 5 doctor", "subcommand"),
        ("watch --once --duration 5s", "cannot be used with"),
        ("watch --once --jsonl", "cannot be used with"),
        ("watch --once --fail-on overflow", "one look"),
        ("watch --pid 1 --netns /proc/1/ns/net", "cannot be used with"),
    ] {
        let message = usage_error(words);
        assert!(message.contains(reason), "{words}: {message}");
    }
}

case!(a_port_that_is_taken_is_an_error_with_a_next_command);
fn a_port_that_is_taken_is_an_error_with_a_next_command() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let output = output(&format!("--net host --listen {address} --duration 1s --json"));
    let message = said(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains(&address.to_string()) && message.contains("try:"), "{message}");
    assert!(output.stdout.is_empty());
}

case!(an_address_of_nobody_here_is_an_error_with_a_next_command);
fn an_address_of_nobody_here_is_an_error_with_a_next_command() {
    let output = output("--net host --listen 203.0.113.7:8080 --duration 1s");
    let message = said(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("203.0.113.7:8080") && message.contains("try:"), "{message}");
}

case!(a_log_that_cannot_be_opened_is_an_error);
fn a_log_that_cannot_be_opened_is_an_error() {
    let output = output("--log /nowhere/qviz.log --duration 1s");
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output.stderr).contains("/nowhere/qviz.log"));
}

case!(a_full_disk_is_an_error_wherever_it_is_met);
fn a_full_disk_is_an_error_wherever_it_is_met() {
    for words in ["--help", "man", "explain", "explain ghost", "completions bash", "doctor", "doctor --json"] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = qviz(words).stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{words}");
        assert!(said(&output.stderr).contains("cannot write to stdout"), "{words}");
    }
}

case!(a_reader_that_has_seen_enough_is_no_error);
fn a_reader_that_has_seen_enough_is_no_error() {
    for words in ["man", "explain", "--help", "completions zsh"] {
        let mut child = qviz(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{words}: {}", said(&output.stderr));
        assert!(output.stderr.is_empty(), "{words}: {}", said(&output.stderr));
    }
}

case!(a_reader_that_leaves_during_a_run_ends_it_quietly);
fn a_reader_that_leaves_during_a_run_ends_it_quietly() {
    let words = "--net host --listen 127.0.0.1:0 --jsonl --rate 50 --duration 60s";
    let mut child = qviz(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 64];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(first.starts_with(b"{\"t_s\":"));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output.stderr));
}

case!(completions_are_made_for_each_shell_and_are_understood_by_it);
fn completions_are_made_for_each_shell_and_are_understood_by_it() {
    for shell in ["bash", "zsh", "fish"] {
        let output = output(&format!("completions {shell}"));
        let script = said(&output.stdout);
        assert!(output.status.success() && script.contains("backlog") && script.contains("explain"), "{shell}");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("completions");
        std::fs::write(&file, script).unwrap();
        let Ok(checked) = Command::new(shell).arg("-n").arg(&file).output() else {
            eprintln!("{shell} is not installed here: its completions are not parsed");
            continue;
        };
        assert!(checked.status.success(), "{shell}: {}", said(&checked.stderr));
    }
}

case!(bash_completes_a_target_by_the_listeners_that_are_there);
fn bash_completes_a_target_by_the_listeners_that_are_there() {
    tools(&["bash"]);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let folder = Path::new(env!("CARGO_BIN_EXE_qviz")).parent().unwrap();
    for command in ["watch", "tune"] {
        let lines = format!(
            "PATH={}:$PATH; source <(qviz completions bash); COMP_WORDS=(qviz {command} {}); COMP_CWORD=2; \
             _qviz_listeners qviz {} {command}; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            folder.display(),
            &port[..2],
            &port[..2],
        );
        let output = Command::new("bash").args(["-c", &lines]).output().unwrap();
        let words = said(&output.stdout);
        assert!(words.lines().any(|word| word == port), "{command}: {words} {}", said(&output.stderr));
        assert!(!words.lines().any(|word| word == "--print-targets"), "it is for scripts alone");
    }
}

case!(the_manual_page_has_every_option_key_and_exit_code);
fn the_manual_page_has_every_option_key_and_exit_code() {
    let page = said(&output("man").stdout);
    for needed in [
        ".TH qviz 1",
        ".SH NAME",
        ".SH OPTIONS",
        ".SH KEYS",
        ".SH COMMANDS",
        "abort\\-on\\-overflow",
        "half\\-open",
        "143",
        "burst:20/1s",
    ] {
        assert!(page.contains(needed), "{needed} is missing");
    }
    for binding in qviz::ui::keymap::BINDINGS {
        assert!(page.contains(&binding.long.replace('-', "\\-")), "{}", binding.long);
    }
}

case!(every_key_can_be_explained_also_those_of_a_replay);
fn every_key_can_be_explained_also_those_of_a_replay() {
    for binding in qviz::ui::keymap::BINDINGS.iter().filter(|binding| !binding.is_of_watch()) {
        for key in [binding.spelled()].into_iter().chain(binding.spelled().split(' ')) {
            let output = qviz("explain").arg(key).output().unwrap();
            let text = said(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(text.contains(binding.long), "{key}: {text}");
        }
    }
    let space = said(&qviz("explain").arg("space").output().unwrap().stdout);
    assert!(space.contains("stop calling accept()") && space.contains("replay: pause or resume"), "{space}");
}

case!(the_readmes_table_has_every_key);
fn the_readmes_table_has_every_key() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let table = readme.lines().skip_while(|line| !line.starts_with("| key |")).skip(2);
    let keys: String = table.take_while(|line| line.starts_with('|')).collect();
    for binding in qviz::ui::keymap::BINDINGS.iter().filter(|binding| !binding.is_of_watch()) {
        let pair = matches!(binding.label, "←→" | "↑↓");
        let signs: Vec<String> = match binding.label {
            pair_of_arrows if pair => pair_of_arrows.chars().map(String::from).collect(),
            signs => signs.split([' ', '/']).filter(|sign| !sign.is_empty()).map(str::to_owned).collect(),
        };
        for sign in if signs.is_empty() { vec!["/".to_owned()] } else { signs } {
            assert!(keys.contains(&format!("`{sign}`")), "`{sign}` ({}) is not in the README's table", binding.long);
        }
    }
}

case!(help_comes_short_and_long_and_both_have_examples);
fn help_comes_short_and_long_and_both_have_examples() {
    let short = said(&output("-h").stdout);
    let long = said(&output("--help").stdout);
    assert!(short.contains("Examples:") && long.contains("Examples:") && long.contains("Exit status:"));
    assert!(long.lines().count() > short.lines().count() + 50);
    store("cli_short_help", &short);
    store("cli_long_help", &long);
    store("cli_watch_help", &said(&output("watch --help").stdout));
}

case!(the_version_is_the_packages);
fn the_version_is_the_packages() {
    let version = format!("qviz {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(said(&output("-V").stdout), version);
    let long = said(&output("--version").stdout);
    assert!(long.starts_with(&version), "{long}");
    for line in ["commit: ", "target: ", "libc: "] {
        assert!(long.lines().any(|shown| shown.starts_with(line) && shown.len() > line.len() + 1), "{line} in {long}");
    }
}

case!(a_configuration_file_gives_defaults_and_its_faults_are_told_with_their_line);
fn a_configuration_file_gives_defaults_and_its_faults_are_told_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("qviz")).unwrap();
    let file = folder.path().join("qviz/config.toml");
    let with_file = |words: &str| qviz(words).env("XDG_CONFIG_HOME", folder.path()).output().unwrap();
    assert!(said(&with_file("config").stdout).contains("no configuration file; it would be"));
    std::fs::write(&file, "lang = \"zh\"\nbacklog = 7 # for the course\n").unwrap();
    let shown = said(&with_file("config").stdout);
    assert!(shown.contains("backlog = 7\n") && shown.contains(&*file.to_string_lossy()), "{shown}");
    assert!(said(&with_file("-h").stdout).contains("用法："));
    assert!(said(&with_file("-h --lang en").stdout).contains("Usage:"));
    assert!(said(&with_file("--no-config -h").stdout).contains("Usage:"));
    let run = "--json --net host --listen 127.0.0.1:0 --duration 100ms --rate 0";
    let backlog = |words: &str| -> serde_json::Value {
        let output = with_file(words);
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        document["listener"]["backlog"].clone()
    };
    assert_eq!(backlog(run), 7);
    assert_eq!(backlog(&format!("{run} --backlog 2")), 2);
    assert_eq!(backlog(&format!("{run} --no-config")), 5);
    std::fs::write(&file, "backlog = \"many\"\n").unwrap();
    for (lang, why) in [("en", "invalid value 'many' for '--backlog <N>'"), ("zh", "'many' 无效")] {
        let message = said(&with_file(&format!("--lang {lang} doctor")).stderr);
        assert!(message.contains("config.toml:1: ") && message.contains(why), "{message}");
        assert!(!message.contains("error: invalid"), "{message}");
    }
    std::fs::write(&file, "\nbaklog = 7\n").unwrap();
    let refused = with_file("--lang en doctor");
    assert_eq!(refused.status.code(), Some(2));
    let message = said(&refused.stderr);
    assert!(message.contains("config.toml:2: unknown key `baklog`; did you mean backlog?"), "{message}");
}

case!(all_topics_are_listed_and_one_is_told_whole);
fn all_topics_are_listed_and_one_is_told_whole() {
    store("cli_explain_all", &said(&output("explain").stdout));
    store("cli_explain_ghost", &said(&output("explain ack:accept-queue-full").stdout));
}

case!(an_argument_that_is_not_text_is_a_usage_error_and_no_panic);
fn an_argument_that_is_not_text_is_a_usage_error_and_no_panic() {
    use std::os::unix::ffi::OsStrExt;
    let wrong = std::ffi::OsStr::from_bytes(b"--backlog=\xff\x1b[31m");
    let output = qviz("").arg(wrong).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output.stderr));
}

/// A run on the host that has said its first word.
fn running(program: &mut Command) -> std::process::Child {
    let mut child = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 16];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    child
}

fn send(child: &std::process::Child, signal: Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).unwrap();
}

case!(a_signal_ends_a_run_after_its_summary_with_its_own_code);
fn a_signal_ends_a_run_after_its_summary_with_its_own_code() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129), (Signal::QUIT, 131)] {
        let child = running(&mut qviz("--net host --listen 127.0.0.1:0 --jsonl --rate 20"));
        send(&child, signal);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", said(&output.stderr));
        let text = said(&output.stdout);
        let summary: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(summary["kind"], "lab");
    }
}

case!(a_run_that_shall_survive_a_hangup_does);
fn a_run_that_shall_survive_a_hangup_does() {
    let program = env!("CARGO_BIN_EXE_qviz");
    let words = "--net host --listen 127.0.0.1:0 --jsonl --rate 20 --duration 700ms";
    let child = running(Command::new("sh").args(["-c", &format!("trap '' HUP; exec {program} {words}")]));
    send(&child, Signal::HUP);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output.stderr));
}
