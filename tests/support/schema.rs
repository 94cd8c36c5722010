//! Documents held against the committed JSON Schema.

#![allow(dead_code, reason = "each binary uses its own part")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::Value;

/// The schema, and what checks it. Made once: it takes longer than all that is held against it.
pub(crate) fn schema() -> &'static (Value, Validator) {
    static SCHEMA: OnceLock<(Value, Validator)> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let schema: Value = serde_json::from_str(include_str!("../../assets/schema/qviz-1.schema.json")).unwrap();
        jsonschema::meta::validate(&schema).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        (schema, validator)
    })
}

/// What is printed is what the committed schema says; names the place in the document, which `oneOf` alone does not.
#[track_caller]
pub(crate) fn assert_valid(document: &Value) {
    let (schema, whole) = schema();
    if whole.is_valid(document) {
        return;
    }
    let name = document["event"]
        .as_str()
        .map_or_else(|| document["kind"].as_str().unwrap_or("event").to_owned(), |event| format!("event_{event}"));
    let mut narrow = schema.clone();
    narrow.as_object_mut().unwrap().remove("oneOf");
    narrow["$ref"] = format!("#/$defs/{name}").into();
    let narrow = jsonschema::validator_for(&narrow).unwrap();
    let errors: Vec<_> =
        narrow.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    panic!("{name} does not fit the schema: {errors:#?}\n{document:#}");
}
