//! Half-open requests and connections waiting for `accept()`, from NETLINK_SOCK_DIAG.
