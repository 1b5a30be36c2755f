//! Acts that wait for a second person, and keys that act for their makers, on both databases.

mod support;
#[path = "support/people.rs"]
mod people;

use clarion_domain::id::{ApprovalId, UserId};
use clarion_domain::intake::import::{ImportSource, ImportState};
use clarion_domain::tenancy::four_eyes::{APPROVAL_WAITS_MS, ApprovalState, FourEyes, GuardedAct};
use clarion_domain::tenancy::role::{Right, Role};
use clarion_domain::tenancy::tenant::Actor;
use clarion_store::tenancy::{ApprovalQuery, Carried, NewUser};
use clarion_store::db::Statement;
use clarion_store::intake::NewImport;
use clarion_store::{StoreError, Tenant, params};
use people::{enlist, list_of, person, profile};
use support::{Bench, NOON, for_each_store};

async fn user(tenant: &Tenant, username: &str, role: Role) -> UserId {
    tenant.create_user(&NewUser { username, display_name: username, role, password_hash: "-" }, NOON).await.expect("a user")
}

async fn acting(bench: &Bench, tenant: &Tenant, actor: Actor) -> Tenant {
    bench.store.tenant(tenant.id(), actor).await.expect("a handle")
}

fn waits(carried: Carried) -> ApprovalId {
    match carried {
        Carried::Waits(id) => id,
        Carried::Done => panic!("it should have waited"),
    }
}

const LISTS: FourEyes = FourEyes { erase_list_above: Some(1), start_campaign_above: None, raise_limits: false };

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_erased_once_by_a_second_person_under_both_names() {
    for_each_store("four_eyes_list", |bench| async move {
        let (tenant, other) = (bench.tenant("northwind").await, bench.tenant("southwind").await);
        let (ada, grace, vera) = (user(&tenant, "ada", Role::Owner).await, user(&tenant, "grace", Role::Manager).await, user(&tenant, "vera", Role::Viewer).await);
        let (as_ada, as_grace, as_vera) = (acting(&bench, &tenant, Actor::User(ada)).await, acting(&bench, &tenant, Actor::User(grace)).await, acting(&bench, &tenant, Actor::User(vera)).await);
        assert_eq!(as_ada.set_four_eyes(LISTS, NOON).await.expect("set"), Carried::Done, "asking more often takes effect at once");
        let small = tenant.create_list("Small", NOON).await.expect("a list");
        enlist(&tenant, small, person(&tenant, 50, &profile("One", "R-50")).await.0).await;
        assert_eq!(as_ada.delete_list(small, NOON).await.expect("done"), Carried::Done, "one person is not above the threshold");
        let (list, people) = list_of(&tenant, "Arrears", 3).await;

        let id = waits(as_ada.delete_list(list, NOON).await.expect("asked"));
        assert_eq!(waits(as_ada.delete_list(list, NOON).await.expect("asked")), id, "asked twice, it waits once");
        assert_eq!(tenant.list(list).await.expect("still there").members, 3);
        let kept = as_ada.approval(id, NOON).await.expect("the request");
        assert_eq!((kept.shown.as_str(), kept.size, kept.asked_user, kept.state), ("Erase the list “Arrears” with 3 people on it", 3, Some(ada), ApprovalState::Waiting));
        assert!(other.approval(id, NOON).await.is_err() && other.approve(id, NOON).await.is_err());
        assert_eq!(as_ada.approvals_for(ada, NOON).await.expect("none").len(), 0, "one's own does not wait for oneself");
        assert_eq!(as_ada.approvals_for(grace, NOON).await.expect("one").len(), 1);
        assert_eq!(as_ada.approvals_for(vera, NOON).await.expect("none").len(), 0, "without the right");

        // Neither the asker, nor their key, nor a key of nobody, nor somebody without the right.
        let (own_key, _) = as_ada.create_api_key("own", Role::Owner, NOON).await.expect("a key");
        let (nobodys, _) = tenant.create_api_key("nobody's", Role::Owner, NOON).await.expect("a key");
        for wrong in [as_ada.clone(), acting(&bench, &tenant, Actor::ApiKey(own_key.id)).await, acting(&bench, &tenant, Actor::ApiKey(nobodys.id)).await, as_vera] {
            assert!(matches!(wrong.approve(id, NOON).await, Err(StoreError::Forbidden(_))), "{}", wrong.actor());
            assert!(matches!(wrong.refuse_approval(id, "", NOON).await, Err(StoreError::Forbidden(_))), "{}", wrong.actor());
        }
        assert!(matches!(as_grace.withdraw_approval(id, NOON).await, Err(StoreError::Forbidden(_))));

        // It has changed: withdrawn, and nothing is done.
        tenant.remove_from_list(list, people[0].0, NOON).await.expect("off");
        let swapped = person(&tenant, 77, &profile("Else", "R-77")).await;
        enlist(&tenant, list, swapped.0).await;
        assert!(matches!(as_grace.approve(id, NOON).await, Err(StoreError::Conflict(why)) if why.contains("withdrawn")), "the same number, other people");
        assert_eq!(tenant.approval(id, NOON).await.expect("it").state, ApprovalState::Withdrawn);
        assert!(tenant.list(list).await.is_ok());

        // Two at once: done once.
        let id = waits(as_ada.delete_list(list, NOON).await.expect("asked"));
        let (key, _) = as_grace.create_api_key("grace's", Role::Manager, NOON).await.expect("a key");
        let by_key = acting(&bench, &tenant, Actor::ApiKey(key.id)).await;
        let (one, two) = tokio::join!(as_grace.approve(id, NOON), by_key.approve(id, NOON));
        assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1, "{one:?} {two:?}");
        assert!(tenant.list(list).await.is_err(), "erased");
        let done = tenant.audit_events("list", "deleted", None, 10).await.expect("events").rows.remove(0);
        assert_eq!(done.actor, format!("user:{ada}"));
        assert!(done.detail.starts_with("approved by ") && done.detail.ends_with(&id.to_string()), "{}", done.detail);
        let yes = tenant.audit_events("approval", "approved", None, 10).await.expect("events").rows;
        assert_eq!((yes.len(), yes[0].object_id, yes[0].detail.clone()), (1, id.0, format!("erase_list, asked by user:{ada}")));
        assert!(matches!(as_grace.approve(id, NOON).await, Err(StoreError::Conflict(why)) if why.contains("approved already")));
        assert!(bench.store.verify_audit(tenant.id()).await.expect("read").iter().all(|check| check.fault.is_none()), "the chain holds");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_expires_is_refused_or_withdrawn_and_dies_with_its_asker() {
    for_each_store("four_eyes_ends", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (ada, grace) = (user(&tenant, "ada", Role::Owner).await, user(&tenant, "grace", Role::Owner).await);
        let (as_ada, as_grace) = (acting(&bench, &tenant, Actor::User(ada)).await, acting(&bench, &tenant, Actor::User(grace)).await);
        as_ada.set_four_eyes(LISTS, NOON).await.expect("set");
        let (list, _) = list_of(&tenant, "Arrears", 2).await;
        let late = NOON.plus_ms(APPROVAL_WAITS_MS);
        let id = waits(as_ada.delete_list(list, NOON).await.expect("asked"));
        assert!(matches!(as_grace.approve(id, late).await, Err(StoreError::Conflict(why)) if why.contains("expired")));
        let expired = ApprovalQuery { state: Some(ApprovalState::Expired), before: None, limit: 10 };
        assert_eq!(tenant.approvals(expired, late).await.expect("one").rows.len(), 1);
        assert!(tenant.approvals(expired, NOON).await.expect("none").rows.is_empty());

        let id = waits(as_ada.delete_list(list, late).await.expect("asked anew"));
        assert!(matches!(as_grace.refuse_approval(id, &"x".repeat(201), late).await, Err(StoreError::Faults(_))));
        let refused = as_grace.refuse_approval(id, " Not yet ", late).await.expect("refused");
        assert_eq!((refused.state, refused.why.as_str()), (ApprovalState::Refused, "Not yet"));
        let id = waits(as_ada.delete_list(list, late).await.expect("asked anew"));
        assert_eq!(as_ada.withdraw_approval(id, late).await.expect("withdrawn").state, ApprovalState::Withdrawn);
        assert!(tenant.list(list).await.is_ok(), "nothing was done");

        let id = waits(as_ada.delete_list(list, late).await.expect("asked anew"));
        tenant.set_user_active(ada, false, late).await.expect("deactivated");
        assert!(matches!(as_grace.approve(id, late).await, Err(StoreError::Conflict(why)) if why.contains("may no longer")));

        // The operator is one person: not the second to themselves, but to others.
        let id = waits(tenant.delete_list(list, late).await.expect("asked"));
        assert!(matches!(tenant.approve(id, late).await, Err(StoreError::Forbidden(_))));
        as_grace.approve(id, late).await.expect("a user's yes");
        assert!(tenant.list(list).await.is_err());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loosening_it_and_widening_limits_need_two() {
    for_each_store("four_eyes_itself", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (ada, grace) = (user(&tenant, "ada", Role::Owner).await, user(&tenant, "grace", Role::Owner).await);
        let (as_ada, as_grace) = (acting(&bench, &tenant, Actor::User(ada)).await, acting(&bench, &tenant, Actor::User(grace)).await);
        let cap = |count: u32| format!("[[cap]]\ncount_max = {count}\nperiod_hours = 24\n");
        let on = FourEyes { raise_limits: true, ..LISTS };
        as_ada.set_four_eyes(on, NOON).await.expect("set");
        for text in [cap(3), cap(2)] {
            assert_eq!(as_ada.set_limits(&text, NOON).await.expect("set"), Carried::Done, "narrower waits for nobody");
        }
        let id = waits(as_ada.set_limits(&cap(4), NOON).await.expect("asked"));
        assert_eq!(tenant.limits().await.expect("limits").caps[0].count_max, 2);
        as_grace.approve(id, NOON).await.expect("approved");
        assert_eq!(tenant.limits().await.expect("limits").caps[0].count_max, 4);

        let id = waits(as_ada.set_four_eyes(FourEyes { erase_list_above: Some(2), ..on }, NOON).await.expect("asked"));
        assert_eq!(tenant.record().await.expect("a record").four_eyes, on);
        as_grace.set_four_eyes(FourEyes { erase_list_above: Some(0), ..on }, NOON).await.expect("tighter, at once");
        assert!(as_grace.approve(id, NOON).await.is_err(), "it has changed meanwhile");
        let id = waits(as_ada.set_four_eyes(FourEyes::default(), NOON).await.expect("asked"));
        as_grace.approve(id, NOON).await.expect("approved");
        assert_eq!(tenant.record().await.expect("a record").four_eyes, FourEyes::default());
        assert_eq!(as_ada.set_limits("", NOON).await.expect("set"), Carried::Done, "nothing asks any more");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_may_no_more_than_its_maker_and_ends_with_them() {
    for_each_store("keys_of_makers", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (ada, grace) = (user(&tenant, "ada", Role::Owner).await, user(&tenant, "grace", Role::Owner).await);
        let as_grace = acting(&bench, &tenant, Actor::User(grace)).await;
        let (key, secret) = as_grace.create_api_key("crm", Role::Owner, NOON).await.expect("a key");
        let (child, child_secret) = acting(&bench, &tenant, Actor::ApiKey(key.id)).await.create_api_key("child", Role::Owner, NOON).await.expect("a key of a key");
        assert_eq!((key.user, child.user), (Some(grace), Some(grace)), "what a key makes acts for the same user");
        assert_eq!(tenant.create_api_key("operator's", Role::Owner, NOON).await.expect("a key").0.user, None);
        let find = async |secret: &str| bench.store.api_key_by_secret(secret, NOON).await.expect("reads");
        assert!(find(&secret).await.expect("known").may(Right::ManageTeam));
        tenant.change_user(grace, "Grace", Role::Viewer, NOON).await.expect("changed");
        let lessened = find(&secret).await.expect("known");
        assert!(!lessened.may(Right::ManageTeam) && lessened.may(Right::View), "no more than a viewer now");
        assert!(matches!(tenant.create_api_key_for(Some(grace), "more", Role::Manager, NOON).await, Err(StoreError::Invalid(_))));
        tenant.set_user_active(grace, false, NOON).await.expect("deactivated");
        assert!(find(&secret).await.is_none() && find(&child_secret).await.is_none());
        tenant.set_user_active(grace, true, NOON).await.expect("let in again");
        assert!(find(&secret).await.is_none(), "a key does not come back");
        assert_eq!(tenant.audit_events("api_key", "deleted", None, 10).await.expect("events").rows.len(), 2);
        assert!(tenant.user(ada).await.is_ok());
    })
    .await;
}

static IMPORTED: Statement = Statement { text: "UPDATE contact SET import_id = $2 WHERE id = $1", postgres: "" };
static LOADED: Statement = Statement { text: "UPDATE import SET state = 'loaded' WHERE id = $1", postgres: "" };

#[tokio::test(flavor = "multi_thread")]
async fn taking_an_import_back_waits_as_the_erasure_of_a_list_does() {
    for_each_store("four_eyes_import", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (ada, grace) = (user(&tenant, "ada", Role::Manager).await, user(&tenant, "grace", Role::Manager).await);
        let (as_ada, as_grace) = (acting(&bench, &tenant, Actor::User(ada)).await, acting(&bench, &tenant, Actor::User(grace)).await);
        tenant.set_four_eyes(LISTS, NOON).await.expect("set");
        let (_, people) = list_of(&tenant, "Arrears", 3).await;
        let mut imports = Vec::new();
        for part in [&people[..2], &people[2..]] {
            let mut upload = tenant.begin_import(&NewImport::new(ImportSource::Portal, "november.csv"), NOON).await.expect("begins");
            upload.write(b"phone\n").await.expect("written");
            let (id, _) = upload.finish(NOON).await.expect("finished");
            bench.store.db().execute(&LOADED, &params![id]).await.expect("loaded");
            for (contact, _) in part {
                bench.store.db().execute(&IMPORTED, &params![*contact, id]).await.expect("brought");
            }
            imports.push(id);
        }
        assert_eq!(as_ada.undo_import(imports[1], 1, NOON).await.expect("done"), Carried::Done, "one person is not above the threshold");
        let id = waits(as_ada.undo_import(imports[0], 2, NOON).await.expect("asked"));
        assert_eq!(tenant.import(imports[0]).await.expect("it").state, ImportState::Loaded);
        let kept = tenant.approval(id, NOON).await.expect("the request");
        assert_eq!((kept.shown.as_str(), kept.size, kept.act()), ("Take the import “november.csv” back, with 2 people", 2, GuardedAct::UndoImport));
        assert_eq!(as_grace.approval_has_changed(&kept, NOON).await.expect("looked"), None);
        as_grace.approve(id, NOON).await.expect("approved");
        assert_eq!(tenant.import(imports[0]).await.expect("it").state, ImportState::Undoing);
        let done = tenant.audit_events("import", "cancelled", None, 10).await.expect("events").rows.remove(0);
        assert!(done.actor == format!("user:{ada}") && done.detail.starts_with("taken back: 2 people; approved by user:"), "{}", done.detail);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_nobody_asks_for_nothing_that_its_holder_could_approve() {
    for_each_store("four_eyes_nobody", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let ada = user(&tenant, "ada", Role::Owner).await;
        tenant.set_four_eyes(LISTS, NOON).await.expect("set");
        let (list, _) = list_of(&tenant, "Arrears", 3).await;
        let (nobodys, _) = tenant.create_api_key("nobody's", Role::Owner, NOON).await.expect("a key");
        let by_nobody = acting(&bench, &tenant, Actor::ApiKey(nobodys.id)).await;
        assert!(matches!(by_nobody.delete_list(list, NOON).await, Err(StoreError::Forbidden(text)) if text.contains("use a key that a user has made")));
        let small = tenant.create_list("Small", NOON).await.expect("a list");
        assert_eq!(by_nobody.delete_list(small, NOON).await.expect("done"), Carried::Done, "what needs no second person it may do");

        // What is looked at before it is approved is the object alone; approving looks at its people too.
        let as_ada = acting(&bench, &tenant, Actor::User(ada)).await;
        let request = tenant.approval(waits(as_ada.delete_list(list, NOON).await.expect("asked")), NOON).await.expect("it");
        enlist(&tenant, list, person(&tenant, 60, &profile("One", "R-60")).await.0).await;
        assert_eq!(tenant.approval_has_changed(&request, NOON).await.expect("looked"), None);
        tenant.rename_list(list, "December", NOON).await.expect("renamed");
        assert!(tenant.approval_has_changed(&request, NOON).await.expect("looked").is_some());
        assert!(matches!(tenant.approve(request.id, NOON).await, Err(StoreError::Conflict(why)) if why.contains("withdrawn")));
    })
    .await;
}
