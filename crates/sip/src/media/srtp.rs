//! SRTP with AES_CM_128_HMAC_SHA1_80 (RFC 3711): counter-mode encryption, a tag of ten bytes, a window against replays.
//! Small enough to be read beside the RFC, whose test vectors are below; the ciphers are others' crates.

use aes::Aes128;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use ring::hmac;

use super::rtp::Header;
use crate::negotiated::SrtpKey;

const TAG: usize = 10;
/// The index word of SRTCP.
const INDEX: usize = 4;
const RTCP_HEADER: usize = 8;
/// Sources whose counters are kept.
const STREAMS: usize = 4;
const WINDOW: u64 = 64;

fn keystream(key: [u8; 16], iv: [u8; 16], data: &mut [u8]) {
    Ctr128BE::<Aes128>::new(&key.into(), &iv.into()).apply_keystream(data);
}

/// Session keys of one direction, of RTP or of RTCP.
struct Keys {
    cipher: [u8; 16],
    salt: [u8; 14],
    tag: hmac::Key,
}

impl Keys {
    /// Derives by label (RFC 3711, section 4.3), with a key derivation rate of zero.
    fn derive(master: &SrtpKey, first_label: u8) -> Self {
        let derive = |label: u8, out: &mut [u8]| {
            let (mut key, mut iv) = ([0; 16], [0; 16]);
            key.copy_from_slice(&master.0[..16]);
            iv[..14].copy_from_slice(&master.0[16..]);
            iv[7] ^= label;
            keystream(key, iv, out);
        };
        let (mut cipher, mut auth, mut salt) = ([0; 16], [0; 20], [0; 14]);
        derive(first_label, &mut cipher);
        derive(first_label + 1, &mut auth);
        derive(first_label + 2, &mut salt);
        Self { cipher, salt, tag: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &auth) }
    }

    fn crypt(&self, ssrc: u32, index: u64, data: &mut [u8]) {
        let mut iv = [0; 16];
        iv[..14].copy_from_slice(&self.salt);
        iv[4..8].iter_mut().zip(ssrc.to_be_bytes()).for_each(|(byte, other)| *byte ^= other);
        iv[8..14].iter_mut().zip(&index.to_be_bytes()[2..]).for_each(|(byte, other)| *byte ^= other);
        keystream(self.cipher, iv, data);
    }

    fn sign(&self, pieces: [&[u8]; 2]) -> [u8; TAG] {
        let mut context = hmac::Context::with_key(&self.tag);
        pieces.iter().for_each(|piece| context.update(piece));
        let mut tag = [0; TAG];
        tag.copy_from_slice(&context.sign().as_ref()[..TAG]);
        tag
    }
}

/// Compares without telling by its time where the difference is.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// Encrypts what one source sends.
pub struct Protector {
    rtp: Keys,
    rtcp: Keys,
    rollovers: u32,
    last: Option<u16>,
    reports: u32,
}

impl Protector {
    #[must_use]
    pub fn new(key: &SrtpKey) -> Self {
        Self { rtp: Keys::derive(key, 0), rtcp: Keys::derive(key, 3), rollovers: 0, last: None, reports: 0 }
    }

    /// Encrypts in place; returns the length with the tag, for which there must be room. Sequence numbers ascend.
    pub fn protect(&mut self, buffer: &mut [u8], length: usize) -> Option<usize> {
        let (header, start) = Header::read(buffer.get(..length)?)?;
        if self.last.is_some_and(|last| header.sequence < last) {
            self.rollovers = self.rollovers.wrapping_add(1);
        }
        self.last = Some(header.sequence);
        self.rtp.crypt(header.ssrc, u64::from(self.rollovers) << 16 | u64::from(header.sequence), buffer.get_mut(start..length)?);
        let tag = self.rtp.sign([&buffer[..length], &self.rollovers.to_be_bytes()]);
        buffer.get_mut(length..length + TAG)?.copy_from_slice(&tag);
        Some(length + TAG)
    }

    /// The same for a compound RTCP packet.
    pub fn protect_rtcp(&mut self, buffer: &mut [u8], length: usize) -> Option<usize> {
        let ssrc = u32::from_be_bytes(buffer.get(4..8)?.try_into().ok()?);
        self.reports = (self.reports + 1) & 0x7fff_ffff;
        self.rtcp.crypt(ssrc, u64::from(self.reports), buffer.get_mut(RTCP_HEADER..length)?);
        buffer.get_mut(length..length + INDEX)?.copy_from_slice(&(0x8000_0000 | self.reports).to_be_bytes());
        let tag = self.rtcp.sign([&buffer[..length + INDEX], &[]]);
        buffer.get_mut(length + INDEX..length + INDEX + TAG)?.copy_from_slice(&tag);
        Some(length + INDEX + TAG)
    }
}

/// The counter of one source that is heard.
#[derive(Clone, Copy)]
struct Stream {
    ssrc: u32,
    highest: u64,
    /// Bit n: the packet n below the highest came.
    seen: u64,
}

impl Stream {
    /// The 48-bit index that a sequence number most likely means (RFC 3711, appendix A).
    fn index(&self, sequence: u16) -> u64 {
        let rollovers = self.highest >> 16;
        let last = self.highest as u16;
        let rollovers = if last < 0x8000 && i32::from(sequence) - i32::from(last) > 0x8000 {
            rollovers.saturating_sub(1)
        } else if last >= 0x8000 && i32::from(last) - 0x8000 > i32::from(sequence) {
            rollovers + 1
        } else {
            rollovers
        };
        rollovers << 16 | u64::from(sequence)
    }

    fn is_replay(&self, index: u64) -> bool {
        index <= self.highest && (self.highest - index >= WINDOW || self.seen >> (self.highest - index) & 1 == 1)
    }

    fn note(&mut self, index: u64) {
        if index > self.highest {
            let ahead = index - self.highest;
            self.seen = if ahead >= WINDOW { 0 } else { self.seen << ahead };
            self.highest = index;
            self.seen |= 1;
        } else {
            self.seen |= 1 << (self.highest - index);
        }
    }
}

/// Checks and decrypts what the far end sends.
pub struct Unprotector {
    rtp: Keys,
    rtcp: Keys,
    streams: [Option<Stream>; STREAMS],
    next: usize,
}

impl Unprotector {
    #[must_use]
    pub fn new(key: &SrtpKey) -> Self {
        Self { rtp: Keys::derive(key, 0), rtcp: Keys::derive(key, 3), streams: [None; STREAMS], next: 0 }
    }

    /// Decrypts in place; returns the length without the tag. None for what is forged, replayed or no SRTP; then the
    /// packet is as it was.
    pub fn unprotect(&mut self, packet: &mut [u8]) -> Option<usize> {
        let length = packet.len().checked_sub(TAG)?;
        let (header, start) = Header::read(packet.get(..length)?)?;
        let known = self.streams.iter().position(|stream| stream.is_some_and(|stream| stream.ssrc == header.ssrc));
        let mut stream = known.and_then(|place| self.streams[place]).unwrap_or(Stream { ssrc: header.ssrc, highest: u64::from(header.sequence), seen: 0 });
        let index = stream.index(header.sequence);
        if stream.is_replay(index) {
            return None;
        }
        let rollovers = (index >> 16) as u32;
        if !same(&self.rtp.sign([&packet[..length], &rollovers.to_be_bytes()]), &packet[length..]) {
            return None;
        }
        stream.note(index);
        let place = known.unwrap_or_else(|| {
            let place = self.next;
            self.next = (place + 1) % STREAMS;
            place
        });
        self.streams[place] = Some(stream);
        self.rtp.crypt(header.ssrc, index, packet.get_mut(start..length)?);
        Some(length)
    }

    /// The same for RTCP; reports change nothing that a replay could harm, so there is no window.
    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Option<usize> {
        let signed = packet.len().checked_sub(TAG)?;
        let length = signed.checked_sub(INDEX).filter(|length| *length >= RTCP_HEADER)?;
        if !same(&self.rtcp.sign([&packet[..signed], &[]]), &packet[signed..]) {
            return None;
        }
        let ssrc = u32::from_be_bytes(packet.get(4..8)?.try_into().ok()?);
        let word = u32::from_be_bytes(packet.get(length..signed)?.try_into().ok()?);
        if word & 0x8000_0000 != 0 {
            self.rtcp.crypt(ssrc, u64::from(word & 0x7fff_ffff), packet.get_mut(RTCP_HEADER..length)?);
        }
        Some(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    fn master() -> SrtpKey {
        SrtpKey(bytes("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6").try_into().unwrap())
    }

    #[test]
    fn the_counter_mode_of_rfc_3711_b_2() {
        let mut stream = [0; 48];
        keystream(bytes("2B7E151628AED2A6ABF7158809CF4F3C").try_into().unwrap(), bytes("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000").try_into().unwrap(), &mut stream);
        assert_eq!(stream.to_vec(), bytes("E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0"));
    }

    #[test]
    fn the_derivation_of_rfc_3711_b_3() {
        let keys = Keys::derive(&master(), 0);
        assert_eq!(keys.cipher.to_vec(), bytes("C61E7A93744F39EE10734AFE3FF7A087"));
        assert_eq!(keys.salt.to_vec(), bytes("30CBBC08863D8C85D49DB34A9AE1"));
        let auth = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
        assert_eq!(hmac::sign(&keys.tag, b"x").as_ref(), hmac::sign(&auth, b"x").as_ref());
    }

    /// The reference packet of libsrtp's own driver.
    #[test]
    fn a_whole_packet_as_others_make_it() {
        let mut packet = bytes("800f1234decafbadcafebabe abababababababababababababababab");
        packet.resize(28 + TAG, 0);
        let length = Protector::new(&master()).protect(&mut packet, 28).unwrap();
        assert_eq!(packet[..length], bytes("800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb"));
        let mut unprotector = Unprotector::new(&master());
        assert_eq!(unprotector.unprotect(&mut packet), Some(28));
        assert_eq!(packet[12..28], [0xab; 16]);
    }

    fn packet(sequence: u16) -> Vec<u8> {
        let mut packet = vec![0x80, 8];
        packet.extend(sequence.to_be_bytes());
        packet.extend([0, 0, 0, 1, 0, 0, 0, 7]);
        packet.extend([0x55; 160]);
        packet.resize(172 + TAG, 0);
        packet
    }

    #[test]
    fn rollovers_loss_and_reordering_are_followed_and_replays_refused() {
        let (mut out, mut into) = (Protector::new(&master()), Unprotector::new(&master()));
        let mut sent: Vec<_> = (65_500..65_700u32).map(|n| {
            let mut packet = packet(n as u16);
            out.protect(&mut packet, 172).unwrap();
            packet
        }).collect();
        sent.remove(35);
        sent.swap(36, 40);
        for original in &sent {
            let mut copy = original.clone();
            assert_eq!(into.unprotect(&mut copy), Some(172));
            assert_eq!(copy[12..172], [0x55; 160]);
            assert_eq!(into.unprotect(&mut original.clone()), None, "a replay");
        }
        assert_eq!(into.unprotect(&mut sent[0].clone()), None, "too old");
    }

    #[test]
    fn a_changed_bit_anywhere_is_refused_and_leaves_the_counters_alone() {
        let (mut out, mut into) = (Protector::new(&master()), Unprotector::new(&master()));
        let mut good = packet(5);
        out.protect(&mut good, 172).unwrap();
        for bit in 0..good.len() * 8 {
            let mut forged = good.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(into.unprotect(&mut forged), None, "bit {bit}");
        }
        assert_eq!(into.unprotect(&mut good.clone()), Some(172));
        assert_eq!(into.unprotect(&mut [0x80; 9]), None);
    }

    #[test]
    fn reports_go_both_ways_and_forged_ones_do_not() {
        let (mut out, mut into) = (Protector::new(&master()), Unprotector::new(&master()));
        let plain: Vec<u8> = (0..28).map(|n| if n == 0 { 0x80 } else { n }).collect();
        let mut buffer = plain.clone();
        buffer.resize(64, 0);
        let length = out.protect_rtcp(&mut buffer, 28).unwrap();
        buffer.truncate(length);
        let mut forged = buffer.clone();
        forged[20] ^= 1;
        assert_eq!(into.unprotect_rtcp(&mut forged), None);
        assert_eq!(into.unprotect_rtcp(&mut buffer), Some(28));
        assert_eq!(buffer[..28], plain[..]);
    }
}
