//! Several pages as one.

use std::collections::BTreeSet;

use qviz::report::openmetrics::{NamespaceCounts, merged};
use qviz::session::metrics::PageFormat;

fn page(namespace: &str, families: &[&str]) -> String {
    let family = |name: &&str| {
        format!(
            "# TYPE {name} gauge\n# HELP {name} Help of {name}.\n{name}{{a=\"# TYPE x gauge\",namespace=\"{namespace}\"}} 1\n"
        )
    };
    families.iter().map(family).collect::<String>() + "# EOF\n"
}

#[test]
fn each_family_stands_once_with_the_series_of_all_pages_below_it() {
    let pages = [page("own", &["a", "b"]), page("x", &["a", "c", "b"]), page("y", &["c"])];
    let counts = NamespaceCounts { watched: 3, refused: 2, late: 1, left_out: 4, hidden_processes: 5 };
    let text = merged(&pages, counts, PageFormat::OpenMetrics);
    assert!(text.ends_with("} 1\n# EOF\n") && text.matches("# EOF").count() == 1, "{text}");
    let (mut known, mut now) = (BTreeSet::new(), "");
    for line in text.lines().filter(|line| *line != "# EOF") {
        if let Some(name) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split(' ').next()) {
            assert!(known.insert(name), "{name} twice: {text}");
            now = name;
        } else if let Some(help) = line.strip_prefix("# HELP ") {
            assert!(help.starts_with(now), "{line}");
        } else {
            assert!(
                line.starts_with(&format!("{now}{{")) || line.starts_with(&format!("{now} ")),
                "{line} below {now}"
            );
        }
    }
    for (name, count) in [("a{", 2), ("b{", 2), ("c{", 2), ("# HELP a ", 1), ("# HELP c ", 1)] {
        assert_eq!(text.lines().filter(|line| line.starts_with(name)).count(), count, "{name}: {text}");
    }
    for (state, count) in [("watched", 3), ("not-entered", 2), ("late", 1), ("left-out", 4)] {
        assert!(text.contains(&format!("qviz_namespaces{{state=\"{state}\"}} {count}\n")), "{text}");
    }
    assert!(text.contains("\nqviz_hidden_processes 5\n"), "{text}");
}

#[test]
fn without_any_page_it_says_so_and_the_older_format_has_no_end_mark() {
    let text = merged(&[], NamespaceCounts::default(), PageFormat::Plain);
    assert!(text.contains("qviz_namespaces{state=\"watched\"} 0\n") && !text.contains("EOF"), "{text}");
}
