//! People on numbers reserved for drama, put straight into the rows: the doors have tests of their own.

#![allow(dead_code, reason = "each test program uses its part")]

use clarion_domain::id::{AddressId, ContactId, ListId};
use clarion_store::Tenant;
use clarion_store::contacts::{ContactProfile, PROFILE_LABEL};
use clarion_store::db::{Statement, Tx};
use clarion_store::params;
use clarion_store::seal::DataKey;

use super::support::NOON;

static CONTACT: Statement = Statement {
    text: "INSERT INTO contact (id, tenant_id, wrapped_key, sealed_profile, reference_index, import_id, import_line, created_at, updated_at, erased_at)
           VALUES ($1, $2, $3, $4, $5, NULL, NULL, $6, $6, NULL)",
    postgres: "",
};
static ADDRESS: Statement = Statement {
    text: "INSERT INTO address (id, tenant_id, contact_id, number_index, sealed_number, line_type, region, zones, created_at) VALUES ($1, $2, $3, $4, $5, 'mobile', $6, $7, $8)",
    postgres: "",
};
static MEMBER: Statement = Statement { text: "INSERT INTO list_member (list_id, contact_id) VALUES ($1, $2)", postgres: "" };

/// The drama number that ends in `last`, 0 to 999.
pub fn number(last: usize) -> String {
    format!("+447700900{last:03}")
}

pub fn profile(first_name: &str, reference: &str) -> ContactProfile {
    ContactProfile { first_name: first_name.into(), reference: reference.into(), ..ContactProfile::default() }
}

/// One person in one region and zone.
pub async fn person_in(tenant: &Tenant, e164: &str, profile: &ContactProfile, region: &str, zones: &str) -> (ContactId, AddressId) {
    let mut tx = tenant.store().db().begin().await.expect("begins");
    let who = person_in_tx(&mut tx, tenant, e164, profile, region, zones).await;
    tx.commit().await.expect("commits");
    who
}

/// The same in a transaction that is somebody's.
pub async fn person_in_tx(tx: &mut Tx, tenant: &Tenant, e164: &str, profile: &ContactProfile, region: &str, zones: &str) -> (ContactId, AddressId) {
    let store = tenant.store();
    let (contact, address) = (ContactId(store.next_id(NOON)), AddressId(store.next_id(NOON)));
    let key = DataKey::random().expect("a key");
    let sealed = key.seal(PROFILE_LABEL, &serde_json::to_vec(profile).expect("json")).expect("seals");
    let reference = tenant.reference_index(&profile.reference);
    tx.execute(&CONTACT, &params![contact, tenant.id(), store.keyring().wrap(&key).expect("wraps"), sealed, reference, NOON]).await.expect("a contact");
    let number = key.seal("address.number", e164.as_bytes()).expect("seals");
    tx.execute(&ADDRESS, &params![address, tenant.id(), contact, tenant.number_index(e164), number, region, zones, NOON]).await.expect("an address");
    (contact, address)
}

/// One person in London.
pub async fn person(tenant: &Tenant, last: usize, profile: &ContactProfile) -> (ContactId, AddressId) {
    person_in(tenant, &number(last), profile, "GB", "Europe/London").await
}

/// A list of `count` people in London, Ada 0, Ada 1 …
pub async fn list_of(tenant: &Tenant, name: &str, count: usize) -> (ListId, Vec<(ContactId, AddressId)>) {
    let list = tenant.create_list(name, NOON).await.expect("a list");
    let mut people = Vec::new();
    for last in 0..count {
        let who = person(tenant, last, &profile(&format!("Ada {last}"), &format!("R-{last}"))).await;
        enlist(tenant, list, who.0).await;
        people.push(who);
    }
    (list, people)
}

pub async fn enlist(tenant: &Tenant, list: ListId, contact: ContactId) {
    tenant.store().db().execute(&MEMBER, &params![list, contact]).await.expect("a member");
}
