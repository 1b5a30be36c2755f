//! The RTP header (RFC 3550, section 5.1), read leniently and written plainly.

/// Bytes of a header without extensions.
pub const HEADER: usize = 12;

/// What a packet says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
}

fn word16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn word32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

impl Header {
    /// The header, and where the payload begins: contributors and a header extension are stepped over.
    /// None when it is not RTP (RTCP's packet types on the same port included).
    #[must_use]
    pub fn read(packet: &[u8]) -> Option<(Self, usize)> {
        let first = *packet.first()?;
        let second = *packet.get(1)?;
        if first >> 6 != 2 || (192..=223).contains(&second) {
            return None;
        }
        let mut start = HEADER + 4 * usize::from(first & 0x0f);
        if first & 0x10 != 0 {
            start += 4 + 4 * usize::from(word16(packet, start + 2)?);
        }
        if start > packet.len() {
            return None;
        }
        let header = Self { marker: second & 0x80 != 0, payload_type: second & 0x7f, sequence: word16(packet, 2)?, timestamp: word32(packet, 4)?, ssrc: word32(packet, 8)? };
        Some((header, start))
    }

    /// Where the payload ends: padding is left off. None when the padding is longer than the payload.
    #[must_use]
    pub fn payload_end(packet: &[u8], start: usize) -> Option<usize> {
        if packet.first()? & 0x20 == 0 {
            return Some(packet.len());
        }
        let padding = usize::from(*packet.last()?);
        let end = packet.len().checked_sub(padding)?;
        (padding > 0 && end >= start).then_some(end)
    }

    /// Writes the twelve bytes.
    pub fn write(&self, packet: &mut [u8; HEADER]) {
        packet[0] = 0x80;
        packet[1] = self.payload_type | if self.marker { 0x80 } else { 0 };
        packet[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        packet[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        packet[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_as_it_was_written() {
        let header = Header { marker: true, payload_type: 101, sequence: 65_535, timestamp: 0xfedc_ba98, ssrc: 7 };
        let mut packet = [0; HEADER];
        header.write(&mut packet);
        assert_eq!(Header::read(&packet), Some((header, HEADER)));
        assert_eq!(Header::payload_end(&packet, HEADER), Some(HEADER));
    }

    #[test]
    fn contributors_extensions_and_padding_are_stepped_over() {
        let mut packet = vec![0xb1, 8, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9, 9, 9, 9, 0xbe, 0xde, 0, 1, 1, 2, 3, 4];
        packet.extend([0x55, 0x56, 0, 2]);
        let (header, start) = Header::read(&packet).unwrap();
        assert_eq!((header.payload_type, start), (8, 24));
        assert_eq!(Header::payload_end(&packet, start), Some(26));
    }

    #[test]
    fn what_is_cut_short_or_no_rtp_is_refused() {
        for packet in [&[][..], &[0x80], &[0x80, 8, 0, 1, 0, 0, 0], &[0x40; 40], &[0x8f, 8, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3], &[0x90, 8, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0xff, 0xff], &[0x80, 200, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0]] {
            assert_eq!(Header::read(packet), None, "{packet:?}");
        }
        let mut padded = [0u8; 20];
        padded[0] = 0xa0;
        padded[19] = 30;
        assert_eq!(Header::payload_end(&padded, 12), None);
    }
}
