//! Sessions, invitations and second factors, on both databases.

mod support;

use clarion_domain::tenancy::role::Role;
use clarion_store::tenancy::{INVITATION_KEPT_MS, NewUser, RECOVERY_CODES, SignInFrom};
use support::{NOON, for_each_store};

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_and_ended_within_their_tenant() {
    for_each_store("people_sessions", |bench| async move {
        let (tenant, other) = (bench.tenant("northwind").await, bench.tenant("southwind").await);
        let user = tenant.create_user(&NewUser { username: "grace", display_name: "Grace", role: Role::Agent, password_hash: "-" }, NOON).await.expect("a user");
        let from = SignInFrom { browser: "Firefox on Linux", place: "203.0.113.…" };
        let first = tenant.open_session_from(user, from, NOON).await.expect("a session");
        let second = tenant.open_session(user, NOON.plus_ms(1)).await.expect("a session");
        let all = tenant.sessions(user, NOON.plus_ms(2)).await.expect("sessions");
        assert_eq!((all.len(), all[1].browser.as_str(), all[1].place.as_str()), (2, from.browser, from.place));
        assert!(other.sessions(user, NOON).await.expect("sessions").is_empty());
        assert!(other.end_session(user, all[1].id, NOON).await.is_err());
        let known = bench.store.session_user(&second, NOON.plus_ms(2)).await.expect("reads").expect("the user");
        assert_eq!(known.session, all[0].id);
        assert_eq!(tenant.end_sessions(user, Some(known.session), NOON).await.expect("ended"), 1);
        assert!(bench.store.session_user(&first, NOON.plus_ms(2)).await.expect("reads").is_none());
        assert!(bench.store.session_user(&second, NOON.plus_ms(2)).await.expect("reads").is_some());
        tenant.set_user_active(user, false, NOON).await.expect("deactivated");
        assert!(bench.store.session_user(&second, NOON.plus_ms(2)).await.expect("reads").is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_accepted_once_and_in_its_time() {
    for_each_store("people_invitations", |bench| async move {
        let (tenant, other) = (bench.tenant("northwind").await, bench.tenant("southwind").await);
        let (id, token) = tenant.invite(" Grace ", Role::Manager, NOON).await.expect("an invitation");
        assert_eq!(tenant.open_invitation(id).await.expect("open").display_name, "Grace");
        assert!(bench.store.invitation_by_token(&token, NOON.plus_ms(INVITATION_KEPT_MS)).await.expect("reads").is_none());
        assert!(other.accept_invitation(&token, "grace", "-", NOON).await.is_err() && other.revoke_invitation(id, NOON).await.is_err());
        let both = tokio::join!(tenant.accept_invitation(&token, "grace", "-", NOON), tenant.accept_invitation(&token, "hopper", "-", NOON));
        assert_eq!(usize::from(both.0.is_ok()) + usize::from(both.1.is_ok()), 1, "two at once make one user");
        assert_eq!(tenant.users().await.expect("users").iter().filter(|user| user.role == Role::Manager).count(), 1);
        assert!(tenant.open_invitations().await.expect("none").is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_and_recovery_codes_are_used_up() {
    for_each_store("people_second_factor", |bench| async move {
        let (tenant, other) = (bench.tenant("northwind").await, bench.tenant("southwind").await);
        let user = tenant.create_user(&NewUser { username: "grace", display_name: "Grace", role: Role::Agent, password_hash: "-" }, NOON).await.expect("a user");
        assert!(tenant.second_factor(user).await.expect("reads").is_none());
        let offered = tenant.offer_second_factor(user).await.expect("offered");
        assert!(offered.since.is_none() && !tenant.use_totp_step(user, 5).await.expect("asked"), "it is not on yet");
        assert_eq!(*tenant.offer_second_factor(user).await.expect("offered").secret, *offered.secret);
        let codes = tenant.confirm_second_factor(user, 7, NOON).await.expect("on");
        assert!(tenant.confirm_second_factor(user, 8, NOON).await.is_err());
        let steps = [(7, false), (6, false), (8, true), (8, false)];
        for (step, expected) in steps {
            assert_eq!(tenant.use_totp_step(user, step).await.expect("asked"), expected, "{step}");
        }
        assert_eq!((codes.len(), codes[0].len()), (RECOVERY_CODES, 19));
        assert!(!other.use_recovery_code(user, &codes[0], NOON).await.expect("asked"));
        for expected in [true, false] {
            assert_eq!(tenant.use_recovery_code(user, &codes[0], NOON).await.expect("asked"), expected);
        }
        assert_eq!(tenant.second_factor(user).await.expect("reads").expect("on").recovery_codes_left, 9);
        let half = tenant.begin_half_sign_in(user, NOON).await.expect("begun");
        assert_eq!(bench.store.half_sign_in(&half, NOON).await.expect("reads"), Some((tenant.id(), user)));
        tenant.remove_second_factor(user, "second factor reset", true, NOON).await.expect("reset");
        assert!(bench.store.half_sign_in(&half, NOON).await.expect("reads").is_none());
        assert!(!tenant.use_recovery_code(user, &codes[1], NOON).await.expect("asked"));
        tenant.require_second_factor(true, NOON).await.expect("needed");
        assert!(tenant.record().await.expect("the tenant").needs_second_factor && !other.record().await.expect("the other").needs_second_factor);
    })
    .await;
}
