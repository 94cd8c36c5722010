//! Counters and sysctls, from `/proc/thread-self/net` and `/proc/sys`.
