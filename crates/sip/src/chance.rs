//! Chance as an argument: unguessable in service, repeatable in tests.

use ring::rand::{SecureRandom, SystemRandom};

/// A source of random bytes.
pub trait Chance: Send {
    fn fill(&mut self, bytes: &mut [u8]);

    fn number(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// A tag or identifier of 64 bits in hexadecimal digits.
    fn token(&mut self) -> String {
        format!("{:016x}", self.number())
    }
}

/// The system's own, fetched in blocks: a call needs a dozen small numbers.
pub struct SystemChance {
    random: SystemRandom,
    block: [u8; 512],
    used: usize,
}

impl Default for SystemChance {
    fn default() -> Self {
        Self { random: SystemRandom::new(), block: [0; 512], used: 512 }
    }
}

impl Chance for SystemChance {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if self.used == self.block.len() {
                self.random.fill(&mut self.block).expect("the system's random numbers never fail once it has started");
                self.used = 0;
            }
            // A key must not stay behind in the block.
            *byte = std::mem::take(&mut self.block[self.used]);
            self.used += 1;
        }
    }
}

/// Splitmix64: the same numbers for the same seed. For tests alone.
pub struct SeededChance(pub u64);

impl Chance for SeededChance {
    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut number = self.0;
            number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            let number = (number ^ (number >> 31)).to_le_bytes();
            chunk.copy_from_slice(&number[..chunk.len()]);
        }
    }
}
