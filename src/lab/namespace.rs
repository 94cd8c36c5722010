//! The private network: user and network namespaces, a nested one with a small connection hash, a veth pair.
