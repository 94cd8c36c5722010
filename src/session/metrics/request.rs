//! The request of a scraper: as much of HTTP/1 as one page needs.

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

/// A parsed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ParsedRequest {
    /// The page.
    Page(PageFormat),
    /// An error: the status and the body.
    Refused(&'static str, &'static str),
}

/// Parses a request's head.
pub(super) fn parse(head: &[u8]) -> ParsedRequest {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, path, version) = (words.next(), words.next(), words.next());
    let (Some(method), Some(path), Some(version)) = (method, path, version) else {
        return ParsedRequest::Refused("400 Bad Request", "this is no HTTP/1 request\n");
    };
    if !version.starts_with("HTTP/1.") {
        return ParsedRequest::Refused("400 Bad Request", "this is no HTTP/1 request\n");
    }
    if path.split('?').next() != Some("/metrics") {
        return ParsedRequest::Refused("404 Not Found", "qviz watch: the metrics are at /metrics\n");
    }
    if method != "GET" {
        return ParsedRequest::Refused("405 Method Not Allowed", "only GET\n");
    }
    let headers = lines.take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(':'));
    let accepts = headers.filter(|(name, _)| name.trim().eq_ignore_ascii_case("accept")).map(|(_, value)| value);
    let accepts = accepts.collect::<Vec<_>>().join(",").to_ascii_lowercase();
    let plain = accepts.contains("text/plain") && !accepts.contains("application/openmetrics-text");
    ParsedRequest::Page(if plain { PageFormat::Plain } else { PageFormat::OpenMetrics })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(accept: &str) -> ParsedRequest {
        parse(format!("GET /metrics HTTP/1.1\r\nHost: x\r\naccePT: {accept}\r\n\r\n").as_bytes())
    }

    #[test]
    fn openmetrics_is_sent_unless_plain_text_is_asked_for() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
        for accept in [prometheus, "*/*", ""] {
            assert_eq!(asked(accept), ParsedRequest::Page(PageFormat::OpenMetrics), "{accept}");
        }
        assert_eq!(asked("text/plain"), ParsedRequest::Page(PageFormat::Plain));
        assert_eq!(parse(b"GET /metrics?x=1 HTTP/1.0\r\n\r\n"), ParsedRequest::Page(PageFormat::OpenMetrics));
    }

    #[test]
    fn everything_else_is_refused_by_its_own_status() {
        for (head, status) in [
            (&b"GET / HTTP/1.1\r\n\r\n"[..], "404"),
            (b"POST /metrics HTTP/1.1\r\n\r\n", "405"),
            (b"HELO there\r\n\r\n", "400"),
            (b"GET /metrics SPDY/3\r\n\r\n", "400"),
            (b"\xff\xfe\r\n\r\n", "400"),
            (b"\r\n\r\n", "400"),
        ] {
            let answer = parse(head);
            assert!(
                matches!(answer, ParsedRequest::Refused(said, _) if said.starts_with(status)),
                "{head:?}: {answer:?}"
            );
        }
    }
}
