//! How many segments may be claimed for a trunk now: as many as its queue needs to stay in work.
//!
//! The rate itself is kept where the messages leave, and exactly. Here a short queue is kept filled, so that a slow commit does not
//! leave the carrier idle, and what is claimed does not wait long.

/// What may wait in the queue, in time at the rate of the moment. Longer than a cycle with a slow commit, shorter than
/// anybody's patience after an opt-out.
const QUEUE_SECONDS: f64 = 0.1;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Credit {
    /// What the queue may hold, what it holds, and what was spent on it since the last look.
    target: u32,
    queued: u32,
    spent: u32,
}

impl Credit {
    /// A look at the queue. What was spent before stands in it by now, or was given up.
    pub(super) fn look(&mut self, rate_per_second: f64, queued: usize) {
        self.target = (rate_per_second * QUEUE_SECONDS).clamp(1.0, 1e6) as u32;
        self.queued = u32::try_from(queued).unwrap_or(u32::MAX);
        self.spent = 0;
    }

    /// Nothing while the queue is more than half full: one commit serves several messages.
    pub(super) fn available(&self) -> u32 {
        let room = if self.queued > self.target / 2 { 0 } else { self.target - self.queued };
        room.saturating_sub(self.spent)
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> u32 {
        self.queued.saturating_add(self.spent)
    }

    /// Until there is room for one more.
    pub(super) fn wait_ms(&self, rate_per_second: f64) -> i64 {
        let over = (self.queued.saturating_add(self.spent)).saturating_sub(self.target / 2);
        (f64::from(over) / rate_per_second.max(f64::MIN_POSITIVE) * 1e3).ceil().min(1e6) as i64
    }

    /// A long message may overdraw it; its parts then stand in the queue.
    pub(super) fn spend(&mut self, segments: u32) {
        self.spent = self.spent.saturating_add(segments);
    }

    pub(super) fn spend_back(&mut self, segments: u32) {
        self.spent = self.spent.saturating_sub(segments);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_the_queue_and_waits_until_it_is_half_empty() {
        let mut credit = Credit::default();
        credit.look(200.0, 0);
        assert_eq!(credit.available(), 20, "a tenth of a second's");
        credit.spend(3);
        assert_eq!(credit.available(), 17);
        credit.spend(30);
        assert_eq!(credit.available(), 0, "overdrawn by a long message");
        assert_eq!(credit.wait_ms(200.0), 115);
        credit.spend_back(33);
        assert_eq!(credit.available(), 20);
        credit.look(200.0, 11);
        assert_eq!((credit.available(), credit.wait_ms(200.0)), (0, 5));
        credit.look(200.0, 10);
        assert_eq!(credit.available(), 10);
        credit.look(0.2, 0);
        assert_eq!(credit.available(), 1, "a slow trunk sends too");
        credit.look(0.2, 1);
        assert_eq!(credit.available(), 0);
    }
}
