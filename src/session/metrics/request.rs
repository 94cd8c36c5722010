//! The request of a scraper: as much of HTTP/1 as one page needs.

use std::net::IpAddr;

/// The format of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PageFormat {
    /// OpenMetrics 1.0, the default.
    #[default]
    OpenMetrics,
    /// Prometheus' older text format 0.0.4.
    Plain,
}

impl PageFormat {
    /// Its media type in HTTP.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Plain => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// Whom the page is for, by the name under which it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hosts {
    /// Numeric addresses and `localhost` alone: any other name is one that somebody has made to lead here, so that a browser shows the
    /// page to a stranger's site (DNS rebinding).
    Loopback,
    /// Any name.
    Any,
}

/// A parsed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ParsedRequest {
    /// The page.
    Page {
        /// How it is written.
        format: PageFormat,
        /// False for HEAD: only what stands above the page.
        has_body: bool,
    },
    /// Whether the watch goes on (`/healthz`).
    Health {
        /// As above.
        has_body: bool,
    },
    /// What there is, for a browser (`/`).
    Index {
        /// As above.
        has_body: bool,
    },
    /// An error: the status and the body.
    Refused(&'static str, &'static str),
}

/// Parses a request's head.
pub(super) fn parse(head: &[u8], hosts: Hosts) -> ParsedRequest {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let (Some(method), Some(target), Some(version)) = (method, target, version) else {
        return ParsedRequest::Refused("400 Bad Request", "this is no HTTP/1 request\n");
    };
    if !version.starts_with("HTTP/1.") {
        return ParsedRequest::Refused("400 Bad Request", "this is no HTTP/1 request\n");
    }
    let headers: Vec<_> = lines.take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(':')).collect();
    let values = |wanted: &str| {
        let named = headers.iter().filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
        named.map(|(_, value)| value.trim()).collect::<Vec<_>>()
    };
    let (authority, path) = split_target(target);
    let mut named = values("host");
    named.extend(authority);
    if hosts == Hosts::Loopback && !named.iter().all(|host| is_of_this_machine(host)) {
        return ParsedRequest::Refused("421 Misdirected Request", "ask by address, or as localhost\n");
    }
    let path = path.split('?').next().unwrap_or_default();
    if !matches!(path, "/metrics" | "/healthz" | "/") {
        return ParsedRequest::Refused("404 Not Found", "qviz watch: the metrics are at /metrics\n");
    }
    if !matches!(method, "GET" | "HEAD") {
        return ParsedRequest::Refused("405 Method Not Allowed", "only GET and HEAD\n");
    }
    let has_body = method == "GET";
    match path {
        "/" => return ParsedRequest::Index { has_body },
        "/healthz" => return ParsedRequest::Health { has_body },
        _ => {}
    }
    let accepts = values("accept").join(",").to_ascii_lowercase();
    let plain = accepts.contains("text/plain") && !accepts.contains("application/openmetrics-text");
    let format = if plain { PageFormat::Plain } else { PageFormat::OpenMetrics };
    ParsedRequest::Page { format, has_body }
}

/// Host and path of a request's target: `/path`, or `http://host/path` as a proxy is asked (RFC 9112, 3.2.2).
fn split_target(target: &str) -> (Option<&str>, &str) {
    let scheme = target.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("http://"));
    match scheme.map(|scheme| &target[scheme.len()..]) {
        None => (None, target),
        Some(rest) => match rest.find(['/', '?']) {
            Some(end) => (Some(&rest[..end]), &rest[end..]),
            None => (Some(rest), "/"),
        },
    }
}

/// True for a numeric address or `localhost`, each with or without a port.
fn is_of_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty() => name,
        _ => host,
    };
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    bare.parse::<IpAddr>().is_ok() || host.parse::<IpAddr>().is_ok() || name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: ParsedRequest = ParsedRequest::Page { format: PageFormat::OpenMetrics, has_body: true };

    fn asked(accept: &str) -> ParsedRequest {
        parse(
            format!("GET /metrics HTTP/1.1\r\nHost: [::1]:9742\r\naccePT: {accept}\r\n\r\n").as_bytes(),
            Hosts::Loopback,
        )
    }

    #[test]
    fn openmetrics_is_sent_unless_plain_text_is_asked_for() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
        for accept in [prometheus, "*/*", ""] {
            assert_eq!(asked(accept), OPEN, "{accept}");
        }
        assert_eq!(asked("text/plain"), ParsedRequest::Page { format: PageFormat::Plain, has_body: true });
        for head in ["GET /metrics?x=1 HTTP/1.0\r\n\r\n", "GET http://127.0.0.1:9742/metrics HTTP/1.1\r\n\r\n"] {
            assert_eq!(parse(head.as_bytes(), Hosts::Loopback), OPEN, "{head}");
        }
        let head = ParsedRequest::Page { format: PageFormat::OpenMetrics, has_body: false };
        assert_eq!(parse(b"HEAD /metrics HTTP/1.1\r\n\r\n", Hosts::Loopback), head);
    }

    #[test]
    fn on_loopback_only_names_of_this_machine_are_answered() {
        let answered = |host: &str, hosts| {
            let heads = [
                format!("GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n"),
                format!("GET http://{host}/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            ];
            heads.map(|head| parse(head.as_bytes(), hosts) == OPEN)
        };
        for host in ["127.0.0.1", "127.0.0.1:9742", "[::1]", "[::1]:9742", "::1", "localhost", "LocalHost:9742"] {
            assert_eq!(answered(host, Hosts::Loopback), [true, true], "{host}");
        }
        for host in
            ["evil.example", "evil.example:9742", "localhost.evil.example", "127.0.0.1.evil.example", "here", "a:b"]
        {
            assert_eq!(answered(host, Hosts::Loopback), [false, false], "{host}");
            assert_eq!(answered(host, Hosts::Any), [true, true], "{host}");
        }
    }

    #[test]
    fn health_and_a_page_for_browsers_are_served_beside_the_metrics() {
        for (target, answer) in [
            ("/healthz", ParsedRequest::Health { has_body: true }),
            ("/healthz?verbose", ParsedRequest::Health { has_body: true }),
            ("/", ParsedRequest::Index { has_body: true }),
            ("http://localhost:9742", ParsedRequest::Index { has_body: true }),
        ] {
            assert_eq!(parse(format!("GET {target} HTTP/1.1\r\n\r\n").as_bytes(), Hosts::Loopback), answer);
        }
        let head = parse(b"HEAD /healthz HTTP/1.1\r\n\r\n", Hosts::Loopback);
        assert_eq!(head, ParsedRequest::Health { has_body: false });
    }

    #[test]
    fn everything_else_is_refused_by_its_own_status() {
        for (head, status) in [
            (&b"GET /metric HTTP/1.1\r\n\r\n"[..], "404"),
            (b"GET http://localhost/x HTTP/1.1\r\n\r\n", "404"),
            (b"GET http://evil.example/metrics HTTP/1.1\r\n\r\n", "421"),
            (b"GET http://evil.example HTTP/1.1\r\n\r\n", "421"),
            (b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421"),
            (b"POST /healthz HTTP/1.1\r\n\r\n", "405"),
            (b"DELETE / HTTP/1.1\r\n\r\n", "405"),
            (b"POST /metrics HTTP/1.1\r\n\r\n", "405"),
            (b"HELO there\r\n\r\n", "400"),
            (b"GET /metrics SPDY/3\r\n\r\n", "400"),
            (b"\xff\xfe\r\n\r\n", "400"),
            (b"\r\n\r\n", "400"),
        ] {
            let answer = parse(head, Hosts::Loopback);
            assert!(
                matches!(answer, ParsedRequest::Refused(said, _) if said.starts_with(status)),
                "{head:?}: {answer:?}"
            );
        }
    }
}
