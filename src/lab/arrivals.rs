//! When the next client starts: steady, Poisson, bursts, waves; seeded and pure.
