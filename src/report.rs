//! FACTS → BYTES: json, jsonl, text.
