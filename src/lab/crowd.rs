//! Many packet-level clients at once: whose timer is next, what is sent, what became of whom. Pure.
