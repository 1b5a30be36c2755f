//! The commands by which files and lists come in, with good and with bad input, through the real binary on both databases.

#[path = "support/authority.rs"]
mod authority;
#[path = "doors/outward.rs"]
mod outward;
#[path = "support/receiver.rs"]
mod receiver;
mod support;

use serde_json::{Value, json};
use support::{Installation, installations, shown};

const TENANT: [&str; 2] = ["--tenant", "northwind"];

fn with<'a>(args: &[&'a str]) -> Vec<&'a str> {
    args.iter().copied().chain(TENANT).collect()
}

fn installed(all: &Installation) {
    all.ok(&["migrate"]);
    all.ok(&["create-tenant", "northwind", "--name", "Northwind", "--numbers", "demo", "--help-text", "Call 020 7946 0000."]);
}

fn file(all: &Installation, name: &str, bytes: impl AsRef<[u8]>) -> String {
    std::fs::write(all.path(name), bytes).expect("writes");
    shown(&all.path(name))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_says_what_is_wrong_and_leaves_nothing_behind() {
    for all in installations("doors_bad").await {
        tokio::task::block_in_place(|| {
            installed(&all);
            let huge = [b"phone,name\n07700 900001,\"".to_vec(), vec![b'x'; 20 << 20]].concat();
            let cases: [(&str, &[u8], &str, i32); 9] = [
                ("empty.csv", b"", "the file is empty", 5),
                ("blank.csv", b"\r\n \r\n", "the file is empty", 1),
                ("picture.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "the file is a picture", 1),
                ("noise.csv", &[0, 159, 146, 150, 0, 1, 2, 3], "the file is binary data", 1),
                ("headless.csv", b"07700 900001,Ada\n07700 900002,Grace\n", "the first line holds a contact", 1),
                ("colours.csv", b"colour,size\nred,5\n", "no column is the phone number", 1),
                ("alone.csv", b"phone,name\n", "a header and no lines after it", 1),
                ("huge.csv", &huge, "line 2 does not end within 16 MiB", 1),
                ("torn.xlsx", b"PK\x03\x04 and nothing more", "the workbook is damaged", 1),
            ];
            for (name, bytes, sentence, code) in cases {
                let path = file(&all, name, bytes);
                let (was, said) = all.fails(&with(&["import", &path, "--list", "Nobody", "--yes"]));
                assert!(said.contains(sentence) && was == code, "{}: {name}: {was}: {said}", all.database_name());
            }
            let (_, said) = all.fails(&with(&["import", &shown(&all.path("missing.csv")), "--list", "Nobody", "--yes"]));
            assert!(said.contains("No such file"), "{said}");
            let (_, said) = all.fails(&with(&["import", &shown(&all.path(".")), "--list", "Nobody", "--yes"]));
            assert!(said.contains("is a folder"), "{said}");
            let good = file(&all, "good.csv", "mobile,name\n07700 900001,Ada\n");
            let (_, said) = all.fails(&with(&["import", &good, "--list", "Nobody", "--yes", "--map", "first_name=Nom"]));
            assert!(said.contains("the file has no such column; it has mobile, name"), "{said}");
            assert_eq!(all.json(&with(&["list", "list"])), json!([]), "a refused file makes no list");
            let loaded = all.json(&with(&["import", &good, "--list", "Somebody", "--yes", "--map", "first_name=name"]));
            assert_eq!((&loaded["rows_loaded"], &loaded["state"]), (&json!(1), &json!("loaded")), "{loaded:#}");
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_lists_filters_and_suppressions_are_managed_by_command() {
    for all in installations("doors_lists").await {
        tokio::task::block_in_place(|| {
            installed(&all);
            all.ok(&with(&["field", "declare", "branch", "--purpose", "to name the nearest branch", "--retention-days", "60"]));
            assert_eq!(all.fails(&with(&["field", "declare", "phone", "--purpose", "to call people up", "--retention-days", "60"])).0, 5);
            let people = file(&all, "people.csv", "phone,Branch,shoe size\n07700 900001,Leeds,41\n07700 900002,York,42\n020 7946 0001,Leeds,43\n");
            let result = all.json(&with(&["import", &people, "--list", "Everybody", "--yes"]));
            assert_eq!((&result["rows_loaded"], &result["dropped_columns"]), (&json!(3), &json!(["shoe size"])));

            all.ok(&with(&["list", "create", "Others"]));
            assert_eq!(all.fails(&with(&["list", "create", "Others"])).0, 5, "a name is taken once");
            all.ok(&with(&["list", "rename", "Everybody", "Customers"]));
            let lists = all.json(&with(&["list", "list"]));
            assert_eq!((&lists[0]["name"], &lists[0]["members"], &lists[1]["name"]), (&json!("Customers"), &json!(3), &json!("Others")));
            all.ok(&with(&["list", "delete", "Others"]));
            assert_eq!(all.fails(&with(&["list", "delete", "Others"])).0, 5);

            all.ok(&with(&["filter", "save", "Mobiles in Leeds", "--on-list", "Customers", "--line-type", "mobile", "--region", "GB", "--field", "branch=leeds"]));
            let filters = all.json(&with(&["filter", "list"]));
            assert_eq!(filters[0]["people"], 1, "{filters:#}");
            for bad in [&["filter", "save", "Nothing"][..], &["filter", "save", "Odd", "--field", "shoe"], &["filter", "save", "Odd", "--on-list", "Nobody"]] {
                assert_eq!(all.fails(&with(bad)).0, 5, "{bad:?}");
            }
            assert_eq!(all.fails(&with(&["filter", "save", "Odd", "--region", "Britain"])).0, 2);
            all.ok(&with(&["filter", "delete", "Mobiles in Leeds"]));
            suppressions(&all);
        });
    }
}

fn suppressions(all: &Installation) {
    let stops = file(all, "stops.csv", "name;phone\nAda;07700 900001\nGrace;nobody\n");
    let terms = ["--source", "ticket 4711"];
    let import = |path: &str| all.json(&with(&["suppression", "import", path, terms[0], terms[1]]));
    assert_eq!(import(&stops), json!({"added": 1, "known": 0, "rejected": 1, "rejected_lines": [3]}));
    all.ok(&with(&["suppression", "add", "07700 900002", "--scope", "sms", "--reason", "objection"]));
    let checked = all.json(&with(&["suppression", "check", "07700900001"]));
    assert_eq!((&checked[0]["number"], &checked[0]["source"]), (&json!("…0001"), &json!("ticket 4711")), "numbers are masked");
    assert_eq!(all.json(&with(&["suppression", "list", "--reason", "objection"])).as_array().map(Vec::len), Some(1));

    let out = shown(&all.path("out.csv"));
    all.ok(&with(&["suppression", "export", &out]));
    let text = std::fs::read_to_string(&out).expect("the list");
    assert!(text.starts_with("number,scope,reason,source,since\r\n'+447700900002,sms,objection,,") && text.lines().count() == 3, "{text}");
    assert_eq!(import(&out)["added"], 1, "the one that was there for texts alone is there for everything now");

    let id = checked[0]["id"].as_str().expect("an id");
    assert_eq!(all.fails(&with(&["suppression", "lift", id, "--why", " "])).0, 5);
    all.ok(&with(&["suppression", "lift", id, "--why", "put on by mistake, ticket 4712"]));
    assert_eq!(all.json(&with(&["suppression", "check", "07700900001"])), json!([]));
    let exported: Value = all.json(&with(&["audit", "list", "--kind", "suppression", "--act", "exported"]));
    assert_eq!(exported.as_array().map(Vec::len), Some(1), "taking the list out is audited: {exported:#}");
    for (name, bytes, sentence) in [("none.csv", &b"phone\n"[..], "holds no number"), ("book.csv", b"PK\x03\x04", "save the list as CSV"), ("noise.csv", b"\0\x01\xff\0", "binary data")] {
        let path = file(all, name, bytes);
        let (code, said) = all.fails(&with(&["suppression", "import", &path]));
        assert!(code == 5 && said.contains(sentence), "{name}: {code}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_prompts_targets_and_calls_are_managed_by_command() {
    for all in installations("doors_voice").await {
        tokio::task::block_in_place(|| {
            installed(&all);
            calls(&all);
        });
    }
}

fn calls(all: &Installation) {
    let written = [("YOUR COMPANY", "Northwind"), ("YOUR NUMBER", "020 7946 0123"), ("WHAT IT IS ABOUT", "your appointment")];
    let starter = include_str!("../../edge/src/campaigns/starters/agent.toml").to_owned();
    let script = file(all, "call.toml", written.iter().fold(starter, |script, (words, ours)| script.replace(words, ours)));
    let (_, said) = all.fails(&with(&["script", "check", &script]));
    assert!(said.contains("step agent: there is no transfer target agents"), "{said}");
    let (_, said) = all.fails(&with(&["target", "add", "Leeds", "0207", "--capacity", "10"]));
    assert!(said.contains("write a number with its country code"), "{said}");
    all.ok(&with(&["target", "add", "Leeds", "+442079460123", "--capacity", "10", "--weekdays", "09:00-17:00"]));
    let (_, said) = all.fails(&with(&["target", "add", "York", "sip:agents@192.0.2.7", "--encryption", "required"]));
    assert!(said.contains("needs the transport tls"), "{said}");
    let target = all.json(&with(&["target", "list"]))[0].clone();
    all.ok(&with(&["target", "free", target["id"].as_str().expect("an id"), "7"]));
    assert_eq!(all.json(&with(&["target", "list"]))[0]["free"], 7);
    assert!(all.ok(&with(&["script", "check", &script])).contains("on 1: agent: put through to agents"));
    all.ok(&with(&["script", "add", "Reminder", &script]));
    assert_eq!(all.json(&with(&["script", "list"]))[0]["faults"], 0);

    let samples: Vec<i16> = (0..4_000).map(|place| ((f64::from(place) * 0.35).sin() * 12_000.0) as i16).collect();
    let wav = file(all, "greeting.wav", clarion_edge::wav(&samples));
    assert_eq!(all.json(&with(&["prompt", "add", "Greeting", &wav]))["duration_ms"], 500);
    let (_, said) = all.fails(&with(&["prompt", "add", "Greeting", &script]));
    assert!(said.contains("no WAV, MP3, OGG Vorbis or FLAC"), "{said}");
    all.ok(&with(&["prompt", "remove", "Greeting"]));

    let people = file(all, "people.csv", "mobile,name\n07700 900001,Ada\n");
    all.json(&with(&["import", &people, "--list", "Customers", "--yes", "--map", "first_name=name"]));
    all.ok(&with(&["sender", "add", "+442079460123", "--evidence", "letter 7"]));
    assert!(all.ok(&with(&["sender", "confirm", "+442079460123", "--answered"])).contains("answered day and night"));
    let settings = file(all, "trunk.toml", "kind = \"sip\"\nhosts = [\"127.0.0.1:5060\"]\n");
    let trunk = all.json(&with(&["trunk", "add", "voice", "--settings", &settings, "--rate", "20"]));
    all.ok(&with(&["route", "add", trunk["id"].as_str().expect("an id")]));
    let create = |more: &[&str]| -> Vec<String> {
        let fixed = ["campaign", "create", "--name", "Calls", "--list", "Customers", "--purpose", "reminder", "--basis", "contract", "--sender", "+442079460123", "--channel", "voice"];
        with(&[&fixed[..], more].concat()).into_iter().map(str::to_owned).collect()
    };
    let run = |args: Vec<String>| -> (i32, String) { all.fails(&args.iter().map(String::as_str).collect::<Vec<_>>()) };
    assert!(run(create(&[])).1.contains("--script"), "a call needs its script");
    assert!(run(create(&["--script", &script, "--pace", "quick"])).1.contains("power:1.5"));
    assert!(run(create(&["--script", &script, "--pace", "power:9"])).1.contains("choose 1 to 3 calls"));
    assert!(run(create(&["--script", &script, "--ring-seconds", "5"])).1.contains("the law's least"));
    let good = create(&["--script", &script, "--pace", "power:1.5"]);
    let made = all.json(&good.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(made["faults"], json!([]), "{made}");
    let copy = all.json(&with(&["campaign", "copy", made["id"].as_str().expect("an id")]));
    assert_eq!((&copy["name"], &copy["state"], &copy["faults"]), (&json!("Calls (copy)"), &json!("draft"), &json!([])), "{copy}");
    assert!(copy["id"] != made["id"] && all.ok(&with(&["campaign", "copy", copy["id"].as_str().expect("an id")])).contains(": Calls (copy 2)"));
    assert_eq!(all.json(&with(&["campaign", "list", "--state", "draft"])).as_array().map(Vec::len), Some(3));
}
