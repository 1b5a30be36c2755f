//! Whom an identity provider speaks of, on both databases.

mod support;

use std::collections::BTreeMap;

use clarion_domain::id::UserId;
use clarion_domain::tenancy::role::Role;
use clarion_store::tenancy::{NewSingleSignOn, NewUser, Provided, ProvidedPerson, SignInFrom, SingleSignOn};
use clarion_store::{StoreError, Tenant};
use support::{NOON, for_each_store};

const ISSUER: &str = "https://login.example.com";

fn settings() -> SingleSignOn {
    let roles = BTreeMap::from([("managers".to_owned(), Role::Manager), ("callers".to_owned(), Role::Agent)]);
    SingleSignOn { issuer: ISSUER.into(), client_id: "clarion".into(), has_secret: false, role_claim: "groups".into(), roles, only_way: false, break_glass: None }
}

async fn set(tenant: &Tenant, settings: &SingleSignOn, secret: Option<&str>) -> Result<(), StoreError> {
    tenant.set_single_sign_on(&NewSingleSignOn { settings, secret }, NOON).await
}

async fn user(tenant: &Tenant, username: &str, role: Role) -> UserId {
    tenant.create_user(&NewUser { username, display_name: username, role, password_hash: "hashed" }, NOON).await.expect("a user")
}

async fn provided(tenant: &Tenant, issuer: &str, subject: &str, email: Option<&str>, values: &[&str]) -> Provided {
    let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
    tenant.provided_user(&ProvidedPerson { issuer, subject, email, values: &values }, NOON).await.expect("asked")
}

async fn meets(tenant: &Tenant, issuer: &str, subject: &str, email: Option<&str>, values: &[&str]) -> Option<UserId> {
    match provided(tenant, issuer, subject, email, values).await {
        Provided::User(user) => Some(user),
        Provided::Stranger | Provided::NoRole => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_met_by_a_verified_address_and_known_by_subject() {
    for_each_store("single_sign_on", |bench| async move {
        let (tenant, other) = (bench.tenant("northwind").await, bench.tenant("southwind").await);
        set(&tenant, &settings(), Some("s3cret")).await.expect("set");
        set(&tenant, &settings(), None).await.expect("set again");
        assert!(tenant.single_sign_on().await.expect("reads").expect("one").has_secret, "the secret stays");
        assert_eq!(tenant.provider_secret().await.expect("opens").expect("one").as_slice(), b"s3cret");
        assert!(other.single_sign_on().await.expect("reads").is_none() && bench.store.tenant_with_provider("southwind").await.expect("asked").is_none());
        assert_eq!(bench.store.tenant_with_provider("Northwind").await.expect("asked"), Some(tenant.id()));

        let ada = user(&tenant, "ada@example.com", Role::Owner).await;
        let bob = user(&tenant, "bob@example.com", Role::Viewer).await;
        assert_eq!(meets(&tenant, ISSUER, "1", None, &[]).await, None, "without a verified address nobody is met");
        assert_eq!(meets(&tenant, ISSUER, "1", Some("Ada@Example.com"), &["callers"]).await, Some(ada));
        assert_eq!(tenant.user(ada).await.expect("Ada").role, Role::Owner, "an owner stays one");
        assert_eq!(meets(&tenant, ISSUER, "1", Some("bob@example.com"), &[]).await, Some(ada), "known by subject, whatever the address is by now");
        assert_eq!(meets(&tenant, ISSUER, "2", Some("ada@example.com"), &[]).await, None, "the address is somebody's already");
        assert_eq!(meets(&tenant, ISSUER, "3", Some("bob@example.com"), &["callers", "managers", "other"]).await, Some(bob));
        assert_eq!(tenant.user(bob).await.expect("Bob").role, Role::Manager, "the most that any value gives");
        assert_eq!(meets(&tenant, ISSUER, "3", None, &["callers"]).await, Some(bob));
        assert_eq!(tenant.user(bob).await.expect("Bob").role, Role::Agent);
        assert_eq!(meets(&tenant, ISSUER, "4", Some("stranger@example.com"), &["managers"]).await, None, "nobody is let in who was not invited");
        set(&other, &settings(), None).await.expect("set");
        assert_eq!(meets(&other, ISSUER, "3", Some("bob@example.com"), &["callers"]).await, None, "nor in another organisation");

        let token = tenant.open_provided_session(bob, SignInFrom::default(), NOON).await.expect("a session");
        assert!(bench.store.session_user(&token, NOON.plus_ms(1)).await.expect("reads").expect("Bob").by_provider);
        tenant.set_user_active(bob, false, NOON).await.expect("deactivated");
        assert!(bench.store.session_user(&token, NOON.plus_ms(1)).await.expect("reads").is_none());
        assert_eq!(meets(&tenant, ISSUER, "3", Some("bob@example.com"), &[]).await, None);

        // Another issuer knows nobody yet, and is not shown the secret of the one before.
        set(&tenant, &SingleSignOn { issuer: format!("{ISSUER}/"), ..settings() }, None).await.expect("set");
        assert!(tenant.single_sign_on().await.expect("reads").expect("one").has_secret, "the same but for a slash");
        set(&tenant, &SingleSignOn { issuer: "https://other.example.com".into(), ..settings() }, None).await.expect("set");
        assert!(!tenant.single_sign_on().await.expect("reads").expect("one").has_secret && tenant.provider_secret().await.expect("reads").is_none());
        assert_eq!(meets(&tenant, ISSUER, "1", None, &[]).await, None);
        tenant.remove_single_sign_on(NOON).await.expect("removed");
        assert!(tenant.remove_single_sign_on(NOON).await.is_err());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_invited_becomes_a_user_once() {
    for_each_store("single_sign_on_invited", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        set(&tenant, &settings(), None).await.expect("set");
        assert!(matches!(tenant.invite_by("Grace", Role::Viewer, "no address", NOON).await, Err(StoreError::Faults(_))));
        let (id, token) = tenant.invite_by("Grace Hopper", Role::Viewer, " Grace@Example.com ", NOON).await.expect("an invitation");
        assert_eq!(tenant.open_invitation(id).await.expect("open").email, "grace@example.com");
        assert_eq!(provided(&tenant, ISSUER, "7", Some("grace@example.com"), &["everybody"]).await, Provided::NoRole);
        assert!(tenant.open_invitation(id).await.is_ok() && tenant.users().await.expect("users").is_empty(), "the invitation stays open");
        let grace = meets(&tenant, ISSUER, "7", Some("grace@example.com"), &["callers"]).await.expect("met");
        let made = tenant.user(grace).await.expect("Grace");
        assert_eq!((made.username.as_str(), made.display_name.as_str(), made.role), ("grace@example.com", "Grace Hopper", Role::Agent));
        assert!(bench.store.invitation_by_token(&token, NOON).await.expect("reads").is_none(), "the link is used up");
        assert_eq!(meets(&tenant, ISSUER, "7", None, &["callers"]).await, Some(grace));
        assert_eq!(meets(&tenant, ISSUER, "8", Some("grace@example.com"), &[]).await, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_said_field_by_field() {
    for_each_store("single_sign_on_faults", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (ada, bob) = (user(&tenant, "ada", Role::Owner).await, user(&tenant, "bob", Role::Manager).await);
        for (wrong, field) in [
            (SingleSignOn { issuer: "http://169.254.169.254".into(), ..settings() }, "issuer"),
            (SingleSignOn { issuer: "https://10.0.0.1".into(), ..settings() }, "issuer"),
            (SingleSignOn { issuer: "https://login.example.com/?x".into(), ..settings() }, "issuer"),
            (SingleSignOn { client_id: " ".into(), ..settings() }, "client_id"),
            (SingleSignOn { roles: BTreeMap::from([("x".to_owned(), Role::Owner)]), ..settings() }, "roles"),
            (SingleSignOn { role_claim: String::new(), ..settings() }, "roles"),
            (SingleSignOn { only_way: true, ..settings() }, "break_glass"),
            (SingleSignOn { only_way: true, break_glass: Some(bob), ..settings() }, "break_glass"),
        ] {
            match set(&tenant, &wrong, None).await {
                Err(StoreError::Faults(faults)) => assert_eq!(faults[0].field, field, "{wrong:?}"),
                other => panic!("{wrong:?}: {other:?}"),
            }
        }
        set(&tenant, &SingleSignOn { only_way: true, break_glass: Some(ada), ..settings() }, None).await.expect("set");
        assert_eq!(bench.store.needs_provider(bob).await.expect("asked").as_deref(), Some("northwind"));
        assert_eq!(bench.store.needs_provider(ada).await.expect("asked"), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_taken_away_at_the_provider_ends_here() {
    for_each_store("single_sign_on_no_role", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        set(&tenant, &settings(), None).await.expect("set");
        let (ada, bob) = (user(&tenant, "ada@example.com", Role::Owner).await, user(&tenant, "bob@example.com", Role::Viewer).await);
        assert_eq!(meets(&tenant, ISSUER, "1", Some("bob@example.com"), &["managers"]).await, Some(bob));
        assert_eq!(provided(&tenant, ISSUER, "1", None, &["everybody"]).await, Provided::NoRole);
        assert_eq!(provided(&tenant, ISSUER, "1", None, &[]).await, Provided::NoRole);
        assert_eq!(meets(&tenant, ISSUER, "2", Some("ada@example.com"), &[]).await, Some(ada), "owners are made and unmade here");
        let refused = tenant.audit_events("user", "sign_in_refused", None, 9).await.expect("events").rows;
        assert_eq!((refused.len(), refused[0].object_id, refused[0].detail.as_str()), (2, bob.0, "single sign-on: the provider's claim gives no role"));
        // Where no claim is named, roles are given here.
        set(&tenant, &SingleSignOn { role_claim: String::new(), roles: BTreeMap::new(), ..settings() }, None).await.expect("set");
        assert_eq!(meets(&tenant, ISSUER, "1", None, &[]).await, Some(bob));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_can_always_break_the_glass() {
    for_each_store("single_sign_on_glass", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (ada, bob) = (user(&tenant, "ada", Role::Owner).await, user(&tenant, "bob", Role::Owner).await);
        let new = NewUser { username: "grace", display_name: "Grace", role: Role::Owner, password_hash: "-" };
        let grace = tenant.create_user(&new, NOON).await.expect("an owner without a password");
        let only = |glass| SingleSignOn { only_way: true, break_glass: Some(glass), ..settings() };
        assert!(matches!(set(&tenant, &only(grace), None).await, Err(StoreError::Faults(faults)) if faults[0].field == "break_glass"), "she could not sign in");

        let by_password = tenant.open_session(bob, NOON).await.expect("a session");
        let of_ada = tenant.open_session(ada, NOON).await.expect("a session");
        let by_provider = tenant.open_provided_session(bob, SignInFrom::default(), NOON).await.expect("a session");
        let half = tenant.begin_half_sign_in(bob, NOON).await.expect("begun");
        set(&tenant, &only(ada), None).await.expect("set");
        let soon = NOON.plus_ms(1);
        for (token, stays) in [(&by_password, false), (&of_ada, true), (&by_provider, true)] {
            assert_eq!(bench.store.session_user(token, soon).await.expect("reads").is_some(), stays);
        }
        assert!(bench.store.half_sign_in(&half, soon).await.expect("reads").is_none());

        for refused in [tenant.set_user_active(ada, false, NOON).await, tenant.change_user(ada, "Ada", Role::Manager, NOON).await] {
            assert!(matches!(refused, Err(StoreError::Conflict(text)) if text.contains("name another owner under Single sign-on")));
        }
        tenant.change_user(ada, "Ada L.", Role::Owner, NOON).await.expect("her name alone");
        set(&tenant, &only(bob), None).await.expect("set");
        tenant.set_user_active(ada, false, NOON).await.expect("deactivated");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_owners_who_unmake_each_other_leave_one() {
    for_each_store("single_sign_on_owners", |bench| async move {
        for round in 0..8 {
            let tenant = bench.tenant(&format!("north{round}")).await;
            let owners = [user(&tenant, &format!("ada{round}"), Role::Owner).await, user(&tenant, &format!("bob{round}"), Role::Owner).await];
            let (first, second) = (tenant.clone(), tenant.clone());
            let both = tokio::join!(
                tokio::spawn(async move { first.change_user(owners[0], "Ada", Role::Agent, NOON).await.is_ok() }),
                tokio::spawn(async move { second.set_user_active(owners[1], false, NOON).await.is_ok() })
            );
            assert_eq!(u8::from(both.0.expect("ends")) + u8::from(both.1.expect("ends")), 1, "one of the two is told so");
        }
    })
    .await;
}
