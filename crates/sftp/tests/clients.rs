//! The drop with clients that we did not write: OpenSSH's `sftp`, `lftp` and PuTTY's `psftp`, and the worker that loads what they bring.

mod support;

use std::time::{Duration, Instant as Stopwatch};

use clarion_domain::audit::event::Act;
use clarion_domain::intake::drop_path::DropFolder;
use clarion_domain::intake::import::{ImportSource, ImportState};
use clarion_store::intake::SftpAccountDraft;
use support::{World, people};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_file_waits_for_a_yes_and_the_next_with_its_header_loads() {
    let world = World::open(SftpAccountDraft::new("drop")).await;
    world.file("monday.csv", &people(1..=3));
    let said = world.sftp("put monday.csv incoming/\nls -l incoming\n").await;
    assert!(said.ok && said.out.contains("monday.csv"), "{said:?}");
    let first = world.file_in_state("monday.csv", ImportState::AwaitingMapping).await;
    assert_eq!(world.tenant.import(first.import).await.expect("the import").source, ImportSource::Sftp);
    world.confirm(first.import).await;
    world.file_in_state("monday.csv", ImportState::Loaded).await;

    world.file("tuesday.csv", &format!("{}0770090012,Short,ref-9\n", people(3..=5)));
    assert!(world.sftp("put tuesday.csv incoming/\n").await.ok);
    world.file_in_state("tuesday.csv", ImportState::Loaded).await;
    let said = world.sftp("ls done\nls incoming\nget done/tuesday.csv.result.json\n-get done/tuesday.csv\n").await;
    assert!(said.ok && said.out.contains("done/monday.csv") && said.out.contains("done/tuesday.csv.result.json"), "{said:?}");
    let fetched = std::fs::read(world.path("tuesday.csv.result.json")).expect("fetched");
    let listed = world.sftp("ls -l done\n").await;
    let length = listed.out.lines().find(|line| line.contains("tuesday.csv.result.json")).and_then(|line| line.split_whitespace().nth(4)).map(str::to_owned);
    assert_eq!(length, Some(fetched.len().to_string()), "a listing tells its length: {listed:?}");
    let result: serde_json::Value = serde_json::from_slice(&fetched).expect("JSON");
    assert_eq!((&result["state"], &result["rows"]["new"], &result["rows"]["refused"]), (&"loaded".into(), &2.into(), &1.into()), "{result}");
    assert_eq!((&result["refused"][0]["line"], &result["refused"][0]["column"]), (&5.into(), &"phone".into()), "{result}");
    assert!(!result.to_string().contains("07700900"), "a result holds no value of a line");
    assert!(!said.out.contains("0770090012") && !world.path("tuesday.csv").with_extension("csv.back").exists());
    assert!(said.err.contains("denied") || said.err.contains("Permission"), "what was sent cannot be read back: {said:?}");

    world.file("wednesday.csv", &people(6..=7).replace("phone,name,ref", "mobile,who,number"));
    assert!(world.sftp("put wednesday.csv incoming/\n").await.ok);
    world.file_in_state("wednesday.csv", ImportState::AwaitingMapping).await;
    let said = world.sftp("rm incoming/wednesday.csv\nls incoming\nrm done/monday.csv\nrm done/monday.csv.result.json\nls done\n").await;
    assert!(said.ok && said.out.contains("tuesday.csv") && !said.out.contains("monday.csv") && !said.out.contains("wednesday.csv"), "{said:?}");
    assert!(world.files().await.iter().all(|file| file.name == "tuesday.csv"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_name_loads_only_once_it_was_renamed() {
    let world = World::open(SftpAccountDraft::new("drop")).await;
    world.knows_the_header().await;
    world.file("people.csv", &people(1..=4));
    assert!(world.sftp("put people.csv incoming/people.csv.filepart\n").await.ok);
    world.settled_twice().await;
    assert_eq!(world.only_file().await.state, ImportState::Receiving, "closed and left alone, and still under way");
    assert!(world.sftp("rename incoming/people.csv.filepart incoming/people.csv\n").await.ok);
    world.file_in_state("people.csv", ImportState::Loaded).await;
    // The same name again, with other people: both are told apart.
    world.file("people.csv", &people(5..=6));
    assert!(world.sftp("put people.csv incoming/people.csv.tmp\nrename incoming/people.csv.tmp incoming/people.csv\n").await.ok);
    world.until(async || world.files().await.iter().filter(|file| file.folder() == DropFolder::Done).count() == 2).await;
    assert!(world.files().await.iter().any(|file| file.name.starts_with("people-2026") && file.name.ends_with(".csv")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_renames_loads_nothing_that_was_not_renamed() {
    let world = World::open(SftpAccountDraft { rename_only: true, ..SftpAccountDraft::new("drop") }).await;
    world.knows_the_header().await;
    world.file("people.csv", &people(1..=4));
    assert!(world.sftp("put people.csv incoming/a.csv\n").await.ok);
    world.settled_twice().await;
    assert_eq!(world.only_file().await.state, ImportState::Receiving);
    assert!(world.sftp("rename incoming/a.csv incoming/b.csv\n").await.ok);
    world.file_in_state("b.csv", ImportState::Loaded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_no_way_out_of_the_folders() {
    let world = World::open(SftpAccountDraft::new("drop")).await;
    world.file("a.csv", &people(1..=2));
    for attempt in [
        "get /etc/passwd", "get ../../etc/passwd", "put a.csv ../a.csv", "put a.csv a.csv", "put a.csv done/a.csv", "put a.csv rejected/../../etc/a.csv", "mkdir incoming/sub", "rmdir done",
        "put a.csv incoming/a.csv.result.json", "symlink /etc/passwd incoming/p", "ln /etc/passwd incoming/p", "cd /etc", "rename incoming ../x", "rm done", "put a.csv out/a.csv", "mkdir out/sub", "rename incoming out/x",
    ] {
        let said = world.sftp(&format!("{attempt}\n")).await;
        assert!(!said.ok, "{attempt}: {said:?}");
    }
    assert!(world.files().await.is_empty() && !world.path("passwd").exists());
    let shell = world.ssh(&["cat", "/etc/passwd"]).await;
    assert!(!shell.ok && !shell.out.contains("root"), "{shell:?}");
    assert!(world.sftp("cd ../../..\npwd\nls\ncd incoming/../done\npwd\n").await.out.contains("/done"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_cut_leaves_nothing_loaded_and_can_go_on() {
    let world = World::open(SftpAccountDraft::new("drop")).await;
    world.knows_the_header().await;
    let text = format!("{}{}", people(1..=3), (0..40_000).map(|n| format!("+447700900{:03},Some Body,again-{n:045}\n", n % 900)).collect::<String>());
    assert!(text.len() > 2 << 20, "several chunks");
    world.file("long.csv", &text);
    // 800 kilobytes a second.
    let mut client = world.sftp_command(&["-l", "6400"]).spawn().expect("starts");
    support::feed(&mut client, "put long.csv incoming/long.csv\n").await;
    world.until(async || world.chunks().await > 0).await;
    client.kill().await.expect("our own client is killed");
    world.until(async || world.files().await.first().is_some_and(|file| file.bytes > 0)).await;
    world.settled_twice().await;
    let cut = world.only_file().await;
    assert!(cut.state == ImportState::Receiving && !cut.whole && cut.bytes < text.len() as i64);
    assert!(!world.sftp("rename incoming/long.csv incoming/other.csv\n").await.ok, "half a file is not taken by another name");
    assert!(world.sftp("reput long.csv incoming/long.csv\n").await.ok);
    let loaded = world.file_in_state("long.csv", ImportState::Loaded).await;
    let import = world.tenant.import(loaded.import).await.expect("the import");
    assert_eq!((import.file_bytes, import.rows_read), (text.len() as i64, 40_003));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_are_slowed_and_lock_while_keys_go_on() {
    let world = World::open(SftpAccountDraft::new("drop")).await;
    assert!(world.with_password("right and long", "pwd\n").await.ok, "the right one");
    for _ in 0..3 {
        assert!(!world.with_password("wrong", "pwd\n").await.ok);
    }
    let begun = Stopwatch::now();
    assert!(!world.with_password("wrong", "pwd\n").await.ok);
    assert!(begun.elapsed() >= Duration::from_millis(250), "the fourth waits");
    for _ in 4..10 {
        world.tenant.record_sftp_refusal(world.account, clarion_store::intake::SftpProof::Password, support::now()).await.expect("counted");
    }
    assert!(!world.with_password("right and long", "pwd\n").await.ok, "the tenth locked it");
    assert!(world.sftp("pwd\n").await.ok, "a key is let in");
    let acts = world.acts().await;
    assert_eq!(acts.iter().filter(|act| **act == Act::SignInRefused).count(), 10, "{acts:?}");
    assert_eq!(acts.iter().filter(|act| **act == Act::SignedIn).count(), 2);
    world.tenant.set_sftp_password(world.account, None, support::now()).await.expect("no password");
    assert!(!world.with_password("", "pwd\n").await.ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_every_kind_are_let_in_and_only_while_they_are_known() {
    let world = World::open(SftpAccountDraft::new("drop")).await;
    for kind in ["rsa", "ecdsa"] {
        world.let_in(kind, kind).await;
        let said = world.run(world.sftp_with_key(kind, "drop"), "pwd\n").await;
        assert!(said.ok, "{kind}: {said:?}");
    }
    let account = world.tenant.sftp_account(world.account).await.expect("the account");
    let rsa = account.keys.iter().find(|key| key.public_key.starts_with("ssh-rsa")).expect("listed");
    world.tenant.remove_sftp_key(world.account, &rsa.fingerprint, support::now()).await.expect("removed");
    assert!(!world.run(world.sftp_with_key("rsa", "drop"), "pwd\n").await.ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_keys_networks_and_accounts_that_are_off_are_refused() {
    let world = World::open(SftpAccountDraft::new("drop")).await;
    let said = world.run(world.sftp_with_key("stranger", "drop"), "pwd\n").await;
    assert!(!said.ok, "{said:?}");
    world.until(async || world.acts().await.contains(&Act::SignInRefused)).await;
    assert!(!world.run(world.sftp_with_key("key", "nobody"), "pwd\n").await.ok);
    for draft in [SftpAccountDraft { networks: "192.0.2.0/24".into(), ..SftpAccountDraft::new("drop") }, SftpAccountDraft { enabled: false, ..SftpAccountDraft::new("drop") }] {
        world.tenant.change_sftp_account(world.account, &draft, support::now()).await.expect("changed");
        assert!(!world.sftp("pwd\n").await.ok);
    }
    let draft = SftpAccountDraft { networks: "127.0.0.0/8 ::1".into(), ..SftpAccountDraft::new("drop") };
    world.tenant.change_sftp_account(world.account, &draft, support::now()).await.expect("changed");
    assert!(world.sftp("pwd\n").await.ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn quotas_hold() {
    let world = World::open(SftpAccountDraft { waiting_bytes_max: 1 << 20, day_files_max: 3, ..SftpAccountDraft::new("drop") }).await;
    world.file("large.csv", &format!("phone\n{}", "07700900123\n".repeat(200_000)));
    world.file("small.csv", &people(1..=2));
    let said = world.sftp("put large.csv incoming/\n").await;
    assert!(!said.ok, "{said:?}");
    world.settled_twice().await;
    assert!(world.files().await.iter().all(|file| file.state == ImportState::Receiving && !file.whole), "nothing of it is loaded");
    assert!(world.sftp("rm incoming/large.csv\nput small.csv incoming/1.csv\nput small.csv incoming/2.csv\nput small.csv incoming/3.csv\n").await.ok);
    assert!(!world.sftp("put small.csv incoming/4.csv\n").await.ok, "three a day");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_is_rejected_with_its_reason() {
    let world = World::open(SftpAccountDraft::new("drop")).await;
    world.file("photo.csv", "\u{89}PNG no list of contacts");
    std::fs::write(world.path("photo.csv"), b"\x89PNG\r\n\x1a\nnot a list").expect("writes");
    assert!(world.sftp("put photo.csv incoming/\n").await.ok);
    world.file_in_state("photo.csv", ImportState::Failed).await;
    let said = world.sftp("ls rejected\nget rejected/photo.csv.result.json\n").await;
    assert!(said.ok && said.out.contains("rejected/photo.csv\n") || said.out.contains("rejected/photo.csv "), "{said:?}");
    let result: serde_json::Value = serde_json::from_slice(&std::fs::read(world.path("photo.csv.result.json")).expect("fetched")).expect("JSON");
    assert!(result["state"] == "failed" && result["error"].as_str().is_some_and(|error| error.contains("picture")), "{result}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_file_is_opened_as_it_is_loaded() {
    let world = World::open(SftpAccountDraft::new("drop")).await;
    world.knows_the_header().await;
    let recipient: age::x25519::Recipient = world.tenant.make_file_key(support::now()).await.expect("a key").parse().expect("reads");
    let sealed = age::encrypt(&recipient, people(1..=9).as_bytes()).expect("encrypts");
    std::fs::write(world.path("people.csv.age"), sealed).expect("writes");
    let other = age::encrypt(&age::x25519::Identity::generate().to_public(), b"phone\n07700900123\n").expect("encrypts");
    std::fs::write(world.path("other.csv.age"), other).expect("writes");
    assert!(world.sftp("put people.csv.age incoming/\nput other.csv.age incoming/\n").await.ok);
    let loaded = world.file_in_state("people.csv.age", ImportState::Loaded).await;
    assert_eq!(world.tenant.import(loaded.import).await.expect("the import").rows_read, 9);
    let refused = world.file_in_state("other.csv.age", ImportState::Failed).await;
    assert!(world.tenant.import(refused.import).await.expect("the import").error.contains("not to this organisation's key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn lftp_brings_files_and_reads_results() {
    let world = World::open(SftpAccountDraft::new("drop")).await;
    world.knows_the_header().await;
    world.file("people.csv", &people(1..=4));
    world.file("more.csv", &people(5..=8));
    let said = world.lftp("put -O incoming people.csv; set xfer:use-temp-file yes; put -O incoming more.csv; cls -l incoming").await;
    assert!(said.ok, "{said:?}");
    world.file_in_state("people.csv", ImportState::Loaded).await;
    world.file_in_state("more.csv", ImportState::Loaded).await;
    let said = world.lftp("cls done; cat done/more.csv.result.json; rm done/more.csv").await;
    assert!(said.ok && said.out.contains("done/people.csv.result.json") && said.out.contains("\"new\": 4"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn puttys_client_brings_files_as_winscp_does() {
    let world = World::open(SftpAccountDraft::new("drop")).await;
    world.knows_the_header().await;
    world.file("people.csv", &people(1..=4));
    let said = world.psftp("cd incoming\nput people.csv people.csv.filepart\nmv people.csv.filepart people.csv\ndir\n").await;
    assert!(said.ok, "{said:?}");
    world.file_in_state("people.csv", ImportState::Loaded).await;
    let said = world.psftp("get done/people.csv.result.json\nrm done/people.csv\ndir done\n").await;
    assert!(said.ok && !said.out.contains(" people.csv\n"), "{said:?}");
    assert!(std::fs::read_to_string(world.path("people.csv.result.json")).expect("fetched").contains("\"new\": 4"));
    assert!(!world.psftp("get done/people.csv.result.json /dev/null\nput people.csv done/people.csv\n").await.ok, "nothing is put there");
}

#[tokio::test(flavor = "multi_thread")]
async fn results_of_a_campaign_are_fetched_from_out_and_nothing_is_put_there() {
    let world = World::open(SftpAccountDraft::new("drop")).await;
    // Two whole chunks and a part of a third.
    let text: String = (0..80_000).map(|n| format!("delivered,ref-{n:06},2026-11-23T12:00\r\n")).collect();
    assert!(text.len() > 2 << 20);
    let name = world.lay_out(&text).await;
    let said = world.sftp(&format!("ls -l out\nget out/{name}\n-rm out/{name}\n-rename out/{name} out/b.csv\n-put known_hosts out/{name}\nls out\n")).await;
    assert!(said.ok && said.out.contains(&text.len().to_string()) && said.out.matches(&format!("out/{name}")).count() >= 1, "{said:?}");
    assert!(said.err.to_lowercase().contains("denied") || said.err.contains("out/"), "{said:?}");
    assert!(std::fs::read(world.path(&name)).expect("fetched") == text.as_bytes(), "byte for byte");
    std::fs::remove_file(world.path(&name)).expect("removed");
    let said = world.lftp(&format!("mirror out fetched; ls out; get -O . out/{name}")).await;
    assert!(said.ok, "{said:?}");
    assert!(std::fs::read(world.path("fetched").join(&name)).expect("mirrored") == text.as_bytes());
    let fetched = world.acts_on("export").await.into_iter().filter(|act| *act == Act::Exported).count();
    assert!(fetched >= 3, "each fetch stands in the audit: {fetched}");
    std::fs::remove_file(world.path(&name)).expect("removed");
    // 800 kilobytes a second: it is revoked while it is being fetched.
    let mut client = world.sftp_command(&["-l", "6400"]).spawn().expect("starts");
    support::feed(&mut client, &format!("get out/{name}\n")).await;
    world.until(async || std::fs::metadata(world.path(&name)).is_ok_and(|file| file.len() > 0)).await;
    world.revoke().await;
    let done = client.wait_with_output().await.expect("ends");
    let came = std::fs::metadata(world.path(&name)).map_or(0, |file| file.len());
    assert!(!done.status.success() && came < text.len() as u64, "{came} bytes came: {}", String::from_utf8_lossy(&done.stderr));
    let said = world.sftp(&format!("ls out\n-get out/{name}\n")).await;
    assert!(!said.out.contains(&name) && said.err.contains("not found"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_written_anew_while_it_is_fetched_never_comes_in_two_versions() {
    let world = World::open(SftpAccountDraft::new("drop")).await;
    let wide: String = (0..160_000).map(|n| format!("delivered,ref-{n:06},2026-11-23T12:00\r\n")).collect();
    let narrow = "delivered\r\n".repeat(400_000);
    assert!(narrow.len() > 4 << 20 && wide.len() > narrow.len(), "both go on where the client stands");
    let name = world.lay_out(&wide).await;
    let mut client = world.sftp_command(&["-l", "6400"]).spawn().expect("starts");
    let id = client.id().expect("it runs").to_string();
    support::feed(&mut client, &format!("get out/{name}\n")).await;
    world.until(async || std::fs::metadata(world.path(&name)).is_ok_and(|file| file.len() > 0)).await;
    // Held, so that all of it is written anew before the client asks on.
    for (signal, act) in [("-STOP", true), ("-CONT", false)] {
        let sent = tokio::process::Command::new("kill").args([signal, id.as_str()]).status().await.expect("kill runs");
        assert!(sent.success());
        if act {
            assert_eq!(world.write_out_anew(&narrow).await, name);
        }
    }
    let done = client.wait_with_output().await.expect("ends");
    let came = std::fs::read(world.path(&name)).expect("a beginning");
    assert!(!done.status.success() && came.len() < wide.len(), "{} bytes came: {}", came.len(), String::from_utf8_lossy(&done.stderr));
    assert!(wide.as_bytes().starts_with(&came), "nothing of another version is among {} bytes", came.len());
    std::fs::remove_file(world.path(&name)).expect("removed");
    let said = world.sftp(&format!("get out/{name}\n")).await;
    assert!(said.ok, "{said:?}");
    assert!(std::fs::read(world.path(&name)).expect("fetched") == narrow.as_bytes(), "whole, from its beginning");
}
