//! What makes another backlog last: the line of a program's own configuration. The rows stand in `assets/programs.toml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::model::watch::Address;
use crate::say;

/// One program.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    names: Vec<String>,
    setting: String,
    #[serde(default)]
    apply: Option<String>,
    /// True when the running listener takes the line without a restart.
    pub live: bool,
    /// Where the setting is documented.
    pub source: String,
}

impl Program {
    /// The line of its configuration for this backlog.
    pub fn setting(&self, address: &Address, backlog: u32) -> String {
        let address = match address {
            Address::Tcp(address) => address.to_string(),
            Address::Unix(path) => format!("unix:{path}"),
        };
        let half = backlog.div_ceil(2).to_string();
        self.setting.replace("{n}", &backlog.to_string()).replace("{half}", &half).replace("{address}", &address)
    }

    /// The line, and what puts it into force, in one sentence.
    pub fn sentence(&self, address: &Address, backlog: u32) -> String {
        let setting = self.setting(address, backlog);
        match (&self.apply, self.live) {
            (Some(apply), true) => say!("`{setting}`, then `{apply}` (without a restart)", setting, apply),
            (Some(apply), false) => say!("`{setting}`, then `{apply}`", setting, apply),
            (None, _) => say!("`{setting}`, then restart it", setting),
        }
    }

    /// True when a process of this name is this program: its name, or its name and a version.
    fn is_named(&self, command: &str) -> bool {
        let version = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        self.names.iter().any(|name| command.strip_prefix(name.as_str()).is_some_and(version))
    }
}

/// The program to which a process of this name (`/proc/PID/comm`) belongs, with the name of its row.
pub fn program(command: &str) -> Option<(&'static str, &'static Program)> {
    programs().iter().find(|(_, program)| program.is_named(command)).map(|(name, program)| (name.as_str(), program))
}

fn programs() -> &'static BTreeMap<String, Program> {
    static PROGRAMS: OnceLock<BTreeMap<String, Program>> = OnceLock::new();
    PROGRAMS.get_or_init(|| toml::from_str(include_str!("../../assets/programs.toml")).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(command: &str) -> Option<&'static str> {
        program(command).map(|(name, _)| name)
    }

    #[test]
    fn a_version_belongs_to_the_name_and_a_longer_name_is_another_program() {
        assert_eq!((named("python3.12"), named("php-fpm8.2")), (Some("python"), Some("php-fpm")));
        assert_eq!((named("node"), named("node_exporter"), named("nginx-debug")), (Some("node"), None, None));
    }

    #[test]
    fn each_row_is_read_and_its_line_names_the_backlog() {
        let address = Address::Tcp("127.0.0.1:80".parse().unwrap());
        let rows: BTreeMap<String, Program> = toml::from_str(include_str!("../../assets/programs.toml")).unwrap();
        assert!(rows.len() >= 11);
        for (name, row) in &rows {
            let line = row.setting(&address, 4242);
            assert!(line.contains("4242") || line.contains("2121"), "{name}: {line}");
            assert!(row.source.starts_with("https://") && row.names.iter().all(|name| name.len() <= 15), "{name}");
        }
        assert_eq!(rows["nginx"].setting(&address, 64), "listen 127.0.0.1:80 backlog=64;");
        assert_eq!(rows["postgresql"].setting(&address, 65), "max_connections = 33");
    }

    #[test]
    fn a_unix_socket_is_written_as_nginx_writes_it() {
        let (_, nginx) = program("nginx").unwrap();
        assert_eq!(nginx.setting(&Address::Unix("/run/a.sock".into()), 7), "listen unix:/run/a.sock backlog=7;");
        assert!(nginx.sentence(&Address::Unix("/run/a.sock".into()), 7).contains("nginx -s reload"));
    }
}
