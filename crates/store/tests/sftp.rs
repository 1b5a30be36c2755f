//! SFTP accounts and their files as rows, on both databases.

mod support;

use clarion_domain::id::SftpAccountId;
use clarion_domain::intake::drop_path::DropFolder;
use clarion_domain::intake::import::ImportState;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::{DAY_MS, HOUR_MS, Instant};
use clarion_store::intake::{Begin, SftpAccountDraft, SftpProof};
use clarion_store::{StoreError, Tenant};
use support::{Bench, NOON, for_each_store};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMu7nXOkUvkhZfjPE4TDyO0DxYBLIOrsGZCPfV7Wlxnb somebody@machine";

/// A tenant with one account, and the handle by which the account acts.
async fn account(bench: &Bench, slug: &str, draft: SftpAccountDraft) -> (Tenant, Tenant, SftpAccountId) {
    let tenant = bench.tenant(slug).await;
    let id = tenant.create_sftp_account(&draft, NOON).await.expect("an account");
    let acting = bench.store.tenant(tenant.id(), Actor::Sftp(id)).await.expect("its handle");
    (tenant, acting, id)
}

async fn put(acting: &Tenant, account: SftpAccountId, name: &str, bytes: &[u8], now: Instant) {
    let (id, mut upload) = acting.open_sftp_file(account, name, Begin::Anew, now).await.expect("opens");
    upload.write(bytes).await.expect("written");
    acting.close_sftp_file(id, upload, true, now).await.expect("closed");
}

async fn settle(bench: &Bench, now: Instant) {
    for file in bench.store.settled_sftp_files(now.plus_ms(-1_000)).await.expect("looked for") {
        bench.store.tenant(file.tenant, Actor::Sftp(file.account)).await.expect("a handle").take_settled(&file, now).await.expect("taken");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_known_by_its_name_and_let_in_by_its_keys() {
    for_each_store("sftp_accounts", |bench| async move {
        let (tenant, _, id) = account(&bench, "northwind", SftpAccountDraft::new(" Drop ")).await;
        let other = bench.tenant("southwind").await;
        assert!(matches!(other.create_sftp_account(&SftpAccountDraft::new("drop"), NOON).await, Err(StoreError::Faults(_))), "unique in the installation");
        for wrong in ["", "two words", "süd"] {
            assert!(tenant.create_sftp_account(&SftpAccountDraft::new(wrong), NOON).await.is_err(), "{wrong:?}");
        }
        let bad = SftpAccountDraft { networks: "everywhere".into(), waiting_bytes_max: 0, ..SftpAccountDraft::new("drop") };
        assert!(matches!(tenant.change_sftp_account(id, &bad, NOON).await, Err(StoreError::Faults(faults)) if faults.len() == 2));
        let print = tenant.add_sftp_key(id, KEY, NOON).await.expect("let in");
        assert!(tenant.add_sftp_key(id, KEY, NOON).await.is_err() && other.add_sftp_key(id, KEY, NOON).await.is_err());
        let known = bench.store.sftp_sign_in("DROP").await.expect("reads").expect("the account");
        assert_eq!((known.id, known.tenant_id, &known.fingerprints), (id, tenant.id(), &vec![print.clone()]));
        assert!(known.password_hash.is_empty() && bench.store.sftp_sign_in("nobody").await.expect("reads").is_none());
        let kept = tenant.sftp_account(id).await.expect("the account").keys.remove(0).public_key;
        assert!(!kept.contains("somebody"), "the comment of a key is not kept");
        for _ in 0..9 {
            tenant.record_sftp_refusal(id, SftpProof::Password, NOON).await.expect("counted");
        }
        assert!(tenant.sftp_account(id).await.expect("the account").locked_until < NOON);
        tenant.record_sftp_refusal(id, SftpProof::Key, NOON).await.expect("told, and not counted");
        tenant.record_sftp_refusal(id, SftpProof::Password, NOON).await.expect("counted");
        assert!(tenant.sftp_account(id).await.expect("the account").locked_until > NOON, "the tenth locks");
        assert!(other.delete_sftp_account(id, NOON).await.is_err() && other.remove_sftp_key(id, &print, NOON).await.is_err());
        tenant.remove_sftp_key(id, &print, NOON).await.expect("removed");
        tenant.delete_sftp_account(id, NOON).await.expect("deleted");
        assert!(tenant.sftp_accounts().await.expect("reads").is_empty());
        other.create_sftp_account(&SftpAccountDraft::new("drop"), NOON).await.expect("the name is free again");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_taken_when_it_is_whole_and_goes_on_where_it_was_cut() {
    for_each_store("sftp_files", |bench| async move {
        let (tenant, acting, id) = account(&bench, "northwind", SftpAccountDraft::new("drop")).await;
        let text: Vec<u8> = (0..2_500_000u32).map(|n| b"phone,0123456789\n"[n as usize % 17]).collect();
        let (file, mut upload) = acting.open_sftp_file(id, "a.csv", Begin::Anew, NOON).await.expect("opens");
        upload.write(&text[..1_700_000]).await.expect("written");
        acting.close_sftp_file(file, upload, false, NOON).await.expect("cut off");
        settle(&bench, NOON.plus_ms(HOUR_MS)).await;
        let cut = acting.sftp_files(id).await.expect("its files").remove(0);
        assert!(cut.under_way() && !cut.whole && cut.bytes == 1_700_000);
        assert!(acting.rename_sftp_file(id, "a.csv", "b.csv", NOON).await.is_err(), "half a file");
        let (again, mut upload) = acting.open_sftp_file(id, "a.csv", Begin::GoOn, NOON).await.expect("goes on");
        assert_eq!((again, upload.bytes()), (file, 1_700_000));
        upload.write(&text[1_700_000..]).await.expect("written");
        acting.close_sftp_file(file, upload, true, NOON).await.expect("whole");
        settle(&bench, NOON).await;
        assert!(acting.sftp_files(id).await.expect("its files")[0].under_way(), "not left alone for long enough");
        settle(&bench, NOON.plus_ms(1_000)).await;
        let taken = acting.sftp_files(id).await.expect("its files").remove(0);
        assert_eq!((taken.state, taken.folder(), taken.bytes), (ImportState::Received, DropFolder::Incoming, 2_500_000));
        let mut stored = tenant.open_import_file(taken.import).await.expect("the file");
        let read = tokio::task::spawn_blocking(move || { let mut all = Vec::new(); std::io::Read::read_to_end(&mut stored, &mut all).map(|_| all) }).await.expect("a thread").expect("reads");
        assert!(read == text, "the very bytes");

        // The same bytes again, by another name and at once: they wait for a yes.
        put(&acting, id, "b.csv.part", &text, NOON).await;
        settle(&bench, NOON.plus_ms(HOUR_MS)).await;
        acting.rename_sftp_file(id, "b.csv.part", "a.csv", NOON).await.expect("renamed");
        let files = acting.sftp_files(id).await.expect("its files");
        assert!(files.iter().any(|file| file.state == ImportState::AwaitingRepeat && file.name.starts_with("a-20261123T120000")), "{files:?}");
        put(&acting, id, "empty.csv", b"", NOON).await;
        settle(&bench, NOON.plus_ms(HOUR_MS)).await;
        assert_eq!(acting.sftp_files(id).await.expect("its files").len(), 2, "a file without a byte is nothing");
        acting.remove_sftp_file(&files[0], NOON).await.expect("deleted");
        assert_eq!(tenant.import(files[0].import).await.expect("the import").state, ImportState::Cancelled);
    })
    .await;
}

/// One connection goes on with a closed file while another gives it its final name: either it is taken whole, or it is gone on with.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_on_with_is_not_taken_at_the_same_time() {
    for_each_store("sftp_race", |bench| async move {
        let (tenant, acting, id) = account(&bench, "northwind", SftpAccountDraft { day_files_max: 1_000, ..SftpAccountDraft::new("drop") }).await;
        for n in 0..120u32 {
            let (part, name) = (format!("{n}.csv.part"), format!("{n}.csv"));
            let text = format!("phone,{n}\n").into_bytes();
            put(&acting, id, &part, &text, NOON).await;
            // Each round one of them is a little later than in the round before, so that they meet at every point.
            let late = async |steps: u32| for _ in 0..steps { tokio::task::yield_now().await };
            let rename = async { late(n % 30).await; acting.rename_sftp_file(id, &part, &name, NOON).await };
            let go_on = async { late(30 - n % 30).await; acting.open_sftp_file(id, &part, Begin::GoOn, NOON).await };
            let (renamed, gone_on) = tokio::join!(rename, go_on);
            let taken = acting.sftp_files_named(id, &name).await.expect("its files").into_iter().find(|file| !file.under_way());
            assert_eq!(renamed.is_ok(), taken.is_some(), "round {n}");
            if let Some(taken) = taken {
                let mut stored = tenant.open_import_file(taken.import).await.expect("the file");
                let read = tokio::task::spawn_blocking(move || { let mut all = Vec::new(); std::io::Read::read_to_end(&mut stored, &mut all).map(|_| all) }).await.expect("a thread").expect("reads");
                assert!(read == text, "round {n}: taken, and cut");
                tenant.cancel_import(taken.import, NOON).await.expect("out of the way");
            }
            if let Ok((file, upload)) = gone_on {
                // Gone on with, or begun anew where the other had been faster.
                acting.close_sftp_file(file, upload, false, NOON).await.expect("closed");
                for left in acting.sftp_files(id).await.expect("its files").iter().filter(|file| file.under_way()) {
                    acting.remove_sftp_file(left, NOON).await.expect("removed");
                }
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quotas_count_what_waits_and_what_came_today() {
    for_each_store("sftp_quotas", |bench| async move {
        let draft = SftpAccountDraft { waiting_bytes_max: 1_000, day_files_max: 3, ..SftpAccountDraft::new("drop") };
        let (tenant, acting, id) = account(&bench, "northwind", draft.clone()).await;
        put(&acting, id, "a.csv", &[b'a'; 600], NOON).await;
        let (file, mut upload) = acting.open_sftp_file(id, "b.csv", Begin::Anew, NOON).await.expect("opens");
        assert!(upload.write(&[b'b'; 500]).await.is_err(), "400 are left");
        acting.close_sftp_file(file, upload, false, NOON).await.expect("kept as it came");
        put(&acting, id, "b.csv", &[b'b'; 400], NOON).await;
        assert!(matches!(acting.open_sftp_file(id, "c.csv", Begin::Anew, NOON).await, Err(StoreError::Conflict(text)) if text.contains("waits")));
        for file in acting.sftp_files(id).await.expect("its files") {
            acting.remove_sftp_file(&file, NOON).await.expect("deleted");
        }
        put(&acting, id, "c.csv", &[b'c'; 900], NOON).await;
        settle(&bench, NOON.plus_ms(HOUR_MS)).await;
        let waiting = acting.sftp_files(id).await.expect("its files").remove(0);
        acting.remove_sftp_file(&waiting, NOON).await.expect("cancelled");
        for name in ["d.csv", "e.csv"] {
            put(&acting, id, name, b"d", NOON).await;
        }
        assert!(matches!(acting.open_sftp_file(id, "f.csv", Begin::Anew, NOON).await, Err(StoreError::Conflict(text)) if text.contains("24 hours")));
        acting.open_sftp_file(id, "f.csv", Begin::Anew, NOON.plus_ms(DAY_MS)).await.expect("a day later");
        tenant.change_sftp_account(id, &SftpAccountDraft { enabled: false, ..draft }, NOON).await.expect("switched off");
        assert!(acting.open_sftp_file(id, "g.csv", Begin::Anew, NOON.plus_ms(DAY_MS)).await.is_err());
        assert!(bench.store.remove_stale_uploads(NOON.plus_ms(2 * DAY_MS)).await.expect("swept") > 0);
        assert!(acting.sftp_files(id).await.expect("its files").is_empty(), "what nobody ends goes by its clock");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_for_encrypted_files_is_made_once() {
    for_each_store("file_key", |bench| async move {
        let (tenant, other) = (bench.tenant("northwind").await, bench.tenant("southwind").await);
        assert!(tenant.file_recipient().await.expect("reads").is_none() && tenant.file_identity().await.expect("reads").is_none());
        let made = tenant.make_file_key(NOON).await.expect("made");
        assert_eq!(tenant.make_file_key(NOON).await.expect("the same"), made);
        assert_eq!(tenant.file_identity().await.expect("opens").expect("there").to_public().to_string(), made);
        assert!(other.make_file_key(NOON).await.expect("made") != made);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_uploads_at_once_cannot_pass_what_may_wait() {
    for_each_store("sftp_at_once", |bench| async move {
        let bounds = SftpAccountDraft { waiting_bytes_max: 3 << 20, ..SftpAccountDraft::new("drop") };
        let (tenant, acting, id) = account(&bench, "northwind", bounds).await;
        let mut sending = tokio::task::JoinSet::new();
        for n in 0..6 {
            let acting = acting.clone();
            sending.spawn(async move {
                // Of many that begin in the same moment on PostgreSQL, one may be asked to try again.
                let (file, mut upload) = acting.open_sftp_file(id, &format!("{n}.csv"), Begin::Anew, NOON).await?;
                let mut whole = true;
                for _ in 0..2 {
                    whole &= upload.write(&vec![b'x'; 1 << 20]).await.is_ok();
                }
                acting.close_sftp_file(file, upload, whole, NOON).await.map(|()| whole)
            });
        }
        let done = sending.join_all().await;
        let held: i64 = tenant.sftp_files(id).await.expect("its files").iter().map(|file| file.bytes).sum();
        assert!(held <= 3 << 20, "{held} bytes wait of {} that may: {done:?}", 3 << 20);
        assert!(held >= 2 << 20, "and what fits is taken: {held}");
        static CHUNKS: clarion_store::db::Statement = clarion_store::db::Statement { text: "SELECT COUNT(*) FROM import_chunk", postgres: "" };
        let mut row = bench.store.db().query_first(&CHUNKS, &Vec::new()).await.expect("counts").expect("a row");
        assert!(row.take::<i64>(0).expect("a count") <= 3, "no byte more is kept");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_kept_as_it_was_first_shown() {
    for_each_store("sftp_results", |bench| async move {
        let (tenant, acting, id) = account(&bench, "northwind", SftpAccountDraft::new("drop")).await;
        put(&acting, id, "a.csv", b"phone\n07700900001\n", NOON).await;
        settle(&bench, NOON.plus_ms(HOUR_MS)).await;
        let file = tenant.sftp_files(id).await.expect("its files").remove(0);
        tenant.cancel_import(file.import, NOON).await.expect("cancelled");
        let file = tenant.sftp_files(id).await.expect("its files").remove(0);
        assert_eq!((file.folder(), tenant.sftp_result(&file).await.expect("reads")), (DropFolder::Rejected, None));
        tenant.keep_sftp_result(&file, "first").await.expect("kept");
        tenant.keep_sftp_result(&file, "second and longer").await.expect("passed over");
        assert_eq!(tenant.sftp_result(&file).await.expect("reads").as_deref(), Some("first"));
        assert_eq!(tenant.sftp_result_lengths(id).await.expect("reads")[&file.id], 5);
        let other = bench.tenant("southwind").await;
        other.keep_sftp_result(&file, "theirs").await.expect("nothing to keep it by");
        assert!(other.sftp_result(&file).await.expect("reads").is_none() && other.sftp_result_lengths(id).await.expect("reads").is_empty());
        tenant.remove_sftp_result(&file).await.expect("removed");
        assert!(tenant.sftp_result(&file).await.expect("reads").is_none());
    })
    .await;
}
