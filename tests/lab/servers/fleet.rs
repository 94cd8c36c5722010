//! Real servers on ports of a network namespace of their own.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::fixture::{SOON, ss};
use crate::lab::wait_until;
use crate::needs::{self, Missing, had, tool};

/// Where all of them listen: the namespace is fresh, the port free.
pub(crate) const PORT: u16 = 8080;

/// A server that has to be installed: in PATH, or where Debian puts those of root; PHP-FPM has a version in its name.
pub(crate) fn program(name: &str) -> Result<PathBuf, Missing> {
    let version = |file: &Path| file.file_name().is_some_and(|file| file.to_string_lossy().starts_with(name));
    let versions = || fs::read_dir("/usr/sbin").into_iter().flatten().flatten().map(|entry| entry.path());
    needs::program(name).or_else(|missing| {
        let beside = || Some(Path::new("/usr/sbin").join(name)).filter(|file| file.is_file());
        let versioned = || versions().find(|file| name.ends_with("fpm") && version(file) && file.is_file());
        beside().or_else(versioned).ok_or(missing)
    })
}

/// A program of PostgreSQL, which stands outside of PATH.
pub(crate) fn postgres(name: &str) -> Result<PathBuf, Missing> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin").join(name)).find(|file| file.is_file());
    found.map_or_else(|| program(name), Ok)
}

/// A server at work; killed when dropped, its workers too.
pub(crate) struct Server {
    child: Child,
    _folder: tempfile::TempDir,
}

impl Server {
    pub(crate) fn nginx() -> Self {
        Self::start(|folder| {
            let config = format!(
                "daemon off; master_process off; pid {0}/pid; error_log {0}/log;\nevents {{}}\nhttp {{ access_log off;\n\
                 client_body_temp_path {0}/a; proxy_temp_path {0}/b; fastcgi_temp_path {0}/c; uwsgi_temp_path {0}/d; \
                 scgi_temp_path {0}/e;\nserver {{ listen 127.0.0.1:{PORT}; }} }}\n",
                folder.display()
            );
            let file = folder.join("nginx.conf");
            fs::write(&file, config).unwrap();
            let mut command = unprivileged(&had(program("nginx")));
            command.arg("-p").arg(folder).arg("-e").arg(folder.join("log")).arg("-c").arg(file);
            command
        })
    }

    pub(crate) fn redis() -> Self {
        Self::start(|folder| {
            let mut command = Command::new(had(program("redis-server")));
            let port = PORT.to_string();
            command.args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--dir"]).arg(folder);
            command
        })
    }

    pub(crate) fn http_server() -> Self {
        Self::start(|folder| {
            let mut command = tool("python3");
            command.args(["-m", "http.server", "-b", "127.0.0.1", &PORT.to_string()]).current_dir(folder);
            command
        })
    }

    pub(crate) fn node() -> Self {
        Self::start(|_| {
            let mut command = Command::new(had(program("node")));
            let script =
                format!("require('http').createServer((_, answer) => answer.end()).listen({PORT}, '127.0.0.1')");
            command.arg("-e").arg(script);
            command
        })
    }

    pub(crate) fn postgres() -> Self {
        Self::start(|folder| {
            let data = folder.join("data");
            let mut made = unprivileged(&had(postgres("initdb")));
            made.args(["--no-sync", "--no-locale", "-A", "trust", "-U", "postgres", "-D"]).arg(&data);
            let output = made.output().unwrap();
            assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
            let mut command = unprivileged(&had(postgres("postgres")));
            command.arg("-D").arg(data).arg("-k").arg(folder).args(["-p", &PORT.to_string()]);
            command.args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=10", "-c", "fsync=off"]);
            command
        })
    }

    /// PHP-FPM on `php.sock` of its folder; `None`: with its own default backlog, which is 511 or, since PHP 8, somaxconn.
    pub(crate) fn php(backlog: Option<u32>) -> (Self, PathBuf) {
        let backlog = backlog.map(|backlog| format!("listen.backlog = {backlog}\n")).unwrap_or_default();
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("php.sock");
        let config = format!(
            "[global]\nerror_log = {0}/log\ndaemonize = no\n[www]\nlisten = {1}\n{backlog}pm = static\npm.max_children = 1\n",
            folder.path().display(),
            socket.display()
        );
        let file = folder.path().join("php.conf");
        fs::write(&file, config).unwrap();
        let mut command = unprivileged(&had(program("php-fpm")));
        command.arg("-n").arg("-F").arg("-y").arg(file);
        let server = Self { child: spawned(&mut command), _folder: folder };
        wait_until(SOON, "PHP-FPM has a worker and a socket", || {
            (socket.exists() && server.workers().len() == 1).then_some(())
        });
        (server, socket)
    }

    /// Four processes, each with a socket of its own on the same port, that accept and close.
    pub(crate) fn reuseport() -> Self {
        const SCRIPT: &str = "
import os, socket, sys
for _ in range(4):
    if os.fork() == 0:
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        one.bind(('127.0.0.1', int(sys.argv[1])))
        one.listen(5)
        while True:
            one.accept()[0].close()
for _ in range(4):
    os.wait()
";
        let folder = tempfile::tempdir().unwrap();
        let mut command = tool("python3");
        command.args(["-c", SCRIPT, &PORT.to_string()]);
        let server = Self { child: spawned(&mut command), _folder: folder };
        wait_until(SOON, "four workers listen", || {
            let output = tool("ss").args(["-ltnH", &format!("sport = :{PORT}")]).output().unwrap();
            (String::from_utf8_lossy(&output.stdout).lines().count() == 4).then_some(())
        });
        server
    }

    fn start(command: impl FnOnce(&Path) -> Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = command(folder.path());
        let mut server = Self { child: spawned(&mut command), _folder: folder };
        wait_until(SOON, &format!("{command:?} listens"), || {
            let ended = server.child.try_wait().unwrap();
            assert!(ended.is_none(), "{command:?} ended: {ended:?}");
            ss(address())
        });
        server
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its child processes.
    pub(crate) fn workers(&self) -> Vec<u32> {
        let pid = self.pid();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        children.split_whitespace().map(|child| child.parse().unwrap()).collect()
    }

    /// Stops the server as a whole: nothing of it runs when this returns.
    pub(crate) fn stall(&self) {
        [self.pid()].into_iter().chain(self.workers()).for_each(stop);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for worker in self.workers() {
            signal(worker, Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the servers listen.
pub(crate) fn address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], PORT))
}

/// Stops one process, and returns when it is stopped.
pub(crate) fn stop(pid: u32) {
    signal(pid, Signal::STOP);
    wait_until(SOON, "the process is stopped", || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.starts_with('T').then_some(())
    });
}

fn signal(pid: u32, signal: Signal) {
    // It may have ended by itself.
    let _ = kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal);
}

fn spawned(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The program as an ordinary user in its own eyes: some servers refuse to be root, or give files away then.
fn unprivileged(program: &Path) -> Command {
    let mut command = tool("unshare");
    command.args(["--user", "--map-user=65534", "--map-group=65534"]).arg(program).env("LC_ALL", "C");
    command
}
