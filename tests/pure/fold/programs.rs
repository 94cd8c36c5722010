//! Tests of `fold::programs`.

use qviz::fold::programs::{known_default, program_at, programs_of};
use qviz::model::watch::Address;

fn whose(limit: u32, command: Option<&str>) -> Option<&'static str> {
    known_default(limit, command).map(|program| program.name.as_str())
}

#[test]
fn a_limit_is_somebodys_default_only_by_the_programs_name() {
    assert_eq!(whose(511, Some("node")), Some("Node.js"));
    assert_eq!(whose(511, Some("redis-server")), Some("redis"));
    assert_eq!(whose(5, Some("python3.11")), Some("Python's socketserver"));
    assert_eq!(whose(511, Some("php-fpm8.2")), Some("PHP-FPM"));
    assert_eq!(whose(1024, Some("memcached")), Some("memcached"));
    assert_eq!(whose(128, Some("beam.smp")), Some("RabbitMQ"));
    assert_eq!(whose(1024, Some("puma 6.4.2 (tcp")), Some("Puma"));
    for (limit, command) in [
        (128, Some("redis-server")),
        (128, Some("envoy")),
        (1024, Some("myserver")),
        (511, None),
        (511, Some("node_exporter")),
    ] {
        assert_eq!(whose(limit, command), None, "{command:?}");
    }
}

#[test]
fn among_programs_of_one_name_the_default_decides() {
    let at = |command, limit| program_at(command, limit).map(|program| program.name.as_str());
    assert_eq!(at("python3", Some(5)), Some("Python's socketserver"));
    assert_eq!((at("python3", Some(77)), at("python3", None)), (None, None));
    assert_eq!((at("nginx", Some(77)), at("node_exporter", Some(511))), (Some("nginx"), None));
}

#[test]
fn a_line_to_paste_has_the_listeners_own_address_in_it() {
    let (nginx, address) = (programs_of("nginx").next().unwrap(), Address::Tcp(([0, 0, 0, 0], 80).into()));
    assert_eq!(nginx.line(&address, 4096).as_deref(), Some("listen 0.0.0.0:80 backlog=4096;"));
    assert!(nginx.live && nginx.apply.is_some());
    assert_eq!(programs_of("sshd").next().unwrap().line(&address, 4096), None);
    let unix = Address::Unix("/run/a.sock".into());
    assert_eq!(nginx.line(&unix, 7).as_deref(), Some("listen unix:/run/a.sock backlog=7;"));
    assert!(nginx.sentence(&unix, 7).unwrap().contains("nginx -s reload"));
    let postgres = programs_of("postgres").next().unwrap();
    assert_eq!(postgres.line(&address, 65).as_deref(), Some("max_connections = 33"));
}
