//! Planted circles, scattered methods and tuples, each of which the checker has to name.

use crate::circles::{IMPL_FILES, Sources, tuple_parameters};

#[test]
fn a_planted_circle_is_named_with_its_files_and_lines() {
    let pair = [("src/ui/a.rs", "\nuse super::b::B;"), ("src/ui/b.rs", "fn f() { crate::ui::a::g() }")];
    let named = "circle: src/ui/a <-> src/ui/b\n  src/ui/a.rs:2: uses src/ui/b.rs\n  src/ui/b.rs:1: uses src/ui/a.rs";
    assert_eq!(circles(&pair), [named]);
    let three = [
        ("src/ui/a.rs", "use super::{b, d};"),
        ("src/ui/b.rs", "use crate::ui as house; fn f() { house::c::g() }"),
        ("src/ui/c.rs", "type T = super::a::A;"),
        ("src/ui/d.rs", ""),
    ];
    let found = circles(&three);
    assert!(found.len() == 1 && found[0].starts_with("circle: src/ui/a <-> src/ui/b <-> src/ui/c\n"), "{found:?}");
    assert!(!found[0].contains("d.rs"), "{found:?}");
}

#[test]
fn a_circle_through_somebodys_child_or_a_re_export_is_a_circle() {
    let child = [
        ("src/ui/a.rs", "mod deep; use super::b;"),
        ("src/ui/a/deep.rs", ""),
        ("src/ui/b.rs", "\n\nuse super::a::deep::D;"),
    ];
    let named =
        "circle: src/ui/a <-> src/ui/b\n  src/ui/a.rs:1: uses src/ui/b.rs\n  src/ui/b.rs:3: uses src/ui/a/deep.rs";
    assert_eq!(circles(&child), [named]);
    let exported = [
        ("src/ui.rs", "mod a; mod b; pub use a::A;"),
        ("src/ui/a.rs", "use super::b;"),
        ("src/ui/b.rs", "use crate::ui::A;"),
    ];
    assert_eq!(circles(&exported).len(), 1);
}

#[test]
fn a_parent_with_its_children_a_chain_and_a_test_are_no_circle() {
    for fine in [
        [("src/ui.rs", "mod a; use a::A; pub struct U;"), ("src/ui/a.rs", "use super::U;")],
        [("src/ui.rs", "mod a; fn f() { a::deep::g() }"), ("src/ui/a/deep.rs", "use crate::ui::U;")],
        [("src/ui/a.rs", "use super::b;"), ("src/ui/b.rs", "/// [`super::a`]\nfn f(a: u8) -> u8 { a }")],
        [("src/ui/a.rs", "use super::b;"), ("src/ui/b.rs", "#[cfg(test)]\nmod tests { use super::super::a; }")],
        [("src/ui/a.rs", "use super::b;"), ("src/ui/b/tests.rs", "use crate::ui::a;")],
    ] {
        assert_eq!(circles(&fine), Vec::<String>::new());
    }
}

#[test]
fn a_planted_fifth_file_of_methods_is_named() {
    let files = ["a", "b", "c", "d", "e"].map(|name| format!("src/ui/{name}.rs"));
    let texts = [
        "pub struct T;\nimpl T {}\nimpl T {}",
        "use super::a::T;\nimpl<F: Fn() -> u8> T {}",
        "use crate::ui::a;\nimpl a::T {}",
        "use super::a::T as Other;\nimpl Other {}",
        "impl super::a::T where u8: Copy {}",
    ];
    let sources: Vec<_> = files.iter().map(String::as_str).zip(texts).collect();
    let named = format!("impl ui::a::T in 5 files, at most {IMPL_FILES}:");
    let places = "src/ui/a.rs:2 src/ui/b.rs:2 src/ui/c.rs:2 src/ui/d.rs:2 src/ui/e.rs:1";
    assert_eq!(scattered(&sources), [format!("{named}\n  {}", places.replace(' ', "\n  "))]);
    assert_eq!(scattered(&sources[..4]), Vec::<String>::new());
    let mut others = sources.clone();
    for fine in [
        "impl Display for super::a::T {}",
        "struct T; impl T {}",
        "fn f() -> impl Fn(T) {} fn g(_: impl Copy) {}",
        "#[cfg(test)] mod tests { impl super::super::a::T {} }",
    ] {
        others[4].1 = fine;
        assert_eq!(scattered(&others), Vec::<String>::new(), "{fine}");
    }
}

#[test]
fn a_planted_tuple_parameter_is_found() {
    let found = |line, count| vec![format!("src/a.rs:{line}: a parameter that is a pattern of {count} values")];
    for (plant, line, count) in [
        ("fn f((a, b, c): (u8, u8, u8)) {}", 1, 3),
        ("fn f<F: Fn() -> u8>(x: Vec<(u8, u8, u8)>,\n (a, (b, _), c, d): (A, B, C, D)) {}", 2, 4),
        ("impl T { pub fn f(&self, &(ref a, b, c,): &(A, B, C)) {} }", 1, 3),
        ("trait T { fn f(&mut self, g: fn(u8) -> u8, (a, b, c): (A, B, C)); }", 1, 3),
    ] {
        assert_eq!(tuple_parameters("src/a.rs", plant), found(line, count), "{plant}");
    }
    for fine in [
        "fn f((a, b): (u8, u8), c: (u8, u8, u8)) -> (u8, u8, u8) {}",
        "fn f() { x.map(|(a, b, c)| a); let (a, b, c) = d; g((a, b, c)); }",
        "fn f(g: impl Fn(u8, u8, u8) -> u8, [a, b, c]: [u8; 3], T { a, b, c }: T) {}",
        "type F = fn((u8, u8, u8)) -> u8;",
    ] {
        assert_eq!(tuple_parameters("src/a.rs", fine), Vec::<String>::new(), "{fine}");
    }
}

fn circles(files: &[(&str, &str)]) -> Vec<String> {
    Sources::new(&owned(files)).circles()
}

fn scattered(files: &[(&str, &str)]) -> Vec<String> {
    Sources::new(&owned(files)).scattered()
}

fn owned(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}
