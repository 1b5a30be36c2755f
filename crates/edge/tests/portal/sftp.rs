//! SFTP accounts in the portal.

use axum::http::StatusCode;
use clarion_domain::tenancy::role::Role;

use crate::support::World;

const FORM: [(&str, &str); 5] = [("username", "drop"), ("list", "Debtors"), ("waiting_mib_max", "100"), ("day_files_max", "20"), ("enabled", "yes")];

#[tokio::test]
async fn an_account_is_made_let_in_and_ended() {
    let world = World::new().await;
    assert_eq!(world.browser(Role::Manager).await.get("/imports/sftp").await.status, StatusCode::FORBIDDEN);
    let owner = world.browser(Role::Owner).await;
    owner.post("/imports/sftp", &[("username", "")]).await.assert_problem("username", "Enter a username");
    owner.post("/imports/sftp", &[("username", "two words"), ("waiting_mib_max", "1"), ("day_files_max", "1")]).await.assert_problem("username", "letters a to z");
    owner.post("/imports/sftp", &[("username", "drop"), ("waiting_mib_max", "x"), ("day_files_max", "1")]).await.assert_problem("waiting_mib_max", "whole number");
    let made = owner.post("/imports/sftp", &FORM).await.location().to_owned();
    let path = made.strip_suffix("?said=created").expect("its page").to_owned();
    owner.post("/imports/sftp", &FORM).await.assert_problem("username", "taken");

    let private = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----";
    let refused = owner.post(&format!("{path}/keys"), &[("public_key", private)]).await;
    refused.assert_problem("public_key", "private key");
    assert!(!refused.text.contains("b3BlbnNz"), "a private key is not shown again");
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMu7nXOkUvkhZfjPE4TDyO0DxYBLIOrsGZCPfV7Wlxnb ada@laptop";
    assert_eq!(owner.post(&format!("{path}/keys"), &[("public_key", key)]).await.location(), format!("{path}?said=key-added"));
    let page = owner.get(&path).await;
    let print = page.text.split("name=\"fingerprint\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a fingerprint").to_owned();
    assert!(print.starts_with("SHA256:") && !page.text.contains("ada@laptop") && page.text.contains("Debtors"));

    let shown = owner.post(&format!("{path}/password"), &[]).await;
    let password = shown.text.split("<code>").nth(1).and_then(|rest| rest.split("</code>").next()).expect("the password").to_owned();
    assert_eq!(password.len(), 40);
    assert!(!owner.get(&path).await.text.contains(&password), "shown once");
    assert_eq!(owner.post(&format!("{path}/password/remove"), &[]).await.location(), format!("{path}?said=no-password"));
    assert_eq!(owner.post(&format!("{path}/keys/remove"), &[("fingerprint", &print)]).await.location(), format!("{path}?said=removed"));
    assert!(owner.get("/imports/sftp").await.text.contains("No key yet"));

    assert_eq!(owner.post("/imports/sftp/file-key", &[]).await.status, StatusCode::SEE_OTHER);
    assert!(owner.get("/imports/sftp").await.text.contains("<code>age1"));
    assert_eq!(owner.post(&format!("{path}/delete"), &[]).await.location(), "/imports/sftp?said=removed");
    assert_eq!(owner.get(&path).await.status, StatusCode::NOT_FOUND);
}
