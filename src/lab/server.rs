//! The server: accepts when the valve lets it, serves with its workers, closes.
