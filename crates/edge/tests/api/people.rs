//! People and what else no door of this API makes, put straight into the rows.

use clarion_domain::attempts::attempt::AttemptState;
use clarion_domain::attempts::recording::RecordingKind;
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::id::{AddressId, AttemptId, CampaignId, ContactId, NodeId, RecordingId, TrunkId};
use clarion_domain::intake::import::ImportSource;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::outcomes::reply::ReplyMeaning;
use clarion_domain::personal::Personal;
use clarion_domain::tenancy::role::Role;
use clarion_store::Tenant;
use clarion_store::attempts::{AttemptRow, CallRow, NewRecording, RecordingChunk, RecordingProgress, add_attempts, chunk_bytes, write_calls, write_recording_chunks, write_recording_progress};
use clarion_store::campaigns::CampaignDraft;
use clarion_store::carriers::{NewRoute, NewTrunk};
use clarion_store::contacts::{ContactProfile, PROFILE_LABEL};
use clarion_store::db::Statement;
use clarion_store::intake::NewImport;
use clarion_store::outcomes::{NewReply, add_reply};
use clarion_store::params;
use clarion_store::seal::DataKey;
use clarion_store::tenancy::NewUser;

use crate::support::NOW;

static CONTACT: Statement = Statement {
    text: "INSERT INTO contact (id, tenant_id, wrapped_key, sealed_profile, reference_index, import_id, import_line, created_at, updated_at, erased_at)
           VALUES ($1, $2, $3, $4, $5, NULL, NULL, $6, $6, NULL)",
    postgres: "",
};
static ADDRESS: Statement = Statement {
    text: "INSERT INTO address (id, tenant_id, contact_id, number_index, sealed_number, line_type, region, zones, created_at) VALUES ($1, $2, $3, $4, $5, 'mobile', 'GB', 'Europe/London', $6)",
    postgres: "",
};

/// A person in London, on the drama number that ends in `last`.
pub async fn person(tenant: &Tenant, last: usize, first_name: &str) -> ContactId {
    let store = tenant.store();
    let (contact, address) = (ContactId(store.next_id(NOW)), AddressId(store.next_id(NOW)));
    let key = DataKey::random().expect("a key");
    let profile = ContactProfile { first_name: first_name.into(), reference: format!("R-{last}"), ..ContactProfile::default() };
    let sealed = key.seal(PROFILE_LABEL, &serde_json::to_vec(&profile).expect("json")).expect("seals");
    let e164 = format!("+447700900{last:03}");
    let mut tx = store.db().begin().await.expect("begins");
    let values = params![contact, tenant.id(), store.keyring().wrap(&key).expect("wraps"), sealed, tenant.reference_index(&profile.reference), NOW];
    tx.execute(&CONTACT, &values).await.expect("a contact");
    let number = key.seal("address.number", e164.as_bytes()).expect("seals");
    tx.execute(&ADDRESS, &params![address, tenant.id(), contact, tenant.number_index(&e164), number, NOW]).await.expect("an address");
    tx.commit().await.expect("commits");
    contact
}

/// A trunk of this channel to nowhere and a route to it, without which no campaign may start.
pub async fn route(tenant: &Tenant, channel: Channel) {
    let settings = match channel {
        Channel::Sms => r#"{"kind":"smpp","host":"127.0.0.1","port":2775,"system_id":"clarion"}"#,
        Channel::Voice => r#"{"kind":"sip","hosts":["127.0.0.1:5060"]}"#,
    };
    let settings: TrunkSettings = serde_json::from_str(settings).expect("settings");
    let new = NewTrunk { name: settings.kind().to_string(), settings, secret: Personal::default(), rate_per_second: 10, cost_per_segment: 350, currency: "GBP".into() };
    let trunk = tenant.add_trunk(&new, false, NOW).await.expect("a trunk");
    tenant.add_route(&NewRoute { prefix: "+".into(), sender: String::new(), trunk, priority: 1 }, false, NOW).await.expect("a route");
}

/// A file that was received.
pub async fn import(tenant: &Tenant) -> String {
    let mut upload = tenant.begin_import(&NewImport::new(ImportSource::Api, "people.csv"), NOW).await.expect("begins");
    upload.write(b"phone\n07700900123\n").await.expect("written");
    upload.finish(NOW).await.expect("received").0.to_string()
}

/// A reply from a stranger.
pub async fn reply(tenant: &Tenant) -> String {
    let new = NewReply {
        number: "+447700900500".into(),
        body: "Who is this?".into(),
        trunk: TrunkId(1),
        meaning: ReplyMeaning::Other,
        dedupe: [7; 16],
        earlier: None,
        received_at: NOW,
    };
    let mut tx = tenant.store().db().begin().await.expect("begins");
    let (id, _) = add_reply(&mut tx, tenant, &new).await.expect("stored").expect("new");
    tx.commit().await.expect("commits");
    id.to_string()
}

/// Somebody to whom replies can be given.
pub async fn user(tenant: &Tenant) -> String {
    let new = NewUser { username: "grace", display_name: "Grace", role: Role::Agent, password_hash: "-" };
    tenant.create_user(&new, NOW).await.expect("a user").to_string()
}

/// A call of a campaign that is up, in this state.
pub async fn call(tenant: &Tenant, campaign: CampaignId, state: &str) -> AttemptId {
    let row = a_call(tenant, campaign, state);
    let attempt = row.attempt;
    let mut tx = tenant.store().db().begin().await.expect("begins");
    write_calls(&mut tx, &[row]).await.expect("written");
    tx.commit().await.expect("commits");
    attempt
}

fn a_call(tenant: &Tenant, campaign: CampaignId, state: &str) -> CallRow {
    CallRow {
        attempt: AttemptId(tenant.store().next_id(NOW)),
        tenant: tenant.id(),
        campaign,
        position: 0,
        contact: ContactId(tenant.store().next_id(NOW)),
        node: NodeId(1),
        trunk: TrunkId(1),
        target: None,
        state: state.into(),
        state_at: NOW,
        step: "greeting".into(),
        dialled_at: NOW,
        ringing_at: (state != "dialling").then_some(NOW),
        answered_at: None,
        speech_at: None,
        message_at: None,
        information_at: None,
        bridged_at: None,
        ended_at: None,
        ended_by: String::new(),
        verdict: String::new(),
        features: String::new(),
        abandoned: false,
        fell_back: false,
        silent: false,
        agent_silent: false,
    }
}

/// A campaign of calls with one person, reference `R-321`, on 07700 900321: their phone rang for 4.2 s, a person answered, and of 65 s they talked 50 with an agent.
pub async fn called(tenant: &Tenant) -> (CampaignId, AttemptId) {
    static STARTING: Statement = Statement { text: "UPDATE campaign SET state = 'starting' WHERE id = $1", postgres: "" };
    let store = tenant.store();
    let list = tenant.create_list("Called", NOW).await.expect("a list");
    let contact = person(tenant, 321, "Ada").await;
    tenant.add_to_list(list, contact, NOW).await.expect("a member");
    let campaign = tenant.create_campaign(&CampaignDraft { list_id: Some(list), ..CampaignDraft::of(Channel::Voice, "Calls of before") }, NOW).await.expect("a campaign");
    let mut tx = store.db().begin().await.expect("begins");
    tx.execute(&STARTING, &params![campaign]).await.expect("starting");
    tx.commit().await.expect("commits");
    tenant.freeze_chunk(campaign, None, NOW).await.expect("freezes");
    let (address, answered_at) = (tenant.contact(contact).await.expect("a contact").addresses[0].id, NOW.plus_ms(4_200));
    let ended_at = answered_at.plus_ms(65_000);
    let call = CallRow {
        contact, answered_at: Some(answered_at), bridged_at: Some(ended_at.plus_ms(-50_000)), ended_at: Some(ended_at), ended_by: "person".into(), verdict: "human".into(),
        ..a_call(tenant, campaign, "ended")
    };
    let attempt = AttemptRow {
        id: call.attempt, tenant: tenant.id(), campaign, position: 0, try_number: 1, contact, address, channel: Channel::Voice, trunk: call.trunk, state: AttemptState::Settled,
        disposition: Disposition::PutThrough, cause: String::new(), decision: "".into(), segments: 0, cost: 0, sealed_body: None, carrier_message_id: String::new(), parts_heard: 0,
        claimed_at: NOW, answered_at: NOW, settled_at: Some(ended_at),
    };
    let mut tx = store.db().begin().await.expect("begins");
    write_calls(&mut tx, std::slice::from_ref(&call)).await.expect("written");
    add_attempts(&mut tx, &[attempt]).await.expect("written");
    tx.commit().await.expect("commits");
    (campaign, call.attempt)
}

/// A second of a tone, as a WAV file.
pub fn recording() -> Vec<u8> {
    recording_of(8_000)
}

pub fn recording_of(samples: i32) -> Vec<u8> {
    let samples: Vec<i16> = (0..samples).map(|place| ((f64::from(place) * 0.35).sin() * 12_000.0) as i16).collect();
    clarion_edge::wav(&samples)
}

/// A recording with its call.
pub struct Recorded {
    pub attempt: AttemptId,
    pub recording: RecordingId,
}

/// Three seconds of one channel's sound, of a call that the detector took for a machine; it still runs unless it ended.
pub async fn recorded(tenant: &Tenant, campaign: CampaignId, kind: RecordingKind, ended: bool) -> Recorded {
    static NTH: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(300);
    let contact = person(tenant, NTH.fetch_add(1, std::sync::atomic::Ordering::Relaxed), "Ada").await;
    let store = tenant.store();
    let address = tenant.contact(contact).await.expect("a contact").addresses[0].id;
    let attempt = AttemptId(store.next_id(NOW));
    let detector = clarion_domain::outcomes::call_label::DETECTOR;
    let row = CallRow { contact, answered_at: Some(NOW), features: format!(r#"{{"detector":"{detector}","judged":"machine"}}"#), attempt, ..a_call(tenant, campaign, "bridged") };
    let id = RecordingId(store.next_id(NOW));
    let new = NewRecording { id, tenant: tenant.id(), campaign, attempt, contact, address, kind, step: String::new(), is_paused: false, began_at: NOW };
    let mut tx = store.db().begin().await.expect("begins");
    write_calls(&mut tx, &[row]).await.expect("written");
    tx.commit().await.expect("commits");
    let key = tenant.begin_recording(&new).await.expect("begins").expect("a key");
    let mut chunks = Vec::new();
    let sound = vec![0xc5u8; 3 * 8_000 * usize::from(kind.channels())];
    for (position, plain) in sound.chunks(chunk_bytes(kind)).enumerate() {
        let bytes = (position * chunk_bytes(kind) + plain.len()) as i64;
        chunks.push(RecordingChunk { recording: id, position: position as i64, sealed: key.seal(position as i64, plain).expect("seals"), bytes });
    }
    let mut tx = store.db().begin().await.expect("begins");
    write_recording_chunks(&mut tx, &chunks).await.expect("written");
    if ended {
        let progress = RecordingProgress { recording: id, marks: Vec::new(), is_paused: false, pause_wanted: None, ended: Some((NOW, "call")) };
        write_recording_progress(&mut tx, &[progress]).await.expect("written");
    }
    tx.commit().await.expect("commits");
    Recorded { attempt, recording: id }
}
