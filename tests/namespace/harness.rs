//! The harness: every case in a process of its own, reported as libtest reports.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Why a case could not be tried here.
pub(crate) struct Ignored(pub(crate) String);

/// Who runs a case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// An ordinary user.
    User,
    /// Root.
    Root,
    /// Whoever runs the tests, in a user namespace in which this limit is 0.
    Limited(&'static str, Standing),
    /// Whoever runs the tests, with /proc/sys mounted read-only, as in a container.
    ReadOnlySysctls,
}

/// Where a limited case stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// In the limited namespace, with all capabilities.
    Root,
    /// In the limited namespace, without capabilities.
    Bare,
    /// In a namespace below the limited one, as another user, without capabilities.
    Below,
}

/// One case: its claim, who runs it, and what it does.
pub(crate) type Case = (&'static str, Who, fn() -> Result<(), Ignored>);

/// How a case ended.
enum Verdict {
    Passed,
    Failed(String),
    Ignored(String),
}

/// Runs the cases that the command line chooses, or, in a case's own process, that case.
pub(crate) fn run(cases: &[Case]) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, index] = arguments.as_slice()
        && flag == RUN
    {
        return run_here(cases[index.parse::<usize>().unwrap()].2);
    }
    let filters = filters(&arguments);
    let wanted = |case: &Case| filters.is_empty() || filters.iter().any(|filter| title(case).contains(*filter));
    if arguments.iter().any(|argument| argument == "--list") {
        cases.iter().filter(|case| wanted(case)).for_each(|case| println!("{}: test", title(case)));
        return ExitCode::SUCCESS;
    }
    let chosen: Vec<usize> = (0..cases.len()).filter(|index| wanted(&cases[*index])).collect();
    println!("\nrunning {} tests", chosen.len());
    let (mut passed, mut failed, mut ignored) = (0, 0, 0);
    let place = tempfile::tempdir().unwrap();
    let program = program_for_everybody(place.path());
    for index in &chosen {
        let title = title(&cases[*index]);
        match run_apart(&program, *index, cases[*index].1) {
            Verdict::Passed => (passed += 1, println!("test {title} ... ok")).1,
            Verdict::Ignored(why) => (ignored += 1, println!("test {title} ... ignored, {why}")).1,
            Verdict::Failed(why) => (failed += 1, println!("test {title} ... FAILED\n{why}")).1,
        }
    }
    let (word, out) = (if failed == 0 { "ok" } else { "FAILED" }, cases.len() - chosen.len());
    println!(
        "\ntest result: {word}. {passed} passed; {failed} failed; {ignored} ignored; 0 measured; {out} filtered out\n"
    );
    ExitCode::from(u8::from(failed > 0))
}

/// The words by which tests are chosen; options of libtest and their values are none.
fn filters(arguments: &[String]) -> Vec<&String> {
    let mut words = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if ["--test-threads", "--skip", "--format", "--color", "--logfile", "--shuffle-seed", "-Z"]
            .contains(&argument.as_str())
        {
            arguments.next();
        } else if !argument.starts_with('-') {
            words.push(argument);
        }
    }
    words
}

fn title(case: &Case) -> String {
    match case.1 {
        Who::User => format!("user::{}", case.0),
        Who::Root => format!("root::{}", case.0),
        Who::ReadOnlySysctls => format!("read_only::{}", case.0),
        Who::Limited(limit, Standing::Root) => format!("{limit}::root::{}", case.0),
        Who::Limited(limit, Standing::Bare) => format!("{limit}::bare::{}", case.0),
        Who::Limited(limit, Standing::Below) => format!("{limit}::below::{}", case.0),
    }
}

/// Runs a case in this very process, and tells by the exit code whether it was ignored.
fn run_here(case: fn() -> Result<(), Ignored>) -> ExitCode {
    match case() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Ignored(why)) => {
            eprintln!("{why}");
            ExitCode::from(IGNORED)
        }
    }
}

/// Runs a case in a process of its own, as who the case asks for.
fn run_apart(program: &Path, index: usize, who: Who) -> Verdict {
    let root = rustix::process::geteuid().is_root();
    let mut command = match who {
        Who::Root if !root => return Verdict::Ignored("only root can try this".to_owned()),
        Who::User | Who::Root => Command::new(program),
        Who::Limited(limit, standing) => limited(program, limit, standing),
        Who::ReadOnlySysctls => read_only(program),
    };
    if who == Who::User && root {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = match command.arg(RUN).arg(index.to_string()).stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) => return Verdict::Failed(format!("{}: {error}", program.display())),
    };
    print!("{}", String::from_utf8_lossy(&output.stdout));
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    match output.status.code() {
        Some(0) => Verdict::Passed,
        Some(code) if code == i32::from(IGNORED) => {
            let required = std::env::var_os("QVIZ_REQUIRE_LAB").is_some_and(|value| value == "1");
            if required { Verdict::Failed(words) } else { Verdict::Ignored(words) }
        }
        _ => Verdict::Failed(words),
    }
}

/// The program in a user namespace of its own, in which one limit is 0.
fn limited(program: &Path, limit: &str, standing: Standing) -> Command {
    let through: &[&str] = match standing {
        Standing::Root => &[],
        Standing::Bare => &["setpriv", "--bounding-set=-all", "--inh-caps=-all"],
        Standing::Below => &["unshare", "--user", "--map-user=1000", "--map-group=1000"],
    };
    let mut command = Command::new("unshare");
    command.args([
        "--user",
        "--map-root-user",
        "sh",
        "-c",
        "echo 0 > /proc/sys/user/$0 || exit 77; exec \"$@\"",
        limit,
    ]);
    command.args(through).arg(program).env(LIMIT, limit);
    command
}

/// The program where /proc/sys can be read only.
fn read_only(program: &Path) -> Command {
    let mount = "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys || exit 77; exec \"$0\" \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", mount]).arg(program);
    command
}

/// A copy of this program in a place that an ordinary user can reach.
fn program_for_everybody(place: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let copy = place.join("namespace");
    std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    copy
}

/// The argument by which a case's own process is started.
pub(crate) const RUN: &str = "--run-case";
/// The variable that tells a case its limit.
pub(crate) const LIMIT: &str = "QVIZ_TEST_LIMIT";
/// The exit code of a case that cannot be tried here.
const IGNORED: u8 = 77;
/// An ordinary user and group.
const NOBODY: u32 = 65_534;
