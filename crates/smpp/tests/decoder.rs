//! The decoder against everything: whatever was encoded comes back, whatever octets come in never panic, and
//! the odd PDUs of real SMSCs are read, or answered, without harm to the next one.

use clarion_smpp::pdu::*;
use clarion_smpp::receipt::Receipt;
use clarion_smpp::text::{Concatenation, TextCoding, decode_gsm_packed};
use proptest::prelude::*;

fn latin1(length_max: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(1u8..=255, 0..=length_max)
        .prop_map(|octets| octets.into_iter().map(char::from).collect())
}

fn address() -> impl Strategy<Value = Address> {
    (any::<u8>(), any::<u8>(), latin1(20)).prop_map(|(ton, npi, value)| Address { ton, npi, value })
}

fn tlvs() -> impl Strategy<Value = Tlvs> {
    let tlv = (any::<u16>(), proptest::collection::vec(any::<u8>(), 0..40))
        .prop_map(|(tag, value)| Tlv { tag, value });
    proptest::collection::vec(tlv, 0..5).prop_map(Tlvs)
}

fn message() -> impl Strategy<Value = ShortMessage> {
    let texts = (
        latin1(5),
        latin1(16),
        latin1(16),
        proptest::collection::vec(any::<u8>(), 0..=254),
    );
    (texts, address(), address(), any::<[u8; 7]>(), tlvs()).prop_map(
        |(texts, source, destination, flags, tlvs)| {
            let (service_type, schedule_delivery_time, validity_period, short_message) = texts;
            let [
                esm_class,
                protocol_id,
                priority,
                registered_delivery,
                replace_if_present,
                data_coding,
                sm_default_msg_id,
            ] = flags;
            ShortMessage {
                service_type,
                source,
                destination,
                esm_class: EsmClass(esm_class),
                protocol_id,
                priority,
                schedule_delivery_time,
                validity_period,
                registered_delivery,
                replace_if_present,
                data_coding,
                sm_default_msg_id,
                short_message,
                tlvs,
            }
        },
    )
}

fn kind() -> impl Strategy<Value = BindKind> {
    prop_oneof![
        Just(BindKind::Transmitter),
        Just(BindKind::Receiver),
        Just(BindKind::Transceiver)
    ]
}

fn body() -> impl Strategy<Value = Body> {
    let id = || (latin1(64), tlvs()).prop_map(|(message_id, tlvs)| MessageId { message_id, tlvs });
    let bind = (
        latin1(15),
        latin1(8),
        latin1(12),
        any::<[u8; 3]>(),
        latin1(40),
    )
        .prop_map(
            |(
                system_id,
                password,
                system_type,
                [interface_version, addr_ton, addr_npi],
                address_range,
            )| Bind {
                system_id,
                password,
                system_type,
                interface_version,
                addr_ton,
                addr_npi,
                address_range,
            },
        );
    let query =
        (latin1(64), address()).prop_map(|(message_id, source)| QuerySm { message_id, source });
    let state = (latin1(64), latin1(16), any::<u8>(), any::<u8>()).prop_map(
        |(message_id, final_date, message_state, error_code)| QuerySmResponse {
            message_id,
            final_date,
            message_state,
            error_code,
        },
    );
    prop_oneof![
        (kind(), bind).prop_map(|(kind, bind)| Body::Bind(kind, bind)),
        (kind(), latin1(15), tlvs()).prop_map(|(kind, system_id, tlvs)| Body::BindResponse(
            kind,
            BindResponse { system_id, tlvs }
        )),
        message().prop_map(|message| Body::SubmitSm(Box::new(message))),
        message().prop_map(|message| Body::DeliverSm(Box::new(message))),
        id().prop_map(Body::SubmitSmResponse),
        id().prop_map(Body::DeliverSmResponse),
        id().prop_map(Body::DataSmResponse),
        query.prop_map(Body::QuerySm),
        state.prop_map(Body::QuerySmResponse),
        (address(), address(), tlvs()).prop_map(|(source, esme, tlvs)| Body::AlertNotification(
            AlertNotification { source, esme, tlvs }
        )),
        Just(Body::Unbind),
        Just(Body::EnquireLink),
        Just(Body::GenericNack),
    ]
}

/// Reads everything that a frame can be asked for.
fn look_at(pdu: &Pdu) {
    let _ = format!("{pdu:?}");
    if let Body::SubmitSm(message) | Body::DeliverSm(message) | Body::DataSm(message) = &pdu.body {
        let _ = Receipt::of(message, &TextCoding::GSM);
        let _ = TextCoding::LATIN1.decode_message(message);
        let _ = Concatenation::of(message);
        let _ = decode_gsm_packed(message.content(), 3);
        let _ = message.check();
    }
}

/// Everything that comes out of a stream, cut into reads of the given sizes.
fn stream(octets: &[u8], read_bytes: usize) -> (Vec<Pdu>, Vec<DecodeError>) {
    let mut framer = Framer::default();
    let (mut pdus, mut errors) = (Vec::new(), Vec::new());
    for read in octets.chunks(read_bytes.max(1)) {
        framer.room(read.len())[..read.len()].copy_from_slice(read);
        framer.filled(read.len());
        loop {
            match framer.next_frame() {
                Frame::Whole(frame) => match Pdu::decode(frame) {
                    Ok(pdu) => pdus.push(pdu),
                    Err(error) => errors.push(error),
                },
                Frame::Skipped(error) => errors.push(error),
                Frame::Incomplete => break,
                Frame::Lost(error) => {
                    errors.push(error);
                    return (pdus, errors);
                }
            }
        }
    }
    (pdus, errors)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_encoded_comes_back(sequence in 0..=SEQUENCE_MAX, body in body()) {
        let pdu = Pdu { status: CommandStatus::ROK, sequence, body };
        prop_assert_eq!(Pdu::decode(&pdu.to_bytes()), Ok(pdu));
    }

    #[test]
    fn a_stream_comes_back_however_it_is_cut(bodies in proptest::collection::vec(body(), 1..8), read_bytes in 1usize..700) {
        let pdus: Vec<Pdu> = bodies.into_iter().map(|body| Pdu { status: CommandStatus::ROK, sequence: 5, body }).collect();
        let octets: Vec<u8> = pdus.iter().flat_map(Pdu::to_bytes).collect();
        prop_assert_eq!(stream(&octets, read_bytes), (pdus, Vec::new()));
    }

    #[test]
    fn octets_of_any_kind_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..400), read_bytes in 1usize..64) {
        let (pdus, _) = stream(&octets, read_bytes);
        pdus.iter().for_each(look_at);
        if let Ok(pdu) = Pdu::decode(&octets) {
            look_at(&pdu);
        }
    }
}

const COMMANDS: [u32; 20] = [
    0x8000_0000,
    1,
    0x8000_0001,
    2,
    3,
    0x8000_0003,
    4,
    0x8000_0004,
    5,
    0x8000_0005,
    6,
    0x8000_0006,
    7,
    9,
    0x0B,
    0x15,
    0x102,
    0x103,
    0x8000_0103,
    0x7FFF_FFFF,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// The fuzzer: a real PDU with octets changed, cut off or added, with a true length in front, and a
    /// sound one behind it, which must come through.
    #[test]
    fn a_mangled_pdu_never_reaches_the_next(
        body in body(),
        changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 0..12),
        cut in 0usize..64,
        tail in proptest::collection::vec(any::<u8>(), 0..16),
        command in proptest::option::of(0usize..20),
    ) {
        let mut octets = Pdu { status: CommandStatus::ROK, sequence: 1, body }.to_bytes();
        if let Some(command) = command {
            octets[4..8].copy_from_slice(&COMMANDS[command].to_be_bytes());
        }
        octets.truncate(octets.len().saturating_sub(cut).max(16));
        for (at, octet) in changes {
            let at = 16 + usize::from(at) % (octets.len() - 15);
            if let Some(changed) = octets.get_mut(at) {
                *changed = octet;
            }
        }
        octets.extend(tail);
        let length = (octets.len() as u32).to_be_bytes();
        octets[..4].copy_from_slice(&length);
        let sound = Pdu { status: CommandStatus::ROK, sequence: 77, body: Body::EnquireLink };
        octets.extend(sound.to_bytes());
        let (pdus, errors) = stream(&octets, 50);
        prop_assert_eq!(pdus.len() + errors.len(), 2);
        prop_assert_eq!(pdus.last(), Some(&sound));
        pdus.iter().for_each(look_at);
        for error in errors {
            let mut answer = Vec::new();
            error.answer(&mut answer);
            prop_assert!(answer.is_empty() || Pdu::decode(&answer).is_ok_and(|pdu| !pdu.status.is_ok()) || error.command.is_response());
        }
    }
}

/// A frame of any command around a body.
fn frame(command: CommandId, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = 16 + body.len() as u32;
    let header = [length, command.0, 0, sequence]
        .into_iter()
        .flat_map(u32::to_be_bytes);
    header.chain(body.iter().copied()).collect()
}

fn deliver(source: &[u8], text: &[u8], tail: &[u8]) -> Vec<u8> {
    let mut body = vec![0, 1, 1];
    body.extend_from_slice(source);
    body.extend_from_slice(&[
        0,
        5,
        0,
        b'A',
        0,
        4,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        text.len() as u8,
    ]);
    body.extend_from_slice(text);
    body.extend_from_slice(tail);
    frame(CommandId::DELIVER_SM, 9, &body)
}

fn delivered(octets: &[u8]) -> ShortMessage {
    match Pdu::decode(octets).expect("readable").body {
        Body::DeliverSm(message) => *message,
        other => panic!("{other:?}"),
    }
}

fn receipt_of(tail: &[u8]) -> Receipt {
    Receipt::of(
        &delivered(&deliver(b"447700900123", b"", tail)),
        &TextCoding::GSM,
    )
    .expect("a receipt")
}

#[test]
fn odd_receipt_parameters_are_understood() {
    let id = |tail: &[u8]| receipt_of(tail).message_id.expect("an id");
    assert_eq!(id(b"\x00\x1E\x00\x03abc"), "abc", "no NUL");
    assert_eq!(id(b"\x00\x1E\x00\x04abc"), "abc", "a NUL counted, not sent");
    assert_eq!(
        id(&[b"\x00\x1E\x00\x46".as_slice(), &[b'7'; 70]].concat()),
        "7".repeat(70),
        "over 64"
    );
    assert_eq!(
        id(b"\x00\x1E\x00\x04abc\0\x04\x27\x00\x01\x02\xFF\xFF"),
        "abc",
        "trailing octets"
    );
    let state = |tail: &[u8]| receipt_of(tail).state.expect("a state");
    assert_eq!(
        state(b"\x04\x27\x00\x02\x00\x05"),
        MessageState::Undeliverable,
        "two octets"
    );
    assert_eq!(
        state(b"\x04\x27\x00\x04\x00\x00\x00\x02"),
        MessageState::Delivered,
        "four octets"
    );
    let error =
        |tail: &[u8]| receipt_of(&[b"\x04\x27\x00\x01\x05".as_slice(), tail].concat()).error;
    assert_eq!(
        error(b"\x04\x23\x00\x02\x01\x0B").as_deref(),
        Some("267"),
        "two octets"
    );
    assert_eq!(
        error(b"\x04\x23\x00\x04\x03\x00\x01\x0B").as_deref(),
        Some("50331915"),
        "four octets"
    );
    assert_eq!(error(b"\x04\x23\x00\x00").as_deref(), None, "none at all");
}

#[test]
fn odd_addresses_are_kept_as_they_came() {
    assert_eq!(
        delivered(&deliver(&[b'4'; 35], b"", b"")).source.value,
        "4".repeat(35)
    );
    assert_eq!(
        delivered(&deliver(b"Caf\xE9", b"", b"")).source.value,
        "Café"
    );
    assert_eq!(
        delivered(&deliver(b"", b"hi", b"\0\0\0")).short_message,
        b"hi"
    );
}

#[test]
fn odd_responses_are_understood() {
    let id = |body: &[u8]| match Pdu::decode(&frame(CommandId::SUBMIT_SM_RESP, 1, body))
        .expect("readable")
        .body
    {
        Body::SubmitSmResponse(id) => id.message_id,
        other => panic!("{other:?}"),
    };
    assert_eq!(id(b""), "", "no body at all");
    assert_eq!(id(b"\0"), "", "an empty id");
    assert_eq!(id(b"abc"), "abc", "no NUL");
    assert_eq!(
        id(&[[b'f'; 100].as_slice(), b"\0"].concat()),
        "f".repeat(100),
        "over 64"
    );
    assert_eq!(id(b"abc\0\0\0\0"), "abc", "padding");
    for command in [
        CommandId::BIND_TRANSCEIVER_RESP,
        CommandId::QUERY_SM_RESP,
        CommandId::DELIVER_SM_RESP,
    ] {
        assert!(Pdu::decode(&frame(command, 1, b"")).is_ok(), "{command}");
    }
}

fn answer_to(octets: &[u8]) -> Option<(CommandId, CommandStatus, u32)> {
    let (_, errors) = stream(octets, 4096);
    let mut answer = Vec::new();
    errors.first().expect("an error").answer(&mut answer);
    let word = |at: usize| u32::from_be_bytes(answer[at..at + 4].try_into().expect("four octets"));
    (!answer.is_empty()).then(|| (CommandId(word(4)), CommandStatus(word(8)), word(12)))
}

#[test]
fn what_cannot_be_read_gets_the_right_answer() {
    let nack = CommandId::GENERIC_NACK;
    let unknown = frame(CommandId(0x0000_0999), 5, b"whatever");
    assert_eq!(
        answer_to(&unknown),
        Some((nack, CommandStatus::RINVCMDID, 5))
    );
    assert_eq!(
        answer_to(&frame(CommandId::CANCEL_SM, 6, b"x")),
        Some((nack, CommandStatus::RINVCMDID, 6))
    );
    let short = frame(CommandId::DELIVER_SM, 7, b"\0\x01\x01447700900123");
    assert_eq!(
        answer_to(&short),
        Some((CommandId::DELIVER_SM_RESP, CommandStatus::RSYSERR, 7))
    );
    let mut overlong = deliver(b"1", b"hello", b"");
    let length_at = overlong.len() - 6;
    overlong[length_at] = 200;
    assert_eq!(
        answer_to(&overlong),
        Some((CommandId::DELIVER_SM_RESP, CommandStatus::RINVMSGLEN, 9))
    );
    assert_eq!(
        answer_to(&frame(CommandId(0x8000_0999), 5, b"")),
        None,
        "a response is never answered"
    );
    assert_eq!(
        answer_to(&frame(CommandId::ALERT_NOTIFICATION, 5, b"")),
        None
    );
    let tiny = [0, 0, 0, 8, 0, 0, 0, 4];
    assert_eq!(
        answer_to(&tiny).map(|(command, status, _)| (command, status)),
        Some((nack, CommandStatus::RINVCMDLEN))
    );
}

#[test]
fn an_oversized_pdu_is_skipped_and_the_next_is_read() {
    let mut octets = frame(CommandId::DELIVER_SM, 3, &vec![b'x'; 200_000]);
    octets.extend(
        Pdu {
            status: CommandStatus::ROK,
            sequence: 4,
            body: Body::EnquireLink,
        }
        .to_bytes(),
    );
    let (pdus, errors) = stream(&octets, 1500);
    assert_eq!((pdus.len(), pdus[0].sequence), (1, 4));
    assert_eq!(
        (errors.len(), errors[0].status(), errors[0].sequence),
        (1, CommandStatus::RINVCMDLEN, 3)
    );
}

#[test]
fn a_long_text_travels_as_payload() {
    let message = ShortMessage {
        short_message: vec![b'a'; 300],
        ..ShortMessage::default()
    };
    let pdu = Pdu {
        status: CommandStatus::ROK,
        sequence: 1,
        body: Body::SubmitSm(Box::new(message.clone())),
    };
    let Body::SubmitSm(read) = Pdu::decode(&pdu.to_bytes()).expect("readable").body else {
        panic!("no submit_sm")
    };
    assert_eq!(
        (read.short_message.len(), read.content()),
        (0, message.content())
    );
}

#[test]
fn nothing_personal_is_printed() {
    let message = ShortMessage {
        source: Address::international("+447700900123"),
        short_message: b"your code is 9931".to_vec(),
        ..ShortMessage::default()
    };
    let printed = format!("{message:?}");
    assert!(
        printed.contains("…0123") && !printed.contains("447700") && !printed.contains("9931"),
        "{printed}"
    );
}
