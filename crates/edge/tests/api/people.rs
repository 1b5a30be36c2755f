//! People and what else no door of this API makes, put straight into the rows.

use clarion_domain::id::{AddressId, AttemptId, CampaignId, ContactId, NodeId, TrunkId};
use clarion_domain::intake::import::ImportSource;
use clarion_domain::outcomes::reply::ReplyMeaning;
use clarion_domain::tenancy::role::Role;
use clarion_store::Tenant;
use clarion_store::attempts::{CallRow, write_calls};
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
    let attempt = AttemptId(tenant.store().next_id(NOW));
    let row = CallRow {
        attempt,
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
    };
    let mut tx = tenant.store().db().begin().await.expect("begins");
    write_calls(&mut tx, &[row]).await.expect("written");
    tx.commit().await.expect("commits");
    attempt
}

/// A second of a tone, as a WAV file.
pub fn recording() -> Vec<u8> {
    recording_of(8_000)
}

pub fn recording_of(samples: i32) -> Vec<u8> {
    let samples: Vec<i16> = (0..samples).map(|place| ((f64::from(place) * 0.35).sin() * 12_000.0) as i16).collect();
    clarion_edge::wav(&samples)
}
