//! How much was accepted within the last second, in slices of 50 ms.

const SLICE_MICROS: u64 = 50_000;
const SLICES: usize = 20;

/// A ring of counts; each slice remembers which slice of time it stands for.
#[derive(Debug, Clone, Default)]
pub(super) struct Measure {
    slices: [(u64, u64); SLICES],
}

impl Measure {
    pub(super) fn add(&mut self, now_micros: u64, count: u64) {
        let slice = now_micros / SLICE_MICROS + 1;
        let slot = &mut self.slices[slice as usize % SLICES];
        if slot.0 != slice {
            *slot = (slice, 0);
        }
        slot.1 += count;
    }

    pub(super) fn last_second(&self, now_micros: u64) -> u64 {
        let slice = now_micros / SLICE_MICROS + 1;
        self.slices
            .iter()
            .filter(|(at, _)| *at + SLICES as u64 > slice)
            .map(|(_, count)| count)
            .sum()
    }
}
