//! Offer and answer, as carriers write them.

use clarion_sip::negotiated::{Codec, Direction, LocalMedia, SrtpKey, SrtpPolicy};
use clarion_sip::sdp::{Origin, SdpError, answer, offer, parse, settle};

const ORIGIN: Origin = Origin { session: 1, version: 1 };

fn local(srtp: SrtpPolicy) -> LocalMedia {
    LocalMedia { address: ([198, 51, 100, 7], 4_000).into(), codecs: vec![Codec::Pcma, Codec::Pcmu], telephone_event: true, srtp }
}

fn key(of: u8) -> SrtpKey {
    SrtpKey([of; 30])
}

fn theirs(lines: &str) -> clarion_sip::sdp::Description {
    parse(format!("v=0\r\no=x 1 1 IN IP4 192.0.2.1\r\ns=x\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n{lines}").as_bytes()).expect("a description")
}

#[test]
fn our_offer_is_what_a_carrier_expects() {
    let text = offer(&local(SrtpPolicy::Never), ORIGIN, Direction::SendReceive, &key(1));
    assert_eq!(text, "v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n");
}

#[test]
fn an_answer_is_settled() {
    let agreed = settle(&theirs("m=audio 6000 RTP/AVP 0 96\r\nc=IN IP4 192.0.2.77\r\na=rtpmap:96 telephone-event/8000\r\na=ptime:40\r\n"), &local(SrtpPolicy::Never), Direction::SendReceive, &key(1)).expect("agreed");
    assert_eq!((agreed.remote, agreed.codec, agreed.telephone_event, agreed.packet_ms), (([192, 0, 2, 77], 6_000).into(), Codec::Pcmu, Some(96), 40));
    for (lines, error) in [
        ("m=audio 0 RTP/AVP 8\r\n", SdpError::NoAudio),
        ("m=video 6000 RTP/AVP 96\r\n", SdpError::NoAudio),
        ("m=audio 6000 RTP/AVP 9 18\r\n", SdpError::NoCodec),
        ("m=audio 6000 RTP/AVP 8\r\na=rtpmap:8 opus/48000\r\n", SdpError::NoCodec),
        ("m=audio 6000 RTP/SAVP 8\r\n", SdpError::Encryption),
    ] {
        assert_eq!(settle(&theirs(lines), &local(SrtpPolicy::Never), Direction::SendReceive, &key(1)), Err(error), "{lines}");
    }
    assert_eq!(settle(&theirs("m=audio 6000 RTP/AVP 8\r\n"), &local(SrtpPolicy::Required), Direction::SendReceive, &key(1)), Err(SdpError::Encryption));
}

#[test]
fn an_offer_is_answered_stream_by_stream_in_our_order_of_codecs() {
    let (text, agreed) = answer(&theirs("m=audio 6000 RTP/AVP 0 8 97\r\na=rtpmap:97 telephone-event/8000\r\na=maxptime:150\r\nm=video 7000 RTP/AVP 96 97\r\nm=image 9000 udptl t38\r\n"), &local(SrtpPolicy::Never), ORIGIN, Direction::SendReceive, &key(1)).expect("agreed");
    assert_eq!((agreed.codec, agreed.telephone_event), (Codec::Pcma, Some(97)));
    let media: Vec<_> = text.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(media, ["m=audio 4000 RTP/AVP 8 97", "m=video 0 RTP/AVP 96 97", "m=image 0 udptl t38"]);
    assert!(text.contains("a=rtpmap:97 telephone-event/8000"));
}

#[test]
fn hold_in_all_its_words() {
    for (lines, ours, agreed) in [
        ("m=audio 6000 RTP/AVP 8\r\na=sendonly\r\n", Direction::SendReceive, Direction::ReceiveOnly),
        ("m=audio 6000 RTP/AVP 8\r\na=recvonly\r\n", Direction::SendReceive, Direction::SendOnly),
        ("m=audio 6000 RTP/AVP 8\r\na=inactive\r\n", Direction::SendReceive, Direction::Inactive),
        ("a=sendonly\r\nm=audio 6000 RTP/AVP 8\r\n", Direction::SendReceive, Direction::ReceiveOnly),
        ("m=audio 6000 RTP/AVP 8\r\nc=IN IP4 0.0.0.0\r\n", Direction::SendReceive, Direction::ReceiveOnly),
        ("m=audio 6000 RTP/AVP 8\r\n", Direction::SendOnly, Direction::SendOnly),
        ("m=audio 6000 RTP/AVP 8\r\na=sendonly\r\n", Direction::SendOnly, Direction::Inactive),
    ] {
        let (text, media) = answer(&theirs(lines), &local(SrtpPolicy::Never), ORIGIN, ours, &key(1)).expect("agreed");
        assert_eq!(media.direction, agreed, "{lines}");
        assert_eq!(settle(&theirs(lines), &local(SrtpPolicy::Never), ours, &key(1)).expect("agreed").direction, agreed, "{lines}");
        assert!(text.contains(match agreed {
            Direction::SendReceive => "a=sendrecv",
            Direction::SendOnly => "a=sendonly",
            Direction::ReceiveOnly => "a=recvonly",
            Direction::Inactive => "a=inactive",
        }));
    }
}

#[test]
fn keys_are_exchanged_both_ways() {
    let (near, far) = (local(SrtpPolicy::Required), local(SrtpPolicy::Required));
    let text = offer(&near, ORIGIN, Direction::SendReceive, &key(1));
    assert!(text.contains("m=audio 4000 RTP/SAVP") && text.contains("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"));
    let (back, theirs) = answer(&parse(text.as_bytes()).expect("ours"), &far, ORIGIN, Direction::SendReceive, &key(2)).expect("agreed");
    let ours = settle(&parse(back.as_bytes()).expect("theirs"), &near, Direction::SendReceive, &key(1)).expect("agreed");
    assert_eq!(ours.srtp, Some((key(1), key(2))));
    assert_eq!(theirs.srtp, Some((key(2), key(1))));
    // The tag of the line that was chosen is repeated; a suite that we do not know is passed over.
    let odd = text.replace("a=crypto:1 AES", "a=crypto:1 AEAD_AES_256_GCM inline:AAAA\r\na=crypto:7 AES");
    let (back, _) = answer(&parse(odd.as_bytes()).expect("ours"), &far, ORIGIN, Direction::SendReceive, &key(2)).expect("agreed");
    assert!(back.contains("a=crypto:7 AES_CM_128_HMAC_SHA1_80"), "{back}");
    assert_eq!(answer(&parse(text.as_bytes()).expect("ours"), &local(SrtpPolicy::Never), ORIGIN, Direction::SendReceive, &key(2)), Err(SdpError::Encryption));
    let no_keys = text.lines().filter(|line| !line.starts_with("a=crypto")).map(|line| format!("{line}\r\n")).collect::<String>();
    assert_eq!(answer(&parse(no_keys.as_bytes()).expect("ours"), &far, ORIGIN, Direction::SendReceive, &key(2)), Err(SdpError::Encryption));
}

#[test]
fn encryption_that_is_offered_is_used_where_the_other_side_can() {
    let near = local(SrtpPolicy::Offered);
    let text = offer(&near, ORIGIN, Direction::SendReceive, &key(1));
    assert!(text.contains("m=audio 4000 RTP/AVP 8") && text.contains("a=crypto:1 "), "{text}");
    for (far, ours, theirs) in [(SrtpPolicy::Never, None, None), (SrtpPolicy::Offered, Some((key(1), key(2))), Some((key(2), key(1))))] {
        let (back, agreed) = answer(&parse(text.as_bytes()).expect("ours"), &local(far), ORIGIN, Direction::SendReceive, &key(2)).expect("agreed");
        assert_eq!(agreed.srtp, theirs);
        assert_eq!(settle(&parse(back.as_bytes()).expect("theirs"), &near, Direction::SendReceive, &key(1)).expect("agreed").srtp, ours);
    }
    // Their encrypted stream is taken before their plain one, and a plain one where there is no other.
    let both = format!("m=audio 6000 RTP/AVP 8\r\nm=audio 6002 RTP/SAVP 8\r\n{}\r\n", text.lines().find(|line| line.starts_with("a=crypto")).expect("keys"));
    let (back, agreed) = answer(&theirs(&both), &near, ORIGIN, Direction::SendReceive, &key(2)).expect("agreed");
    assert_eq!((agreed.remote.port(), agreed.srtp.is_some()), (6_002, true), "{back}");
    let (_, agreed) = answer(&theirs("m=audio 6000 RTP/AVP 8\r\n"), &near, ORIGIN, Direction::SendReceive, &key(2)).expect("agreed");
    assert_eq!((agreed.remote.port(), agreed.srtp), (6_000, None));
    assert_eq!(answer(&theirs("m=audio 6000 RTP/SAVP 8\r\n"), &near, ORIGIN, Direction::SendReceive, &key(2)), Err(SdpError::Encryption), "encrypted, and without a key");
}

#[test]
fn what_is_no_description() {
    for text in ["", "hello", "v=1\r\n", "m=audio 1 RTP/AVP 8\r\n", "v=0\r\nm=audio\r\n", "v=0\r\nm=audio x RTP/AVP 8\r\n"] {
        assert_eq!(parse(text.as_bytes()), None, "{text}");
    }
    assert_eq!(parse("v=0\r\n".repeat(4_000).as_bytes()), None);
    assert_eq!(parse(format!("v=0\r\n{}", "m=audio 1 RTP/AVP 8\r\n".repeat(20)).as_bytes()), None);
}
