//! Default backlogs of programs. Only the limit can be read from outside, never the argument of `listen()`: a matching number is
//! recognised, not proven.

use crate::model::watch::Address;
use crate::say;

/// A known default.
#[derive(Clone, Copy, Debug)]
pub struct KnownDefault {
    /// The limit that results.
    pub limit: u32,
    whose: Words,
    change: Words,
    /// Prefixes of program names; empty: any program.
    commands: &'static [&'static str],
}

/// The text in the current language.
type Words = fn() -> &'static str;

impl KnownDefault {
    /// Whose default it is.
    pub fn whose(&self) -> &'static str {
        (self.whose)()
    }

    /// How it is changed.
    pub fn change(&self) -> &'static str {
        (self.change)()
    }
}

const fn entry(limit: u32, whose: Words, change: Words, commands: &'static [&'static str]) -> KnownDefault {
    KnownDefault { limit, whose, change, commands }
}

/// The known defaults; those of a named program before those of any.
const KNOWN_DEFAULTS: &[KnownDefault] = &[
    entry(511, || say!("nginx's default"), || say!("`listen ... backlog=N` in its configuration"), &["nginx"]),
    entry(511, || say!("redis's default"), || say!("`tcp-backlog N` in its configuration"), &["redis", "valkey"]),
    entry(511, || say!("Node.js's default"), || say!("`server.listen({ port, backlog: N })`"), &["node", "MainThread"]),
    entry(511, || say!("PHP-FPM's default"), || say!("`listen.backlog = N` of the pool"), &["php-fpm"]),
    entry(511, || say!("Apache's default"), || say!("`ListenBacklog N`"), &["apache2", "httpd"]),
    entry(
        5,
        || say!("Python's http.server (socketserver) default"),
        || say!("`request_queue_size = N` on the server's class"),
        &["python"],
    ),
    entry(100, || say!("Python asyncio's default"), || say!("`create_server(..., backlog=N)`"), &["python"]),
    entry(128, || say!("Python's socket.listen() default"), || say!("`listen(N)`"), &["python"]),
    entry(50, || say!("Java's ServerSocket default"), || say!("the ServerSocket's `backlog` argument"), &["java"]),
    entry(100, || say!("Tomcat's default"), || say!("`acceptCount` of the connector"), &["java"]),
    entry(128, || say!("sshd's fixed backlog"), || say!("nothing: it is compiled in"), &["sshd"]),
    entry(
        5,
        || say!("a very old default (Python's socketserver has it still)"),
        || say!("the program's own listen() call"),
        &[],
    ),
    entry(50, || say!("Java's ServerSocket default"), || say!("the program's own listen() call"), &[]),
    entry(
        128,
        || say!("what Rust's std asks for, and somaxconn's value before Linux 5.4"),
        || say!("socket2's `listen(N)`"),
        &[],
    ),
    entry(
        511,
        || say!("what nginx, redis, Node.js, Apache and PHP-FPM ask for"),
        || say!("the program's own configuration"),
        &[],
    ),
    entry(1024, || say!("tokio's default"), || say!("`TcpSocket::listen(N)`"), &[]),
];

/// The default that matches a limit, one of the named program first.
pub fn known_default(limit: u32, command: Option<&str>, address: &Address) -> Option<KnownDefault> {
    let fits = |default: &&KnownDefault| default.limit == limit;
    let named = |default: &&KnownDefault| {
        command.is_some_and(|command| default.commands.iter().any(|beginning| command.starts_with(beginning)))
    };
    let anybody = |default: &&KnownDefault| default.commands.is_empty() && address.port().is_some();
    KNOWN_DEFAULTS.iter().filter(fits).find(named).or_else(|| KNOWN_DEFAULTS.iter().filter(fits).find(anybody)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whose(limit: u32, command: Option<&str>) -> Option<&'static str> {
        let address = Address::Tcp("127.0.0.1:80".parse().unwrap());
        known_default(limit, command, &address).map(|default| default.whose())
    }

    #[test]
    fn a_named_program_is_recognised_before_a_number() {
        assert_eq!(whose(511, Some("node")), Some("Node.js's default"));
        assert_eq!(whose(511, Some("redis-server")), Some("redis's default"));
        assert_eq!(whose(5, Some("python3")), Some("Python's http.server (socketserver) default"));
        assert_eq!(whose(511, Some("php-fpm8.2")), Some("PHP-FPM's default"));
    }

    #[test]
    fn a_number_alone_is_recognised_and_another_is_not() {
        assert!(whose(128, Some("myserver")).unwrap().contains("Rust's std"));
        assert!(whose(511, None).unwrap().contains("nginx"));
        assert_eq!((whose(300, Some("nginx")), whose(50, Some("nginx"))), (None, Some("Java's ServerSocket default")));
    }

    #[test]
    fn a_unix_socket_is_recognised_by_its_program_alone() {
        let address = Address::Unix("/run/php/php-fpm.sock".into());
        assert_eq!(known_default(511, Some("php-fpm"), &address).unwrap().whose(), "PHP-FPM's default");
        assert!(known_default(511, None, &address).is_none());
    }
}
