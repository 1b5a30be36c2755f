//! What keeps a campaign from starting because everybody would be refused, told before it starts and not person by person.

#[path = "support/people.rs"]
mod people;
mod support;

use clarion_domain::campaigns::call_pacing::{CallPacing, PacingMode};
use clarion_domain::campaigns::campaign::{CampaignState, Channel};
use clarion_domain::campaigns::retry::RetryRules;
use clarion_domain::campaigns::sequence::{Sequence, SequenceStep, Wait, WaitFrom};
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_domain::id::{ListId, TrunkId};
use clarion_store::campaigns::CampaignDraft;
use clarion_store::carriers::NewRoute;
use clarion_store::{StoreError, Tenant};
use people::list_of;
use support::{NOON, for_each_store, route, trunk_of};

const CALLER: &str = "+442079460999";

/// A script whose information message is `information`.
fn script(information: &str) -> String {
    format!(
        "language = \"en-GB\"\nstart = \"tell\"\ninformation = {information}\n\n[steps.tell]\ndo = \"say\"\ntext = \"This is northwind. Please call us.\"\nnext = \"bye\"\n\n[steps.bye]\ndo = \"hang_up\"\n"
    )
}

/// Fit, but for a route.
fn fit(channel: Channel, list: ListId) -> CampaignDraft {
    let mut draft = CampaignDraft::of(channel, "November");
    (draft.purpose, draft.basis, draft.list_id) = (Some(Purpose::Reminder), Some(LegalBasis::Contract), Some(list));
    draft.sender = CALLER.into();
    draft.retry = RetryRules::never();
    match channel {
        Channel::Sms => draft.body = "northwind: please call us.".into(),
        Channel::Voice => {
            draft.script = script("{ text = \"This was a call of northwind. Call 020 7946 0999 to hear more.\" }");
            draft.call_pacing = CallPacing { pace: PacingMode::Agentless, ..CallPacing::default() };
        }
    }
    draft
}

/// The list of a tenant that has a caller ID.
async fn prepared(tenant: &Tenant) -> ListId {
    tenant.add_sender(CALLER, true, "a number reserved for drama", NOON).await.expect("a sender");
    tenant.attest_sender(CALLER, true, "", NOON).await.expect("confirmed");
    list_of(tenant, "Arrears", 2).await.0
}

async fn told(tenant: &Tenant, draft: &CampaignDraft) -> Vec<(&'static str, String)> {
    tenant.campaign_faults(draft, NOON).await.expect("checks").into_iter().map(|fault| (fault.field, fault.message)).collect()
}

async fn lead(tenant: &Tenant, sender: &str, trunk: TrunkId) {
    tenant.add_route(&NewRoute { prefix: "+44".into(), sender: sender.into(), trunk, priority: 1 }, false, NOON).await.expect("a route");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_route_nothing_starts_and_each_reason_says_what_to_do() {
    for_each_store("faults_route", |bench| async move {
        for (slug, channel, other, what) in [("northwind", Channel::Voice, Channel::Sms, "calls"), ("southwind", Channel::Sms, Channel::Voice, "texts")] {
            let tenant = bench.tenant(slug).await;
            let mut draft = fit(channel, prepared(&tenant).await);
            draft.script = draft.script.replace("northwind", slug);
            let id = tenant.create_campaign(&draft, NOON).await.expect("a draft");
            let none = format!("no trunk carries {what} for this organisation: add a trunk and a route to it");
            route(&tenant, other).await;
            assert_eq!(told(&tenant, &draft).await, [("route", none.clone())], "neither one of the other channel nor another tenant's");
            let Err(StoreError::Faults(refused)) = tenant.start_campaign(id, NOON).await else { panic!("it may not start") };
            assert_eq!(refused[0].message, none);
            assert_eq!(tenant.campaign(id).await.expect("reads").state, CampaignState::Draft, "it can be tried again");

            let trunk = tenant.add_trunk(&trunk_of(&tenant, channel), false, NOON).await.expect("a trunk");
            assert_eq!(told(&tenant, &draft).await, [("route", format!("no route of this organisation leads to a trunk that carries {what} and is switched on: add one"))]);
            lead(&tenant, "+442079460111", trunk).await;
            let elsewhere = format!("the routes to the trunks that carry {what} are for other senders than {CALLER}: add one for it, or for every sender");
            assert_eq!(told(&tenant, &draft).await, [("route", elsewhere)]);
            lead(&tenant, CALLER, trunk).await;
            assert_eq!(told(&tenant, &draft).await, [], "whether the trunk is up is not asked");
            tenant.change_trunk(trunk, &trunk_of(&tenant, channel), false, NOON).await.expect("switched off");
            assert_eq!(told(&tenant, &draft).await, [("route", format!("every trunk that carries {what} for this organisation is switched off: switch one on"))]);
            tenant.change_trunk(trunk, &trunk_of(&tenant, channel), true, NOON).await.expect("switched on");
            tenant.start_campaign(id, NOON).await.expect("starts");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_trunk_and_route_serve_and_each_step_needs_its_own() {
    for_each_store("faults_shared", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut draft = fit(Channel::Sms, prepared(&tenant).await);
        let call = fit(Channel::Voice, draft.list_id.expect("a list"));
        let step = SequenceStep {
            wait: Wait { days: 2, hours: 0, from: WaitFrom::LastTry },
            channel: Channel::Voice,
            body: String::new(),
            script: call.script,
            sender: call.sender,
            call_pacing: call.call_pacing,
            recording: call.recording,
            retry: RetryRules::never(),
            rate_per_second: 50,
        };
        draft.sequence = Sequence { then: vec![step], ..Sequence::default() };
        let shared = async |channel| {
            let trunk = tenant.add_trunk(&trunk_of(&tenant, channel), true, NOON).await.expect("a trunk");
            tenant.add_route(&NewRoute { prefix: "+".into(), sender: String::new(), trunk, priority: 1 }, true, NOON).await.expect("a route");
        };
        shared(Channel::Sms).await;
        assert_eq!(told(&tenant, &draft).await, [("then", "step 2, route: no trunk carries calls for this organisation: add a trunk and a route to it".into())]);
        shared(Channel::Voice).await;
        assert_eq!(told(&tenant, &draft).await, []);

        let southwind = bench.tenant("southwind").await;
        let own = fit(Channel::Sms, prepared(&southwind).await);
        assert_eq!(told(&southwind, &own).await, [], "the operator's serve every tenant");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_information_message_that_refuses_everybody_is_a_fault_before_the_start() {
    for_each_store("faults_information", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let good = fit(Channel::Voice, prepared(&tenant).await);
        route(&tenant, Channel::Voice).await;
        assert_eq!(told(&tenant, &good).await, []);
        let saying = |information: &str| CampaignDraft { script: script(information), ..good.clone() };
        let text = |words: &str| saying(&format!("{{ text = \"{words}\" }}"));
        let no_client = "the information message (UK-7): say on whose behalf you called: write the client's name as people know it, northwind, not the bureau's";
        let no_number = "the information message (UK-7): say this campaign's caller ID, +442079460999, as the number to call to hear more or to stop the calls: no other will do";
        let fault = |message: &str| ("script", message.to_owned());
        assert_eq!(told(&tenant, &text("This was a call of the bureau. Call 020 7946 0999.")).await, [fault(no_client)]);
        assert_eq!(told(&tenant, &text("This was a call of northwind. Call 020 7946 0111.")).await, [fault(no_number)]);
        assert_eq!(told(&tenant, &text("Nobody is free.")).await, [fault(no_client), fault(no_number)], "each is named");
        let advertises = "the information message (UK-7): take out special offer: it may not advertise";
        assert_eq!(told(&tenant, &text("This was a call of northwind about a special offer. Call 020 7946 0999.")).await, [fault(advertises)]);

        // A recording cannot be read, and is refused as such.
        tenant.put_prompt("nobody", &[0; 8_000], NOON).await.expect("a prompt");
        let found = told(&tenant, &saying("{ prompt = \"nobody\" }")).await;
        assert_eq!(found, [fault("the information message (UK-7): write it as a text: what a prompt says cannot be checked, but the prompt may be the text's fallback")]);
        let both = saying("{ text = \"This was a call of northwind. Call 020 7946 0999.\", fallback = \"nobody\" }");
        assert_eq!(told(&tenant, &both).await, []);

        // The number is asked for once there is a caller ID; another caller ID needs another message.
        let without = CampaignDraft { sender: String::new(), ..text("This was a call of northwind.") };
        assert_eq!(told(&tenant, &without).await.iter().map(|(field, _)| *field).collect::<Vec<_>>(), ["sender"]);
        for draft in [good.clone(), text("This was a call of northwind. Call 020 7946 0111."), saying("{ prompt = \"nobody\" }")] {
            let id = tenant.create_campaign(&draft, NOON).await.expect("a draft");
            let terms = tenant.campaign_terms(&tenant.campaign(id).await.expect("reads")).await.expect("terms");
            let decides = terms.call.and_then(|call| call.information).expect("of a message").is_complete();
            assert_eq!(decides, told(&tenant, &draft).await.is_empty(), "the check and the decision read it alike");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pace_tells_every_fault_it_has() {
    for_each_store("faults_pace", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut draft = fit(Channel::Voice, prepared(&tenant).await);
        route(&tenant, Channel::Voice).await;
        draft.call_pacing = CallPacing { pace: PacingMode::Power { calls_per_slot_percent: 900 }, ring_ms_max: 2_000, ..CallPacing::default() };
        let found = told(&tenant, &draft).await;
        let says = |words: &str| found.iter().any(|(field, message)| *field == "call_pacing" && message.contains(words));
        assert!(says("2000 ms") && says("900 %"), "{found:?}");
    })
    .await;
}
