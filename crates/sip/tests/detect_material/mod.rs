//! People, machines and networks as they sound on a line: spoken by `espeak-ng`, `flite` and Asterisk's recorded prompts,
//! or made of tones, then put through level, noise, either law and packet loss. Made when the test runs, from a seed.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use clarion_sip::media::g711;
use clarion_sip::media::prompt::{PromptLimits, load};
use clarion_sip::negotiated::Codec;

pub struct Chance(pub u64);

impl Chance {
    pub fn unit(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }

    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    pub fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[((self.unit() * all.len() as f32) as usize).min(all.len() - 1)]
    }

    fn normal(&mut self) -> f32 {
        (0..6).map(|_| self.unit()).sum::<f32>() * 1.414 - 4.243
    }
}

/// Words and voices of one half of the material; no word and no voice is in both halves.
pub struct Half {
    pub short: &'static [&'static str],
    pub long: &'static [&'static str],
    pub greetings: &'static [&'static str],
    pub recorded: &'static [&'static [&'static str]],
    pub voices: &'static [Speaker],
}

#[derive(Debug, Clone, Copy)]
pub enum Speaker {
    Espeak { voice: &'static str, words_a_minute: u32, pitch: u32 },
    Flite(&'static str),
}

const fn espeak(voice: &'static str, words_a_minute: u32, pitch: u32) -> Speaker {
    Speaker::Espeak { voice, words_a_minute, pitch }
}

pub const TUNING: Half = Half {
    short: &["Hello?", "Hello.", "Yes?", "Hi.", "Hello, hello?", "Good morning.", "Hello, who is this?", "Yes, hello?", "Hi there.", "Speaking."],
    long: &["Good afternoon, Anna speaking, how can I help?", "Hello, this is Tom, who is calling please?", "Hi, sorry, just a second, I am driving. Who is it?", "Baker and Sons, this is Peter, how may I help you?", "Building Supplies, good morning, how may I direct your call?"],
    greetings: &[
        "Hi, this is Sarah. I can't come to the phone right now. Please leave a message after the tone and I will call you back.",
        "Hello, you have reached the voicemail of John Miller. Please leave your name and number after the beep.",
        "The person you are calling is not available. Please leave a message after the tone.",
        "Welcome to the messaging service. The person you called cannot take your call at the moment. To leave a message, wait for the tone.",
    ],
    recorded: &[&["vm-theperson", "digits/1", "digits/2", "digits/3", "vm-isunavail", "vm-intro"], &["vm-intro"]],
    voices: &[espeak("en-gb", 165, 45), espeak("en-us+m3", 150, 40), espeak("en-gb+f2", 185, 60), espeak("en-gb-scotland+m5", 140, 50), Speaker::Flite("slt"), Speaker::Flite("awb")],
};

pub const HOLDOUT: Half = Half {
    short: &["Hello, yes?", "Yeah?", "Hallo?", "Hey.", "Who's that?", "Good evening.", "Yes, who is it?", "Hello, speaking.", "Mm, hello?", "Hi, hello."],
    long: &["Good morning, Green Street Dental, Karen speaking.", "Hello, Johnson household, can I ask who is calling?", "Yes, hello, could you speak up, I can hardly hear you?", "Parker and partners, good afternoon, how may I direct your call?"],
    greetings: &[
        "You've reached Emma's phone. I'm sorry that I missed you. Leave me a message, and I'll get back to you as soon as I can. Thanks.",
        "Hi, we are not at home at the moment. If you leave your name, number and a short message, we will ring you back. Bye.",
        "Your call has been forwarded to an automatic voice message system. At the tone, please record your message. When you have finished, you may hang up.",
        "Thank you for calling. Our office is closed. Opening hours are Monday to Friday, nine to five. Please leave a message after the beep.",
    ],
    recorded: &[&["vm-nobodyavail", "vm-intro"], &["vm-theperson", "digits/7", "digits/7", "digits/0", "vm-isonphone", "vm-intro"]],
    voices: &[espeak("en-us", 175, 50), espeak("en-gb+m7", 155, 35), espeak("en-us+f4", 170, 65), espeak("en-gb-x-rp+f1", 190, 55), Speaker::Flite("rms"), Speaker::Flite("kal")],
};

/// More people, kept apart from both: enough to say how seldom one is called a machine. The detector is never tuned on them; whoever does
/// must write others.
pub const MANY: Half = Half {
    short: &[
        "Hello, yes?", "Yeah?", "Hallo?", "Hey.", "Who's that?", "Good evening.", "Yes, who is it?", "Hello, speaking.", "Mm, hello?", "Hi, hello.", "Morning.", "Evening, hello.", "Yes, good afternoon.",
        "Hello, can I help you?", "Hello, is that you?", "Alright?", "What now?", "Yes, hi.", "Go ahead.", "Okay, hello.", "Is somebody there?", "Who is calling?", "Oh, hi there.", "Hello, hello.", "This is she.", "Hi, yes, hello.",
        "Hello, who's speaking?", "Good day.", "Well, hello.", "Yup.", "Er, hello?", "Hello, it's me.", "I'm here.", "Yes, please?", "Hi, who's this?",
    ],
    long: &[
        "Good morning, Green Street Dental, Karen speaking.",
        "Hello, Johnson household, can I ask who is calling?",
        "Yes, hello, could you speak up, I can hardly hear you?",
        "Parker and partners, good afternoon, how may I direct your call?",
        "Hello, you've got through to Jim, what's it about?",
        "Hi, sorry, I was in the garden. Who is this, please?",
        "Good evening, the Rose and Crown, Alice here, table for how many?",
        "Hello? Hang on, I can't hear a thing. Hello? Yes?",
        "Yes, hello, is this about the parcel?",
        "Hello, sales, you're speaking to Deborah, good morning.",
        "Hi, it's not a good time, can you make it quick?",
        "Wilson Plumbing, hello, what can we do for you today?",
        "Oh, I thought that you were my daughter. Hello, who is it?",
        "Hello, Doctor Evans's surgery, please go ahead.",
    ],
    greetings: HOLDOUT.greetings,
    recorded: HOLDOUT.recorded,
    voices: &[
        espeak("en-us", 175, 50), espeak("en-gb+m7", 155, 35), espeak("en-us+f4", 170, 65), espeak("en-gb-x-rp+f1", 190, 55), Speaker::Flite("rms"), Speaker::Flite("kal"), espeak("en-029+f4", 160, 60), espeak("en-us+m5", 145, 40),
        espeak("en-gb-scotland+m7", 180, 45), espeak("en-gb-x-gbclan+f1", 150, 55), espeak("en-gb-x-gbcwmd+m7", 165, 40), espeak("en-gb+Alicia", 175, 50), espeak("en-us+Andy", 160, 45), espeak("en-gb+belinda", 185, 60),
    ],
};

/// What the trees of the detector are grown on: words, voices and prompts of which neither half has any.
pub const TRAINING: Half = Half {
    short: &["Hello there.", "Yep?", "Hiya.", "Hello, who's calling?", "Good afternoon.", "Hello, is anybody there?", "Yes, good morning.", "Ahoy.", "Yes, this is me.", "Who is it?", "Hello, hello, hello?", "Right, hello.", "What is it?", "Oh, hello, good evening to you."],
    long: &[
        "Hello, you are speaking with Martin, what can I do for you?",
        "Good morning, Harbour Hotel, reception, Julia speaking.",
        "Hang on, let me turn the radio down. Yes, hello?",
        "Oh, hi. I was just about to call you. How are things?",
        "Morning, accounts department, who would you like to speak to?",
        "Hello? Sorry, the line is bad. Can you say that again?",
        "City Garage, hello, this is Ben, what do you need?",
        "Hello, the Smiths. No, they are out, can I take something down?",
        "Hello, yes, I am here, please go ahead.",
        "Thanks for ringing Oak Lane Surgery, Priya here, how can I help?",
        "Yes? Who? I am sorry, I did not catch your name.",
        "One moment please. Right, I am with you now.",
    ],
    greetings: &[
        "Hello, it's David. I am busy right now. Send me a text or leave your details after the signal, and I will ring you.",
        "The mobile you have dialled is switched off. Please try again later, or speak after the tone.",
        "Hi. You know who this is, and you know what to do. Wait for the beep.",
        "You are through to the Parsons family. None of us is able to answer. Please tell us who you are and why you rang, and somebody will ring you back.",
        "This is the mailbox of extension four one two. The subscriber does not answer. Record your message now, and press hash when you are done.",
        "Good day. All of our advisers are helping other customers. Please hold the line, or leave your number, and we will be in touch.",
        "Sorry, I am on holiday until the third of June. For anything urgent, please contact my colleague. Otherwise, leave a note after the tone.",
        "We are sorry. The customer is not able to take calls. If you would like to leave a message, please speak clearly after the tone.",
        "Hello, and thanks for ringing North Street Books. The shop is shut today. We are open again tomorrow from ten. You can leave a message.",
        "Hey, Lucy here. Can't talk. Leave something nice.",
        "Hello. This number only takes messages. Say your name, your number and the best time to reach you. Thank you, and goodbye.",
        "Voicemail. Your call could not be answered. Please record your message after the tone. To end, simply hang up.",
    ],
    recorded: &[&["basic-pbx-ivr-main"], &["demo-congrats"], &["demo-instruct"], &["conf-adminmenu-162"], &["vm-options"], &["vm-tocallback", "vm-msginstruct"]],
    voices: &[
        espeak("en-gb+m1", 150, 45), espeak("en-us+m2", 170, 40), espeak("en-gb+f5", 160, 60), espeak("en-gb-scotland+f3", 175, 55), espeak("en-gb-x-gbclan+m4", 145, 50), espeak("en-us+f1", 190, 60),
        espeak("en-gb+m6", 130, 35), espeak("en-us+m8", 200, 45), espeak("en-gb-x-gbcwmd+f2", 165, 50), espeak("en-029+m1", 155, 50), espeak("en-us+f3", 140, 70), espeak("en-gb-x-rp+m2", 180, 40),
    ],
};

static SPOKEN: Mutex<Option<HashMap<String, Vec<i16>>>> = Mutex::new(None);

fn run(command: &mut Command) -> Vec<u8> {
    let done = command.output().unwrap_or_else(|error| panic!("{:?}: {error} (./test installs it)", command.get_program()));
    assert!(done.status.success(), "{:?}: {}", command.get_program(), String::from_utf8_lossy(&done.stderr));
    done.stdout
}

fn trimmed(audio: &[i16]) -> Vec<i16> {
    let loud = |block: &[i16]| block.iter().any(|sample| sample.unsigned_abs() > 250);
    let first = audio.chunks(80).position(loud).unwrap_or(0) * 80;
    let last = audio.len() - audio.rchunks(80).position(loud).unwrap_or(0) * 80;
    audio[first..last.max(first)].to_vec()
}

/// A text as somebody says it, levelled, without silence around it.
pub fn say(text: &str, speaker: Speaker) -> Vec<i16> {
    let (name, make): (String, Box<dyn Fn() -> Vec<u8>>) = match speaker {
        Speaker::Espeak { voice, words_a_minute, pitch } => {
            let text = text.to_owned();
            (format!("{voice} {words_a_minute} {pitch}: {text}"), Box::new(move || run(Command::new("espeak-ng").args(["--stdout", "-v", voice, "-s", &words_a_minute.to_string(), "-p", &pitch.to_string(), &text]))))
        }
        Speaker::Flite(voice) => {
            let text = text.to_owned();
            (format!("flite {voice}: {text}"), Box::new(move || {
                let file = tempfile::NamedTempFile::new().unwrap();
                run(Command::new("flite").args(["-voice", voice, "-t", &text, "-o"]).arg(file.path()));
                std::fs::read(file.path()).unwrap()
            }))
        }
    };
    kept(name, || load(make(), PromptLimits::default()).unwrap().audio.to_vec())
}

fn kept(name: String, make: impl FnOnce() -> Vec<i16>) -> Vec<i16> {
    if let Some(known) = SPOKEN.lock().unwrap().get_or_insert_default().get(&name) {
        return known.clone();
    }
    let audio = trimmed(&make());
    SPOKEN.lock().unwrap().get_or_insert_default().insert(name, audio.clone());
    audio
}

/// One of Asterisk's recorded prompts.
pub fn recorded(name: &str) -> Vec<i16> {
    let base = Path::new("/usr/share/asterisk/sounds");
    let path = ["en", "en_US_f_Allison"].map(|folder| base.join(folder).join(format!("{name}.wav"))).into_iter().find(|path| path.is_file());
    let path = path.unwrap_or_else(|| panic!("no recorded prompt {name} (./test installs asterisk-core-sounds-en-wav)"));
    kept(format!("recorded {name}"), || load(std::fs::read(path).unwrap(), PromptLimits::default()).unwrap().audio.to_vec())
}

pub fn quiet(ms: f32) -> Vec<i16> {
    vec![0; (ms * 8.0) as usize]
}

pub fn tones(hz: &[f32], ms: f32, peak: f32) -> Vec<i16> {
    let length = (ms * 8.0) as usize;
    (0..length).map(|n| {
        // No click at either end.
        let edge = (n.min(length - n) as f32 / 24.0).min(1.0);
        hz.iter().map(|hz| peak * edge * (std::f32::consts::TAU * hz * n as f32 / 8_000.0).sin()).sum::<f32>() as i16
    }).collect()
}

/// Somebody picks up, says something short (three in four) or up to 4.3 s of a firm's greeting, and waits; some ask again.
pub fn person(half: &Half, chance: &mut Chance) -> Vec<i16> {
    person_of(half, chance).0
}

/// The same, and whose voice says what.
pub fn person_of(half: &Half, chance: &mut Chance) -> (Vec<i16>, Speaker, &'static str) {
    let mut audio = quiet(chance.between(80.0, 1_600.0));
    let speaker = *chance.of(half.voices);
    let text = if chance.unit() < 0.75 { *chance.of(half.short) } else { *chance.of(half.long) };
    audio.extend(say(text, speaker));
    if chance.unit() < 0.4 {
        audio.extend(quiet(chance.between(1_200.0, 3_000.0)));
        audio.extend(say("Hello?", speaker));
    }
    audio.extend(quiet(7_000.0));
    (audio, speaker, text)
}

/// A greeting, most often a beep, and silence. Also gives where the beep ends.
pub fn machine(half: &Half, chance: &mut Chance) -> (Vec<i16>, Option<usize>) {
    let mut audio = quiet(chance.between(150.0, 1_500.0));
    if chance.unit() < 0.35 {
        for name in *chance.of(half.recorded) {
            audio.extend(recorded(name));
            audio.extend(quiet(chance.between(60.0, 260.0)));
        }
    } else {
        let text = *chance.of(half.greetings);
        audio.extend(say(text, *chance.of(half.voices)));
    }
    audio.extend(quiet(chance.between(150.0, 1_200.0)));
    let mut end = None;
    if chance.unit() < 0.9 {
        let hz = chance.between(420.0, 1_500.0);
        audio.extend(tones(&[hz], chance.between(150.0, 1_000.0), chance.between(3_000.0, 9_000.0)));
        end = Some(audio.len());
    }
    audio.extend(quiet(5_000.0));
    (audio, end)
}

/// As the line makes it: level, noise, law, loss.
pub fn line(audio: &[i16], chance: &mut Chance) -> Vec<i16> {
    let gain = 10f32.powf(chance.between(-14.0, 4.0) / 20.0);
    let snr_db = chance.between(14.0, 40.0);
    let noise = 3_276.0 * gain * 10f32.powf(-snr_db / 20.0);
    let codec = if chance.unit() < 0.5 { Codec::Pcma } else { Codec::Pcmu };
    let loss = if chance.unit() < 0.5 { 0.0 } else { chance.between(0.0, 0.04) };
    let mut colour = 0.0f32;
    let mut out = Vec::with_capacity(audio.len());
    for frame in audio.chunks(160) {
        let noisy: Vec<i16> = frame.iter().map(|sample| {
            // Between white and brown, as rooms are.
            colour = 0.8 * colour + chance.normal();
            (f32::from(*sample) * gain + noise * 0.6 * colour).clamp(-32_000.0, 32_000.0) as i16
        }).collect();
        let (mut bytes, mut decoded) = ([0u8; 160], [0i16; 160]);
        let length = g711::encode(codec, &noisy, &mut bytes);
        g711::decode(codec, &bytes[..length], &mut decoded);
        let lost = chance.unit() < loss;
        out.extend(decoded[..length].iter().map(|sample| if lost { 0 } else { *sample }));
    }
    out
}
