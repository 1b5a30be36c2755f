//! Texts of any kind, cut for any trunk: every part fits into an SMS, and the parts say what the text said.

use clarion_smpp::pdu::{Address, Body, CommandStatus, EsmClass, Pdu, ShortMessage};
use clarion_smpp::text::*;
use proptest::prelude::*;

const CODINGS: [TextCoding; 3] = [TextCoding::GSM, TextCoding::LATIN1, TextCoding::IA5];
const FORMS: [LongMessage; 4] = [
    LongMessage::Udh8,
    LongMessage::Udh16,
    LongMessage::SarTlvs,
    LongMessage::MessagePayload,
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,500}",
        "[a-z€\\[\\]{}|^~\\\\@£éà \n]{0,500}",
        "[a-zЀ-ӿ\u{1F300}-\u{1F6FF}]{0,300}",
        proptest::collection::vec(any::<char>(), 0..200).prop_map(String::from_iter),
    ]
}

/// What an SMS of 140 octets can hold of this part.
fn fits(message: &ShortMessage, coding: &TextCoding, form: LongMessage, parts: usize) -> bool {
    let (header, body) = UserDataHeader::split(message);
    let header_bytes = header.map_or(0, |header| header.octets);
    let sar_bytes = if form == LongMessage::SarTlvs && parts > 1 {
        6
    } else {
        0
    };
    let room_bits = (140 - header_bytes - sar_bytes) * 8;
    match message.data_coding == coding.ucs2_data_coding {
        true => body.len() * 8 <= room_bits && body.len() % 2 == 0,
        false => {
            let content = coding.decode_message(message);
            let septets = septets(content.text().unwrap_or_default());
            septets.is_some_and(|septets| septets * 7 <= room_bits)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_part_fits_and_together_they_say_the_text(
        text in text(), coding in 0usize..3, form in 0usize..4, reference in any::<u16>(), backwards in any::<bool>(),
    ) {
        let (coding, form) = (CODINGS[coding], FORMS[form]);
        let cut = segment(&text, &coding, form, reference).expect("under 255 parts");
        prop_assert!(cut.segments >= cut.parts.len());
        let mut order: Vec<usize> = (0..cut.parts.len()).collect();
        if backwards {
            order.reverse();
        }
        let mut reassembler = Reassembler::new(ReassemblyLimits::default());
        let mut whole = None;
        for at in order {
            let mut message = ShortMessage { source: Address::international("447700900123"), ..ShortMessage::default() };
            cut.apply(at, &mut message);
            prop_assert!(message.check().is_ok());
            if form != LongMessage::MessagePayload {
                prop_assert!(fits(&message, &coding, form, cut.parts.len()));
            }
            let wire = Pdu { status: CommandStatus::ROK, sequence: 1, body: Body::DeliverSm(Box::new(message)) }.to_bytes();
            let Ok(Pdu { body: Body::DeliverSm(message), .. }) = Pdu::decode(&wire) else { panic!("unreadable") };
            prop_assert!(whole.is_none());
            if let Added::Complete(complete) = reassembler.add(0, message, at, &coding) {
                whole = Some(complete);
            }
        }
        let whole = whole.expect("complete");
        prop_assert_eq!(whole.content.text(), Some(text.as_str()));
    }

    #[test]
    fn parts_of_any_kind_never_panic(parts in proptest::collection::vec((any::<u8>(), proptest::collection::vec(any::<u8>(), 0..30)), 0..40)) {
        let limits = ReassemblyLimits { open_max: 3, wait_max_micros: 5 };
        let mut reassembler = Reassembler::new(limits);
        let mut back = 0;
        for (at, (data_coding, mut content)) in parts.iter().cloned().enumerate() {
            if at % 2 == 0 {
                content.splice(0..0, [5, 0, 3, data_coding & 1, data_coding % 5, (at % 7) as u8]);
            }
            let message = ShortMessage { esm_class: EsmClass(0x40), data_coding, short_message: content, ..ShortMessage::default() };
            match reassembler.add(at as u64, Box::new(message), at, &TextCoding::GSM) {
                Added::Complete(complete) | Added::Displaced(complete) => back += complete.pieces.len(),
                Added::Waiting => {}
            }
            prop_assert!(reassembler.open_count() <= 3);
        }
        back += reassembler.expire(1_000, &TextCoding::GSM).iter().map(|complete| complete.pieces.len()).sum::<usize>();
        prop_assert_eq!(back, parts.len(), "every part is handed back");
    }
}
