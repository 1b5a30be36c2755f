//! Sessions, invitations and second factors, on both databases.

mod support;

use clarion_domain::id::SessionId;
use clarion_domain::tenancy::activity::ActivityKind;
use clarion_domain::tenancy::role::Role;
use clarion_domain::tenancy::tenant::Actor;
use clarion_store::tenancy::{CHALLENGE_MS, INVITATION_KEPT_MS, LOCKED_FOR_MS, NewActivity, NewUser, RECOVERY_CODES, SignInFrom};
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
        assert!(offered.since.is_none() && !tenant.use_totp_step(user, 5, NOON).await.expect("asked"), "it is not on yet");
        assert_eq!(*tenant.offer_second_factor(user).await.expect("offered").secret, *offered.secret);
        let codes = tenant.confirm_second_factor(user, 7, NOON).await.expect("on");
        assert!(tenant.confirm_second_factor(user, 8, NOON).await.is_err());
        let steps = [(7, false), (6, false), (8, true), (8, false)];
        for (step, expected) in steps {
            assert_eq!(tenant.use_totp_step(user, step, NOON).await.expect("asked"), expected, "{step}");
        }
        // Guesses beside each other: what was right comes too late when ten others were wrong.
        let guesses: Vec<_> = (0..14).map(|_| { let tenant = tenant.clone(); tokio::spawn(async move { tenant.record_wrong_code(user, NOON).await }) }).collect();
        for guess in guesses {
            guess.await.expect("ends").expect("counted");
        }
        let refused = tenant.audit_events("user", "sign_in_refused", None, 50).await.expect("events").rows;
        assert_eq!((refused.len(), refused[0].detail.as_str()), (10, "wrong code, locked"), "a locked account counts no further");
        assert!(!tenant.use_totp_step(user, 9, NOON.plus_ms(1)).await.expect("asked"));
        assert!(!tenant.use_recovery_code(user, &codes[0], NOON.plus_ms(1)).await.expect("asked"));
        let unlocked = NOON.plus_ms(LOCKED_FOR_MS);
        assert!(tenant.use_totp_step(user, 9, unlocked).await.expect("asked"));
        assert_eq!((codes.len(), codes[0].len()), (RECOVERY_CODES, 29));
        assert!(!other.use_recovery_code(user, &codes[0], NOON).await.expect("asked"));
        for expected in [true, false] {
            assert_eq!(tenant.use_recovery_code(user, &codes[0], unlocked).await.expect("asked"), expected);
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

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_no_longer_invite_takes_their_invitations_with_them() {
    for_each_store("people_revoked", |bench| async move {
        let operator = bench.tenant("northwind").await;
        let mut owners = Vec::new();
        for username in ["ada", "bob", "grace"] {
            owners.push(operator.create_user(&NewUser { username, display_name: username, role: Role::Owner, password_hash: "-" }, NOON).await.expect("an owner"));
        }
        let as_user = async |user| bench.store.tenant(operator.id(), Actor::User(user)).await.expect("the tenant");
        for (owner, deactivates) in [(owners[0], true), (owners[1], false)] {
            let own = as_user(owner).await;
            let (key, _) = own.create_api_key("a program", Role::Owner, NOON).await.expect("a key");
            let by_key = bench.store.tenant(operator.id(), Actor::ApiKey(key.id)).await.expect("the tenant");
            let (_, mine) = own.invite("Me again", Role::Owner, NOON).await.expect("an invitation");
            let (_, keys) = by_key.invite("Me once more", Role::Owner, NOON).await.expect("an invitation");
            let (others, _) = as_user(owners[2]).await.invite("Somebody", Role::Agent, NOON).await.expect("an invitation");
            let renewed = own.renew_invitation(others, NOON).await.expect("renewed: they know its link");
            if deactivates {
                operator.set_user_active(owner, false, NOON).await.expect("deactivated");
            } else {
                operator.change_user(owner, "Bob", Role::Manager, NOON).await.expect("demoted");
            }
            for token in [&mine, &keys, &renewed] {
                assert!(bench.store.invitation_by_token(token, NOON).await.expect("reads").is_none());
            }
        }
        let own = as_user(owners[2]).await;
        let (_, stays) = own.invite("Somebody", Role::Agent, NOON).await.expect("an invitation");
        own.change_user(owners[2], "Grace Hopper", Role::Owner, NOON).await.expect("renamed");
        assert!(bench.store.invitation_by_token(&stays, NOON).await.expect("reads").is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_challenges_fills_nothing_and_each_is_good_once() {
    for_each_store("people_challenges", |bench| async move {
        let (tenant, store) = (bench.tenant("northwind").await, &bench.store);
        let user = tenant.create_user(&NewUser { username: "grace", display_name: "Grace", role: Role::Agent, password_hash: "-" }, NOON).await.expect("a user");
        let asked = store.new_passkey_challenge(None, NOON).await.expect("a challenge");
        let to_make = store.new_passkey_challenge(Some(user), NOON).await.expect("a challenge");
        for _ in 0..10_500 {
            store.new_passkey_challenge(None, NOON).await.expect("strangers shut nobody out");
        }
        let mut bent = asked;
        bent[0] ^= 1;
        for (challenge, whose, at) in [(&asked[..], Some(user), NOON), (&to_make[..], None, NOON), (&bent[..], None, NOON), (&asked[..31], None, NOON), (&asked[..], None, NOON.plus_ms(CHALLENGE_MS))] {
            assert!(!store.use_passkey_challenge(challenge, whose, at).await.expect("asked"));
        }
        for expected in [true, false] {
            assert_eq!(store.use_passkey_challenge(&asked, None, NOON).await.expect("asked"), expected);
            assert_eq!(store.use_passkey_challenge(&to_make, Some(user), NOON.plus_ms(CHALLENGE_MS - 1)).await.expect("asked"), expected);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_down_is_not_written_down_twice() {
    for_each_store("people_activity", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let user = tenant.create_user(&NewUser { username: "grace", display_name: "Grace", role: Role::Agent, password_hash: "-" }, NOON).await.expect("a user");
        let none = String::new;
        let row = |id: i64| NewActivity {
            id, tenant: tenant.id(), actor: Actor::User(user), session: SessionId(1), at: NOON, kind: ActivityKind::Act, method: "POST".into(), path: "/team".into(), site: none(), status: 0, address: None, browser: none(), system: none(),
        };
        bench.store.write_activity(&[row(1), row(2)], &[]).await.expect("written");
        // The answer to the commit was lost: the same again, with what came meanwhile.
        bench.store.write_activity(&[row(1), row(2), row(3)], &[(1, 303)]).await.expect("written");
        let rows = tenant.activity(Actor::User(user), None, 9).await.expect("read").rows;
        assert_eq!(rows.iter().map(|row| (row.id, row.status)).collect::<Vec<_>>(), [(3, 0), (2, 0), (1, 303)]);
    })
    .await;
}
