//! SFTP accounts over the API.

use serde_json::{Value, json};

use crate::support::world;

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_made_given_a_key_and_a_password_and_ended() {
    let world = world().await;
    let settings = json!({"username": "drop", "reuse_mapping": true, "rename_only": false, "networks": "", "waiting_bytes_max": 1_000_000, "day_files_max": 20, "enabled": true});
    let made = world.ask("POST", "/sftp-accounts", settings.clone()).await.expect(201);
    let path = format!("/sftp-accounts/{}", made["id"].as_str().expect("an id"));
    assert_eq!((&made["has_password"], &made["keys"]), (&json!(false), &json!([])));
    world.ask("POST", "/sftp-accounts", settings.clone()).await.problem(422);
    let mut wrong = settings;
    wrong["networks"] = json!("nowhere");
    assert_eq!(world.ask("PUT", &path, wrong.clone()).await.problem(422), ["networks"]);
    wrong["networks"] = json!("192.0.2.0/24");
    assert_eq!(world.ask("PUT", &path, wrong).await.expect(200)["settings"]["networks"], "192.0.2.0/24");

    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMu7nXOkUvkhZfjPE4TDyO0DxYBLIOrsGZCPfV7Wlxnb";
    world.ask("POST", &format!("{path}/keys"), json!({"public_key": "nonsense"})).await.problem(422);
    let with_key = world.ask("POST", &format!("{path}/keys"), json!({"public_key": format!("{key} ada@laptop")})).await.expect(200);
    assert_eq!(with_key["keys"][0]["public_key"], key);
    let print = with_key["keys"][0]["fingerprint"].clone();
    assert_eq!(world.ask("POST", &format!("{path}/keys/remove"), json!({"fingerprint": print})).await.expect(200)["keys"], json!([]));

    let password = world.ask("POST", &format!("{path}/password"), Value::Null).await.expect(200)["password"].as_str().expect("a password").to_owned();
    let account = world.get(&path).await;
    assert!(password.len() == 40 && !account.text.contains(&password));
    assert_eq!(account.expect(200)["has_password"], true);
    world.ask("DELETE", &format!("{path}/password"), Value::Null).await.expect(204);
    assert_eq!(world.get(&path).await.expect(200)["has_password"], false);

    let recipient = world.ask("POST", "/file-key", Value::Null).await.expect(200)["recipient"].clone();
    assert!(recipient.as_str().is_some_and(|key| key.starts_with("age1")));
    assert_eq!(world.ask("POST", "/file-key", Value::Null).await.expect(200)["recipient"], recipient);
    world.ask("DELETE", &path, Value::Null).await.expect(204);
    world.get(&path).await.problem(404);
}
