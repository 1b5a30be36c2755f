//! Lists, saved filters and the suppression file, as a person works with them.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use clarion_domain::id::ContactId;
use clarion_domain::intake::import::ImportSource;
use clarion_domain::intake::mapping::{ColumnUse, Mapping, StandardField};
use clarion_domain::intake::row::RowReader;
use clarion_domain::tenancy::role::Role;
use clarion_domain::tenancy::tenant::NumberMode;
use clarion_store::intake::{ImportFormat, ImportProposal, LoadChunk, NewImport};

use crate::support::{Answer, Browser, World, now};

async fn send(browser: &Browser, path: &str, fields: &[(&str, &str)], file: &[u8]) -> Answer {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    body.extend(b"--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"list.csv\"\r\n\r\n");
    body.extend(file);
    body.extend(b"\r\n--B--\r\n");
    let request = Request::post(path).header(header::COOKIE, &browser.cookie).header("sec-fetch-site", "same-origin").header(header::CONTENT_TYPE, "multipart/form-data; boundary=B");
    browser.send(request.body(Body::from(body)).expect("a request")).await
}

#[tokio::test]
async fn a_file_of_numbers_goes_on_the_list_and_the_list_comes_out() {
    let world = World::new().await;
    let manager = world.browser(Role::Manager).await;
    let terms = [("scope", "every"), ("reason", "tenant_list"), ("source", "ticket 4711")];
    let answer = send(&manager, "/compliance/file", &terms, b"phone\r\n07700 900001\r\nnobody\r\n07700 900002\r\n").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(answer.text.contains("Lines that hold no number") && answer.text.contains("<p>3</p>"), "{}", answer.text);
    let csv = manager.get("/compliance/suppressions.csv").await;
    assert!(csv.text.contains("'+447700900001,every,tenant_list,ticket 4711,") && csv.text.lines().count() == 3, "{}", csv.text);

    send(&manager, "/compliance/file", &terms, b"").await.assert_problem("file", "Choose a file");
    send(&manager, "/compliance/file", &terms, b"PK\x03\x04").await.assert_problem("file", "save the list as CSV");
    send(&manager, "/compliance/file", &[("scope", "all"), ("reason", "erased")], b"07700900003").await.assert_problem("reason", "Choose a reason");
    assert_eq!(manager.get("/compliance/suppressions.csv").await.text.lines().count(), 3, "nothing was added by the refused ones");
    // An agent suppresses, and does not take whole numbers out.
    let agent = world.browser(Role::Agent).await;
    assert!(!agent.get("/compliance/file").await.text.contains("suppressions.csv"));
    assert_eq!(agent.get("/compliance/suppressions.csv").await.status, StatusCode::FORBIDDEN);
}

/// A person in London, loaded as a worker loads one.
async fn person(world: &World) -> ContactId {
    let tenant = world.as_operator().await;
    let mapping = Mapping { columns: vec![ColumnUse::Standard(StandardField::Phone)] };
    let new = NewImport { mapping: Some(&mapping), ..NewImport::new(ImportSource::Portal, "one.csv") };
    let mut upload = tenant.begin_import(&new, now()).await.expect("begins");
    upload.write(b"phone\n07700 900001\n").await.expect("written");
    let (id, _) = upload.finish(now()).await.expect("finished");
    let lease = world.store.take_lease("import", now()).await.expect("no fault").expect("free");
    let proposal = ImportProposal { format: ImportFormat::default(), headers: vec!["phone".into()], mapping: mapping.clone() };
    tenant.keep_head(id, &lease, &proposal, &[], now()).await.expect("kept");
    tenant.begin_load(id, &lease, 1, now()).await.expect("begins");
    let reader = RowReader::new(mapping, proposal.headers, "GB".parse().expect("a region"), NumberMode::Demo);
    let row = tenant.seal_row(reader.read(2, &["07700 900001".into()]).expect("a row")).expect("sealed");
    tenant.load_chunk(id, &lease, 0, LoadChunk { rows: vec![row], rejects: Vec::new(), rows_read: 1 }, now()).await.expect("loaded");
    tenant.search_contacts("07700 900001").await.expect("found")[0]
}

#[tokio::test]
async fn lists_are_renamed_and_filled_and_filters_saved_and_counted() {
    let world = World::new().await;
    let manager = world.browser(Role::Manager).await;
    let contact = person(&world).await;
    let made = manager.post("/contacts/lists", &[("name", "Arrears")]).await;
    let list = made.location().split(['=', '&']).nth(1).expect("the list").to_owned();
    manager.post(&format!("/contacts/lists/{list}/rename"), &[("new_name", "")]).await.assert_problem("new_name", "A name is missing");
    assert_eq!(manager.post(&format!("/contacts/lists/{list}/rename"), &[("new_name", "Late payers")]).await.status, StatusCode::SEE_OTHER);
    assert!(manager.get("/contacts").await.text.contains("Late payers"));

    assert_eq!(manager.post(&format!("/contacts/{contact}/lists"), &[("list", &list)]).await.status, StatusCode::SEE_OTHER);
    assert!(manager.get(&format!("/contacts/{contact}")).await.text.contains("Take off Late payers"));
    let conditions = [("name", "Mobiles in Britain"), ("on_list", list.as_str()), ("line_type", "mobile"), ("region", "GB")];
    assert_eq!(manager.post("/contacts/filters", &conditions).await.status, StatusCode::SEE_OTHER);
    manager.post("/contacts/filters", &conditions).await.assert_problem("name", "exists already");
    manager.post("/contacts/filters", &[("name", "Odd"), ("on_list", &list), ("not_on_list", &list)]).await.assert_problem("on_list", "cannot both be met");
    let filter = world.as_operator().await.filters().await.expect("filters")[0].id;
    let page = manager.get(&format!("/contacts/filters?count={filter}")).await;
    assert!(page.text.contains("Contacts on the list “Late payers”, on a mobile number and in GB.") && page.text.contains("1 person"), "{}", page.text);

    assert_eq!(manager.post(&format!("/contacts/{contact}/lists/{list}/remove"), &[]).await.status, StatusCode::SEE_OTHER);
    assert!(manager.get(&format!("/contacts/filters?count={filter}")).await.text.contains("0 people"));
    assert_eq!(manager.post(&format!("/contacts/filters/{filter}/delete"), &[]).await.status, StatusCode::SEE_OTHER);
    assert!(manager.get("/contacts/filters").await.text.contains("No saved filter yet"));
}
