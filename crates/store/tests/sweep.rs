//! Every class of record goes a second after its clock has run out and not a second before, and the timeline tells of it until then.

mod support;

use clarion_domain::audit::event::Act;
use clarion_domain::compliance::rule_book::RuleBook;
use clarion_domain::id::{ContactId, SessionId, TenantId, floor_at};
use clarion_domain::privacy::retention::RecordClass;
use clarion_domain::tenancy::activity::ActivityKind;
use clarion_domain::tenancy::role::Role;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::{DAY_MS, Instant, SECOND_MS};
use clarion_store::contacts::TimelineKind;
use clarion_store::db::{Statement, Value};
use clarion_store::params;
use clarion_store::seal::DataKey;
use clarion_store::tenancy::NewActivity;
use support::{Bench, NOON, for_each_store};

async fn put(bench: &Bench, text: &'static str, values: Vec<Value>) {
    let statement = Statement { text, postgres: "" };
    bench.store.db().execute(&statement, &values).await.expect("a row");
}

async fn count(bench: &Bench, text: &'static str, tenant: TenantId) -> i64 {
    let statement = Statement { text, postgres: "" };
    bench.store.db().query_first(&statement, &params![tenant]).await.expect("rows").expect("a row").take(0).expect("a count")
}

/// One person with a campaign, an attempt, a refusal, a reply, a notice, a consent that ended, a request and a sign-in, all of noon.
async fn seed(bench: &Bench, tenant: TenantId, number: i64) -> ContactId {
    let key = DataKey::random().expect("a key");
    let wrapped = bench.store.keyring().wrap(&key).expect("wrapped");
    let sealed = |label: &str, text: &str| key.seal(label, text.as_bytes()).expect("sealed");
    // Identifiers of noon, whatever the time to which the store has travelled since.
    let id = floor_at(NOON.ms()) + 10 * (number + 1);
    let index = vec![7u8; 16];
    put(bench, "INSERT INTO contact (id, tenant_id, wrapped_key, sealed_profile, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)", params![id, tenant, wrapped, sealed("contact.profile", "{}"), NOON]).await;
    put(
        bench,
        "INSERT INTO address (id, tenant_id, contact_id, number_index, sealed_number, line_type, region, zones, created_at) VALUES ($1, $2, $1, $3, $4, 'mobile', 'GB', 'Europe/London', $5)",
        params![id, tenant, index.clone(), sealed("address.number", "+447700900123"), NOON],
    )
    .await;
    put(
        bench,
        "INSERT INTO campaign (id, tenant_id, name, channel, purpose, underlying_purpose, not_marketing_reason, legal_basis, assessment_reference, state, body, sender, schedule, retry,
            rate_per_second, audience_size, next_position, state_reason, created_by, created_at, started_by, started_at, finished_at)
         VALUES ($1, $2, 'Reminders', 'sms', 'reminder', '', '', 'contract', '', 'finished', '', 'North', '', '', 1, 2, 2, '', 'system', $3, 'system', $3, $3)",
        params![id, tenant, NOON],
    )
    .await;
    for position in [0i64, 1] {
        put(bench, "INSERT INTO recipient (campaign_id, position, contact_id, address_id) VALUES ($1, $2, $1, $1)", params![id, position]).await;
    }
    put(bench, "INSERT INTO decision (campaign_id, position, kind, rules, rule_pack, decided_at) VALUES ($1, 1, 'refused', 'UK-17', 'uk@2026-11-23', $2)", params![id, NOON]).await;
    put(
        bench,
        "INSERT INTO attempt (id, tenant_id, campaign_id, position, try_number, contact_id, address_id, channel, trunk_id, state, disposition, cause, decision, segments, cost, sealed_body,
            carrier_message_id, parts_heard, claimed_at, answered_at, settled_at)
         VALUES ($1, $2, $1, 0, 1, $1, $1, 'sms', 1, 'settled', 'delivered', '', '', 1, 3, $3, 'abc', 0, $4, $4, $4)",
        params![id, tenant, sealed("attempt.body", "Hello Ada"), NOON],
    )
    .await;
    put(
        bench,
        "INSERT INTO reply (id, tenant_id, contact_id, number_index, sealed_number, sealed_body, trunk_id, meaning, state, dedupe, received_at) VALUES ($1, $2, $1, $3, $4, $5, 1, 'other', 'new', $7, $6)",
        params![id, tenant, index.clone(), sealed("reply.number", "+447700900123"), sealed("reply.body", "Thanks"), NOON, id.to_le_bytes()],
    )
    .await;
    put(
        bench,
        "INSERT INTO notice (id, tenant_id, kind, contact_id, campaign_id, number_index, sealed_number, sealed_body, sender, trunk_id, state, cause, created_by, created_at)
         VALUES ($1, $2, 'answer', $1, 0, $3, $4, $4, 'North', 1, 'sent', '', 'system', $5)",
        params![id, tenant, index, sealed("notice.body", "You are welcome"), NOON],
    )
    .await;
    put(
        bench,
        "INSERT INTO consent (id, tenant_id, contact_id, channel, purpose, kind, given_at, withdrawn_at, evidence, wording_version, obtained_in, refusal_offered, created_by, created_at)
         VALUES ($1, $2, $1, 'sms', 'marketing', 'consent', $3, $3, '', '', '', 0, 'system', $3)",
        params![id, tenant, NOON],
    )
    .await;
    put(bench, "INSERT INTO subject_request (id, tenant_id, kind, state, result, created_by, created_at, done_at) VALUES ($1, $2, 'access', 'fulfilled', '', 'system', $3, $3)", params![id, tenant, NOON]).await;
    let actor = bench.store.tenant(tenant, Actor::System).await.expect("the tenant");
    actor.audit_alone(NOON, Act::SignedIn, "user", 1, "").await.expect("an event");
    actor.audit_alone(NOON, Act::Paused, "campaign", 1, "").await.expect("an event");
    let looked = NewActivity {
        id: id + 3,
        tenant,
        actor: Actor::System,
        session: SessionId(1),
        at: NOON,
        kind: ActivityKind::Entry,
        method: String::new(),
        path: String::new(),
        site: "https://intranet.example".into(),
        status: 0,
        address: Some("203.0.113.77".into()),
        browser: "Firefox 130.0".into(),
        system: "Linux".into(),
    };
    bench.store.write_activity(&[looked], &[(id + 3, 200)]).await.expect("written");
    ContactId(id)
}

/// What is left, in the order of the classes below.
async fn left(bench: &Bench, tenant: TenantId, class: RecordClass) -> i64 {
    match class {
        RecordClass::MessageBody => {
            count(
                bench,
                "SELECT CAST((SELECT COUNT(*) FROM attempt WHERE tenant_id = $1 AND sealed_body IS NOT NULL) + (SELECT COUNT(*) FROM reply WHERE tenant_id = $1 AND sealed_body IS NOT NULL)
                    + (SELECT COUNT(*) FROM notice WHERE tenant_id = $1 AND sealed_body IS NOT NULL) AS BIGINT)",
                tenant,
            )
            .await
        }
        RecordClass::AttemptMetadata => {
            count(
                bench,
                "SELECT CAST((SELECT COUNT(*) FROM attempt WHERE tenant_id = $1 AND contact_id <> 0) + (SELECT COUNT(*) FROM reply WHERE tenant_id = $1)
                    + (SELECT COUNT(*) FROM notice WHERE tenant_id = $1) + (SELECT COUNT(*) FROM recipient r JOIN campaign c ON c.id = r.campaign_id WHERE c.tenant_id = $1) AS BIGINT)",
                tenant,
            )
            .await
        }
        RecordClass::ConsentProof => count(bench, "SELECT CAST(COUNT(*) AS BIGINT) FROM consent WHERE tenant_id = $1", tenant).await,
        RecordClass::PortalActivity => count(bench, "SELECT CAST((SELECT COUNT(*) FROM audit_event WHERE tenant_id = $1 AND act = 'signed_in') + (SELECT COUNT(*) FROM activity WHERE tenant_id = $1) AS BIGINT)", tenant).await,
        RecordClass::RightsRequest => count(bench, "SELECT CAST(COUNT(*) AS BIGINT) FROM subject_request WHERE tenant_id = $1", tenant).await,
        RecordClass::AuditEvent => count(bench, "SELECT CAST(COUNT(*) AS BIGINT) FROM audit_event WHERE tenant_id = $1 AND act = 'paused'", tenant).await,
        // Recordings have tests of their own.
        RecordClass::ContactRow | RecordClass::SourceFile | RecordClass::Suppression | RecordClass::Recording | RecordClass::OpeningRecording | RecordClass::WebhookEvent | RecordClass::ConnectorRun | RecordClass::ExportFile | RecordClass::Account => 0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_class_keeps_its_own_clock() {
    for_each_store("sweep_classes", |bench| async move {
        let cases = [
            (RecordClass::MessageBody, 3),
            (RecordClass::AttemptMetadata, 5),
            (RecordClass::ConsentProof, 1),
            (RecordClass::PortalActivity, 2),
            (RecordClass::RightsRequest, 1),
            (RecordClass::AuditEvent, 1),
        ];
        for (number, (class, held)) in cases.into_iter().enumerate() {
            let tenant = bench.tenant(&format!("north-{number}")).await;
            seed(&bench, tenant.id(), number as i64).await;
            let end: Instant = NOON.plus_ms(i64::from(class.retention().period_days) * DAY_MS);
            tenant.sweep(end.plus_ms(-SECOND_MS)).await.expect("swept");
            assert_eq!(left(&bench, tenant.id(), class).await, held, "{class}, a second before");
            let counts = tenant.sweep(end.plus_ms(SECOND_MS)).await.expect("swept");
            assert_eq!(left(&bench, tenant.id(), class).await, 0, "{class}, a second after");
            let taken: i64 = counts.iter().filter(|count| count.class == class).map(|count| count.count).sum();
            assert!(taken >= held, "{class}: {taken} counted");
            assert!(tenant.sweep(end.plus_ms(SECOND_MS)).await.expect("swept").iter().all(|count| count.class != class), "{class}: nothing is left to take");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_an_invitation_was_for_is_forgotten_once_it_is_long_over() {
    for_each_store("sweep_invitations", |bench| async move {
        let tenant = bench.tenant("north").await;
        tenant.invite_by("Ada Example", Role::Viewer, "ada@example.com", NOON).await.expect("invited");
        let named = "SELECT CAST(COUNT(*) AS BIGINT) FROM invitation WHERE tenant_id = $1 AND (email <> '' OR display_name <> '')";
        let end = NOON.plus_ms(i64::from(RecordClass::PortalActivity.retention().period_days) * DAY_MS);
        tenant.sweep(end.plus_ms(-SECOND_MS)).await.expect("swept");
        assert_eq!(count(&bench, named, tenant.id()).await, 1);
        tenant.sweep(end.plus_ms(SECOND_MS)).await.expect("swept");
        assert_eq!(count(&bench, named, tenant.id()).await, 0);
        assert!(tenant.open_invitations().await.expect("reads").is_empty(), "nobody renews one that is for nobody");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_legal_hold_keeps_messages_until_it_is_lifted() {
    for_each_store("sweep_hold", |bench| async move {
        let tenant = bench.tenant("north").await;
        let contact = seed(&bench, tenant.id(), 1).await;
        tenant.set_legal_hold(contact, "Smith v North", NOON).await.expect("held");
        let later = NOON.plus_ms(800 * DAY_MS);
        tenant.sweep(later).await.expect("swept");
        assert_eq!(left(&bench, tenant.id(), RecordClass::MessageBody).await, 3);
        assert_eq!(left(&bench, tenant.id(), RecordClass::AttemptMetadata).await, 5);
        tenant.lift_legal_hold(contact, later).await.expect("lifted");
        tenant.sweep(later).await.expect("swept");
        assert_eq!(left(&bench, tenant.id(), RecordClass::MessageBody).await + left(&bench, tenant.id(), RecordClass::AttemptMetadata).await, 0);
        assert_eq!(count(&bench, "SELECT CAST(COUNT(*) AS BIGINT) FROM attempt WHERE tenant_id = $1 AND cost = 3", tenant.id()).await, 1, "what was counted stays");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timeline_tells_what_happened_and_why_not() {
    for_each_store("sweep_timeline", |bench| async move {
        let (tenant, other) = (bench.tenant("north").await, bench.tenant("south").await);
        let contact = seed(&bench, tenant.id(), 1).await;
        let rules = RuleBook::embedded().expect("rules");
        let events = tenant.timeline(contact, &rules, None, 50).await.expect("a timeline");
        let mut seen = [false; 5];
        for event in &events {
            match &event.what {
                TimelineKind::Attempted { body, campaign_name, .. } => seen[0] = body.as_ref().is_some_and(|body| body.reveal() == "Hello Ada") && campaign_name == "Reminders",
                TimelineKind::Refused { reasons, .. } => seen[1] = reasons[0].rule == "UK-17" && reasons[0].person.ends_with('.'),
                TimelineKind::Replied { body, .. } => seen[2] = body.as_ref().is_some_and(|body| body.reveal() == "Thanks"),
                TimelineKind::Noticed { .. } => seen[3] = true,
                TimelineKind::ConsentWithdrawn { .. } => seen[4] = true,
                _ => {}
            }
        }
        assert_eq!(seen, [true; 5], "{} events", events.len());
        assert!(other.timeline(contact, &rules, None, 50).await.is_err(), "another tenant's person");
        assert!(tenant.timeline(contact, &rules, Some(NOON), 50).await.expect("a timeline").is_empty());
    })
    .await;
}
