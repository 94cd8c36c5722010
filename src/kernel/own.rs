//! The own listener: accept-queue depth and limit (TCP_INFO) and its drops (SO_MEMINFO), in one microsecond.
