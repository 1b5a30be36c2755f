//! Mutation fuzz, bounded and seeded: golden and odd PDUs and receipt texts with octets changed, cut out, doubled and
//! spliced. The same seed makes the same octets, so that what fails once fails again.
//!
//! `CLARION_FUZZ_ROUNDS` and `CLARION_FUZZ_SEED` make a longer or another run of it.

use clarion_smpp::client::{ClientConfig, Session};
use clarion_smpp::pdu::*;
use clarion_smpp::receipt::{IdFormat, Receipt, message_id_candidates, parse_text};
use clarion_smpp::text::{
    Added, Concatenation, Reassembler, ReassemblyLimits, TextCoding, decode_gsm_packed,
};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn seeded(salt: u64) -> Chance {
        Chance(setting("CLARION_FUZZ_SEED", 0x5eed) ^ salt)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

const EDGES: [u8; 10] = [0, 1, 4, 5, 0x1B, 0x3A, 0x7F, 0x80, 0xFE, 0xFF];

/// One to eight changes; `from` is what may be spliced in.
fn mutate(octets: &mut Vec<u8>, from: &[Vec<u8>], chance: &mut Chance) {
    for _ in 0..1 + chance.below(8) {
        let at = chance.below(octets.len() + 1);
        let length = chance.below(1 + 12.min(octets.len() - at));
        match chance.below(7) {
            0 if at < octets.len() => octets[at] ^= 1 << chance.below(8),
            1 if at < octets.len() => octets[at] = *chance.pick(&EDGES),
            2 => drop(octets.drain(at..at + length)),
            3 => {
                let doubled = octets[at..at + length].to_vec();
                octets.splice(at..at, doubled);
            }
            4 => {
                let other = chance.pick(from);
                let start = chance.below(other.len() + 1);
                let end = (start + chance.below(40)).min(other.len());
                octets.splice(at..at, other[start..end].iter().copied());
            }
            5 => octets.truncate(at.max(1)),
            _ => octets.insert(at, chance.next() as u8),
        }
    }
}

/// The PDUs of `golden.rs`: every text there that is nothing but the octets of one.
fn golden() -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for literal in include_str!("golden.rs").split('"') {
        let plain: String = literal.split_whitespace().filter(|word| *word != "\\").collect();
        let octets: Option<Vec<u8>> = (0..plain.len() / 2)
            .map(|at| u8::from_str_radix(plain.get(2 * at..2 * at + 2)?, 16).ok())
            .collect();
        if let Some(octets) = octets.filter(|octets| {
            octets.len() >= 16 && octets[..4] == (octets.len() as u32).to_be_bytes()
        }) {
            found.push(octets);
        }
    }
    assert!(found.len() >= 10, "{} golden PDUs were found", found.len());
    found
}

fn frame(command: u32, body: &[u8]) -> Vec<u8> {
    let header = [16 + body.len() as u32, command, 0, 7];
    let header = header.into_iter().flat_map(u32::to_be_bytes);
    header.chain(body.iter().copied()).collect()
}

fn deliver(source: &[u8], text: &[u8], tail: &[u8]) -> Vec<u8> {
    let length = [text.len() as u8];
    let flags = [0, 5, 0, b'A', 0, 4, 0, 0, 0, 0, 0, 0, 0, 0];
    let body: [&[u8]; 6] = [&[0, 1, 1], source, &flags, &length, text, tail];
    frame(5, &body.concat())
}

/// As real SMSCs send them.
fn odd() -> Vec<Vec<u8>> {
    let mut all = vec![
        deliver(b"447700900123", b"", b"\x00\x1E\x00\x03abc\x04\x27\x00\x02\x00\x05"),
        deliver(b"447700900123", b"", b"\x00\x1E\x00\x04abc\0\x04\x23\x00\x02\x01\x0B"),
        deliver(&[b'4'; 35], b"id:a3 stat:DELIVRD", b"\0\0\0"),
        deliver(b"Caf\xE9", &[b'f'; 160], b""),
        deliver(b"447700900123", b"\x05\x00\x03\x4D\x03\x02second", b""),
        deliver(b"447700900123", b"\x06\x08\x04\x01\x02\x02\x01one", b""),
        deliver(b"", b"", b"\x04\x24\x00\x12id:a5 stat:UNDELIV"),
        deliver(b"1", b"hi", b"\x02\x0C\x00\x02\x00\x09\x02\x0E\x00\x01\x02\x02\x0F\x00\x01\x01"),
        frame(0x103, b"\0\x01\x01447700900123\0\0\x0160777\0\x04\0\0\x04\x24\x00\x02hi"),
        frame(5, &[0, 1, 1, 52, 52]),
        frame(0x999, b"what is this"),
        frame(8, b"\0\0\0"),
        frame(0x8000_0004, b"never asked"),
        frame(0x8000_0004, &[b'f'; 100]),
        frame(0x8000_0009, b""),
        frame(0x102, b"\x01"),
    ];
    for receipt in RECEIPTS {
        all.push(deliver(b"447700900123", receipt.as_bytes(), b""));
    }
    all
}

const RECEIPTS: [&str; 12] = [
    "id:0123456789 sub:001 dlvrd:001 submit date:2611232144 done date:2611232145 stat:DELIVRD err:000 text:Hello",
    "ID:ab-1f SUB:001 DLVRD:000 SUBMIT DATE:261123214400 DONE DATE:261123214501 STAT:undeliv ERR:1A TEXT:x",
    "id: 77 stat: EXPIRED",
    "stat:REJECTD err:011 id:9",
    "id:5 submitdate:2611232144 donedate:2611232145 stat:ACCEPTD",
    "id:5,done_date:2611232145,status:DELETED;err:7",
    "message_id:5 stat:2",
    "msgid:\"c449ab97\" state:\"ENROUTE\" error:0",
    "id:c449ab9744f47b6af1879e49e75e4f40 stat:ENROUTE",
    "  id:5 stat:DELIVRD\0",
    "id:0x1A2B stat:UNKNOWN err:3:260",
    "id:é stat:DELIVRD text:Grüße",
];

/// Reads everything that a PDU can be asked for.
fn look_at(pdu: &Pdu) {
    let _ = format!("{pdu:?}");
    let again = Pdu::decode(&pdu.to_bytes());
    assert!(again.is_ok(), "what was read can be written and read: {again:?}");
    if let Body::SubmitSm(message) | Body::DeliverSm(message) | Body::DataSm(message) = &pdu.body {
        for coding in [TextCoding::GSM, TextCoding::LATIN1, TextCoding::IA5] {
            let _ = Receipt::of(message, &coding);
            let _ = coding.decode_message(message);
        }
        let _ = Concatenation::of(message);
        let _ = decode_gsm_packed(message.content(), 3);
        let _ = message.check();
    }
}

/// Everything in a stream that comes in reads of this size.
fn read(octets: &[u8], read_bytes: usize) -> (Vec<Pdu>, Vec<DecodeError>, bool) {
    let (mut framer, mut pdus, mut errors) = (Framer::default(), Vec::new(), Vec::new());
    for part in octets.chunks(read_bytes.max(1)) {
        framer.room(part.len())[..part.len()].copy_from_slice(part);
        framer.filled(part.len());
        loop {
            match framer.next_frame() {
                Frame::Whole(frame) => match Pdu::decode(frame) {
                    Ok(pdu) => pdus.push(pdu),
                    Err(error) => errors.push(error),
                },
                Frame::Skipped(error) => errors.push(error),
                Frame::Lost(error) => {
                    errors.push(error);
                    return (pdus, errors, true);
                }
                Frame::Incomplete => break,
            }
        }
    }
    (pdus, errors, false)
}

fn sound() -> Pdu {
    Pdu {
        status: CommandStatus::ROK,
        sequence: 77,
        body: Body::EnquireLink,
    }
}

fn corpus() -> Vec<Vec<u8>> {
    golden().into_iter().chain(odd()).collect()
}

/// A mutated PDU, its length made true again.
fn mutated(corpus: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut octets = chance.pick(corpus).clone();
    mutate(&mut octets, corpus, chance);
    octets.resize(octets.len().clamp(16, FRAME_MAX_BYTES), 0);
    let length = (octets.len() as u32).to_be_bytes();
    octets[..4].copy_from_slice(&length);
    octets
}

#[test]
fn a_mutated_pdu_is_read_or_answered_and_the_next_one_is_read() {
    let (corpus, mut chance) = (corpus(), Chance::seeded(1));
    let mut reassembler = Reassembler::<usize>::new(ReassemblyLimits::default());
    let (mut readable, rounds) = (0, setting("CLARION_FUZZ_ROUNDS", 60_000));
    for round in 0..rounds {
        let mut octets = mutated(&corpus, &mut chance);
        octets.extend(sound().to_bytes());
        let (pdus, errors, lost) = read(&octets, 1 + chance.below(100));
        assert!(!lost, "round {round}: a true length cannot lose the stream");
        assert_eq!(pdus.len() + errors.len(), 2, "round {round}");
        assert_eq!(pdus.last(), Some(&sound()), "round {round}");
        pdus.iter().for_each(look_at);
        readable += u64::from(errors.is_empty());
        for error in errors {
            let mut answer = Vec::new();
            error.answer(&mut answer);
            let refusal = Pdu::decode(&answer).is_ok_and(|pdu| !pdu.status.is_ok());
            assert!(answer.is_empty() || refusal, "round {round}: {error}");
        }
        for pdu in pdus {
            if let Body::DeliverSm(message) = pdu.body
                && let Added::Complete(whole) =
                    reassembler.add(round, message, round as usize, &TextCoding::GSM)
            {
                assert!(!whole.pieces.is_empty(), "round {round}");
            }
        }
    }
    let share = readable as f64 / rounds as f64;
    assert!((0.2..0.98).contains(&share), "both kinds must occur: {share:.3} could be read");
}

#[test]
fn a_stream_whose_lengths_lie_ends_and_never_panics() {
    let (corpus, mut chance) = (corpus(), Chance::seeded(2));
    for _ in 0..setting("CLARION_FUZZ_ROUNDS", 60_000) / 4 {
        let mut octets: Vec<u8> = (0..1 + chance.below(4))
            .flat_map(|_| chance.pick(&corpus).clone())
            .collect();
        mutate(&mut octets, &corpus, &mut chance);
        let (pdus, errors, _) = read(&octets, 1 + chance.below(64));
        assert!(pdus.len() + errors.len() <= octets.len() / 4 + 1);
        pdus.iter().for_each(look_at);
    }
}

#[test]
fn a_mutated_receipt_text_is_read_the_same_whatever_its_message_said() {
    let corpus: Vec<Vec<u8>> = RECEIPTS.iter().map(|text| text.as_bytes().to_vec()).collect();
    let mut chance = Chance::seeded(3);
    let mut receipts = 0;
    for round in 0..setting("CLARION_FUZZ_ROUNDS", 60_000) {
        let mut octets = chance.pick(&corpus).clone();
        mutate(&mut octets, &corpus, &mut chance);
        let text = String::from_utf8_lossy(&octets).into_owned();
        let receipt = parse_text(&text);
        let told = parse_text(&format!("{text} text:id:999 stat:EXPIRED err:1"));
        assert_eq!(receipt, told, "round {round}: {text:?}");
        let Some(receipt) = receipt else { continue };
        receipts += 1;
        if let Some(id) = &receipt.message_id {
            assert!(text.contains(id.as_str()), "round {round}");
            for format in [IdFormat::AsIs, IdFormat::CaseInsensitive, IdFormat::HexToDecimal, IdFormat::DecimalToHex, IdFormat::Auto] {
                let keys = message_id_candidates(id, format);
                assert!((1..=3).contains(&keys.len()), "round {round}: {keys:?}");
            }
        }
        if let Some(done_at) = &receipt.done_at {
            assert!(matches!(done_at.len(), 10 | 12) && done_at.bytes().all(|digit| digit.is_ascii_digit()));
        }
    }
    assert!(receipts > 1_000, "most are still receipts: {receipts}");
}

/// Commands that end a session in order.
const ENDS: [u32; 2] = [6, 0x8000_0006];

#[tokio::test]
async fn a_bind_lives_through_two_thousand_mutated_pdus() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let smsc = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let mut bind = [0; 256];
        let bytes = stream.read(&mut bind).await.expect("a bind");
        let sequence = u32::from_be_bytes(bind[12..16].try_into().expect("four octets"));
        assert!(bytes > 16);
        let body = Body::BindResponse(BindKind::Transceiver, BindResponse::default());
        let accepted = Pdu { status: CommandStatus::ROK, sequence, body };
        stream.write_all(&accepted.to_bytes()).await.expect("written");
        let (corpus, mut chance) = (corpus(), Chance::seeded(4));
        let (mut reader, mut writer) = stream.into_split();
        let write = async {
            for _ in 0..2_000 {
                let octets = mutated(&corpus, &mut chance);
                let command = u32::from_be_bytes(octets[4..8].try_into().expect("four octets"));
                if !ENDS.contains(&command) {
                    writer.write_all(&octets).await.expect("written");
                }
            }
            writer.write_all(&sound().to_bytes()).await.expect("written");
            writer
        };
        let hear = async {
            let mut framer = Framer::default();
            loop {
                if let Frame::Whole(frame) = framer.next_frame() {
                    let pdu = Pdu::decode(frame).expect("we write what can be read");
                    if (pdu.sequence, &pdu.body) == (77, &Body::EnquireLinkResponse) {
                        return;
                    }
                    continue;
                }
                let bytes = reader.read(framer.room(4096)).await.expect("readable");
                assert_ne!(bytes, 0, "the bind was dropped");
                framer.filled(bytes);
            }
        };
        let (writer, ()) = tokio::join!(write, hear);
        drop(writer);
    });
    let config = ClientConfig::new(address.to_string(), "clarion", "secret");
    let (session, mut events) = Session::bind(&config).await.expect("bound");
    let heard = tokio::spawn(async move { while events.recv().await.is_some() {} });
    tokio::time::timeout(Duration::from_secs(30), smsc)
        .await
        .expect("in time")
        .expect("answered to the last");
    drop(session);
    heard.await.expect("ends");
}
