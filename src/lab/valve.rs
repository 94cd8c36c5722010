//! May I accept now? Pure.
