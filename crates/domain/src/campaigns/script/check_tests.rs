use super::*;
use crate::campaigns::template::{TemplateError, TemplateFault};

pub const WORLD: ScriptWorld<'static> = ScriptWorld { fields: &["first_name", "reference"], prompts: &["welcome", "beep"], targets: &["collections"] };

/// A script that uses every kind of step.
pub const GOOD: &str = r##"
language = "en-GB"
start = "greeting"
machine = "leave"
fallback = "beep"
information = { text = "This is a call for North Bank. We had nobody free to speak with you. Call 020 7946 0100 to hear more or to stop these calls." }

[steps.greeting]
do = "say"
text = "Hello {first_name|there}, this is North Bank."
next = "who"

[steps.who]
do = "branch"
on = "answered_by"
cases = { human = "menu", machine = "leave" }
otherwise = "bye"

[steps.menu]
do = "gather"
speech = { text = "Press 1 to speak with us, 2 to leave word, 9 not to be called again." }
keys = { 1 = "connect", 2 = "code", 9 = "stop" }
invalid = "bye"
timeout = "bye"

[steps.code]
do = "gather"
speech = { prompt = "welcome" }
digits_max = 4
end_key = "#"
retries = 1
other = "check_code"
invalid = "bye"
timeout = "bye"

[steps.check_code]
do = "branch"
on = "code"
cases = { 1234 = "word" }
otherwise = "menu"

[steps.word]
do = "record"
speech = { text = "Speak after the tone.", voice = "amy" }
record_ms_max = 30000
end_key = "#"
next = "hush"

[steps.hush]
do = "pause_recording"
next = "hear"

[steps.hear]
do = "resume_recording"
next = "bye"

[steps.connect]
do = "transfer"
target = "collections"
otherwise = "bye"

[steps.stop]
do = "opt_out"
speech = { text = "You will not be called again.", language = "en-GB" }

[steps.leave]
do = "voicemail_drop"
speech = { text = "This is North Bank. Please call 020 7946 0100." }

[steps.bye]
do = "play"
prompt = "beep"
next = "end"

[steps.end]
do = "hang_up"
"##;

fn faults(text: &str) -> Vec<String> {
    Script::parse(text, &WORLD).expect_err("a fault").iter().map(ToString::to_string).collect()
}

/// The good script with one thing changed.
fn changed(from: &str, to: &str) -> Vec<String> {
    assert!(GOOD.contains(from), "{from}");
    faults(&GOOD.replacen(from, to, 1))
}

#[test]
fn reads_every_kind_of_step_from_toml_and_from_json() {
    let script = Script::parse(GOOD, &WORLD).unwrap_or_else(|faults| panic!("{faults:?}"));
    assert_eq!((script.steps.len(), script.fields(), script.targets()), (13, vec!["first_name"], vec!["collections"]));
    assert!(script.acts_on_machines());
    let document = ScriptDocument::read(GOOD).expect("reads");
    assert_eq!(ScriptDocument::read(&document.to_toml()), Ok(document.clone()));
    assert_eq!(ScriptDocument::read(&document.to_json()), Ok(document.clone()));
    assert_eq!(Script::parse(&document.to_json(), &WORLD), Ok(script));
}

#[test]
fn names_every_fault_with_its_step() {
    let cases: &[(&str, &str, &str)] = &[
        ("next = \"who\"", "next = \"nowhere\"", "step greeting: there is no step nowhere, to which next leads: name one that there is, or add it"),
        ("start = \"greeting\"", "start = \"hello\"", "there is no step hello, to which start leads: name one that there is, or add it"),
        ("next = \"who\"\n", "", "step greeting: no step is named by next: name the next step, or a step that hangs up"),
        ("timeout = \"bye\"\n", "", "step menu: no step is named by timeout: name the next step, or a step that hangs up"),
        ("{first_name|there}", "{first_name}", "step greeting: people without first_name would hear a gap: give it a fallback, such as {first_name|there}"),
        ("{first_name|there}", "{shoe|x}", "step greeting: character 7: there is no field shoe: use one of first_name, reference, or declare the field first"),
        ("prompt = \"beep\"", "prompt = \"boop\"", "step bye: there is no prompt boop: upload it, or choose one of welcome, beep"),
        ("fallback = \"beep\"", "fallback = \"boop\"", "there is no prompt boop: upload it, or choose one of welcome, beep"),
        ("to stop these calls.\" }", "to stop these calls.\", fallback = \"boop\" }", "there is no prompt boop: upload it, or choose one of welcome, beep"),
        ("{ prompt = \"welcome\" }", "{ prompt = \"welcome\", fallback = \"beep\" }", "step code: a prompt is never rendered: give a fallback to texts alone"),
        ("target = \"collections\"", "target = \"sales\"", "step connect: there is no transfer target sales: add it, or choose one of collections"),
        ("digits_max = 4", "digits_max = 40", "step code: choose 1 to 20 for digits_max: it is 40"),
        ("end_key = \"#\"\nretries", "end_key = \"x\"\nretries", "step code: 'x' is not a key: use 0-9, * or #"),
        ("9 = \"stop\"", "99 = \"stop\"", "step menu: \"99\" is not an entry of 1 to 1 keys of 0-9, * and # that can be made here"),
        ("cases = { 1234", "cases = { 12345", "step check_code: nobody can have entered \"12345\" at code, so this case is never taken: use an entry of 1 to 4 keys without its end key"),
        ("cases = { 1234", "cases = { \"12#\"", "step check_code: nobody can have entered \"12#\" at code, so this case is never taken: use an entry of 1 to 4 keys without its end key"),
        ("cases = { 1234", "cases = { 12x4", "step check_code: nobody can have entered \"12x4\" at code, so this case is never taken: use an entry of 1 to 4 keys without its end key"),
        ("on = \"code\"\ncases = { 1234", "on = \"menu\"\ncases = { 77", "step check_code: nobody can have entered \"77\" at menu, so this case is never taken: use one of 1, 2, 9"),
        ("on = \"code\"\ncases = { 1234", "on = \"menu\"\ncases = { 5", "step check_code: nobody can have entered \"5\" at menu, so this case is never taken: use one of 1, 2, 9"),
        ("9 = \"stop\"", "9 = \"nowhere\"", "step menu: there is no step nowhere, to which keys.9 leads: name one that there is, or add it"),
        ("on = \"code\"", "on = \"word\"", "step check_code: it branches on word, which is neither answered_by nor a step that gathers keys"),
        ("human = \"menu\"", "martian = \"menu\"", "step who: nobody is ever martian: use one of human, machine, voicemail_ready, fax, announcement, busy_tone, silence, unsure"),
        ("{ prompt = \"welcome\" }", "{ prompt = \"welcome\", text = \"x\" }", "step code: write either a text or the name of a prompt, not both and not neither"),
        ("language = \"en-GB\"\nstart", "language = \"English please\"\nstart", "\"English please\" is not a language: write a tag such as en-GB"),
    ];
    for (from, to, message) in cases {
        let found = changed(from, to);
        assert!(found.iter().any(|fault| fault == message), "{to}: {found:?}");
    }
    let both = faults(&GOOD.replace("prompt = \"beep\"", "prompt = \"boop\"").replace("{first_name|there}", "{first_name}"));
    assert_eq!(both.len(), 2, "all are named at once: {both:?}");
}

#[test]
fn reads_no_further_than_a_fault_in_the_writing_but_names_each_step() {
    let found = faults("language = \"en\"\nstart = \"a\"\n[steps.a]\ndo = \"shout\"\n[steps.b]\ndo = \"hang_up\"\nloudly = true\n");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("step a: it does not read: unknown variant `shout`") && found[1].starts_with("step b: it does not read: unknown field `loudly`"), "{found:?}");
    assert!(faults("language = ").join("").contains("it does not read"));
    assert!(faults(&format!("# {}", "x".repeat(70_000))).join("").contains("65536 bytes"));
    assert!(faults("language = \"en\"\nstart = \"a\"\n[steps]\n").join("").contains("there is no step yet"));
}

#[test]
fn sees_what_no_way_leads_to_and_what_goes_round_for_ever() {
    assert_eq!(changed("9 = \"stop\"", "9 = \"bye\""), ["step stop: no way leads here: name it as the next step of another, or remove it"]);
    let round = changed("next = \"end\"", "next = \"greeting\"");
    assert!(round.iter().any(|fault| fault.contains("goes round for ever") && fault.contains("greeting → who")), "{round:?}");
    let asks_for_ever = changed("invalid = \"bye\"\ntimeout = \"bye\"\n\n[steps.code]", "invalid = \"bye\"\ntimeout = \"menu\"\n\n[steps.code]");
    assert!(asks_for_ever.iter().any(|fault| fault == "step menu: a person who presses nothing goes round for ever: menu"), "{asks_for_ever:?}");
    assert!(Script::parse(&GOOD.replacen("retries = 1", "retries = 0", 1), &WORLD).is_ok(), "round by a key is allowed: check_code leads back to the menu");
    let none = faults(&GOOD.replace("information = ", "# "));
    assert_eq!(none, ["a script that puts people through needs an information message for when no agent is there"]);
}

#[test]
fn a_text_that_is_too_long_is_named() {
    let script = GOOD.replacen("this is North Bank.", &"x".repeat(1_531), 1);
    let errors = Script::parse(&script, &WORLD).expect_err("too long");
    assert_eq!(errors, [ScriptFault::of("greeting", K::Text(TemplateError { position: 1_531, fault: TemplateFault::TooLong }))]);
}

#[test]
fn a_tenant_that_has_none_is_not_told_to_choose_one() {
    let nothing = ScriptWorld { prompts: &[], targets: &[], ..WORLD };
    let found: Vec<String> = Script::parse(GOOD, &nothing).expect_err("faults").iter().map(ToString::to_string).collect();
    assert!(found.contains(&"step bye: there is no prompt beep: upload it".to_owned()), "{found:?}");
    assert!(found.contains(&"step connect: there is no transfer target collections: add it".to_owned()), "{found:?}");
    assert!(!found.iter().any(|fault| fault.contains("choose one of")), "{found:?}");
}

/// A page begins a fault with a capital letter, which no key, name or entry may get.
#[test]
fn no_fault_begins_with_what_stands_in_the_script() {
    let (key, name, entry) = ("keys.9", "bye".to_owned(), "77".to_owned());
    let kinds = [
        K::NoSuchStep { key: key.into(), name: name.clone() },
        K::DeadEnd { key },
        K::NoSuchPrompt { name: name.clone(), known: String::new() },
        K::NoSuchTarget { name: name.clone(), known: name.clone() },
        K::OutOfRange { key, value: 1, min: 2, max: 3 },
        K::NeverEntered { entry, gather: name.clone(), known: String::new(), digits_max: 1 },
        K::BranchOn { on: name.clone() },
        K::BadCase { case: name.clone(), known: name },
    ];
    for kind in kinds {
        let told = kind.to_string();
        assert!(!["keys", "bye", "\"77"].iter().any(|held| told.starts_with(held)), "{told}");
    }
}

/// A script of one step.
fn script_of(name: &str, step: &str) -> Script {
    let text = format!("language = \"en-GB\"\nstart = \"{name}\"\ninformation = {{ prompt = \"beep\" }}\n[steps.{name}]\n{step}\n");
    Script::parse(&text, &WORLD).unwrap_or_else(|faults| panic!("{faults:?}"))
}

#[test]
fn reads_as_a_tree() {
    let script = Script::parse(GOOD, &WORLD).expect("good");
    let text = script.tree_text();
    assert!(text.starts_with("start: greeting: say “Hello {first_name|there}, this is North Bank.”\nthen: who: by who answered\n    if human: menu: say “Press 1"), "{text}");
    assert!(text.contains("        on 9: stop: never call again, then say “You will not be called again.”\n"), "{text}");
    assert!(text.contains("↑ as above") && text.contains("when a machine is heard: leave: ↑ as above"), "{text}");
    let names: std::collections::BTreeSet<String> = script.tree().into_iter().map(|line| line.step).collect();
    assert_eq!(names.len(), 13, "every step is in it");
    assert!(!text.contains("nothing is heard"), "{text}");
    let straight = script_of("greeting", "do = \"transfer\"\ntarget = \"collections\"").tree_text();
    assert!(straight.starts_with("start: greeting: put through to collections, rung for 20 s; nothing is heard before or meanwhile, so agents have 2 s"), "{straight}");
    let spoken = script_of("greeting", "do = \"transfer\"\ntarget = \"collections\"\nspeech = { prompt = \"welcome\" }").tree_text();
    assert!(!spoken.contains("nothing is heard"), "{spoken}");
}
