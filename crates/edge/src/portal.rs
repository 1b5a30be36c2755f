//! Every page of the portal on one screen: its path, the right it asks for, and who answers.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use clarion_domain::tenancy::role::Right;
use clarion_store::Store;
use tower_http::csrf::CsrfLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::config::EdgeConfig;
use crate::page::asset;
use crate::page::fault::Fault;
use crate::page::menu::first_page;
use crate::tenancy::guard::{Session, asks};
use crate::tenancy::{Tries, account, sign_in, team};
use crate::audit;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What every handler may reach.
#[derive(Clone)]
pub struct Portal {
    pub store: Store,
    pub config: Arc<EdgeConfig>,
    pub tries: Arc<Tries>,
}

/// The portal, to be merged with the API's router.
pub fn portal_router(store: Store, config: EdgeConfig) -> Router {
    let portal = Portal { store, config: Arc::new(config), tries: Arc::default() };
    let to = |right: Option<Right>, methods| asks(&portal, right, methods);
    let (any, team_right, audit_right) = (None, Some(Right::ManageTeam), Some(Right::ReadAudit));
    Router::new()
        .route("/sign-in", get(sign_in::page).post(sign_in::submit))
        .route("/assets/{name}", get(asset::get))
        .route("/", to(any, get(home)))
        .route("/sign-out", to(any, post(sign_in::sign_out)))
        .route("/account", to(any, get(account::page)))
        .route("/account/password", to(any, post(account::change_password)))
        .route("/audit", to(audit_right, get(audit::list)))
        .route("/team", to(team_right, get(team::list)))
        .route("/team/new", to(team_right, get(team::new).post(team::create)))
        .route("/team/{user}", to(team_right, get(team::edit).post(team::change)))
        .route("/team/{user}/password", to(team_right, post(team::set_password)))
        .route("/team/{user}/activate", to(team_right, post(team::activate)))
        .route("/team/{user}/deactivate", to(team_right, post(team::deactivate)))
        .fallback(async || Fault::NotFound("page"))
        .layer(CsrfLayer::new())
        .layer(with_header(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(with_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        // Not `no-referrer`: a form would then send `Origin: null`, and the cross-site check needs it.
        .layer(with_header(header::REFERRER_POLICY, "same-origin"))
        .layer(with_header(header::CACHE_CONTROL, "no-store"))
        .layer(with_header(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .with_state(portal)
}

fn with_header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

async fn home(session: Session) -> impl IntoResponse {
    Redirect::to(first_page(session.user.role))
}
