//! Suppressions, holds, consents, wishes and limits: kept, lifted, and heard by the decision.

#[path = "support/people.rs"]
mod people;
mod support;

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::compliance::Decision;
use clarion_domain::compliance::consent::{ConsentKind, ObtainedIn};
use clarion_domain::compliance::facts::Touch;
use clarion_domain::compliance::hold::HoldReason;
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::id::{AddressId, CampaignId, ContactId, TenantId};
use clarion_domain::personal::Personal;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::{DAY_MS, HOUR_MS, Instant};
use clarion_store::campaigns::CampaignDraft;
use clarion_store::compliance::{CampaignTerms, NewConsent, NewHold, NewSuppression, Preference, RecipientFacts, Week, decide};
use clarion_store::db::Statement;
use clarion_store::outcomes::CARRIER_SOURCE;
use clarion_store::{StoreError, Tenant, params};
use people::{number, person, person_in, profile};
use support::{NOON, for_each_store};

async fn campaign(tenant: &Tenant, purpose: Purpose, basis: LegalBasis) -> CampaignId {
    let mut draft = CampaignDraft::new(&format!("{purpose}"));
    draft.purpose = Some(purpose);
    draft.basis = Some(basis);
    draft.body = "Northwind: please call us about your account. Reply STOP to opt out.".into();
    draft.sender = "+447700900999".into();
    tenant.create_campaign(&draft, NOON).await.expect("a draft")
}

async fn terms(tenant: &Tenant, purpose: Purpose, basis: LegalBasis) -> CampaignTerms {
    let id = campaign(tenant, purpose, basis).await;
    tenant.campaign_terms(&tenant.campaign(id).await.expect("reads")).await.expect("terms")
}

async fn facts(tenant: &Tenant, who: (ContactId, AddressId), since: Instant) -> RecipientFacts {
    let mut tx = tenant.store().db().begin().await.expect("begins");
    tenant.recipient_facts(&mut tx, &[who], since).await.expect("facts").remove(0)
}

/// `permitted`, or what stands in the way.
async fn verdict(tenant: &Tenant, terms: &CampaignTerms, who: (ContactId, AddressId), now: Instant) -> String {
    let facts = facts(tenant, who, terms.touches_since(now)).await;
    let decision = decide(terms, &facts, &[], now);
    let words = terms.words(&decision, &facts.region, now);
    if matches!(decision, Decision::Permit(_)) { words.kind.into() } else { format!("{} by {}", words.kind, words.rules) }
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_open_what_is_sealed_and_an_erased_person_is_refused() {
    for_each_store("facts", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let who = person(&tenant, 1, &profile("Ada", "R-1")).await;
        let known = facts(&tenant, who, NOON).await;
        assert_eq!((known.number.reveal(), known.profile.field("first_name"), known.erased), (number(1).as_str(), Some("Ada"), false));
        assert_eq!((known.region.as_str(), known.zones.as_slice(), known.number_index), ("GB", ["Europe/London".to_owned()].as_slice(), tenant.number_index(&number(1))));
        let terms = terms(&tenant, Purpose::Collections, LegalBasis::Contract).await;
        assert_eq!(verdict(&tenant, &terms, who, NOON).await, "permitted");

        let other = bench.tenant("fabrikam").await;
        assert!(facts(&other, who, NOON).await.erased, "another tenant's person is nobody");
        static ERASE: Statement = Statement { text: "UPDATE contact SET erased_at = $2, wrapped_key = NULL, sealed_profile = NULL WHERE id = $1", postgres: "" };
        tenant.store().db().execute(&ERASE, &params![who.0, NOON]).await.expect("erases");
        let gone = facts(&tenant, who, NOON).await;
        assert!(gone.erased && gone.key.is_none() && gone.number.is_empty());
        let verdict = verdict(&tenant, &terms, who, NOON).await;
        assert!(verdict.starts_with("refused by "), "{verdict}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suppression_stops_its_channel_at_once_and_start_lifts_only_the_persons_own() {
    for_each_store("suppress", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let who = person(&tenant, 1, &profile("Ada", "R-1")).await;
        let terms = terms(&tenant, Purpose::Collections, LegalBasis::Contract).await;
        let index = tenant.number_index(&number(1));
        let contactable = async |channel| {
            let mut tx = tenant.store().db().begin().await.expect("begins");
            tenant.still_contactable(&mut tx, &[index, tenant.number_index(&number(2))], channel).await.expect("looks")
        };
        assert_eq!(contactable(Channel::Sms).await, [true, true]);

        assert!(tenant.suppress("07700 900001", SuppressionScope::Voice, SuppressionReason::TenantList, "ticket 7", NOON).await.expect("suppresses"));
        assert_eq!(contactable(Channel::Sms).await, [true, true], "only calls are stopped");
        assert_eq!(contactable(Channel::Voice).await, [false, true]);
        assert_eq!(verdict(&tenant, &terms, who, NOON).await, "permitted");

        let ada = Personal::new(number(1));
        let mut tx = tenant.store().db().begin().await.expect("begins");
        let stop = NewSuppression { number: &ada, scope: SuppressionScope::Every, reason: SuppressionReason::OptOut, source: "reply" };
        assert!(tenant.suppress_in_tx(&mut tx, &stop, NOON).await.expect("suppresses"));
        assert!(!tenant.suppress_in_tx(&mut tx, &stop, NOON).await.expect("is known"), "the second STOP changes nothing");
        assert_eq!(tenant.still_contactable(&mut tx, &[index], Channel::Sms).await.expect("looks"), [false], "within the same transaction");
        tx.commit().await.expect("commits");
        assert_eq!(contactable(Channel::Sms).await, [false, true]);
        assert!(verdict(&tenant, &terms, who, NOON).await.starts_with("refused by "));

        tenant.suppress(&number(1), SuppressionScope::Every, SuppressionReason::Objection, "letter", NOON).await.expect("suppresses");
        let mut tx = tenant.store().db().begin().await.expect("begins");
        assert_eq!(tenant.lift_opt_outs_in_tx(&mut tx, index, NOON).await.expect("lifts"), 1);
        tx.commit().await.expect("commits");
        let left: Vec<_> = tenant.suppressions_of(&number(1)).await.expect("reads").into_iter().map(|entry| (entry.scope, entry.reason)).collect();
        let calls = (SuppressionScope::Voice, SuppressionReason::OptOut);
        assert_eq!(left.iter().filter(|entry| entry.1 == SuppressionReason::OptOut).collect::<Vec<_>>(), [&calls], "a text lifts nothing for calls");
        assert!(left.iter().any(|entry| entry.1 == SuppressionReason::TenantList) && left.iter().any(|entry| entry.1 == SuppressionReason::Objection), "{left:?}");
        assert!(bench.tenant("fabrikam").await.suppressions_of(&number(1)).await.expect("reads").is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_lifts_what_the_carrier_said_and_no_block_of_a_file_and_the_audit_names_each() {
    for_each_store("suppress_start", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let opt_out = (SuppressionScope::Every, SuppressionReason::OptOut, "agent");
        let told = (SuppressionScope::Sms, SuppressionReason::CarrierBlock, CARRIER_SOURCE);
        let loaded = (SuppressionScope::Every, SuppressionReason::CarrierBlock, "list file");
        for (last, entries, left) in [
            (1, vec![opt_out, told], vec![(SuppressionScope::Voice, SuppressionReason::OptOut)]),
            (2, vec![told, loaded], vec![(loaded.0, loaded.1)]),
            (3, vec![loaded], vec![(loaded.0, loaded.1)]),
        ] {
            for (scope, reason, source) in &entries {
                tenant.suppress(&number(last), *scope, *reason, source, NOON).await.expect("suppresses");
            }
            let mut tx = tenant.store().db().begin().await.expect("begins");
            let lifted = tenant.lift_opt_outs_in_tx(&mut tx, tenant.number_index(&number(last)), NOON).await.expect("lifts");
            tx.commit().await.expect("commits");
            assert_eq!(lifted, [2, 1, 0][last - 1], "{last}");
            let stands: Vec<_> = tenant.suppressions_of(&number(last)).await.expect("reads").into_iter().map(|entry| (entry.scope, entry.reason)).collect();
            assert_eq!(stands, left, "{last}");
        }
        let audited = tenant.audit_events("suppression", "unsuppressed", None, 10).await.expect("audit").rows;
        let mut audited: Vec<_> = audited.into_iter().map(|event| event.detail).collect();
        audited.sort_unstable();
        assert_eq!(audited, ["carrier_block of texts, lifted by the person", "carrier_block of texts, lifted by the person", "opt_out of texts, lifted by the person"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_loaded_from_a_file_paged_masked_and_lifted_with_a_reason() {
    for_each_store("suppression_list", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let text = "\u{feff}phone;note\r\n07700 900010;x\r\n\"+44 7700 900011\"\n\nnot a number,\n07700900010\n0044 7700 900012\n12\n";
        let add = async |text: &str| tenant.import_suppressions(text.as_bytes(), SuppressionScope::Every, SuppressionReason::TenantList, "do-not-call list", NOON).await;
        let result = add(text).await.expect("loads");
        assert_eq!((result.added, result.known, result.rejected, result.rejects.as_slice()), (3, 1, 2, [5, 8].as_slice()));
        let again = add(text).await.expect("loads");
        assert_eq!((again.added, again.known), (0, 4));
        assert!(matches!(add("phone\n").await, Err(StoreError::Invalid(_))));

        // Written out and read in again, it is the same list.
        let (mut text, mut after) = (String::new(), None);
        loop {
            let (part, next) = tenant.suppression_csv(after.as_ref()).await.expect("a part");
            text.push_str(&part);
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert!(text.starts_with("number,scope,reason,source,since\r\n'+447700900012,every,tenant_list,do-not-call list,"), "{text}");
        let read_again = add(&text).await.expect("loads");
        assert_eq!((read_again.added, read_again.known, read_again.rejected), (0, 3, 0));

        let first = tenant.suppressions(None, None, 2).await.expect("a page");
        let second = tenant.suppressions(Some(SuppressionReason::TenantList), first.next, 2).await.expect("a page");
        assert_eq!((first.rows.len(), second.rows.len(), second.next), (2, 1, None));
        assert_eq!(format!("{} {:?}", first.rows[0].number, first.rows[0].number), "…0012 …0012");
        let entry = &first.rows[0];
        assert!(matches!(tenant.unsuppress(entry.id, " ", NOON).await, Err(StoreError::Invalid(_))), "a reason is needed");
        tenant.unsuppress(entry.id, "loaded by mistake", NOON).await.expect("lifts");
        assert!(matches!(tenant.unsuppress(entry.id, "again", NOON).await, Err(StoreError::NotFound(_))));
        let audited = tenant.audit_events("suppression", "unsuppressed", None, 5).await.expect("audit");
        assert_eq!(audited.rows[0].detail, "every tenant_list: loaded by mistake");

        static TOMBSTONE: Statement = Statement {
            text: "INSERT INTO suppression (id, tenant_id, number_index, scope, reason, sealed_number, source, created_by, created_at) VALUES (77, $1, $2, 'every', 'erased', NULL, '', 'system', $3)",
            postgres: "",
        };
        tenant.store().db().execute(&TOMBSTONE, &params![tenant.id(), tenant.number_index(&number(20)), NOON]).await.expect("a tombstone");
        let refused = tenant.unsuppress(clarion_domain::id::SuppressionId(77), "please", NOON).await;
        assert!(matches!(refused, Err(StoreError::Conflict(ref why)) if why.contains("erased")), "{refused:?}");
        let made = tenant.suppress(&number(21), SuppressionScope::Every, SuppressionReason::Erased, "", NOON).await;
        assert!(matches!(made, Err(StoreError::Invalid(_))));
        assert!(matches!(tenant.suppress("hello", SuppressionScope::Every, SuppressionReason::OptOut, "", NOON).await, Err(StoreError::Invalid(_))));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_stops_the_person_until_it_is_lifted() {
    for_each_store("holds", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let who = person(&tenant, 1, &profile("Ada", "Case-9")).await;
        let terms = terms(&tenant, Purpose::Collections, LegalBasis::Contract).await;
        let space = NewHold { reason: HoldReason::BreathingSpace, note_reference: "BS-1", until: Some(NOON.plus_ms(60 * DAY_MS)) };
        let ids = tenant.add_hold_by_reference(" case-9 ", &space, NOON).await.expect("holds");
        let stopped = verdict(&tenant, &terms, who, NOON).await;
        assert!(stopped.contains("UK-50"), "{stopped}");
        assert_eq!(tenant.holds(None, 10).await.expect("reads").rows.len(), 1);
        tenant.lift_hold(ids[0], NOON).await.expect("lifts");
        assert!(matches!(tenant.lift_hold(ids[0], NOON).await, Err(StoreError::Conflict(_))));
        assert_eq!(verdict(&tenant, &terms, who, NOON).await, "permitted");
        assert_eq!(tenant.holds_of(who.0).await.expect("reads")[0].lifted_at, Some(NOON));
        let restricted = NewHold { reason: HoldReason::Restricted, note_reference: "", until: None };
        tenant.add_hold(who.0, &restricted, NOON).await.expect("holds");
        assert!(verdict(&tenant, &terms, who, NOON).await.starts_with("refused by "));
        assert!(matches!(tenant.add_hold_by_reference("nobody", &space, NOON).await, Err(StoreError::NotFound(_))));
        let past = NewHold { until: Some(NOON), ..space };
        assert!(matches!(tenant.add_hold(who.0, &past, NOON).await, Err(StoreError::Invalid(_))));
        assert!(matches!(bench.tenant("fabrikam").await.add_hold(who.0, &space, NOON).await, Err(StoreError::NotFound(_))));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn marketing_needs_a_consent_that_stands() {
    for_each_store("consents", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let who = person(&tenant, 1, &profile("Ada", "R-1")).await;
        let terms = terms(&tenant, Purpose::Marketing, LegalBasis::Consent).await;
        let yes = NewConsent {
            channel: Channel::Sms,
            purpose: Purpose::Marketing,
            kind: ConsentKind::Express,
            given_at: NOON.plus_ms(-DAY_MS),
            expires_at: None,
            evidence: "web form 12, log line 88",
            wording_version: "2026-02",
            obtained_in: ObtainedIn::Other,
            refusal_offered: false,
        };
        assert!(verdict(&tenant, &terms, who, NOON).await.contains("UK-26"), "no consent at all");
        let voice = NewConsent { channel: Channel::Voice, ..yes };
        tenant.add_consent(who.0, &voice, NOON).await.expect("adds");
        assert!(verdict(&tenant, &terms, who, NOON).await.contains("UK-26"), "of another channel");
        let reminder = NewConsent { purpose: Purpose::Reminder, ..yes };
        tenant.add_consent(who.0, &reminder, NOON).await.expect("adds");
        assert!(verdict(&tenant, &terms, who, NOON).await.contains("UK-26"), "for another purpose");
        let id = tenant.add_consent(who.0, &yes, NOON).await.expect("adds");
        assert_eq!(verdict(&tenant, &terms, who, NOON).await, "permitted");
        tenant.withdraw_consent(id, NOON).await.expect("withdraws");
        assert!(matches!(tenant.withdraw_consent(id, NOON).await, Err(StoreError::Conflict(_))));
        assert!(verdict(&tenant, &terms, who, NOON.plus_ms(1)).await.contains("UK-26"));
        let soft = NewConsent { kind: ConsentKind::SoftOptIn, ..yes };
        tenant.add_consent(who.0, &soft, NOON).await.expect("adds");
        assert!(verdict(&tenant, &terms, who, NOON.plus_ms(1)).await.contains("UK-26"), "a withdrawal ends a soft opt-in too");
        for bad in [NewConsent { evidence: "", ..yes }, NewConsent { given_at: NOON.plus_ms(1), ..yes }, NewConsent { expires_at: Some(yes.given_at), ..yes }] {
            assert!(matches!(tenant.add_consent(who.0, &bad, NOON).await, Err(StoreError::Invalid(_))));
        }
        assert_eq!(tenant.consents_of(who.0).await.expect("reads").len(), 4);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_through_any_door_withdraws_consent_and_lifting_it_gives_none_back() {
    for_each_store("withdrawals", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let terms = terms(&tenant, Purpose::Marketing, LegalBasis::Consent).await;
        let yes = NewConsent {
            channel: Channel::Sms,
            purpose: Purpose::Marketing,
            kind: ConsentKind::Express,
            given_at: NOON.plus_ms(-DAY_MS),
            expires_at: None,
            evidence: "web form 12, log line 88",
            wording_version: "2026-02",
            obtained_in: ObtainedIn::Other,
            refusal_offered: false,
        };
        for (last, reason, through_a_file, stands) in [
            (1, SuppressionReason::OptOut, false, false),
            (2, SuppressionReason::Objection, false, false),
            (3, SuppressionReason::CarrierBlock, true, false),
            (4, SuppressionReason::OptOut, true, false),
            // The tenant's own list says nothing about what the person wants.
            (5, SuppressionReason::TenantList, false, true),
            (6, SuppressionReason::TenantList, true, true),
        ] {
            let who = person(&tenant, last, &profile("Ada", &format!("R-{last}"))).await;
            tenant.add_consent(who.0, &yes, NOON).await.expect("adds");
            assert_eq!(verdict(&tenant, &terms, who, NOON).await, "permitted");
            if through_a_file {
                tenant.import_suppressions(number(last).as_bytes(), SuppressionScope::Every, reason, "file", NOON).await.expect("loads");
            } else {
                tenant.suppress(&number(last), SuppressionScope::Every, reason, "agent", NOON).await.expect("suppresses");
            }
            assert!(verdict(&tenant, &terms, who, NOON).await.starts_with("refused by "));
            let entry = tenant.suppressions_of(&number(last)).await.expect("reads").remove(0);
            tenant.unsuppress(entry.id, "by mistake", NOON).await.expect("lifts");
            let after = verdict(&tenant, &terms, who, NOON.plus_ms(1)).await;
            assert_eq!(after == "permitted", stands, "{reason}: {after}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_person_is_left_alone_on_every_channel_whatever_scope_is_asked_for() {
    for_each_store("wrong_person", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        tenant.suppress(&number(1), SuppressionScope::Sms, SuppressionReason::WrongPerson, "ticket 17", NOON).await.expect("suppresses");
        tenant.import_suppressions(number(2).as_bytes(), SuppressionScope::Voice, SuppressionReason::WrongPerson, "file", NOON).await.expect("loads");
        tenant.suppress(&number(3), SuppressionScope::Sms, SuppressionReason::OptOut, "ticket 18", NOON).await.expect("suppresses");
        let mut scopes = Vec::new();
        for last in 1..=3 {
            scopes.push(tenant.suppressions_of(&number(last)).await.expect("reads").remove(0).scope);
        }
        assert_eq!(scopes, [SuppressionScope::Every, SuppressionScope::Every, SuppressionScope::Sms]);
        assert!(!tenant.suppress(&number(1), SuppressionScope::Voice, SuppressionReason::WrongPerson, "", NOON).await.expect("looks"), "it stands there already");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_soft_opt_in_carries_a_customer_who_never_refused() {
    for_each_store("soft_opt_in", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let who = person(&tenant, 1, &profile("Ada", "R-1")).await;
        let id = campaign(&tenant, Purpose::Marketing, LegalBasis::LegitimateInterest).await;
        let mut draft = CampaignDraft::from(&tenant.campaign(id).await.expect("reads"));
        draft.assessment_reference = "LIA-3".into();
        tenant.edit_campaign(id, &draft, NOON).await.expect("edits");
        let terms = tenant.campaign_terms(&tenant.campaign(id).await.expect("reads")).await.expect("terms");
        let soft = |obtained_in, refusal_offered| NewConsent {
            channel: Channel::Sms,
            purpose: Purpose::Marketing,
            kind: ConsentKind::SoftOptIn,
            given_at: NOON.plus_ms(-DAY_MS),
            expires_at: None,
            evidence: "order 12",
            wording_version: "1",
            obtained_in,
            refusal_offered,
        };
        tenant.add_consent(who.0, &soft(ObtainedIn::Other, true), NOON).await.expect("adds");
        assert!(verdict(&tenant, &terms, who, NOON).await.contains("UK-27"), "a bought list is no sale of one's own");
        let buyer = person(&tenant, 2, &profile("Bo", "R-2")).await;
        tenant.add_consent(buyer.0, &soft(ObtainedIn::Sale, true), NOON).await.expect("adds");
        assert_eq!(verdict(&tenant, &terms, buyer, NOON).await, "permitted");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wishes_windows_zones_and_limits_defer_or_refuse() {
    for_each_store("windows", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let who = person(&tenant, 1, &profile("Ada", "R-1")).await;
        let id = campaign(&tenant, Purpose::Collections, LegalBasis::Contract).await;
        let of_now = async || tenant.campaign_terms(&tenant.campaign(id).await.expect("reads")).await.expect("terms");
        let terms = of_now().await;
        let night = NOON.plus_ms(14 * HOUR_MS);
        let (person_facts, asked) = (facts(&tenant, who, NOON).await, night);
        let Decision::Defer(deferral) = decide(&terms, &person_facts, &[], asked) else { panic!("two in the morning is no time to write") };
        assert_eq!(deferral.until.rfc3339(), "2026-11-24T09:00:00.000Z", "when the campaign's and the rules' hours are both open");

        let evenings = Preference { hours: Week::daily("15:00-20:00"), ..Preference::default() };
        tenant.set_preference(who.0, &evenings, NOON).await.expect("sets");
        let Decision::Defer(deferral) = decide(&terms, &facts(&tenant, who, NOON).await, &[], NOON) else { panic!("the person asked for the afternoon") };
        assert_eq!(deferral.until.rfc3339(), "2026-11-23T15:00:00.000Z");
        tenant.set_preference(who.0, &Preference { no_sms: true, ..Preference::default() }, NOON).await.expect("sets");
        assert!(verdict(&tenant, &terms, who, NOON).await.starts_with("refused by "));
        tenant.set_preference(who.0, &Preference::default(), NOON).await.expect("clears");
        assert_eq!((tenant.preference(who.0).await.expect("reads"), verdict(&tenant, &terms, who, NOON).await), (None, "permitted".into()));

        let nowhere = person_in(&tenant, &number(2), &profile("Bo", "R-2"), "GB", "").await;
        assert!(verdict(&tenant, &terms, nowhere, NOON).await.contains("ZONE-UNKNOWN"));
        let abroad = person_in(&tenant, &number(3), &profile("Cy", "R-3"), "US", "America/New_York").await;
        assert!(verdict(&tenant, &terms, abroad, NOON).await.contains("REGION-NO-PACK"));

        tenant.set_limits("[hours]\nmonday = \"14:00-15:00\"\ntuesday = \"14:00-15:00\"\n", NOON).await.expect("sets");
        let narrowed = of_now().await;
        let said = verdict(&tenant, &narrowed, who, NOON).await;
        assert_eq!(said, "deferred by TENANT-HOURS");
        assert!(narrowed.rules("GB", NOON).version().to_string().ends_with("+tenant"));
        assert!(matches!(tenant.set_limits("[[cap]]\ncount_max = 0\nperiod_hours = 1\n", NOON).await, Err(StoreError::Invalid(_))));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caps_count_every_campaign_what_is_in_flight_and_nothing_that_never_left() {
    for_each_store("caps", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        tenant.set_limits("[[cap]]\ncount_max = 2\nperiod_hours = 24\n", NOON).await.expect("sets");
        let who = person(&tenant, 1, &profile("Ada", "R-1")).await;
        let (first, second) = (campaign(&tenant, Purpose::Collections, LegalBasis::Contract).await, campaign(&tenant, Purpose::Reminder, LegalBasis::Contract).await);
        let terms = tenant.campaign_terms(&tenant.campaign(first).await.expect("reads")).await.expect("terms");
        let attempt = async |campaign: CampaignId, at: Instant, disposition: &str| add_attempt(&tenant, campaign, who, at, disposition).await;
        attempt(second, NOON.plus_ms(-2 * HOUR_MS), "delivered").await;
        attempt(second, NOON.plus_ms(-HOUR_MS), "no_route").await;
        attempt(first, NOON.plus_ms(-40 * DAY_MS), "delivered").await;
        assert_eq!(verdict(&tenant, &terms, who, NOON).await, "permitted");
        let in_flight = Touch { at: NOON.plus_ms(-HOUR_MS), channel: Channel::Sms, purpose: Purpose::Collections };
        let known = facts(&tenant, who, terms.touches_since(NOON)).await;
        assert_eq!(known.touches.len(), 1, "only what left, and only as far back as the caps look");
        let Decision::Defer(deferral) = decide(&terms, &known, &[in_flight], NOON) else { panic!("the cap is full") };
        assert_eq!(deferral.until.max(NOON.plus_ms(22 * HOUR_MS)), deferral.until);
        attempt(first, NOON.plus_ms(-HOUR_MS), "unknown").await;
        assert!(verdict(&tenant, &terms, who, NOON).await.contains("TENANT-CAP-1"), "what may have arrived counts");

        let answer = tenant.why_not("07700 900001", &terms, NOON).await.expect("answers");
        assert_eq!((answer.contact_id, answer.recent_attempts, answer.decision.expect("decided").kind), (Some(who.0), 2, "deferred"));
        assert!(answer.reasons[0].sentence.contains("2 in 24 hours"), "{:?}", answer.reasons);
        let freely = tenant.why_not_for("07700 900001", Purpose::Marketing.into(), LegalBasis::Consent, NOON).await.expect("answers");
        assert!(freely.decision.expect("decided").rules.contains("UK-26"), "without a campaign too");
        let stranger = tenant.why_not("07700 900002", &terms, NOON).await.expect("answers");
        assert!(stranger.contact_id.is_none() && stranger.decision.is_none());
        let system = tenant.store().tenant(TenantId(1), Actor::System).await;
        assert!(system.is_err(), "no such tenant");
    })
    .await;
}

async fn add_attempt(tenant: &Tenant, campaign: CampaignId, who: (ContactId, AddressId), at: Instant, disposition: &str) {
    static ATTEMPT: Statement = Statement {
        text: "INSERT INTO attempt (id, tenant_id, campaign_id, position, try_number, contact_id, address_id, channel, trunk_id, state, disposition, cause, decision,
                                    segments, cost, sealed_body, carrier_message_id, parts_heard, claimed_at, answered_at, settled_at)
               VALUES ($1, $2, $3, 0, 1, $4, $5, 'sms', 1, 'settled', $6, '', '', 1, 0, NULL, '', 0, $7, $7, $7)",
        postgres: "",
    };
    // Identifiers of this node only grow: the past needs its own.
    static NEXT: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(0);
    let id = clarion_domain::id::floor_at(at.ms()) + NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    tenant.store().db().execute(&ATTEMPT, &params![id, tenant.id(), campaign, who.0, who.1, disposition, at]).await.expect("an attempt");
}
