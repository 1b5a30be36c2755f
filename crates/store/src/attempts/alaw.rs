//! G.711 A-law, in which recordings are kept as the telephone network carries them: half of what plain samples take.

/// The sample that a byte stands for (ITU-T G.711, 16 bits).
pub(super) fn decode(byte: u8) -> i16 {
    // Every other bit is sent inverted.
    let bits = byte ^ 0x55;
    let (exponent, mantissa) = (u32::from(bits & 0x70) >> 4, i32::from(bits & 0x0f) << 4);
    let level = match exponent {
        0 => mantissa + 8,
        exponent => (mantissa + 0x108) << (exponent - 1),
    };
    (if bits & 0x80 == 0 { -level } else { level }) as i16
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn reads_the_bytes_of_the_recommendation() {
        for (byte, sample) in [(0xd5, 8), (0x55, -8), (0xd4, 24), (0x80, 5_504), (0xaa, 32_256), (0x2a, -32_256), (0xc5, 264), (0xf5, 528)] {
            assert_eq!(decode(byte), sample, "{byte:#04x}");
        }
    }
}
