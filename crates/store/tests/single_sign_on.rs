//! Whom an identity provider speaks of, on both databases.

mod support;

use std::collections::BTreeMap;

use clarion_domain::id::UserId;
use clarion_domain::tenancy::role::Role;
use clarion_store::tenancy::{NewSingleSignOn, NewUser, ProvidedPerson, SignInFrom, SingleSignOn};
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
    tenant.create_user(&NewUser { username, display_name: username, role, password_hash: "-" }, NOON).await.expect("a user")
}

async fn meets(tenant: &Tenant, issuer: &str, subject: &str, email: Option<&str>, values: &[&str]) -> Option<UserId> {
    let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
    tenant.provided_user(&ProvidedPerson { issuer, subject, email, values: &values }, NOON).await.expect("asked")
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
        assert_eq!(meets(&other, ISSUER, "3", Some("bob@example.com"), &[]).await, None, "nor in another organisation");

        let token = tenant.open_provided_session(bob, SignInFrom::default(), NOON).await.expect("a session");
        assert!(bench.store.session_user(&token, NOON.plus_ms(1)).await.expect("reads").expect("Bob").by_provider);
        tenant.set_user_active(bob, false, NOON).await.expect("deactivated");
        assert!(bench.store.session_user(&token, NOON.plus_ms(1)).await.expect("reads").is_none());
        assert_eq!(meets(&tenant, ISSUER, "3", Some("bob@example.com"), &[]).await, None);

        // Another issuer knows nobody yet.
        set(&tenant, &SingleSignOn { issuer: "https://other.example.com".into(), ..settings() }, None).await.expect("set");
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
        let grace = meets(&tenant, ISSUER, "7", Some("grace@example.com"), &["callers"]).await.expect("met");
        let made = tenant.user(grace).await.expect("Grace");
        assert_eq!((made.username.as_str(), made.display_name.as_str(), made.role), ("grace@example.com", "Grace Hopper", Role::Agent));
        assert!(bench.store.invitation_by_token(&token, NOON).await.expect("reads").is_none(), "the link is used up");
        assert_eq!(meets(&tenant, ISSUER, "7", None, &[]).await, Some(grace));
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
