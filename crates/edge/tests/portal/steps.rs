//! A campaign of several steps through the portal: built, put in order, checked, watched, stopped for some, and seen on a person's page.

use axum::http::StatusCode;
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::campaigns::sequence::{ReplyStop, WaitFrom};
use clarion_domain::id::CampaignId;
use clarion_domain::tenancy::role::Role;
use clarion_store::campaigns::{StepEvent, StepNews, move_on};
use clarion_domain::outcomes::disposition::Disposition;

use crate::people::{person, route};
use crate::support::{Browser, World, now};

const SCRIPT: &str = "language = \"en-GB\"\nstart = \"greeting\"\n\n[information]\ntext = \"This is Northwind Energy, 020 7946 0123.\"\n\n[steps.greeting]\ndo = \"say\"\ntext = \"This is Northwind. Please call us.\"\nnext = \"end\"\n\n[steps.end]\ndo = \"hang_up\"\n";
const CALL: [(&str, &str); 9] = [
    ("channel", "voice"), ("days", "2"), ("hours", ""), ("from_try", "first_try"), ("sender", "+442079460123"), ("script", SCRIPT),
    ("rate_per_second", "50"), ("attempts_max", "3"), ("after-busy", "30"),
];
const PACE: [(&str, &str); 4] = [("call_pacing", "agentless"), ("calls_per_second_max", "3"), ("calls_at_once_max", "40"), ("ring_seconds_max", "25")];
const TEXT: [(&str, &str); 7] = [("channel", "sms"), ("days", "1"), ("hours", "6"), ("sender", "+442079460123"), ("body", "Please call us."), ("rate_per_second", "50"), ("attempts_max", "1")];

/// A campaign of one text to two people, fit but for what a test adds.
async fn drafted(world: &World, owner: &Browser) -> String {
    let tenant = world.as_operator().await;
    tenant.add_sender("+442079460123", true, "letter 7", now()).await.expect("a sender");
    tenant.attest_sender("+442079460123", true, "", now()).await.expect("confirmed");
    route(&tenant, Channel::Sms).await;
    route(&tenant, Channel::Voice).await;
    let list = tenant.create_list("Arrears", now()).await.expect("a list");
    for last in 1..=2 {
        let who = person(&tenant, last, "Ada").await;
        tenant.add_to_list(list, who, now()).await.expect("a member");
    }
    let path = owner.post("/campaigns/new", &[("name", "Reminders"), ("channel", "sms")]).await.location().to_owned();
    owner.post(&format!("{path}/purpose"), &[("name", "Reminders"), ("purpose", "collections"), ("legal_basis", "contract")]).await;
    owner.post(&format!("{path}/audience"), &[("list_id", &list.to_string())]).await;
    owner.post(&format!("{path}/message"), &[("body", "Dear {first_name|customer}, please call us."), ("sender", "+442079460123")]).await;
    path
}

#[tokio::test]
async fn steps_are_built_put_in_order_and_checked() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let path = drafted(&world, &owner).await;
    let steps = format!("{path}/steps");
    let empty = owner.get(&steps).await.text;
    assert!(empty.contains("Add a text") && empty.contains("Step 1: a text") && empty.contains("Any reply"), "{empty}");

    let new = format!("{steps}/new");
    assert!(owner.get(&format!("{new}?channel=voice")).await.text.contains("How are calls matched with agents?"));
    let call = [&CALL[..], &PACE[..]].concat();
    let with = |name: &'static str, value: &'static str| call.iter().map(|(at, held)| (*at, if *at == name { value } else { held })).collect::<Vec<_>>();
    for (name, value, field) in [("days", "0", "days"), ("days", "many", "days"), ("days", "91", "days"), ("sender", "", "sender"), ("script", "start = 1", "script"), ("attempts_max", "x", "attempts_max"), ("ring_seconds_max", "2", "ring_seconds_max")] {
        owner.post(&new, &with(name, value)).await.assert_problem(field, "There is a problem");
    }
    assert_eq!(owner.post(&new, &call).await.location(), format!("{steps}?said=saved"));
    owner.post(&new, &TEXT.map(|(name, held)| (name, if name == "body" { "Hello {nobody}" } else { held }))).await.assert_problem("body", "nobody");
    assert_eq!(owner.post(&new, &TEXT).await.status, StatusCode::SEE_OTHER);
    let built = owner.get(&steps).await.text;
    assert!(["Step 2: a call", "2 days after the first try of the step before", "Step 3: a text", "1 day and 6 hours after the last try", "This is Northwind. Please call us."].iter().all(|words| built.contains(words)), "{built}");

    assert_eq!(owner.post(&format!("{steps}/3/up"), &[]).await.location(), format!("{steps}?said=saved"));
    let id: CampaignId = path.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
    let draft = world.as_operator().await.campaign(id).await.expect("reads").sequence;
    assert_eq!((draft.then.len(), draft.then[1].wait.from, draft.then[1].retry.attempts_max), (2, WaitFrom::FirstTry, 3));
    owner.post(&format!("{steps}/2/down"), &[]).await;
    assert!(owner.get(&format!("{steps}/2")).await.text.contains("value=\"first_try\" checked"), "back in its place");
    assert_eq!(owner.get(&format!("{steps}/4")).await.status, StatusCode::NOT_FOUND);

    owner.post(&steps, &[("stops", "words"), ("words", ""), ("after_refusal", "stop")]).await.assert_problem("stops", "which words");
    let stops = [("stops", "words"), ("words", "PAID done"), ("put_through", "yes"), ("outcome", "invalid_number"), ("after_refusal", "next_step")];
    assert_eq!(owner.post(&steps, &stops).await.status, StatusCode::SEE_OTHER);
    let held = world.as_operator().await.campaign(id).await.expect("reads").sequence.stops;
    assert_eq!((held.replies, held.words.len(), held.outcomes.as_slice()), (ReplyStop::Words, 2, &[Disposition::InvalidNumber][..]));

    let check = owner.get(&format!("{path}/check")).await.text;
    assert!(["Step 2", "What stops a person", "a reply with PAID or done", "Start now"].iter().all(|words| check.contains(words)), "{check}");
    assert_eq!(owner.post(&format!("{steps}/3/remove"), &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.as_operator().await.campaign(id).await.expect("reads").sequence.then.len(), 1);
    let viewer = world.browser(Role::Viewer).await;
    assert_eq!(viewer.get(&steps).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn who_stands_where_is_seen_and_people_are_stopped_by_name() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let path = drafted(&world, &owner).await;
    owner.post(&format!("{path}/steps/new"), &TEXT).await;
    let id: CampaignId = path.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
    let tenant = world.as_operator().await;
    tenant.start_campaign(id, now()).await.expect("starts");
    tenant.freeze_chunk(id, None, now()).await.expect("freezes");
    let mut tx = tenant.store().db().begin().await.expect("begins");
    let sent = StepNews { campaign: id, position: 0, event: StepEvent::Attempt(Disposition::Accepted) };
    move_on(&mut tx, tenant.store(), &[sent], now()).await.expect("moves");
    tx.commit().await.expect("commits");

    let monitor = owner.get(&path).await.text;
    assert!(monitor.contains("1 day and 6 hours after the last try") && monitor.contains("Stop it for some people"), "{monitor}");
    let later = tenant.step_ids(id).await.expect("steps")[1];
    let step = owner.get(&format!("/campaigns/{later}")).await.text;
    assert!(step.contains("This is step 2 of") && !step.contains("Cancel for good"), "{step}");
    assert!(!owner.get("/campaigns").await.text.contains(&later.to_string()), "only the first is listed");
    let who = tenant.recipients(id, clarion_store::campaigns::RecipientFilter::Every, None, 10).await.expect("reads").rows[0].contact_id;
    let page = owner.get(&format!("/contacts/{who}")).await.text;
    assert!(page.contains("What comes next") && page.contains("step 2 of 2"), "{page}");

    let stop = format!("{path}/recipients/stop");
    owner.post(&stop, &[("sure", "yes"), ("reason", "Paid in full"), ("references", "R-1")]).await.assert_problem("reason", "small letters");
    owner.post(&stop, &[("sure", "yes"), ("reason", "paid"), ("references", " \n")]).await.assert_problem("references", "at least one");
    owner.post(&stop, &[("reason", "paid"), ("references", &who.to_string())]).await.assert_problem("sure", "Tick this");
    let told = owner.post(&stop, &[("sure", "yes"), ("reason", "paid"), ("references", &format!("{who}\nnobody's"))]).await;
    assert!(owner.get(told.location()).await.text.contains("Stopped for 1 person. For 0 it was over already, and 1 are not in this campaign."), "{}", told.location());
    let page = owner.get(&format!("/contacts/{who}")).await.text;
    assert!(!page.contains("What comes next") && page.contains("stopped by your word: paid"), "{page}");
    assert!(owner.get(&path).await.text.contains("Stopped by your word: paid"));
    let viewer = world.browser(Role::Viewer).await;
    assert_eq!(viewer.post(&stop, &[("reason", "paid"), ("references", "R-1")]).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_evergreen_audience_is_asked_for_its_end() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let path = drafted(&world, &owner).await;
    let audience = format!("{path}/audience");
    let list = world.as_operator().await.lists().await.expect("lists")[0].id.to_string();
    let with = |until: &'static str, most: &'static str| [("list_id", list.clone()), ("evergreen", "yes".into()), ("new_until", until.into()), ("new_a_day_max", most.into()), ("again_after_days", String::new())];
    for (until, most, field) in [("", "", "new_until"), ("2020-01-01T10:00", "", "evergreen"), ("2026-12-24T10:00", "few", "new_a_day_max")] {
        let fields = with(until, most);
        owner.post(&audience, &fields.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>()).await.assert_problem(field, "There is a problem");
    }
    let fields = with("2026-12-24T10:00", "100");
    assert_eq!(owner.post(&audience, &fields.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>()).await.status, StatusCode::SEE_OTHER);
    assert!(owner.get(&path).await.text.contains("goes on taking people in until"));
    assert!(owner.get(&audience).await.text.contains("value=\"2026-12-24T10:00\""));
    owner.post(&audience, &[("list_id", &list)]).await;
    assert!(!owner.get(&path).await.text.contains("goes on taking people in"));
}
