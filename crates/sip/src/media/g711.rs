//! G.711: a byte a sample, either law, by table.

use std::sync::LazyLock;

use audio_codec_algorithms::{decode_alaw, decode_ulaw, encode_alaw, encode_ulaw};

use crate::negotiated::Codec;

static A_LAW: LazyLock<[i16; 256]> = LazyLock::new(|| std::array::from_fn(|byte| decode_alaw(byte.to_le_bytes()[0])));
static MU_LAW: LazyLock<[i16; 256]> = LazyLock::new(|| std::array::from_fn(|byte| decode_ulaw(byte.to_le_bytes()[0])));

/// Decodes as many bytes as both slices hold; returns how many.
pub fn decode(codec: Codec, bytes: &[u8], samples: &mut [i16]) -> usize {
    let table: &[i16; 256] = match codec {
        Codec::Pcma => &A_LAW,
        Codec::Pcmu => &MU_LAW,
    };
    for (sample, byte) in samples.iter_mut().zip(bytes) {
        *sample = table[usize::from(*byte)];
    }
    samples.len().min(bytes.len())
}

/// Encodes as many samples as both slices hold; returns how many.
pub fn encode(codec: Codec, samples: &[i16], bytes: &mut [u8]) -> usize {
    match codec {
        Codec::Pcma => bytes.iter_mut().zip(samples).for_each(|(byte, sample)| *byte = encode_alaw(*sample)),
        Codec::Pcmu => bytes.iter_mut().zip(samples).for_each(|(byte, sample)| *byte = encode_ulaw(*sample)),
    }
    samples.len().min(bytes.len())
}

/// The byte that is silence.
#[must_use]
pub fn silence(codec: Codec) -> u8 {
    match codec {
        Codec::Pcma => 0xd5,
        Codec::Pcmu => 0xff,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FNV-1a, so that all of a table is held against the reference by one number.
    fn digest(bytes: impl Iterator<Item = u8>) -> u64 {
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }

    #[test]
    fn every_byte_decodes_as_in_the_reference() {
        let all: Vec<u8> = (0..=255).collect();
        for (codec, known) in [(Codec::Pcma, A_LAW_REFERENCE), (Codec::Pcmu, MU_LAW_REFERENCE)] {
            let mut samples = [0i16; 256];
            assert_eq!(decode(codec, &all, &mut samples), 256);
            assert_eq!(digest(samples.iter().flat_map(|sample| sample.to_le_bytes())), known, "{codec:?}");
        }
    }

    #[test]
    fn what_is_decoded_encodes_to_the_same_sound_again() {
        for codec in [Codec::Pcma, Codec::Pcmu] {
            for byte in 0..=255u8 {
                let (mut once, mut again, mut back) = ([0i16; 1], [0i16; 1], [0u8; 1]);
                decode(codec, &[byte], &mut once);
                encode(codec, &once, &mut back);
                decode(codec, &back, &mut again);
                assert_eq!(once, again, "{codec:?} {byte:#x}");
            }
        }
    }

    #[test]
    fn the_error_of_either_law_stays_within_its_step() {
        for codec in [Codec::Pcma, Codec::Pcmu] {
            for sample in (-32_000..=32_000).step_by(7) {
                let (mut byte, mut back) = ([0u8; 1], [0i16; 1]);
                encode(codec, &[sample], &mut byte);
                decode(codec, &byte, &mut back);
                let error = (i32::from(back[0]) - i32::from(sample)).abs();
                assert!(error <= 16.max(i32::from(sample).abs() / 16), "{codec:?}: {sample} became {}", back[0]);
            }
        }
    }

    #[test]
    fn silence_is_silent() {
        for codec in [Codec::Pcma, Codec::Pcmu] {
            let mut sample = [99i16; 1];
            decode(codec, &[silence(codec)], &mut sample);
            assert!(sample[0].abs() <= 8);
        }
    }

    /// Of the 256 samples as little-endian words, from CPython's `audioop` (Sun's g711.c).
    const A_LAW_REFERENCE: u64 = 0x693a_40ca_62a3_d2a5;
    const MU_LAW_REFERENCE: u64 = 0xb91e_65d6_8481_a1a8;
}
