use super::ReplyMeaning::{Help, Other, Start, Stop, StopReview, Unsure, WrongNumber};
use super::*;
use crate::campaigns::campaign::Channel;
use proptest::prelude::*;

#[test]
fn reads_what_people_write() {
    let long = format!("{} stop {}", "word ".repeat(500), "word ".repeat(500));
    let cases: &[(&str, ReplyMeaning)] = &[
        // Step 1: the whole text.
        ("STOP", Stop), ("stop", Stop), ("Stop.", Stop), ("STOP!!!", Stop), (" stop \r\n", Stop), ("\"STOP\"", Stop), ("“stop”", Stop), ("'stop'", Stop),
        ("(stop)", Stop), ("*STOP*", Stop), ("STOP 🛑", Stop), ("🙏stop🙏", Stop), ("STOPALL", Stop), ("Stop all", Stop), ("UNSUBSCRIBE", Stop), ("unsub", Stop),
        ("Cancel", Stop), ("END", Stop), ("quit", Stop), ("REVOKE", Stop), ("optout", Stop), ("Opt out", Stop), ("OPT-OUT", Stop), ("opt‑out", Stop),
        ("remove", Stop), ("ARRET", Stop), ("arrêt", Stop), ("Stopp", Stop), ("alto", Stop), ("¡Baja!", Stop), ("TD", Stop), ("S.T.O.P.", Stop), ("s t o p", Stop),
        ("ＳＴＯＰ", Stop), ("𝐒𝐓𝐎𝐏", Stop), ("ST\u{200b}OP", Stop), ("stop\u{fe0f}", Stop), ("st\u{ad}op", Stop),
        // Slips of the finger.
        ("STPO", Stop), ("sotp", Stop), ("unsubcribe", Stop), ("unsuscribe", Stop), ("Cancle", Stop), ("cancell", Stop), ("optuot", Stop), ("remvoe", Stop), ("revok", Stop),
        ("stoppp", Stop), ("spot", Other), ("shop", Other), ("stoop", Other), ("I have cancer", Other), ("the remote", Other), ("they will arrest me", Other), ("ok", Other),
        // Step 2: first or last of at most four words.
        ("STOP PLEASE", Stop), ("Please stop", Stop), ("stop texting me", Stop), ("stop it now thanks", Stop), ("ok then stop", Stop), ("I said STOP!", Stop),
        ("opt out please", Stop), ("please opt out", Stop), ("I want to unsubscribe", Stop), ("Remove me", Stop), ("stop\nJohn", Stop), ("stop, start", Stop),
        // …unless it is turned round, or about something else.
        ("don't stop", Unsure), ("Dont stop", Unsure), ("do not stop", Unsure), ("please don’t stop", Unsure), ("never stop", Unsure),
        ("cancel my direct debit", Unsure), ("Cancel my order", Unsure), ("stop the payment", Unsure), ("end my agreement", Unsure), ("cancel dd", Unsure),
        // Step 3: sayings.
        ("Can you please stop sending me these every day", StopReview), ("take me off your list", StopReview), ("TAKE ME OFF THIS", StopReview),
        ("Can you remove me from this list please", StopReview), ("don't text me again", StopReview), ("Do not text this number", StopReview), ("dont text", StopReview),
        ("leave me alone", StopReview), ("Leave me alone!!! I mean it", StopReview), ("wrong number", WrongNumber), ("You have the wrong number mate", WrongNumber),
        ("Wrong person", WrongNumber), ("wrong number, stop", WrongNumber), ("please stop, you've got the wrong person", WrongNumber), ("There is no one by that name here", WrongNumber),
        ("I don't know this person", WrongNumber), ("wrong amount", Other), ("stop texting me about my direct debit", StopReview),
        // Step 4: a word of stopping in a longer sentence.
        ("I need to cancel my direct debit this month", Unsure), ("What happens if I stop paying the loan", Unsure), ("when does the plan end because I forgot", Unsure),
        ("You said this would be stopped last week", Unsure), ("I will quit my job in two weeks and then pay", Unsure), ("Reply STOP to opt out of these messages", Unsure),
        ("you never stopped", Unsure), (&long, Unsure), ("I already cancelled it", Unsure), ("how do i unsubscribe from all of this", Unsure),
        // Start and help.
        ("START", Start), ("start.", Start), ("UNSTOP", Start), ("Start please", Start), ("start my payment plan", Other), ("restart", Other), ("when do we start", Other),
        ("HELP", Help), ("help?", Help), ("Info", Help), ("AIDE", Help), ("help please", Help), ("help me I lost my job", Other),
        // Step 5: anything else.
        ("yes", Other), ("no", Other), ("", Other), ("   ", Other), ("?!", Other), ("👍", Other), ("Who is this", Other), ("I paid on Friday", Other), ("the weekend is fine", Other),
        ("bus stopover", Other), ("friend", Other), ("sending it tomorrow", Other), ("мне нужна помощь", Other), ("これは誰ですか", Other), ("من هذا", Other),
        ("07700 900123", Other),
    ];
    assert!(cases.len() > 110);
    for (text, expected) in cases {
        assert_eq!(read(text, false), *expected, "{text:?}");
    }
}

/// Every row of the table in contact-rules section 8, by who requires the words.
#[test]
fn understands_every_word_that_the_law_and_the_carriers_require() {
    let rows: &[(&str, &[&str], ReplyMeaning)] = &[
        ("FCC per-se stop", &["stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe"], Stop),
        ("Twilio, long code", &["STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"], Stop),
        ("AWS, required", &["ARRET", "CANCEL", "END", "OPT-OUT", "OPTOUT", "QUIT", "REMOVE", "STOP", "TD", "UNSUBSCRIBE"], Stop),
        ("AWS, to return", &["START", "UNSTOP"], Start),
        ("Telnyx, stop", &["STOP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"], Stop),
        ("Telnyx, start", &["START", "UNSTOP"], Start),
        ("Braze, opt-out", &["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"], Stop),
        ("Braze, help", &["HELP", "INFO"], Help),
        ("CTIA, stop", &["STOP", "END", "CANCEL", "UNSUBSCRIBE", "QUIT"], Stop),
        ("CTIA, help", &["HELP", "INFO"], Help),
        (
            "the product's own union",
            &["STOP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "UNSUB", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "OPT OUT", "OPT-OUT", "REMOVE", "ARRET", "STOPP", "ALTO", "BAJA", "TD"],
            Stop,
        ),
        ("the product's help", &["HELP", "INFO", "AIDE"], Help),
    ];
    for (who, words, expected) in rows {
        for word in *words {
            let lower = word.to_lowercase();
            let title: String = lower.chars().enumerate().map(|(place, letter)| if place == 0 { letter.to_ascii_uppercase() } else { letter }).collect();
            for dressed in [word.to_string(), lower.clone(), title, format!("{word}."), format!(" {lower}!! "), format!("“{word}”"), format!("{word} 🙏"), format!("{lower} please")] {
                assert_eq!(read(&dressed, false), *expected, "{who}: {dressed:?}");
            }
        }
    }
    assert_eq!((read("YES", true), read("YES", false)), (Start, Other), "Braze's YES, only as an answer");
}

/// What people really send. Whatever it is taken for, nobody who wants it to stop is written to again before somebody has read it.
#[test]
fn no_way_of_saying_it_gets_lost() {
    let stops = [
        "STPO", "sotp", "St0p", "stoooop", "STOPPPPP!", "stopp", "stop.", "stop it", "stop texting", "Stop txts", "stop stop stop", "STOP NOW", "just stop", "text stop", "reply stop", "stop sms",
        "unsubcribe", "unsuscribe", "unsubscibe", "Unsubscribee", "unsbscribe", "cancle", "cancell", "cansel", "revok", "revoke consent", "remve", "remvoe", "optuot", "opt-out now", "opt out!", "unsub pls", "quit it", "end texts", "END.",
    ];
    let lost: Vec<_> = stops.iter().filter(|text| read(text, false) != Stop).collect();
    assert!(lost.is_empty(), "{lost:?}");
    let sayings = [
        "Please can you stop texting me every day", "pls stop sending these to my phone", "take me off your list now please", "Take me of the list mate", "remove me from all of your lists", "Remove my number from your system",
        "don’t text me again thanks", "DO NOT CONTACT ME AGAIN EVER", "no more texts", "No more messages please, thank you", "leave me alone", "Wrong number", "you've got the wrong person", "This is not my number any longer",
        "never text me again", "go away", "delete my number from your records", "Fuck off!", "unsubscribe me from this rubbish right now", "opt me out of these", "please don't send any more of these",
    ];
    let lost: Vec<_> = sayings.iter().filter(|text| !read(text, false).opts_out()).collect();
    assert!(lost.is_empty(), "{lost:?}");
    let unsure = ["ok stop it", "I asked you to stop three times already", "why won't this unsubscribe thing work", "Can I cancel these messages somehow at all", "when will you end this harassment for good", "I told your colleague that I revoked my consent"];
    for text in unsure {
        assert_eq!(read(text, false), Unsure, "{text:?}");
    }
    assert!(stops.len() + sayings.len() + unsure.len() > 60);
}

#[test]
fn yes_starts_only_as_an_answer() {
    assert_eq!((read("Yes!", true), read("Yes!", false), read("yes but not today", true)), (Start, Other, Other));
    assert_eq!((read("yes stop", true), read("stop", true)), (Stop, Stop));
}

#[test]
fn what_opts_out_and_what_waits() {
    assert!(Stop.opts_out() && StopReview.opts_out() && WrongNumber.opts_out() && !Unsure.opts_out() && !Start.opts_out() && !Help.opts_out());
    assert!(StopReview.needs_a_person() && WrongNumber.needs_a_person() && Unsure.needs_a_person() && Other.needs_a_person() && !Stop.needs_a_person() && !Help.needs_a_person());
    for meaning in ReplyMeaning::ALL {
        assert_eq!(!meaning.suppresses("").is_empty(), meaning.opts_out(), "{meaning}");
        assert_eq!(meaning.inferred().is_some(), meaning.opts_out() && meaning.needs_a_person(), "{meaning}: what a person may take back is what they are asked about");
    }
    let stops = |meaning: ReplyMeaning, channel| meaning.suppresses("").iter().any(|entry| entry.scope.covers(channel));
    assert_eq!([Stop, StopReview, WrongNumber].map(|meaning| (stops(meaning, Channel::Sms), stops(meaning, Channel::Voice))), [(true, false), (true, false), (true, true)], "a stranger is not called either");
}

/// The number may be theirs after all: then what they asked for besides stands.
#[test]
fn a_stop_beside_a_wrong_number_is_an_opt_out_too() {
    let both = [
        "wrong number, stop", "Stop, wrong number", "please stop, you've got the wrong person", "Wrong number. Take me off your list", "STOP. You have the wrong number",
        "You have got the wrong number mate, STOP", "Stop! Wrong person, I owe you no debt", "I don't know this person. Unsubscribe", "no one by that name here, not my number, remove me",
    ];
    for text in both {
        assert_eq!(read(text, false), WrongNumber, "{text}");
        assert_eq!(WrongNumber.suppresses(text), [WRONG_PERSON, OPT_OUT], "{text}");
    }
    for text in ["wrong number", "I don't know this person", "wrong person, when will this ever end for me", "wrong number, don't stop", "wrong person, cancel my order"] {
        assert_eq!((read(text, false), WrongNumber.suppresses(text)), (WrongNumber, &[WRONG_PERSON][..]), "{text}");
    }
    assert_eq!(WrongNumber.inferred(), Some(WRONG_PERSON));
}

proptest! {
    /// However it is dressed, a bare word of the set stops; and whatever holds one is at least looked at.
    #[test]
    fn dress_does_not_hide_a_stop(word in prop::sample::select(STOP), before in "[ .,!?'\"*()🛑]{0,6}", after in "[ .,!?'\"*()🙏\n]{0,6}", upper: bool) {
        let word = if upper { word.to_uppercase() } else { word.to_owned() };
        prop_assert_eq!(read(&format!("{before}{word}{after}"), false), Stop);
    }

    #[test]
    fn a_stop_word_is_never_lost(before in "[a-z]{1,9}( [a-z]{1,9}){0,12}", word in prop::sample::select(STOP), after in "[a-z]{1,9}( [a-z]{1,9}){0,12}") {
        let meaning = read(&format!("{before} {word} {after}"), false);
        prop_assert!(matches!(meaning, Stop | StopReview | WrongNumber | Unsure));
    }

    #[test]
    fn reads_anything(text in "\\PC{0,300}", awaits: bool) {
        let _ = read(&text, awaits);
    }
}
