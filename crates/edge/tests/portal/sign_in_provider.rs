//! The way to an identity provider and back, with a provider that says only what the test has it say.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::StatusCode;
use clarion_edge::{Cookies, EdgeConfig, ProviderAnswer, ProviderDoor, portal_router};
use clarion_store::tenancy::{NewSingleSignOn, SingleSignOn};
use serde_json::json;

use crate::support::{Browser, NOW, World, now, read_prompt};

const ISSUER: &str = "https://login.example.com";

/// Says what it is, that its answers say whose they are, and no to every code.
fn door() -> ProviderDoor {
    ProviderDoor(Arc::new(|asked| {
        Box::pin(async move {
            let said = match asked.url.strip_prefix(ISSUER) {
                Some("/.well-known/openid-configuration") => json!({
                    "issuer": ISSUER, "authorization_endpoint": format!("{ISSUER}/authorize"), "token_endpoint": format!("{ISSUER}/token"), "jwks_uri": format!("{ISSUER}/keys"),
                    "authorization_response_iss_parameter_supported": true
                }),
                Some("/keys") => json!({"keys": []}),
                _ => return Ok(ProviderAnswer { status: 400, body: Vec::new() }),
            };
            Ok(ProviderAnswer { status: 200, body: said.to_string().into_bytes() })
        })
    }))
}

/// Begins at the organisation's address; the browser, and the state that belongs to its attempt.
async fn begun(stranger: &Browser) -> (Browser, String) {
    let mut browser = stranger.clone();
    let answer = browser.get("/sign-in/sso/Northwind?next=/account").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let to = answer.location().to_owned();
    assert!(to.starts_with(&format!("{ISSUER}/authorize?response_type=code&client_id=clarion&redirect_uri=")), "{to}");
    assert!(to.contains("%2Fsign-in%2Fsso%2Fnorthwind%2Fcallback&"), "each organisation has a redirect address of its own: {to}");
    let state = to.split("&state=").nth(1).and_then(|rest| rest.split('&').next()).expect("a state").to_owned();
    browser.take_cookies(&answer);
    (browser, state)
}

#[tokio::test]
async fn an_answer_counts_where_it_was_asked_for_and_from_whom() {
    let mut world = World::new().await;
    let settings = SingleSignOn { issuer: ISSUER.into(), client_id: "clarion".into(), has_secret: false, role_claim: String::new(), roles: BTreeMap::new(), only_way: false, break_glass: None };
    world.as_operator().await.set_single_sign_on(&NewSingleSignOn { settings: &settings, secret: None }, NOW).await.expect("set");
    let mut config = EdgeConfig::new(now, Cookies::PlainLoopback, read_prompt);
    config.provider = Some(door());
    world.router = portal_router(world.store.clone(), config);
    let stranger = world.stranger();
    for (place, iss, said) in [
        ("southwind", Some(ISSUER), "belongs to another sign-in"),
        ("northwind", None, "another provider's"),
        ("northwind", Some("https://evil.example"), "another provider's"),
        ("northwind", Some(ISSUER), "(status 400)"),
    ] {
        let (browser, state) = begun(&stranger).await;
        let iss = iss.map(|iss| format!("&iss={iss}")).unwrap_or_default();
        let answer = browser.get(&format!("/sign-in/sso/{place}/callback?code=x&state={state}{iss}")).await;
        answer.assert_problem("username", said);
    }
    // One was refused by the provider itself. Whoever has it asked in vain too often waits.
    for tried in 1..=20 {
        let (browser, state) = begun(&stranger).await;
        let answer = browser.get(&format!("/sign-in/sso/northwind/callback?code=x&state={state}&iss={ISSUER}")).await;
        answer.assert_problem("username", if tried < 20 { "(status 400)" } else { "too many answers from your network" });
    }
    assert_eq!(stranger.get("/sign-in/sso/callback?code=x&state=y").await.status, StatusCode::NOT_FOUND, "there is no address for all");
}
