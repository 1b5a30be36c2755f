//! How often the detector is right, as a table, on material that it was not tuned on.
//! `CONFUSION=tuning` with `--nocapture` prints the same for the half that it was tuned on.

mod detect_material;

use std::collections::BTreeMap;

use clarion_sip::detect::{Answer, DetectConfig, Detector, Verdict};
use clarion_sip::media::InBandKeys;
use detect_material::{Chance, HOLDOUT, Half, MANY, TUNING, line, machine, person, person_of, quiet, recorded, say, tones};

fn verdicts(audio: &[i16]) -> Vec<Verdict> {
    let mut detector = Detector::new(DetectConfig::default());
    audio.as_chunks::<160>().0.iter().filter_map(|frame| detector.hear(frame)).collect()
}

/// What the engine would know after six seconds: the last verdict by then.
fn by_six_seconds(verdicts: &[Verdict]) -> Option<Answer> {
    verdicts.iter().filter(|verdict| verdict.features.elapsed_ms <= 6_000).map(|verdict| verdict.answer).next_back()
}

#[derive(Default)]
struct Table {
    rows: BTreeMap<&'static str, BTreeMap<&'static str, u32>>,
}

fn name(answer: Option<Answer>) -> &'static str {
    match answer {
        None => "none",
        Some(Answer::Human) => "human",
        Some(Answer::Machine) => "machine",
        Some(Answer::VoicemailReady) => "voicemail ready",
        Some(Answer::Fax) => "fax",
        Some(Answer::NetworkAnnouncement) => "network",
        Some(Answer::Busy) => "busy",
        Some(Answer::Silence) => "silence",
        Some(Answer::Unsure) => "unsure",
    }
}

impl Table {
    fn count(&mut self, truth: &'static str, answer: Option<Answer>) {
        *self.rows.entry(truth).or_default().entry(name(answer)).or_default() += 1;
    }

    fn share(&self, truth: &str, answers: &[&str]) -> f64 {
        let row = &self.rows[truth];
        let right: u32 = answers.iter().filter_map(|answer| row.get(*answer)).sum();
        f64::from(right) / f64::from(row.values().sum::<u32>())
    }

    fn print(&self, title: &str) {
        let columns = ["human", "machine", "voicemail ready", "fax", "network", "busy", "silence", "unsure", "none"];
        println!("\n{title}\n{:16}{}", "", columns.map(|column| format!("{column:>16}")).concat());
        for (truth, row) in &self.rows {
            println!("{truth:16}{}", columns.map(|column| format!("{:>16}", row.get(column).copied().unwrap_or(0))).concat());
        }
    }
}

struct Outcome {
    first: Table,
    by_six: Table,
    beeps: u32,
    beeps_found: u32,
    beeps_false: u32,
    /// Milliseconds from the end of the first words to the verdict on a person.
    waits_ms: Vec<u32>,
    decided_ms: Vec<u32>,
}

/// Busy and congestion: tones, on, off.
const CADENCES: [(&[f32], f32, f32); 5] = [(&[400.0], 375.0, 375.0), (&[425.0], 500.0, 500.0), (&[425.0], 240.0, 240.0), (&[480.0, 620.0], 500.0, 500.0), (&[480.0, 620.0], 250.0, 250.0)];

fn network_sound(kind: usize, chance: &mut Chance) -> (&'static str, Vec<i16>) {
    let peak = chance.between(2_500.0, 9_000.0);
    let mut audio = quiet(chance.between(50.0, 1_500.0));
    let truth = match kind % 3 {
        0 => {
            audio.extend(tones(&[2_100.0 + chance.between(-12.0, 12.0)], chance.between(2_600.0, 4_000.0), peak));
            "fax"
        }
        1 => {
            let [low, middle, high] = *chance.of(&[[950.0, 1_400.0, 1_800.0], [985.2, 1_428.5, 1_776.7], [913.8, 1_370.6, 1_776.7]]);
            let ms = *chance.of(&[274.0, 330.0, 380.0]);
            for hz in [low, middle, high] {
                audio.extend(tones(&[hz + chance.between(-8.0, 8.0)], ms, peak));
                audio.extend(quiet(chance.between(0.0, 25.0)));
            }
            audio.extend(quiet(300.0));
            audio.extend(recorded("cannot-complete-as-dialed"));
            "network"
        }
        _ => {
            let (hz, on, off) = *chance.of(&CADENCES);
            for _ in 0..8 {
                audio.extend(tones(hz, on, peak / hz.len() as f32));
                audio.extend(quiet(off));
            }
            "busy"
        }
    };
    audio.extend(quiet(2_000.0));
    (truth, audio)
}

fn measure(half: &Half, seed: u64, people: u32, machines: u32, sounds: u32) -> Outcome {
    let mut chance = Chance(seed);
    let mut outcome = Outcome { first: Table::default(), by_six: Table::default(), beeps: 0, beeps_found: 0, beeps_false: 0, waits_ms: Vec::new(), decided_ms: Vec::new() };
    for _ in 0..people {
        let audio = line(&person(half, &mut chance), &mut chance);
        let all = verdicts(&audio);
        outcome.first.count("person", all.first().map(|verdict| verdict.answer));
        outcome.by_six.count("person", by_six_seconds(&all));
        outcome.beeps_false += all.iter().filter(|verdict| verdict.answer == Answer::VoicemailReady).count() as u32;
        if let Some(human) = all.iter().find(|verdict| verdict.answer == Answer::Human) {
            outcome.waits_ms.push(human.features.pause_ms);
            outcome.decided_ms.push(human.features.elapsed_ms);
        }
        if std::env::var("CONFUSION_SHOW").is_ok() && all.first().map(|verdict| verdict.answer) != Some(Answer::Human) {
            println!("person: {:?}", all.first());
        }
    }
    for _ in 0..machines {
        let (audio, beep_end) = machine(half, &mut chance);
        let all = verdicts(&line(&audio, &mut chance));
        outcome.first.count("machine", all.first().map(|verdict| verdict.answer));
        outcome.by_six.count("machine", by_six_seconds(&all));
        if std::env::var("CONFUSION_SHOW").is_ok() && all.first().map(|verdict| verdict.answer) != Some(Answer::Machine) {
            println!("machine: {:?}", all.first());
        }
        if let Some(end) = beep_end {
            let end_ms = (end / 8) as u32;
            outcome.beeps += 1;
            let found = all.iter().any(|verdict| verdict.evidence == clarion_sip::detect::Evidence::Beep && (end_ms..end_ms + 1_000).contains(&verdict.features.elapsed_ms));
            outcome.beeps_found += u32::from(found);
            if std::env::var("CONFUSION_SHOW").is_ok() && !found {
                println!("beep missed at {end_ms}: {:?}", all.last());
            }
        }
    }
    for n in 0..sounds {
        let (truth, audio) = network_sound(n as usize, &mut chance);
        let all = verdicts(&line(&audio, &mut chance));
        outcome.first.count(truth, all.first().map(|verdict| verdict.answer));
        outcome.by_six.count(truth, by_six_seconds(&all));
        if std::env::var("CONFUSION_SHOW").is_ok() && name(all.first().map(|verdict| verdict.answer)) != truth {
            println!("{truth}: {:?}", all.first());
        }
    }
    outcome
}

fn median(values: &mut [u32]) -> u32 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

#[test]
fn people_are_people_and_machines_are_found() {
    let tuning = std::env::var("CONFUSION").is_ok_and(|half| half == "tuning");
    let (half, seed) = if tuning { (&TUNING, 1) } else { (&HOLDOUT, 20_261_124) };
    let mut outcome = measure(half, seed, 600, 300, 180);
    outcome.first.print("First verdict (rows: truth)");
    outcome.by_six.print("Last verdict by 6 s");
    let beeps = f64::from(outcome.beeps_found) / f64::from(outcome.beeps);
    println!("\nbeeps found: {:.1} % of {}, false ones with people: {}", 100.0 * beeps, outcome.beeps, outcome.beeps_false);
    println!("a person is decided {} ms after the answer, {} ms after their words (medians)", median(&mut outcome.decided_ms), median(&mut outcome.waits_ms));
    let called_machine = outcome.first.share("person", &["machine", "voicemail ready"]).max(outcome.by_six.share("person", &["machine", "voicemail ready"]));
    assert!(called_machine <= 0.01, "people called machine: {called_machine}");
    let found = outcome.by_six.share("machine", &["machine", "voicemail ready"]);
    assert!(found >= 0.75, "voicemail by 6 s: {found}");
    assert!(beeps >= 0.95, "beeps: {beeps}");
    for truth in ["fax", "network", "busy"] {
        let right = outcome.first.share(truth, &[truth]);
        assert!(right >= 0.95, "{truth}: {right}");
    }
}

/// The share of which it can be said with 95 % confidence that no more are wrong, when so many of so many were: where a binomial count as small as
/// this becomes unlikely (Clopper and Pearson, one-sided).
fn bound_95(wrong: u32, of: u32) -> f64 {
    let as_few = |share: f64| {
        let mut term = (1.0 - share).powi(of as i32);
        let mut sum = term;
        for n in 0..wrong {
            term *= f64::from(of - n) / f64::from(n + 1) * share / (1.0 - share);
            sum += term;
        }
        sum
    };
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if as_few(middle) > 0.05 { low = middle } else { high = middle }
    }
    high
}

#[test]
fn bounds_are_those_of_the_books() {
    assert!((bound_95(0, 1_000) - 0.002_991).abs() < 1e-5, "{}", bound_95(0, 1_000));
    assert!((bound_95(1, 1_581) - 0.002_997).abs() < 1e-5, "{}", bound_95(1, 1_581));
    assert!((bound_95(5, 100) - 0.102_253).abs() < 1e-5, "{}", bound_95(5, 100));
}

/// The goals: of people who answer with a few words at most 3 in 1,000 called a machine at first or by 6 s, of all at most 1 in 100. The first is bounded with
/// 95 % confidence; the second holds of the sample, and is bounded where this sample bounds it.
const FEW_WORDS_MAX: f64 = 0.003;
const ALL_GOAL: f64 = 0.01;
const ALL_MAX: f64 = 0.0125;
/// Of all, at any time of the minute for which it listens, also after they were taken for people: there is no goal for it, and this much is known to hold.
const EVER_MAX: f64 = 0.015;

/// Of those who answer with a few words, which is the core set, enough people to say so; and of all, those who speak for longer among them. `CONFUSION_PEOPLE` asks for another number of people.
#[test]
fn of_many_people_hardly_anyone_is_called_a_machine() {
    let count: u32 = std::env::var("CONFUSION_PEOPLE").ok().and_then(|count| count.parse().ok()).unwrap_or(1_400);
    let mut chance = Chance(20_261_129);
    let (mut first, mut wrong, mut by_voice) = (Table::default(), BTreeMap::<&str, (u32, u32)>::new(), BTreeMap::<String, (u32, u32)>::new());
    let mut ever = 0;
    for _ in 0..count {
        let (audio, speaker, text) = person_of(&MANY, &mut chance);
        let truth = if MANY.short.contains(&text) { "few words" } else { "many words" };
        let all = verdicts(&line(&audio, &mut chance));
        first.count(truth, all.first().map(|verdict| verdict.answer));
        let is_machine = |answer: Option<Answer>| matches!(answer, Some(Answer::Machine | Answer::VoicemailReady));
        let is_wrong = is_machine(all.first().map(|verdict| verdict.answer)) || is_machine(by_six_seconds(&all));
        let is_ever = all.iter().any(|verdict| is_machine(Some(verdict.answer)));
        ever += u32::from(is_ever);
        if is_ever && std::env::var("CONFUSION_SHOW").is_ok() {
            println!("{speaker:?} says {text:?}: {all:?}");
        }
        for counted in [wrong.entry(truth).or_default(), by_voice.entry(format!("{speaker:?}")).or_default()] {
            *counted = (counted.0 + 1, counted.1 + u32::from(is_wrong));
        }
    }
    first.print("First verdict on many people");
    for (voice, (people, wrong)) in by_voice {
        println!("{voice:80}{people:>6} people{wrong:>4} called a machine");
    }
    for (what, (people, wrong)) in &wrong {
        println!("{what}: {wrong} of {people} called a machine at first or by 6 s: at most {:.2} % with 95 % confidence", 100.0 * bound_95(*wrong, *people));
    }
    println!("{ever} of {count} were called one at any time while the detector listened, also after they were taken for people");
    let (few, many) = (wrong["few words"], wrong["many words"]);
    let all = few.1 + many.1;
    println!("in all {all} of {count}: at most {:.2} %; at any time {ever}: at most {:.2} %", 100.0 * bound_95(all, count), 100.0 * bound_95(ever, count));
    assert!(bound_95(few.1, few.0) <= FEW_WORDS_MAX, "{} of {} who say a few words", few.1, few.0);
    assert!(f64::from(all) <= ALL_GOAL * f64::from(count) && bound_95(all, count) <= ALL_MAX, "{all} of {count} in all");
    assert!(bound_95(ever, count) <= EVER_MAX, "{ever} of {count} at any time");
}

/// Talk has no keys in it: minutes of many voices, and of recorded ones.
#[test]
fn no_key_is_heard_in_talk() {
    let mut chance = Chance(4);
    let (mut seconds, mut heard) = (0.0, Vec::new());
    for half in [&TUNING, &HOLDOUT] {
        for speaker in half.voices {
            for text in half.greetings.iter().chain(half.long) {
                let audio = line(&say(text, *speaker), &mut chance);
                let mut keys = InBandKeys::default();
                heard.extend(audio.as_chunks::<160>().0.iter().filter_map(|frame| keys.hear(frame)).map(|key| (key, *text)));
                seconds += audio.len() as f32 / 8_000.0;
            }
        }
    }
    for name in ["vm-intro", "vm-nobodyavail", "demo-congrats", "demo-instruct", "conf-adminmenu-162", "basic-pbx-ivr-main"] {
        let audio = recorded(name);
        let mut keys = InBandKeys::default();
        heard.extend(audio.as_chunks::<160>().0.iter().filter_map(|frame| keys.hear(frame)).map(|key| (key, name)));
        seconds += audio.len() as f32 / 8_000.0;
    }
    println!("{} keys in {seconds:.0} s of talk", heard.len());
    assert!(heard.is_empty(), "{heard:?}");
    assert!(seconds > 300.0);
}
