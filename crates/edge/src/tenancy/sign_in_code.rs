//! The second half of a sign-in: the code, from whoever has given a right password less than five minutes ago.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::id::{TenantId, UserId};
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::Instant;
use maud::html;

use super::came_from::CameFrom;
use super::guard::{cookie, half_cookie_name};
use super::{passkey, second_factor};
use super::sign_in::{is_own_path, let_in, with_cookie};
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input, summary};
use crate::page::icon::mark;
use crate::page::layout::document;
use crate::portal::Portal;

const WRONG: &str = "That code is not right, or was used before. Wait for the next one, or enter a recovery code. Ten wrong ones lock the account for 15 minutes.";

struct Half {
    token: String,
    tenant: TenantId,
    user: UserId,
}

async fn half(portal: &Portal, headers: &HeaderMap, now: Instant) -> Result<Option<Half>, Fault> {
    let Some(token) = cookie(headers, half_cookie_name(portal.config.cookies)) else { return Ok(None) };
    let found = portal.store.half_sign_in(token, now).await?;
    Ok(found.map(|(tenant, user)| Half { token: token.to_owned(), tenant, user }))
}

pub async fn page(State(portal): State<Portal>, headers: HeaderMap, asked: Asked) -> Result<Response, Fault> {
    match half(&portal, &headers, (portal.config.clock)()).await? {
        Some(_) => Ok(form(&asked.0, &Problems::new())),
        None => Ok(Redirect::to("/sign-in").into_response()),
    }
}

fn form(fields: &Fields, problems: &Problems) -> Response {
    let fill = Fill { fields, problems };
    let wrong = !problems.is_empty();
    let body = html! {
        main #main {
            div.brand { (mark()) "Clarion" }
            h1 { "Enter your code" }
            (summary(problems))
            form.form method="post" action="/sign-in/code" {
                input type="hidden" name="next" value=(fields.get("next"));
                @if fields.is_set("from") { input type="hidden" name="from" value=(fields.get("from")); }
                (Input::new("code", "Code").hint("The six digits that your application shows now, or one of your recovery codes.").autocomplete("one-time-code").show(fill))
                button.button type="submit" { "Sign in" }
            }
            (passkey::sign_in_form(fields))
            p.small.soft { "Neither phone nor recovery codes? An owner of your organisation can reset your second factor. " a href="/sign-in" { "Begin again" } }
        }
    };
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    (status, document(if wrong { "Error: Enter your code – Clarion" } else { "Enter your code – Clarion" }, "door", &body)).into_response()
}

pub async fn submit(State(portal): State<Portal>, headers: HeaderMap, from: CameFrom, fields: Fields) -> Result<Response, Fault> {
    let now = (portal.config.clock)();
    let Some(half) = half(&portal, &headers, now).await? else { return Ok(Redirect::to("/sign-in?said=again").into_response()) };
    let next = Fields::new().with("next", fields.get("next")).with("from", fields.get("from"));
    if !fields.is_set("code") {
        return Ok(form(&next, &Problems::one("code", "Enter the code")));
    }
    let tenant = portal.store.tenant(half.tenant, Actor::User(half.user)).await?;
    let username = tenant.user(half.user).await?.username;
    tokio::time::sleep(portal.tries.delay(&username, now)).await;
    if !second_factor::accepts(&tenant, half.user, fields.get("code"), now).await? {
        portal.tries.failed(&username, now);
        tenant.record_wrong_code(half.user, now).await?;
        return Ok(form(&next, &Problems::one("code", WRONG)));
    }
    tenant.end_half_sign_in(&half.token).await?;
    let to = if is_own_path(fields.get("next")) { fields.get("next") } else { "/" };
    let response = let_in(&portal, &tenant, half.user, &username, &from.by_way_of(fields.get("from")), to, now).await?;
    Ok(with_cookie(response, portal.config.cookies, half_cookie_name(portal.config.cookies), "", 0))
}
