//! The random choices of one client: each has its own generator, so that client 17 of a seed is always the same
//! client, whatever the others do.

use std::time::Duration;

/// SplitMix64: eight bytes, every seed as good as any other.
#[derive(Clone, Copy, Debug)]
pub(in crate::lab) struct SeededRng(u64);

impl SeededRng {
    /// The generator of client `id` in a run with this seed.
    pub(in crate::lab) const fn for_client(seed: u64, id: u64) -> Self {
        Self(mix(seed).wrapping_add(mix(id ^ GOLDEN_GAMMA)))
    }

    pub(in crate::lab) const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN_GAMMA);
        mix(self.0)
    }

    /// True with probability `share`; nothing is drawn when the result is certain.
    pub(in crate::lab) fn happens(&mut self, share: f64) -> bool {
        share > 0.0 && (share >= 1.0 || self.unit() < share)
    }

    /// Uniformly distributed between `middle - spread` and `middle + spread`, not below zero; in whole microseconds.
    pub(in crate::lab) fn uniform_around(&mut self, middle: Duration, spread: Duration) -> Duration {
        let low = middle.as_micros() as f64 - spread.as_micros() as f64;
        let drawn = low + self.unit() * 2.0 * spread.as_micros() as f64;
        Duration::from_micros(drawn.max(0.0) as u64)
    }

    /// From 0 up to, not including, 1.
    fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

const fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_of_a_seed_is_always_the_same() {
        let mut rng = SeededRng::for_client(1, 17);
        assert_eq!([rng.next_u64(), rng.next_u64()], PINNED);
        assert_ne!(SeededRng::for_client(2, 17).next_u64(), SeededRng::for_client(1, 17).next_u64());
        assert_ne!(SeededRng::for_client(1, 18).next_u64(), SeededRng::for_client(1, 17).next_u64());
    }

    #[test]
    fn shares_are_kept_and_certainties_certain() {
        let drawn = (0..100_000).filter(|id| SeededRng::for_client(5, *id).happens(0.3)).count();
        assert!((29_000..31_000).contains(&drawn), "{drawn}");
        let mut rng = SeededRng::for_client(5, 0);
        assert!((0..1000).all(|_| rng.happens(1.0) && !rng.happens(0.0) && !rng.happens(f64::NAN)));
    }

    #[test]
    fn a_span_lies_evenly_around_its_middle_and_never_below_zero() {
        let (middle, spread) = (Duration::from_millis(100), Duration::from_millis(20));
        let spans: Vec<_> = (0..10_000).map(|id| SeededRng::for_client(5, id).uniform_around(middle, spread)).collect();
        assert!(spans.iter().all(|span| (80..=120).contains(&span.as_millis())));
        assert!(spans.iter().min().unwrap().as_millis() < 82 && spans.iter().max().unwrap().as_millis() > 117);
        let wide: Vec<_> = (0..1000).map(|id| SeededRng::for_client(5, id).uniform_around(spread, middle)).collect();
        assert!(wide.iter().all(|span| span.as_millis() <= 120));
        assert!(wide.contains(&Duration::ZERO));
    }

    const PINNED: [u64; 2] = [1_393_065_435_547_439_784, 9_989_366_423_241_606_745];
}
