//! The form of a connector: where it asks, what it takes, how it signs in, and when.

use clarion_domain::connectors::instruction::{InstructionKind, InstructionStanding};
use clarion_domain::connectors::pull::{Authentication, FieldFrom, Incremental, Paging, PullFormat, PullSettings};
use clarion_store::connectors::{ConnectorRecord, NewConnector};
use maud::{Markup, html};

use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Fields, Problems};
use crate::page::form::{Fill, Input, area, select};
use crate::tenancy::guard::Session;

pub fn of_record(record: &ConnectorRecord) -> Fields {
    let settings = &record.settings;
    let fields: Vec<String> = settings.fields.iter().map(|field| format!("{} = {}", field.to, field.from)).collect();
    Fields::new()
        .with("name", record.name.as_str())
        .with("instruction", record.instruction.to_string())
        .with("list", record.list.as_ref().map(|(_, name)| name.as_str()).unwrap_or_default())
        .with("url", settings.url.as_str())
        .with("format", settings.format.as_str())
        .with("rows_at", settings.rows_at.as_str())
        .with("fields", fields.join("\n"))
        .with("paging", settings.paging.as_str())
        .with("next_at", settings.next_at.as_str())
        .with("page_parameter", settings.page_parameter.as_str())
        .with("incremental", settings.incremental.as_str())
        .with("since_parameter", settings.since_parameter.as_str())
        .with("since_field", settings.since_field.as_str())
        .with("authentication", settings.authentication.as_str())
        .with("header_name", settings.header_name.as_str())
        .with("token_url", settings.token_url.as_str())
        .with("client_id", settings.client_id.as_str())
        .with("scope", settings.scope.as_str())
        .with("times", settings.times.to_string())
}

/// `phone = mobile`, a line a field.
fn fields_of(text: &str) -> Result<Vec<FieldFrom>, Problems> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let read = |line: &str| line.split_once('=').map(|(to, from)| FieldFrom { to: to.trim().to_owned(), from: from.trim().to_owned() });
    lines.map(|line| read(line).ok_or_else(|| Problems::one("fields", format!("Write a line such as phone = mobile; this one is none: {line}")))).collect()
}

pub async fn read(session: &Session, fields: &Fields) -> Result<NewConnector, Problems> {
    let text = |name: &str| fields.get(name).to_owned();
    let times = fields.get("times").parse().map_err(|error: clarion_domain::connectors::times::TimesError| Problems::one("times", capitalised(&error.to_string())))?;
    let instruction = fields.word("instruction").ok_or_else(|| Problems::one("instruction", "Choose the instruction under which it may pull: without one nothing is pulled"))?;
    let list = match fields.get("list") {
        "" => None,
        name => Some(session.tenant.list_named(name, session.now).await.map_err(|error| Problems::one("list", capitalised(&error.to_string())))?),
    };
    let settings = PullSettings {
        url: text("url"),
        format: fields.word("format").unwrap_or(PullFormat::Json),
        rows_at: text("rows_at"),
        fields: fields_of(fields.get("fields"))?,
        paging: fields.word("paging").unwrap_or_default(),
        next_at: text("next_at"),
        page_parameter: text("page_parameter"),
        incremental: fields.word("incremental").unwrap_or_default(),
        since_parameter: text("since_parameter"),
        since_field: text("since_field"),
        authentication: fields.word("authentication").unwrap_or_default(),
        header_name: text("header_name"),
        token_url: text("token_url"),
        client_id: text("client_id"),
        scope: text("scope"),
        times,
    };
    let secret = fields.is_set("secret").then(|| fields.get("secret").into());
    Ok(NewConnector { name: text("name"), instruction, list, settings, secret })
}

fn choices<T: Copy + std::fmt::Display>(all: &[T], name: impl Fn(T) -> &'static str) -> Vec<(String, String)> {
    all.iter().map(|one| (one.to_string(), name(*one).to_owned())).collect()
}

pub async fn inputs(session: &Session, fill: Fill<'_>, has_secret: bool) -> Result<Markup, Fault> {
    let lists: Vec<String> = session.tenant.lists().await?.into_iter().map(|list| list.name).collect();
    let open = session.tenant.instructions().await?;
    let instructions: Vec<(String, String)> = open
        .iter()
        .filter(|record| record.new.kind == InstructionKind::Pull && matches!(record.standing(session.now), InstructionStanding::InForce | InstructionStanding::Future))
        .map(|record| (record.id.to_string(), format!("{}, version {}: {}", record.new.reference, record.version, record.new.fields.join(", "))))
        .collect();
    let formats = choices(PullFormat::ALL, |format| if format == PullFormat::Json { "JSON" } else { "CSV" });
    let pagings = choices(Paging::ALL, |paging| match paging {
        Paging::None => "One page",
        Paging::LinkHeader => "A Link header names the next page",
        Paging::NextAddress => "A field holds the address of the next page",
        Paging::Cursor => "A field holds a cursor",
        Paging::PageNumber => "Pages are numbered from 1",
    });
    let increments = choices(Incremental::ALL, |incremental| match incremental {
        Incremental::Everything => "Everything each time",
        Incremental::Etag => "Only when it changed (ETag, If-Modified-Since)",
        Incremental::Since => "What changed since the last pull",
    });
    let ways = choices(Authentication::ALL, |way| match way {
        Authentication::None => "Nothing",
        Authentication::Bearer => "A bearer token",
        Authentication::Header => "A header of the client's",
        Authentication::OAuth2 => "OAuth 2, client credentials",
    });
    let secret = if has_secret { "Leave it empty to keep the one that is there. It does not follow to another host." } else { "The token, the header's value, or the client secret. It is sealed and never shown." };
    Ok(html! {
        (Input::new("name", "Name").show(fill))
        (select("instruction", "Instruction", "Only the fields that were agreed in it are taken.", &instructions, fill))
        (Input::new("url", "Address").hint("Begins with https://. It is asked with GET.").kind("url").show(fill))
        div.row {
            (select("format", "Answers in", "", &formats, fill))
            (Input::new("rows_at", "Where the rows are").hint("A JSON pointer such as /data/items. Empty for the whole answer.").show(fill))
        }
        (area("fields", "Fields", "A line each: ours = theirs, such as phone = mobile or first_name = /name/first. Everything else is dropped as it comes.", None, fill))
        (Input::new("list", "Put the people on a list").hint("An existing list or a new name. Leave it empty for none.").list(&lists).show(fill))
        (Input::new("times", "When").hint("every 60 minutes, every 4 hours, at 06:00 18:30 (your time), or by hand.").show(fill))
        details open[["paging", "next_at", "page_parameter", "incremental", "since_parameter", "since_field"].iter().any(|name| fill.problems.of(name).is_some())] {
            summary { "Pages, and what is new" }
            (select("paging", "Pages", "", &pagings, fill))
            (Input::new("next_at", "Where the next page is told").hint("A JSON pointer such as /meta/next.").show(fill))
            (Input::new("page_parameter", "Parameter of the page").hint("Takes the cursor or the number.").show(fill))
            (select("incremental", "What is asked for", "", &increments, fill))
            (Input::new("since_parameter", "Parameter of the watermark").hint("Such as updated_since.").show(fill))
            (Input::new("since_field", "Field of the watermark").hint("Such as updated_at: a time with its zone, or a whole number. It moves only when the rows were stored.").show(fill))
        }
        details open[["authentication", "secret", "header_name", "token_url", "client_id"].iter().any(|name| fill.problems.of(name).is_some())] {
            summary { "How it signs in" }
            (select("authentication", "With", "", &ways, fill))
            (Input::new("secret", "Secret").hint(secret).kind("password").autocomplete("new-password").show(fill))
            (Input::new("header_name", "Name of the header").hint("Such as X-Api-Key.").show(fill))
            (Input::new("token_url", "Token address").kind("url").show(fill))
            div.row {
                (Input::new("client_id", "Client id").show(fill))
                (Input::new("scope", "Scope").show(fill))
            }
        }
    })
}
