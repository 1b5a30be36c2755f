use super::*;
use proptest::prelude::*;
use SuppressionFileError as E;

fn cells(bytes: &[u8]) -> Vec<(u64, String)> {
    read(bytes).expect("reads").into_iter().map(|line| (line.line, line.cell)).collect()
}

fn expected(lines: &[(u64, &str)]) -> Vec<(u64, String)> {
    lines.iter().map(|(line, cell)| (*line, (*cell).to_owned())).collect()
}

#[test]
fn finds_the_numbers_with_and_without_a_header_wherever_they_stand() {
    for (text, lines) in [
        ("07700900001\n07700 900002\n", &[(1, "07700900001"), (2, "07700 900002")][..]),
        ("Telephone\n07700900001\n", &[(2, "07700900001")]),
        ("name;mobile\r\nAda;07700900001\r\n\r\nGrace;\"+44 7700 900002\"\r\n", &[(2, "07700900001"), (4, "+44 7700 900002")]),
        ("Ada\t07700900001\nGrace\t07700900002\n", &[(1, "07700900001"), (2, "07700900002")]),
        ("reason,who\nstop,07700900001\n", &[(2, "07700900001")]),
        ("phone\n12\nno number\n", &[(2, "12"), (3, "no number")]),
        ("phone,note\n07700900001,\"two\nlines\"\n07700900002,x\n", &[(2, "07700900001"), (4, "07700900002")]),
    ] {
        assert_eq!(cells(text.as_bytes()), expected(lines), "{text}");
    }
}

#[test]
fn reads_every_usual_encoding() {
    let text = "Téléphone;Prénom\n07700900001;Zoë\n";
    let wide = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let latin: Vec<u8> = text.chars().map(|letter| letter as u8).collect();
    let marked = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
    for bytes in [
        text.into(),
        latin,
        marked(b"\xef\xbb\xbf", text.as_bytes()),
        marked(b"\xff\xfe", &wide(u16::to_le_bytes)),
        marked(b"\xfe\xff", &wide(u16::to_be_bytes)),
        wide(u16::to_le_bytes),
        wide(u16::to_be_bytes),
    ] {
        assert_eq!(cells(&bytes), expected(&[(2, "07700900001")]));
    }
}

#[test]
fn a_file_that_is_no_list_says_what_to_do() {
    for (bytes, error) in [
        (&b""[..], E::NoNumber),
        (b"\n \n", E::NoNumber),
        (b"phone\n", E::NoNumber),
        (b"PK\x03\x04rest", E::Packed),
        (b"\x1f\x8b\x08", E::Packed),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", E::Binary),
        (b"0770\0\0\x01", E::Binary),
    ] {
        assert_eq!(read(bytes), Err(error));
    }
    assert_eq!(read(&vec![b'7'; FILE_BYTES_MAX + 1]), Err(E::TooLarge));
    assert_eq!(read("7\n".repeat(LINES_MAX + 1).as_bytes()), Err(E::TooManyLines));
}

proptest! {
    #[test]
    fn any_bytes_give_lines_or_a_sentence(bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"07,;\"\n\r\0".to_vec())], 0..200)) {
        if let Ok(lines) = read(&bytes) {
            prop_assert!(!lines.is_empty());
        }
    }
}
