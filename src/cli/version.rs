//! `qviz --version`: the version, and what a report of a fault needs: the commit, the target and the C library.

/// All but how the C library is linked, which the build script is not told.
macro_rules! lines {
    () => {
        concat!(
            env!("CARGO_PKG_VERSION"),
            "\ncommit: ",
            env!("QVIZ_COMMIT"),
            "\ntarget: ",
            env!("QVIZ_TARGET"),
            "\nlibc: ",
            env!("QVIZ_LIBC")
        )
    };
}

/// The version and where this binary comes from.
pub(super) const LONG: &str = if cfg!(target_feature = "crt-static") {
    concat!(lines!(), ", linked statically")
} else {
    concat!(lines!(), ", linked dynamically")
};
