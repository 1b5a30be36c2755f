//! SFTP accounts: programs that bring files, what each may, and by which keys it is let in.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::id::SftpAccountId;
use clarion_store::StoreError;
use clarion_store::intake::{SftpAccount, SftpAccountDraft, new_sftp_password};
use maud::{Markup, html};

use crate::page::chip::{Tone, chip};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::figure::count;
use crate::page::form::{Fill, Input, area, button, confirmed, tick};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::IMPORTS;
use crate::page::said::said;
use crate::page::table::empty;
use crate::page::when;
use crate::portal::Portal;
use crate::tenancy::guard::Session;
use crate::tenancy::password;

const MEBIBYTE: i64 = 1 << 20;

pub async fn list(State(portal): State<Portal>, session: Session, asked: Asked) -> Result<Response, Fault> {
    show(&portal, &session, &asked, &of_draft(&SftpAccountDraft::new(""), None), &Problems::new()).await
}

/// A form's fields from what is chosen.
fn of_draft(draft: &SftpAccountDraft, list: Option<&str>) -> Fields {
    let yes = |set: bool| if set { "yes" } else { "" };
    Fields::new()
        .with("username", draft.username.as_str())
        .with("list", list.unwrap_or_default())
        .with("reuse_mapping", yes(draft.reuse_mapping))
        .with("rename_only", yes(draft.rename_only))
        .with("networks", draft.networks.as_str())
        .with("waiting_mib_max", (draft.waiting_bytes_max / MEBIBYTE).to_string())
        .with("day_files_max", draft.day_files_max.to_string())
        .with("enabled", yes(draft.enabled))
}

async fn draft_of(session: &Session, fields: &Fields) -> Result<SftpAccountDraft, Problems> {
    let mut problems = Problems::new();
    problems.need(fields, "username", "Enter a username");
    let waiting = fields.number("waiting_mib_max").and_then(|mebibytes| mebibytes.checked_mul(MEBIBYTE));
    let (Some(waiting_bytes_max), Some(day_files_max)) = (waiting, fields.number("day_files_max")) else {
        problems.add(if waiting.is_none() { "waiting_mib_max" } else { "day_files_max" }, "Enter a whole number");
        return Err(problems);
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    let list = match fields.get("list") {
        "" => None,
        name => Some(session.tenant.list_named(name, session.now).await.map_err(|error| Problems::one("list", capitalised(&error.to_string())))?),
    };
    let networks = fields.get("networks").replace(',', " ");
    Ok(SftpAccountDraft { username: fields.get("username").to_owned(), list, reuse_mapping: fields.is_set("reuse_mapping"), rename_only: fields.is_set("rename_only"), networks, waiting_bytes_max, day_files_max, enabled: fields.is_set("enabled") })
}

fn told(error: StoreError, elsewhere: &str) -> Result<Problems, Fault> {
    match error {
        StoreError::Faults(faults) => {
            let mut problems = Problems::new();
            for fault in faults {
                problems.add(if fault.field == "waiting_bytes_max" { "waiting_mib_max" } else { fault.field }, capitalised(&fault.message));
            }
            Ok(problems)
        }
        StoreError::Invalid(text) | StoreError::Conflict(text) => Ok(Problems::one(elsewhere, capitalised(&text))),
        error => Err(error.into()),
    }
}

async fn choices(session: &Session, fill: Fill<'_>) -> Result<Markup, Fault> {
    let lists: Vec<String> = session.tenant.lists().await?.into_iter().map(|list| list.name).collect();
    Ok(html! {
        (Input::new("username", "Username").hint("Lower case, no spaces; unique on this server.").autocomplete("off").show(fill))
        (Input::new("list", "Put the people on a list").hint("An existing list or a new name. Leave it empty for none.").list(&lists).show(fill))
        (tick("reuse_mapping", "Load a file whose columns were confirmed before", "Its header must be the same. Otherwise it waits among the imports for somebody's yes.", fill))
        (tick("rename_only", "Take a file only once it was renamed", "For programs that write to a temporary name first.", fill))
        (Input::new("networks", "Only from these networks").hint("Such as 192.0.2.0/24, separated by spaces. Leave it empty for any.").show(fill))
        div.row {
            (Input::new("waiting_mib_max", "Waiting at most (MiB)").kind("number").show(fill))
            (Input::new("day_files_max", "Files a day at most").kind("number").show(fill))
        }
        (tick("enabled", "May sign in", "", fill))
    })
}

async fn show(portal: &Portal, session: &Session, asked: &Asked, fields: &Fields, problems: &Problems) -> Result<Response, Fault> {
    let accounts = session.tenant.sftp_accounts().await?;
    let body = html! {
        div.columns.wide-first {
            div.stack {
                section.card.flush {
                    @if accounts.is_empty() {
                        (empty(Icon::Key, "No account yet", "A program that brings files signs in with an account of its own. It can put files and read their results, and nothing else.", None))
                    } @else {
                        div.scroll { table.stacks {
                            thead { tr { th scope="col" { "Account" } th scope="col" { "Let in by" } th scope="col" { "List" } th scope="col" { "Last used" } th scope="col" { "State" } } }
                            tbody { @for account in &accounts { (row(session, account)) } }
                        } }
                    }
                }
                (server(portal))
                (file_key(session).await?)
            }
            form.card.form method="post" action="/imports/sftp" {
                header { h2 { "New account" } }
                (choices(session, Fill { fields, problems }).await?)
                div { button.button type="submit" { "Make the account" } }
            }
        }
    };
    let lead = html! { p { "Programs put contact files into " code { "incoming/" } " and find them again in " code { "done/" } " or " code { "rejected/" } ", each with a result beside it." } };
    Ok(Page::new(IMPORTS, "SFTP").under("/imports", "Imports").lead(lead).said(said(asked)).problems(problems).show(session, &body))
}

fn state(session: &Session, account: &SftpAccount) -> Markup {
    if !account.draft.enabled {
        chip(Tone::Calm, Icon::Cross, "Switched off")
    } else if account.keys.is_empty() && !account.has_password {
        chip(Tone::Warn, Icon::Key, "No key yet")
    } else if account.locked_until > session.now {
        chip(Tone::Bad, Icon::Cross, "Password locked")
    } else {
        chip(Tone::Good, Icon::Check, "Works")
    }
}

fn row(session: &Session, account: &SftpAccount) -> Markup {
    let keys = match account.keys.len() {
        0 => String::new(),
        1 => "1 key".into(),
        n => format!("{n} keys"),
    };
    let ways: Vec<&str> = [keys.as_str(), if account.has_password { "password" } else { "" }].into_iter().filter(|way| !way.is_empty()).collect();
    html! { tr {
        th scope="row" { a href={ "/imports/sftp/" (account.id) } { (account.draft.username) } }
        td data-label="Let in by" { @if ways.is_empty() { span.soft { "Nothing" } } @else { (ways.join(", ")) } }
        td data-label="List" { @match &account.list_name { Some(name) => (name), None => span.soft { "None" } } }
        td data-label="Last used" { @match account.used_at { Some(at) => (when::time(at, &session.zone)), None => span.soft { "Never" } } }
        td { (state(session, account)) }
    } }
}

fn server(portal: &Portal) -> Markup {
    html! {
        section.card {
            header { h2 { "This server" } }
            @match &portal.config.sftp {
                Some(shown) => dl.facts {
                    dt { "Port" } dd.mono { (shown.port) }
                    dt { "Host key" } dd.mono { (shown.fingerprint) }
                },
                None => p.soft { "The SFTP drop is not open here: the operator opens it with an address in the section [sftp] of the configuration." },
            }
            p.small.soft { "A file is loaded when it was renamed from a temporary name (such as " code { "name.csv.part" } "), or was closed and left alone for a while. One that was cut off is never loaded." }
        }
    }
}

async fn file_key(session: &Session) -> Result<Markup, Fault> {
    let recipient = session.tenant.file_recipient().await?;
    Ok(html! {
        section.card {
            header { h2 { "Encrypted files" } }
            @match recipient {
                Some(recipient) => {
                    p { "Files that are encrypted with " strong { "age" } " to this public key are opened as they are loaded, whichever way they come." }
                    p.secret { code { (recipient) } }
                    p.small.soft { code { "age -r PUBLIC-KEY -o contacts.csv.age contacts.csv" } }
                }
                None => {
                    p { "Files can be sent encrypted with " strong { "age" } ". Make a key pair first: its public half is shown here, its secret half stays sealed on the server." }
                    (button("/imports/sftp/file-key", "quiet", "Make the key pair"))
                }
            }
        }
    })
}

pub async fn create(State(portal): State<Portal>, session: Session, fields: Fields) -> Result<Response, Fault> {
    let nothing = Asked(Fields::new());
    let draft = match draft_of(&session, &fields).await {
        Ok(draft) => draft,
        Err(problems) => return show(&portal, &session, &nothing, &fields, &problems).await,
    };
    match session.tenant.create_sftp_account(&draft, session.now).await {
        Ok(id) => Ok(Redirect::to(&format!("/imports/sftp/{id}?said=created")).into_response()),
        Err(error) => show(&portal, &session, &nothing, &fields, &told(error, "username")?).await,
    }
}

pub async fn make_file_key(session: Session) -> Result<Response, Fault> {
    session.tenant.make_file_key(session.now).await?;
    Ok(Redirect::to("/imports/sftp?said=created").into_response())
}

async fn find(session: &Session, id: &str) -> Result<SftpAccount, Fault> {
    let id: SftpAccountId = id.parse().map_err(|_| Fault::NotFound("SFTP account"))?;
    Ok(session.tenant.sftp_account(id).await?)
}

pub async fn page(session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    let account = find(&session, &id).await?;
    show_one(&session, &account, &asked, &of_draft(&account.draft, account.list_name.as_deref()), &Problems::new()).await
}

async fn show_one(session: &Session, account: &SftpAccount, asked: &Asked, fields: &Fields, problems: &Problems) -> Result<Response, Fault> {
    let (path, fill) = (format!("/imports/sftp/{}", account.id), Fill { fields, problems });
    let body = html! {
        div.columns.wide-first {
            div.stack {
                (keys(session, account, &path, fill).await?)
                (password_card(account, &path))
            }
            form.card.form method="post" action=(path) {
                header { h2 { "What it may" } }
                (choices(session, fill).await?)
                div.actions { button.button type="submit" { "Save" } a href="/imports/sftp" { "Back" } }
            }
        }
        (confirmed("Delete the account…", "It can no longer sign in, and half-sent files go. What it brought stays among the imports.", &format!("{path}/delete"), "Yes, delete it"))
    };
    Ok(Page::new(IMPORTS, account.draft.username.as_str()).under("/imports/sftp", "SFTP").lead(state(session, account)).said(said(asked)).problems(problems).show(session, &body))
}

async fn keys(session: &Session, account: &SftpAccount, path: &str, fill: Fill<'_>) -> Result<Markup, Fault> {
    let team = session.team().await?;
    Ok(html! {
        section.card {
            header { h2 { "Keys" } p.small.soft { (count(account.keys.len() as i64)) } }
            @if account.keys.is_empty() { p.soft { "No key is let in." } }
            @for key in &account.keys {
                div.stack.tight {
                    p.breaks { span.mono { (key.fingerprint) } br; span.small.soft { (key.public_key.split(' ').next().unwrap_or_default()) ", added " (when::time(key.added_at, &session.zone)) " by " (team.name(&key.added_by)) } }
                    details.confirm { summary.button.danger { "Remove…" } div {
                        p { "Whoever holds it can no longer sign in." }
                        form method="post" action={ (path) "/keys/remove" } { input type="hidden" name="fingerprint" value=(key.fingerprint); button.button.danger type="submit" { "Yes, remove it" } }
                    } }
                }
            }
            form.form method="post" action={ (path) "/keys" } {
                (area("public_key", "Add a public key", "The one line of the .pub file. Never send or paste the private one.", None, fill))
                div { button.button.quiet type="submit" { "Add the key" } }
            }
        }
    })
}

fn password_card(account: &SftpAccount, path: &str) -> Markup {
    html! {
        section.card {
            header { h2 { "Password" } }
            @if account.has_password {
                p { "A password is set. Ten wrong ones in a row lock it for 15 minutes; keys go on working." }
                div.actions {
                    (confirmed("Make a new one…", "The old one ends at once.", &format!("{path}/password"), "Yes, make a new one"))
                    (confirmed("Take it away…", "Only keys are let in from then on.", &format!("{path}/password/remove"), "Yes, take it away"))
                }
            } @else {
                p { "There is none: only keys are let in, which is safer. For a program that knows no keys, the server makes a long password." }
                (button(&format!("{path}/password"), "quiet", "Make a password"))
            }
        }
    }
}

pub async fn change(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let (account, nothing) = (find(&session, &id).await?, Asked(Fields::new()));
    let draft = match draft_of(&session, &fields).await {
        Ok(draft) => draft,
        Err(problems) => return show_one(&session, &account, &nothing, &fields, &problems).await,
    };
    match session.tenant.change_sftp_account(account.id, &draft, session.now).await {
        Ok(()) => Ok(Redirect::to(&format!("/imports/sftp/{id}?said=saved")).into_response()),
        Err(error) => show_one(&session, &account, &nothing, &fields, &told(error, "username")?).await,
    }
}

pub async fn add_key(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let account = find(&session, &id).await?;
    match session.tenant.add_sftp_key(account.id, fields.raw("public_key"), session.now).await {
        Ok(_) => Ok(Redirect::to(&format!("/imports/sftp/{id}?said=key-added")).into_response()),
        Err(error) => {
            // What was pasted is not shown again: it may have been a private key.
            let shown = of_draft(&account.draft, account.list_name.as_deref());
            show_one(&session, &account, &Asked(Fields::new()), &shown, &told(error, "public_key")?).await
        }
    }
}

pub async fn remove_key(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    session.tenant.remove_sftp_key(find(&session, &id).await?.id, fields.get("fingerprint"), session.now).await?;
    Ok(Redirect::to(&format!("/imports/sftp/{id}?said=removed")).into_response())
}

/// Answers the POST itself: the password has no address to come back to.
pub async fn new_password(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let account = find(&session, &id).await?;
    let made = new_sftp_password()?;
    let hash = password::hash_password(&made).await.map_err(|error| StoreError::Invalid(error.to_string()))?;
    session.tenant.set_sftp_password(account.id, Some(&hash), session.now).await?;
    let body = html! {
        section.card {
            header { h2 { "Keep this password now" } }
            p.secret { code { (made) } }
            p { "It is shown this once; only a hash of it is kept." }
            div { a.button href={ "/imports/sftp/" (id) } { "I have kept it" } }
        }
    };
    Ok(Page::new(IMPORTS, account.draft.username.as_str()).under("/imports/sftp", "SFTP").show(&session, &body))
}

pub async fn no_password(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    session.tenant.set_sftp_password(find(&session, &id).await?.id, None, session.now).await?;
    Ok(Redirect::to(&format!("/imports/sftp/{id}?said=no-password")).into_response())
}

pub async fn delete(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    session.tenant.delete_sftp_account(find(&session, &id).await?.id, session.now).await?;
    Ok(Redirect::to("/imports/sftp?said=removed").into_response())
}
