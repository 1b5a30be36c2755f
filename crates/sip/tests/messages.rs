//! Messages as they come: golden ones, the torments of RFC 4475 written anew, and mutations from a seed.

use clarion_sip::chance::{Chance, SeededChance};
use clarion_sip::message::{FrameError, Framer, Message, Method, Name, ParseError, Start, parse};
use clarion_sip::sdp;

const INVITE: &str = "INVITE sip:01632960001@carrier.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKabc;rport\r\nMax-Forwards: 70\r\nFrom: \"A. Bureau\" <sip:02079460000@carrier.example>;tag=one\r\nTo: <sip:01632960001@carrier.example>\r\nCall-ID: f00d\r\nCSeq: 1 INVITE\r\nContact: <sip:clarion@192.0.2.1:5060>\r\nContent-Type: application/sdp\r\nContent-Length: 4\r\n\r\nv=0\n";

fn read(text: &str) -> Message {
    parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn what_is_written_is_read_again() {
    let message = read(INVITE);
    assert_eq!(message.fault(), None);
    assert_eq!(read(&String::from_utf8(message.write()).expect("text")).headers.iter().filter(|header| header.name != Name::ContentLength).count(), message.headers.len() - 1);
    let again = parse(&message.write()).expect("a message");
    assert_eq!((&again.start, &again.body, again.get(&Name::From)), (&message.start, &message.body, message.get(&Name::From)));
}

/// RFC 4475, section 3.1.1.1 in spirit: folding, odd spaces, compact forms, case, unknown headers, lists over lines.
#[test]
fn a_tortuous_but_valid_invite() {
    let text = "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\nTO :\r\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\r\nf   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8\r\nMaX-fOrWaRdS: 0068\r\ni: wsinv.ndaksdj@192.0.2.1\r\nContent-Length   : 3\r\ncseq: 0009\r\n  INVITE\r\nVia  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\ns :\r\nNewFangledHeader:   newfangled value\r\n continued newfangled value\r\nUnknownHeaderWithUnusualValue: ;;,,;;,;\r\nv:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239\r\nm:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =\r\n      newvalue ;\r\n  secondparam ; q = 0.33\r\nx: 90\r\nk: timer, 100rel\r\n\r\nabcdef";
    let message = read(text);
    assert_eq!(message.fault(), None);
    assert_eq!(message.to().expect("To").tag(), Some("1918181833n"));
    assert_eq!((message.from().expect("From").tag(), message.from().expect("From").display.as_deref()), (Some("98asjd8"), Some("J Rosenberg \\\"")));
    assert_eq!(message.cseq(), Some((9, Method::Invite)));
    let vias: Vec<_> = message.all(&Name::Via).collect();
    assert_eq!(vias.len(), 3);
    assert_eq!(message.via().expect("Via").branch(), Some("390skdjuw"));
    assert_eq!(message.contact().expect("Contact").params.get("q"), Some("0.33"));
    assert_eq!((message.number(&Name::SessionExpires), message.lists(&Name::Supported, "100REL")), (Some(90), true));
    assert_eq!(message.body, b"abc", "what is beyond Content-Length is cut off");
}

/// RFC 4475, section 3.1.2: what is read, and then found wanting.
#[test]
fn invalid_messages_have_a_fault() {
    let change = |from: &str, to: &str| INVITE.replace(from, to);
    for (text, fault) in [
        (change("CSeq: 1 INVITE", "CSeq: 36893488147419103232 INVITE"), "the CSeq cannot be read"),
        (change("CSeq: 1 INVITE", "CSeq: 1 OPTIONS"), "the CSeq names another method"),
        (change("CSeq: 1 INVITE", "CSeq: 1 INVITE\r\nCSeq: 2 INVITE"), "one CSeq is needed"),
        (change("Call-ID: f00d", "Call-ID: f00d\r\ni: beef"), "one Call-ID is needed"),
        (change("Call-ID: f00d\r\n", ""), "one Call-ID is needed"),
        (change("To: <sip:01632960001@carrier.example>", "To: <sip:01632960001@carrier.example"), "From or To cannot be read"),
        (change("Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKabc;rport\r\n", ""), "the Via cannot be read"),
        (change("From: \"A. Bureau\"", "From: \"A. Bureau"), "From or To cannot be read"),
    ] {
        assert_eq!(read(&text).fault(), Some(fault), "{text}");
    }
    for (text, why) in [(change("Content-Length: 4", "Content-Length: 9999"), "the body is shorter than its Content-Length"), (change("Content-Length: 4", "Content-Length: -4"), "the Content-Length is no number")] {
        assert!(matches!(parse(text.as_bytes()), Err(ParseError::Body { why: said, .. }) if said == why), "{text}");
    }
    for text in ["", "\r\n\r\n", "\0\0\0\0", "INVITE", "INVITE sip:a", "INVITE sip:a SIP/7.0", "IN(VITE sip:a SIP/2.0", "SIP/2.0", "SIP/2.0 99 Low", "SIP/2.0 4294967301 better not break the receiver", "HTTP/1.1 200 OK"] {
        assert!(parse(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn oversized_input_is_an_error() {
    let headers = "X: y\r\n".repeat(300);
    assert_eq!(parse(INVITE.replace("Max-Forwards: 70\r\n", &headers).as_bytes()), Err(ParseError::TooLarge));
    assert_eq!(parse(&vec![b'a'; 70_000]), Err(ParseError::TooLarge));
    let vias = format!("Via: {}\r\n", ["SIP/2.0/UDP h"; 400].join(","));
    assert_eq!(parse(INVITE.replace("Max-Forwards: 70\r\n", &vias).as_bytes()), Err(ParseError::TooLarge));
}

#[test]
fn responses_copy_what_they_must() {
    let text = INVITE.replace("Max-Forwards: 70\r\n", "Via: SIP/2.0/TCP 192.0.2.9;branch=z9hG4bKlower\r\nRecord-Route: <sip:192.0.2.9;lr>\r\n");
    let response = Message::response(&read(&text), 180, "Ringing", "two");
    assert_eq!(response.start, Start::Response { status: 180, reason: "Ringing".into() });
    assert_eq!(response.all(&Name::Via).count(), 2);
    assert_eq!((response.to().expect("To").tag(), response.get(&Name::RecordRoute)), (Some("two"), Some("<sip:192.0.2.9;lr>")));
    assert_eq!(Message::response(&read(&text), 486, "Busy Here", "two").get(&Name::RecordRoute), None);
    assert_eq!(Message::response(&read(&text), 100, "Trying", "two").to().expect("To").tag(), None);
}

#[test]
fn a_stream_is_cut_wherever_it_breaks() {
    let two = format!("\r\n\r\n{INVITE}\r\n\r\n{}", INVITE.replace("Content-Length: 4\r\n\r\nv=0\n", "l: 0\r\n\r\n"));
    for cut in 0..two.len() {
        let mut framer = Framer::default();
        let mut found = Vec::new();
        for part in [&two.as_bytes()[..cut], &two.as_bytes()[cut..]] {
            framer.push(part);
            while let Some(message) = framer.next_message().expect("a stream that can be followed") {
                found.push(message);
            }
        }
        assert_eq!(found.iter().map(|message| message.body.len()).collect::<Vec<_>>(), [4, 0], "cut at {cut}");
    }
    let mut framer = Framer::default();
    framer.push(b"\r\n\r\n");
    assert_eq!(framer.next_message(), Ok(None));
    assert_eq!((framer.take_pings(), framer.take_pings()), (1, 0));
    for (text, large) in [(INVITE.replace("Content-Length: 4", "Content-Length: 999999"), true), (INVITE.replace("Content-Length: 4", "Content-Length: x"), false), ("nonsense\r\n\r\n".into(), false), ("a".repeat(70_000), true)] {
        let mut framer = Framer::default();
        framer.push(text.as_bytes());
        let error = framer.next_message().expect_err("an error");
        assert_eq!(error == FrameError::TooLarge, large, "{error}");
    }
}

const SDP: &str = "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 6000 RTP/SAVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd|2^31\r\na=ptime:30\r\na=sendonly\r\nm=video 7000 RTP/AVP 96\r\n";

/// Bytes are changed, doubled, cut out and swapped for those that mean something.
fn mutate(chance: &mut SeededChance, text: &[u8]) -> Vec<u8> {
    let mut bytes = text.to_vec();
    for _ in 0..=chance.number() % 8 {
        let place = (chance.number() as usize) % bytes.len().max(1);
        let length = (chance.number() as usize) % 24;
        let end = (place + length).min(bytes.len());
        match chance.number() % 6 {
            0 => bytes.extend_from_within(place..end),
            1 => drop(bytes.drain(place..end)),
            2 => bytes.splice(place..place, b"\r\n ;,<>\"\\:@=%[]\0\xFF\xC3\x28".iter().copied().cycle().skip(length).take(1 + length % 4)).for_each(drop),
            3 => bytes.splice(place..end, std::iter::repeat_n(b'9', length)).for_each(drop),
            4 if !bytes.is_empty() => bytes[place] = chance.number() as u8,
            _ => {
                let piece = bytes[place..end].to_vec();
                bytes.splice(place..place, piece).for_each(drop);
            }
        }
        if bytes.is_empty() {
            bytes.push(b'I');
        }
    }
    bytes
}

/// Everything that is ever read of a message must bear anything.
fn look_at(message: &Message) {
    let _ = (message.fault(), message.via(), message.from(), message.to(), message.cseq(), message.contact(), message.number(&Name::RSeq));
    let _ = (clarion_sip::auth::strongest(message), clarion_sip::cause::Reason::of(message), clarion_sip::call::description(message));
    for header in &message.headers {
        let _ = (clarion_sip::uri::Uri::parse(&header.value), clarion_sip::name_addr::NameAddr::parse(&header.value));
    }
    if let Start::Request { .. } = &message.start {
        // What we answer can be read, whatever was asked.
        let written = Message::response(message, 400, "Bad Request", "tag").write();
        let again = parse(&written).expect("our answer can be read");
        assert_eq!(again.status(), Some(400));
    }
}

#[test]
fn no_mutation_is_more_than_an_error() {
    let response = "SIP/2.0 407 Proxy Authentication Required\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nf: <sip:a@h>;tag=a\r\nt: <sip:b@h>;tag=b\r\ni: c\r\nCSeq: 1 INVITE\r\nProxy-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth,auth-int\", algorithm=SHA-256, Digest realm=\"s\", nonce=\"o\"\r\nReason: Q.850;cause=17;text=\"User busy\"\r\nRetry-After: 20 (later);duration=5\r\nRecord-Route: <sip:192.0.2.2;lr>, <sip:[2001:db8::1]:5060;lr>\r\nContact: <sip:a@h>;q=0.5, <tel:+441632960001>\r\nContent-Type: multipart/mixed;boundary=x\r\n\r\n--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--x--\r\n";
    let mut chance = SeededChance(4475);
    let mut read = 0;
    for round in 0..60_000 {
        let base = [INVITE, response][round % 2];
        let bytes = mutate(&mut chance, base.as_bytes());
        match parse(&bytes) {
            Ok(message) => {
                read += 1;
                look_at(&message);
            }
            Err(ParseError::Body { message, .. }) => look_at(&message),
            Err(_) => {}
        }
        let mut framer = Framer::default();
        for part in bytes.chunks(97) {
            framer.push(part);
            if !matches!(framer.next_message(), Ok(None)) {
                break;
            }
        }
    }
    assert!(read > 20_000, "mutations are mild enough to be read: {read}");
}

#[test]
fn no_mutated_description_is_more_than_an_error() {
    use clarion_sip::negotiated::{Codec, Direction, LocalMedia, SrtpKey, SrtpPolicy};
    let mut chance = SeededChance(8866);
    let local = LocalMedia { address: ([127, 0, 0, 1], 4_000).into(), codecs: vec![Codec::Pcma, Codec::Pcmu], telephone_event: true, srtp: SrtpPolicy::Required };
    let key = SrtpKey([7; 30]);
    let mut agreed = 0;
    for _ in 0..60_000 {
        let bytes = mutate(&mut chance, SDP.as_bytes());
        let Some(theirs) = sdp::parse(&bytes) else { continue };
        let _ = sdp::settle(&theirs, &local, Direction::SendReceive, &key);
        if let Ok((text, media)) = sdp::answer(&theirs, &local, sdp::Origin { session: 1, version: 1 }, Direction::SendReceive, &key) {
            agreed += 1;
            let ours = sdp::parse(text.as_bytes()).expect("our answer can be read");
            assert_eq!(ours.media.len(), theirs.media.len(), "an answer has as many streams as its offer");
            assert!((10..=60).contains(&media.packet_ms));
        }
    }
    assert!(agreed > 10_000, "mutations are mild enough to be answered: {agreed}");
}
