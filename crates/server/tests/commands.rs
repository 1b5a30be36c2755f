//! What the operator does by commands alone, with the real binary: trunks and routes from their making to their end, and what is said of mistakes.

mod support;

use serde_json::{Value, json};
use support::{Installation, installations, shown};

const SIP: &str = "kind = \"sip\"\nhosts = [\"sip.carrier.example\"]\n";

fn founded(all: Installation) -> Installation {
    all.ok(&["migrate"]);
    all.ok(&["create-tenant", "north", "--name", "Northwind Energy", "--numbers", "demo"]);
    all
}

fn written(all: &Installation, name: &str, text: &str) -> String {
    let path = all.path(name);
    std::fs::write(&path, text).expect("writes");
    shown(&path)
}

fn trunk(all: &Installation, name: &str) -> Value {
    let trunks = all.json(&["trunk", "list"]);
    trunks.as_array().expect("rows").iter().find(|trunk| trunk["name"] == name).cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn trunks_and_routes_are_changed_and_ended() {
    for all in installations("commands").await {
        tokio::task::block_in_place(|| changed_and_ended(&founded(all)));
    }
}

fn changed_and_ended(all: &Installation) {
    let settings = written(all, "trunk.toml", SIP);
    for (name, whose) in [("Shared", &["--shared"][..]), ("Own", &[])] {
        let made = all.json(&[&["trunk", "add", name, "--settings", &settings, "--tenant", "north", "--rate", "5"], whose].concat());
        let id = made["id"].as_str().expect("an id");
        let route = all.json(&[&["route", "add", id, "--tenant", "north"], whose].concat());
        let faster = format!("{name} faster");
        all.json(&[&["trunk", "change", name, "--tenant", "north", "--rate", "7", "--name", &faster], whose].concat());
        let now = trunk(all, &faster);
        assert_eq!((&now["id"], &now["rate_per_second"], &now["enabled"]), (&json!(id), &json!(7), &json!(true)));
        all.ok(&[&["trunk", "disable", id, "--tenant", "north"], whose].concat());
        assert_eq!(trunk(all, &faster)["enabled"], false);
        all.ok(&[&["trunk", "change", id, "--tenant", "north", "--rate", "8"], whose].concat());
        assert_eq!(trunk(all, &faster)["enabled"], false, "a change does not enable");
        all.ok(&[&["trunk", "enable", &faster, "--tenant", "north"], whose].concat());
        assert_eq!((trunk(all, &faster)["enabled"].clone(), trunk(all, &faster)["reason"].clone()), (json!(true), json!("not heard of yet")));
        let route = route["id"].as_str().expect("an id");
        all.ok(&[&["route", "remove", route, "--tenant", "north"], whose].concat());
        assert_eq!(all.fails(&[&["route", "remove", route, "--tenant", "north"], whose].concat()).0, 5);
    }
    assert_eq!(all.json(&["route", "list"]), json!([]));
    let (code, said) = all.fails(&["trunk", "disable", "Shared faster", "--tenant", "north"]);
    assert!(code == 5 && said.contains("add --shared"), "{said}");
    let (code, said) = all.fails(&["trunk", "disable", "Sharde", "--tenant", "north", "--shared"]);
    assert!(code == 5 && said.contains("Shared faster"), "{said}");
    assert_eq!(all.fails(&["trunk", "change", "Own faster", "--tenant", "north"]).0, 2, "nothing to change is no command");
    let acts = all.json(&["audit", "list", "--tenant", "north", "--kind", "trunk"]);
    let details: Vec<_> = acts.as_array().expect("rows").iter().map(|act| act["detail"].as_str().unwrap_or_default()).collect();
    assert_eq!(details.iter().filter(|detail| **detail == "disabled").count(), 4, "each of two, and a change while disabled: {acts:#}");
    assert_eq!(details.iter().filter(|detail| **detail == "enabled").count(), 2, "{acts:#}");
}

#[test]
fn a_trunk_that_registers_has_a_password_before_and_after() {
    let all = founded(Installation::new(None));
    let settings = written(&all, "trunk.toml", &format!("{SIP}username = \"northwind\"\nregister = true\n"));
    let password = written(&all, "password", "hush-hush\n");
    let add = ["trunk", "add", "Voice", "--settings", &settings, "--tenant", "north", "--rate", "5"];
    let (code, said) = all.fails(&add);
    assert!(code == 5 && said.contains("a trunk that registers needs its account's password"), "{said}");
    let (_, said) = all.fails(&["trunk", "add", "Voice", "--settings", &settings, "--password-file", &password, "--tenant", "north", "--rate", "0"]);
    assert!(said.contains("calls a second"), "{said}");
    all.ok(&[&add[..], &["--password-file", &password]].concat());
    all.ok(&["trunk", "change", "Voice", "--tenant", "north", "--settings", &settings]);
    let wrong = written(&all, "wrong.toml", &format!("{SIP}price_per_minute = \"a\"\n"));
    let (code, said) = all.fails(&["trunk", "change", "Voice", "--tenant", "north", "--settings", &wrong]);
    assert!(code == 5 && said.contains("wrong.toml: price_per_minute: invalid type: string \"a\""), "{said}");
}

#[test]
fn a_target_is_named_and_faults_stand_one_a_line() {
    let all = founded(Installation::new(None));
    all.ok(&["target", "add", "Centre", "+442079460100", "--tenant", "north", "--capacity", "3"]);
    all.ok(&["target", "free", "Centre", "2", "--tenant", "north"]);
    assert_eq!(all.json(&["target", "list", "--tenant", "north"])[0]["free"], 2);
    let (code, said) = all.fails(&["target", "free", "Center", "2", "--tenant", "north"]);
    assert!(code == 5 && said.contains("there are Centre"), "{said}");
    let script = written(&all, "script.toml", "language = \"en-GB\"\nstart = \"one\"\n[steps.one]\ndo = \"play\"\nprompt = \"hello\"\nnext = \"nowhere\"\n[steps.two]\ndo = \"transfer\"\ntarget = \"sales\"\n");
    let (code, said) = all.fails(&["script", "check", &script, "--tenant", "north"]);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!((code, lines[0]), (5, "clarion: the script cannot be used:"));
    assert!(lines.len() >= 4 && lines[1..].iter().any(|line| line.starts_with("  step one: ")) && lines[1..].iter().any(|line| line.starts_with("  step two: ")), "{said}");
    let help = all.ok(&["script", "check", "--help"]);
    assert!(!help.contains("[default: ]") && !help.contains("default: \"\""), "{help}");
    let help = all.ok(&["campaign", "--help"]);
    assert!(help.contains("Begin nothing more until it is resumed") && help.contains("Go on with a paused campaign"), "{help}");
}
