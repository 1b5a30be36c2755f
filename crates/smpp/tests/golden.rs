//! PDUs written by hand from the SMPP 3.4 specification (issue 1.2), octet by octet: decoded to what they
//! say, and encoded back to the same octets.

use clarion_smpp::pdu::*;

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
    digits
        .chunks(2)
        .map(|pair| (pair[0] * 16 + pair[1]) as u8)
        .collect()
}

#[track_caller]
fn golden(hex: &str, status: CommandStatus, sequence: u32, body: Body) {
    let wire = octets(hex);
    let pdu = Pdu {
        status,
        sequence,
        body,
    };
    assert_eq!(Pdu::decode(&wire).expect("readable"), pdu);
    assert_eq!(pdu.to_bytes(), wire);
}

const OK: CommandStatus = CommandStatus::ROK;

#[test]
fn bind_transmitter_as_in_the_specifications_own_example() {
    // 3.2.3 "Sample PDU": system_id SMPP3TEST, password secret08, system_type SUBMIT1, version 0, ton 1, npi 1.
    let bind = Bind {
        system_id: "SMPP3TEST".to_owned(),
        password: "secret08".to_owned(),
        system_type: "SUBMIT1".to_owned(),
        interface_version: 0,
        addr_ton: 1,
        addr_npi: 1,
        address_range: String::new(),
    };
    let hex = "0000002F 00000002 00000000 00000001 534D50503354455354 00 7365637265743038 00 5355424D495431 00 00 01 01 00";
    golden(hex, OK, 1, Body::Bind(BindKind::Transmitter, bind));
}

#[test]
fn bind_transceiver_and_its_responses() {
    let bind = Bind {
        system_id: "ab".to_owned(),
        password: "c".to_owned(),
        interface_version: 0x50,
        ..Bind::default()
    };
    let hex = "0000001A 00000009 00000000 00000001 616200 6300 00 50 00 00 00";
    golden(hex, OK, 1, Body::Bind(BindKind::Transceiver, bind));
    let mut tlvs = Tlvs::default();
    tlvs.push(tag::SC_INTERFACE_VERSION, [0x34]);
    let response = BindResponse {
        system_id: "sc".to_owned(),
        tlvs,
    };
    golden(
        "00000018 80000009 00000000 00000001 736300 0210 0001 34",
        OK,
        1,
        Body::BindResponse(BindKind::Transceiver, response),
    );
    golden(
        "00000010 80000001 0000000E 00000001",
        CommandStatus::RINVPASWD,
        1,
        Body::BindResponse(BindKind::Receiver, BindResponse::default()),
    );
}

#[test]
fn pdus_without_a_body() {
    for (command, body) in [
        ("00000006", Body::Unbind),
        ("80000006", Body::UnbindResponse),
        ("00000015", Body::EnquireLink),
        ("80000015", Body::EnquireLinkResponse),
    ] {
        golden(
            &format!("00000010 {command} 00000000 7FFFFFFF"),
            OK,
            SEQUENCE_MAX,
            body,
        );
    }
    golden(
        "00000010 80000000 00000003 00000000",
        CommandStatus::RINVCMDID,
        0,
        Body::GenericNack,
    );
}

#[test]
fn submit_sm_with_every_field_and_its_responses() {
    let message = ShortMessage {
        service_type: "CMT".to_owned(),
        source: Address {
            ton: 5,
            npi: 0,
            value: "ACME".to_owned(),
        },
        destination: Address {
            ton: 1,
            npi: 1,
            value: "447700900123".to_owned(),
        },
        esm_class: EsmClass(0x40),
        protocol_id: 1,
        priority: 2,
        schedule_delivery_time: String::new(),
        validity_period: "000001000000000R".to_owned(),
        registered_delivery: 1,
        replace_if_present: 0,
        data_coding: 8,
        sm_default_msg_id: 0,
        short_message: octets("0500032A0201 0041"),
        tlvs: Tlvs(vec![Tlv {
            tag: tag::USER_MESSAGE_REFERENCE,
            value: vec![0x12, 0x34],
        }]),
    };
    let hex = "00000055 00000004 00000000 00000007
        434D5400 05 00 41434D4500 01 01 34343737303039303031323300
        40 01 02 00 30303030303130303030303030303052 00 01 00 08 00
        08 0500032A02010041
        0204 0002 1234";
    let body: Vec<u8> = octets(hex);
    let wire: String = body.iter().map(|octet| format!("{octet:02x}")).collect();
    let length = format!("{:08x}", body.len());
    golden(
        &wire.replacen("00000055", &length, 1),
        OK,
        7,
        Body::SubmitSm(Box::new(message)),
    );
    let id = MessageId {
        message_id: "4F5A".to_owned(),
        tlvs: Tlvs::default(),
    };
    golden(
        "00000015 80000004 00000000 00000007 3446354100",
        OK,
        7,
        Body::SubmitSmResponse(id),
    );
    golden(
        "00000010 80000004 00000058 00000007",
        CommandStatus::RTHROTTLED,
        7,
        Body::SubmitSmResponse(MessageId::default()),
    );
}

#[test]
fn deliver_sm_as_a_receipt_and_its_response() {
    let message = ShortMessage {
        source: Address {
            ton: 1,
            npi: 1,
            value: "447700900123".to_owned(),
        },
        destination: Address {
            ton: 5,
            npi: 0,
            value: "ACME".to_owned(),
        },
        esm_class: EsmClass(0x04),
        tlvs: Tlvs(vec![
            Tlv {
                tag: tag::RECEIPTED_MESSAGE_ID,
                value: b"4F5A\0".to_vec(),
            },
            Tlv {
                tag: tag::MESSAGE_STATE,
                value: vec![2],
            },
            Tlv {
                tag: tag::NETWORK_ERROR_CODE,
                value: vec![3, 0, 0],
            },
        ]),
        ..ShortMessage::default()
    };
    let hex = "0000004B 00000005 00000000 00000009
        00 01 01 34343737303039303031323300 05 00 41434D4500
        04 00 00 00 00 00 00 00 00 00
        001E 0005 3446354100 0427 0001 02 0423 0003 030000";
    let length = format!("{:08x}", octets(hex).len());
    golden(
        &hex.replacen("0000004B", &length, 1),
        OK,
        9,
        Body::DeliverSm(Box::new(message)),
    );
    golden(
        "00000011 80000005 00000000 00000009 00",
        OK,
        9,
        Body::DeliverSmResponse(MessageId::default()),
    );
}

#[test]
fn data_sm_query_sm_alert_and_outbind() {
    let data = ShortMessage {
        destination: Address {
            ton: 1,
            npi: 1,
            value: "12".to_owned(),
        },
        registered_delivery: 1,
        tlvs: Tlvs(vec![Tlv {
            tag: tag::MESSAGE_PAYLOAD,
            value: b"hi".to_vec(),
        }]),
        ..ShortMessage::default()
    };
    golden(
        "00000022 00000103 00000000 00000003 00 00 00 00 01 01 313200 00 01 00 0424 0002 6869",
        OK,
        3,
        Body::DataSm(Box::new(data)),
    );
    let query = QuerySm {
        message_id: "A1".to_owned(),
        source: Address {
            ton: 1,
            npi: 1,
            value: "9".to_owned(),
        },
    };
    golden(
        "00000017 00000003 00000000 00000004 413100 01 01 3900",
        OK,
        4,
        Body::QuerySm(query),
    );
    let answer = QuerySmResponse {
        message_id: "A1".to_owned(),
        final_date: String::new(),
        message_state: 5,
        error_code: 1,
    };
    golden(
        "00000016 80000003 00000000 00000004 413100 00 05 01",
        OK,
        4,
        Body::QuerySmResponse(answer),
    );
    let alert = AlertNotification {
        source: Address {
            ton: 1,
            npi: 1,
            value: "5".to_owned(),
        },
        esme: Address::default(),
        tlvs: Tlvs::default(),
    };
    golden(
        "00000017 00000102 00000000 00000005 01 01 3500 00 00 00",
        OK,
        5,
        Body::AlertNotification(alert),
    );
    let outbind = Outbind {
        system_id: "s".to_owned(),
        password: "p".to_owned(),
    };
    golden(
        "00000014 0000000B 00000000 00000006 7300 7000",
        OK,
        6,
        Body::Outbind(outbind),
    );
}
