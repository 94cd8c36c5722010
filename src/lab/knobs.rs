//! Writes the sysctls of the private namespace. Never those of the host.
