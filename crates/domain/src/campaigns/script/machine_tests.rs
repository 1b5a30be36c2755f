use super::*;
use crate::campaigns::script::check::tests::{GOOD, WORLD};
use ScriptEvent as E;
use proptest::prelude::*;

fn script(text: &str) -> Arc<Script> {
    Arc::new(Script::parse(text, &WORLD).unwrap_or_else(|faults| panic!("{faults:?}")))
}

/// What the machine did, in words: the steps and actions in order.
struct Run {
    machine: ScriptMachine,
    did: Vec<String>,
}

impl Run {
    fn start(text: &str, by: AnsweredBy) -> Self {
        let (machine, order) = ScriptMachine::start(script(text), by);
        let mut run = Self { machine, did: Vec::new() };
        run.note(Some(order));
        run
    }

    fn note(&mut self, order: Option<Order>) {
        let Some(order) = order else { return };
        assert_eq!(order.turn, self.machine.turn());
        let step = order.step.map_or("-".to_owned(), |id| self.machine.script.step(id).name.clone());
        let what = match order.action {
            Action::Play { why: PlayedFor::Message, .. } => "play".to_owned(),
            Action::Play { why, .. } => format!("{why:?}").to_lowercase(),
            Action::Wait { ms } => format!("wait {ms}"),
            Action::PutThrough { target, .. } => format!("put through to {target}"),
            Action::AwaitVoicemail { .. } => "await voicemail".into(),
            Action::Record { ms_max, silence_ms_max } => format!("record {ms_max} or {silence_ms_max} of silence"),
            Action::PauseRecording { is_paused } => (if is_paused { "pause" } else { "resume" }).into(),
            Action::Suppress => "suppress".into(),
            Action::HangUp(end) => format!("end {end}"),
        };
        self.did.push(format!("{step}: {what}"));
    }

    fn on(mut self, event: impl FnOnce(u32) -> ScriptEvent) -> Self {
        let order = self.machine.on(event(self.machine.turn()));
        self.note(order);
        self
    }

    fn played(self) -> Self {
        self.on(|turn| E::Played { turn })
    }

    fn key(self, key: char) -> Self {
        self.on(|_| E::Key(key))
    }

    fn timed_out(self) -> Self {
        self.on(|turn| E::TimedOut { turn })
    }

    fn last(&self) -> &str {
        self.did.last().expect("something was done")
    }
}

fn person() -> Run {
    Run::start(GOOD, AnsweredBy::Unsure)
}

#[test]
fn puts_a_person_through_who_presses_the_key() {
    let run = person().played().key('1').on(|turn| E::Bridged { turn }).on(|turn| E::AgentLeft { turn });
    assert_eq!(run.did, ["greeting: play", "menu: play", "connect: put through to collections", "-: end put_through"]);
    assert!(run.machine.result().put_through && run.machine.is_over());
    assert_eq!(run.machine.result().entries.get("menu").map(String::as_str), Some("1"));
}

#[test]
fn plays_the_information_message_when_no_agent_comes() {
    let run = person().played().key('1').on(|turn| E::NotPutThrough { turn }).played();
    assert_eq!(&run.did[2..], ["connect: put through to collections", "-: information", "bye: play"], "then the way of otherwise");
    let run = run.played();
    assert_eq!(run.last(), "-: end no_agent");
    assert!(run.machine.result().no_agent && !run.machine.result().put_through);
}

#[test]
fn suppresses_before_it_says_so() {
    let run = person().played().key('9');
    assert_eq!((run.last(), run.machine.result().opted_out), ("stop: suppress", false));
    let run = run.on(|turn| E::Suppressed { turn });
    assert_eq!((run.last(), run.machine.result().opted_out), ("stop: play", true));
    assert_eq!(run.played().last(), "-: end opted_out");
}

#[test]
fn asks_again_and_then_goes_its_way() {
    let run = person().played().played().timed_out().key('5').played().timed_out().played();
    assert_eq!(&run.did[1..], ["menu: play", "menu: wait 5000", "menu: play", "menu: play", "menu: wait 5000", "bye: play", "-: end finished"], "a wrong key and nothing at all use up the same three tries");
}

#[test]
fn takes_several_keys_with_time_between_and_an_end_key() {
    let code = |keys: &str| keys.chars().fold(person().played().key('2'), Run::key);
    assert_eq!(code("1234").last(), "word: play", "full");
    assert_eq!(code("12").last(), "code: wait 3000");
    let short = code("12#");
    assert_eq!((short.last(), short.machine.result().entries["code"].as_str()), ("menu: play", "12"), "ended early, another entry");
    assert_eq!(code("12").timed_out().last(), "menu: play", "time between keys is over");
    assert_eq!(code("#").last(), "code: play", "an empty entry is a wrong one");
    let record = code("1234").played();
    assert_eq!(record.last(), "word: record 30000 or 5000 of silence");
    let record = record.key('5');
    assert_eq!(record.last(), "word: record 30000 or 5000 of silence", "only its end key ends a recording");
    let ended = record.key('#');
    assert_eq!(ended.last(), "hush: pause");
    let heard = ended.on(|turn| E::Recorded { turn }).on(|turn| E::Recorded { turn });
    assert_eq!(heard.did[heard.did.len() - 4..], ["word: record 30000 or 5000 of silence", "hush: pause", "hear: resume", "bye: play"]);
    assert_eq!(code("1234").played().on(|turn| E::Recorded { turn }).last(), "hush: pause", "time or silence ended it");
}

#[test]
fn a_key_before_its_question_is_kept() {
    let run = person().key('9');
    assert_eq!(run.last(), "greeting: play", "a branch comes next: the greeting goes on");
    assert_eq!(run.played().last(), "stop: suppress");
}

#[test]
fn leaves_a_message_once_the_voicemail_is_ready() {
    let run = person().on(|_| E::Judged(AnsweredBy::Machine));
    assert_eq!(run.last(), "leave: await voicemail");
    let run = run.on(|_| E::Judged(AnsweredBy::VoicemailReady)).played();
    assert_eq!(&run.did[2..], ["leave: voicemail", "-: end voicemail_left"]);
    assert!(run.machine.result().voicemail_left);
    let never = person().on(|_| E::Judged(AnsweredBy::Machine)).timed_out();
    assert_eq!((never.last(), never.machine.result().voicemail_left), ("-: end finished", false));
    assert_eq!(Run::start(GOOD, AnsweredBy::VoicemailReady).last(), "leave: voicemail", "known at the answer");
}

#[test]
fn hangs_up_on_a_fax_and_believes_a_key_more_than_the_detector() {
    assert_eq!(person().on(|_| E::Judged(AnsweredBy::Fax)).last(), "-: end not_a_person");
    let run = person().played().key('2').on(|_| E::Judged(AnsweredBy::Machine)).on(|_| E::Judged(AnsweredBy::Fax));
    assert_eq!(run.last(), "code: play");
    assert_eq!(person().on(|_| E::Judged(AnsweredBy::Silence)).last(), "greeting: play", "silence is no machine");
}

#[test]
fn what_comes_late_changes_nothing() {
    let run = person();
    let first = run.machine.turn();
    let mut run = run.played();
    for event in [E::Played { turn: first }, E::TimedOut { turn: first }, E::Bridged { turn: first }, E::Suppressed { turn: first }, E::Recorded { turn: first }, E::Key('x')] {
        let order = run.machine.on(event);
        assert_eq!(order, None, "{event:?}");
    }
    let mut run = run.on(|_| E::HungUp);
    assert!(run.machine.is_over());
    assert_eq!(run.machine.on(E::Key('1')), None);
}

#[test]
fn branches_treat_doubt_as_a_person_unless_they_say_otherwise() {
    let text = "language = \"en\"\nstart = \"who\"\n[steps.who]\ndo = \"branch\"\non = \"answered_by\"\ncases = { human = \"a\", machine = \"b\" }\notherwise = \"c\"\n[steps.a]\ndo = \"play\"\nprompt = \"welcome\"\nnext = \"c\"\n[steps.b]\ndo = \"play\"\nprompt = \"beep\"\nnext = \"c\"\n[steps.c]\ndo = \"hang_up\"\n";
    for (by, first) in [(AnsweredBy::Human, "a: play"), (AnsweredBy::Unsure, "a: play"), (AnsweredBy::Silence, "a: play"), (AnsweredBy::Machine, "b: play"), (AnsweredBy::VoicemailReady, "b: play")] {
        assert_eq!(Run::start(text, by).last(), first, "{by}");
    }
    assert_eq!(Run::start(&text.replace("machine = ", "unsure = "), AnsweredBy::Unsure).last(), "b: play");
}

/// A random script over a few steps: most do not pass the check, and those that do must always end.
pub fn any_script() -> impl Strategy<Value = String> {
    let way = prop::sample::select(vec!["a", "b", "c", "d", "end"]);
    let step = (0u8..10, way.clone(), way.clone(), way.clone(), way).prop_map(|(kind, w, x, y, z)| match kind {
        0 => format!("do = \"play\"\nprompt = \"beep\"\nnext = \"{w}\"\n"),
        1 | 2 => format!("do = \"gather\"\nspeech = {{ prompt = \"beep\" }}\ndigits_max = 2\nkeys = {{ 1 = \"{w}\", 23 = \"{x}\" }}\ninvalid = \"{y}\"\ntimeout = \"{z}\"\n"),
        3 => format!("do = \"branch\"\non = \"answered_by\"\ncases = {{ human = \"{w}\", machine = \"{x}\" }}\notherwise = \"{y}\"\n"),
        4 => format!("do = \"transfer\"\ntarget = \"collections\"\notherwise = \"{w}\"\nnext = \"{x}\"\n"),
        5 => format!("do = \"voicemail_drop\"\nspeech = {{ prompt = \"beep\" }}\nnext = \"{w}\"\n"),
        6 => format!("do = \"record\"\nnext = \"{w}\"\n"),
        7 => format!("do = \"pause_recording\"\nnext = \"{w}\"\n"),
        8 => format!("do = \"resume_recording\"\nnext = \"{w}\"\n"),
        _ => format!("do = \"opt_out\"\nspeech = {{ prompt = \"beep\" }}\nnext = \"{w}\"\n"),
    });
    prop::array::uniform4(step).prop_map(|steps| {
        let head = "language = \"en\"\nstart = \"a\"\nmachine = \"b\"\ninformation = { prompt = \"welcome\" }\n[steps.end]\ndo = \"hang_up\"\n".to_owned();
        steps.into_iter().zip(["a", "b", "c", "d"]).fold(head, |text, (step, name)| format!("{text}[steps.{name}]\n{step}"))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, max_local_rejects: 1_000_000, max_global_rejects: 200_000, ..ProptestConfig::default() })]

    /// Whatever is pressed and heard, a script that passed its check ends within its bounds.
    #[test]
    fn always_ends(text in any_script(), events in prop::collection::vec((0u8..12, prop::sample::select(vec!['1', '2', '3', '#', '9']), prop::sample::select(AnsweredBy::ALL)), 1..40)) {
        let Ok(script) = Script::parse(&text, &WORLD) else { return Ok(()) };
        let (mut machine, order) = ScriptMachine::start(Arc::new(script), AnsweredBy::Unsure);
        let mut action = order.action;
        let mut taken = 0u32;
        'call: loop {
            for (kind, key, by) in &events {
                if machine.is_over() { break 'call; }
                taken += 1;
                prop_assert!(taken < 3_000, "still going:\n{}", text);
                let turn = machine.turn();
                // What the holder of the call does with an order, or something that happens by itself.
                let event = match (kind, &action) {
                    (0..=2, _) => E::Key(*key),
                    (3, _) => E::Judged(*by),
                    (4, Action::PutThrough { .. }) => E::NotPutThrough { turn },
                    (_, Action::Play { .. }) => E::Played { turn },
                    (_, Action::Wait { .. } | Action::AwaitVoicemail { .. }) => E::TimedOut { turn },
                    (5..=7, Action::PutThrough { .. }) => E::Bridged { turn },
                    (8, Action::PutThrough { .. }) => E::AgentLeft { turn },
                    (_, Action::PutThrough { .. }) => E::NotPutThrough { turn },
                    (_, Action::Record { .. } | Action::PauseRecording { .. }) => E::Recorded { turn },
                    (_, Action::Suppress) => E::Suppressed { turn },
                    (_, Action::HangUp(_)) => E::HungUp,
                };
                if let Some(order) = machine.on(event) { action = order.action; }
                if let (E::Bridged { .. }, Action::PutThrough { .. }) = (event, &action)
                    && let Some(order) = machine.on(E::AgentLeft { turn })
                {
                    action = order.action;
                }
            }
            // Nobody presses anything any more.
            let turn = machine.turn();
            for event in [E::Played { turn }, E::TimedOut { turn }, E::NotPutThrough { turn }, E::AgentLeft { turn }, E::Recorded { turn }, E::Suppressed { turn }] {
                if let Some(order) = machine.on(event) { action = order.action; break; }
            }
        }
    }

    /// Silence alone ends every good script long before the bound on steps: the check's promise about endless loops.
    #[test]
    fn silence_ends_it_soon(text in any_script()) {
        let Ok(script) = Script::parse(&text, &WORLD) else { return Ok(()) };
        let (mut machine, _) = ScriptMachine::start(Arc::new(script), AnsweredBy::Human);
        for _ in 0..40 {
            let turn = machine.turn();
            for event in [E::Played { turn }, E::TimedOut { turn }, E::NotPutThrough { turn }, E::Recorded { turn }, E::Suppressed { turn }] {
                if machine.on(event).is_some() { break; }
            }
        }
        prop_assert!(machine.is_over(), "{}", text);
    }
}
