//! For tests in which the process dies at a moment that nobody can foretell, but that is the same when a seed is given again.

use std::path::Path;

use handset::platform::Launch;

/// The password of all subscribers.
pub const PASSWORD: &str = "correct horse";

/// The program, with its data in a directory.
pub fn launch(directory: &Path) -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_hongyan"), directory)
}

/// Repeatable choices (SplitMix64).
pub struct Random(pub u64);

impl Random {
    /// From the seed in the environment, or else this one; it is told, so that a failure can be played again.
    pub fn seeded(seed: u64) -> Self {
        let given = std::env::var("HONGYAN_KILL_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or(seed);
        eprintln!("HONGYAN_KILL_SEED={seed}");
        Self(seed)
    }

    /// Any number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}
