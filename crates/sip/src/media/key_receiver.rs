//! Keys from telephone-event packets (RFC 4733): an event has one timestamp however many packets tell of it, and
//! counts at the first of them that arrives, be it the last.

use super::keys::Key;

#[derive(Debug, Clone, Copy)]
struct Current {
    code: u8,
    timestamp: u32,
    duration: u16,
    ended: bool,
}

#[derive(Debug, Default)]
pub struct KeyReceiver {
    current: Option<Current>,
}

impl KeyReceiver {
    /// Another stream begins.
    pub fn restart(&mut self) {
        self.current = None;
    }

    /// Takes the payload of one packet; gives the key when it is a new press.
    pub fn take(&mut self, timestamp: u32, marker: bool, payload: &[u8]) -> Option<Key> {
        let &[code, flags, high, low, ..] = payload else { return None };
        let key = Key::from_event(code)?;
        let ended = flags & 0x80 != 0;
        let duration = u16::from_be_bytes([high, low]);
        if let Some(current) = &mut self.current {
            let ahead = timestamp.wrapping_sub(current.timestamp) as i32;
            if ahead == 0 {
                current.duration = current.duration.max(duration);
                current.ended |= ended;
                return None;
            }
            // Late packets of an earlier event; a jump of more than a minute back is a new clock.
            if ahead < 0 && ahead > -480_000 {
                return None;
            }
            // The next part of one long press: the duration had no more bits, or the sender moves the timestamp along.
            let continues = !marker && !current.ended && current.code == code && ahead > 0 && ahead as u32 <= u32::from(current.duration) + 160;
            if continues {
                *current = Current { code, timestamp, duration, ended };
                return None;
            }
        }
        self.current = Some(Current { code, timestamp, duration, ended });
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(code: u8, end: bool, duration: u16) -> [u8; 4] {
        let [high, low] = duration.to_be_bytes();
        [code, if end { 0x8a } else { 0x0a }, high, low]
    }

    /// The packets of one press: timestamp, marker, payload.
    fn press(code: u8, timestamp: u32) -> Vec<(u32, bool, [u8; 4])> {
        let mut all: Vec<_> = (1..=5u16).map(|n| (timestamp, n == 1, packet(code, false, n * 160))).collect();
        all.extend([(timestamp, false, packet(code, true, 960)); 3]);
        all
    }

    fn heard(packets: &[(u32, bool, [u8; 4])]) -> String {
        let mut receiver = KeyReceiver::default();
        packets.iter().filter_map(|(timestamp, marker, payload)| receiver.take(*timestamp, *marker, payload)).map(Key::as_char).collect()
    }

    #[test]
    fn a_press_counts_once_whatever_is_lost() {
        for kept in 1..256u32 {
            let packets: Vec<_> = press(5, 1_000).into_iter().chain(press(5, 4_000)).enumerate().filter(|(n, _)| n % 8 != 8 && kept >> (n % 8) & 1 == 1).map(|(_, packet)| packet).collect();
            assert_eq!(heard(&packets), "55", "kept {kept:08b}");
        }
    }

    #[test]
    fn doubled_and_reordered_packets_add_nothing() {
        let mut packets: Vec<_> = press(1, 1_000).into_iter().chain(press(2, 4_000)).flat_map(|packet| [packet, packet]).collect();
        packets.push((1_000, false, packet(1, true, 960)));
        packets.swap(3, 10);
        assert_eq!(heard(&packets), "12");
    }

    #[test]
    fn a_very_long_press_in_several_parts_is_one() {
        let mut packets = vec![(0, true, packet(9, false, 160)), (0, false, packet(9, false, 0xffff))];
        packets.extend([(0xffff, false, packet(9, false, 160)), (0xffff, false, packet(9, true, 800)), (90_000, true, packet(9, false, 160))]);
        assert_eq!(heard(&packets), "99");
    }

    #[test]
    fn other_events_and_short_payloads_are_nothing() {
        assert_eq!(heard(&[(0, true, packet(36, false, 160)), (500, true, packet(200, true, 160))]), "");
        assert_eq!(KeyReceiver::default().take(0, true, &[5, 0, 0]), None);
    }
}
