//! Tests of `report::containers`.

use qviz::report::containers::{Containers, Namespace};
use qviz::report::text::Marks;
use serde_json::{Value, json};

fn namespace(name: &str, watch: Option<Value>) -> Namespace {
    let why = watch.is_none().then(|| "no right".to_owned());
    let entered = watch.is_some();
    let (pid, name) = (Some(42), Some(name.to_owned()));
    Namespace { number: 7, name, pid, own: false, entered, why, counters: None, watch }
}

fn listening(address: &str, depth: u32) -> Value {
    json!({"address": address, "command": "nginx", "pid": 4, "syn_queue": {"depth": 0}, "drops": {"listener": 3, "at_least": 1},
           "accept_queue": {"depth": depth, "limit": 4, "capacity": 5, "oldest_wait_ms": null}})
}

#[test]
fn one_list_has_the_fullest_first_each_with_its_namespace_and_what_was_not_entered_is_said() {
    let document = |listener: Value| Some(json!({"listeners": [listener], "findings": []}));
    let namespaces = vec![
        namespace("docker a", document(listening("0.0.0.0:80", 0))),
        namespace("docker b", document(listening("0.0.0.0:80", 5))),
        namespace("docker c", None),
    ];
    let text = Containers::new(namespaces, 2, 0).text(Marks::Ascii);
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words} in {text}"));
    assert!(at("docker b") < at("docker a"), "{text}");
    assert!(
        text.contains("<=3") && text.contains("not entered: no right") && text.contains("1 namespaces may not"),
        "{text}"
    );
    assert!(text.contains("2 processes do not show") && text.contains("qviz watch --pid 42"), "{text}");
}
