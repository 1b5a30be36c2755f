//! What is kept of spoken words, and for whom.

use super::*;
use clarion_domain::attempts::recording::wav;
use clarion_domain::campaigns::script::ScriptWorld;

const SAYS: &str = r#"
language = "en-GB"
start = "hello"

[steps.hello]
do = "say"
text = "Hello {first_name|there}"
next = "bye"

[steps.bye]
do = "hang_up"
"#;

/// A sound that can be told from another by its length.
fn sound(samples: usize) -> Piece {
    (0..samples).map(|n| if n % 8 < 4 { 3_000 } else { -3_000 }).collect()
}

fn said(words: &str) -> SpeechRequest {
    request(words, "en-GB", None)
}

/// A campaign's sounds before its first call; whatever is a person's own is spoken as the sound of this file.
fn sounds_by(file: &std::path::Path) -> Sounds {
    let engine = SpeechEngine::Command { program: "cat".into(), arguments: vec![file.display().to_string()] };
    Sounds {
        engine: Arc::new(engine),
        prompts: HashMap::new(),
        fixed: HashMap::from([(said("Hello "), sound(100)), (said("there"), sound(200))]),
        words: Mutex::default(),
        announcement: None,
        fallback: None,
        missing: HashSet::new(),
        why_missing: String::new(),
        prepared_at: Instant(0),
    }
}

#[tokio::test]
async fn whose_words_were_forgotten_while_their_phone_rang_hears_them_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ada.wav");
    let ada = sound(800);
    std::fs::write(&file, wav(1, &ada)).expect("a file");
    let script = Script::parse(SAYS, &ScriptWorld { fields: &["first_name"], ..ScriptWorld::default() }).unwrap_or_else(|faults| panic!("{faults:?}"));
    let (_, speech) = script.speeches().next().expect("a speech");
    let of = |name: &'static str| move |field: &str| (field == "first_name" && !name.is_empty()).then(|| name.to_owned());
    let heard = |sounds: &Sounds, own: &OwnWords, name| sounds.pieces(speech, own, of(name)).0.iter().map(|piece| piece.len()).collect::<Vec<_>>();

    let sounds = sounds_by(&file);
    let own = sounds.learn(&script, of("Ada")).await;
    assert!(sounds.remembered(&said("Ada")).is_some(), "for the next Ada");
    // So many others are called meanwhile.
    (0..WORDS_MAX).for_each(|other| sounds.remember(said(&format!("Ada {other}")), sound(400)));
    assert!(sounds.remembered(&said("Ada")).is_none(), "the premise: it has forgotten her");
    assert_eq!(heard(&sounds, &own, "Ada"), [100, 800]);
    assert_eq!(heard(&sounds, &own, "Ben"), [100, 200], "nobody hears what is another's");
    assert_eq!(heard(&sounds, &OwnWords::new(), ""), [100, 200]);
}
