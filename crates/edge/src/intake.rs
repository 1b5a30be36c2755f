//! Contact files: sent, mapped, watched, and what became of each line.

pub mod declared_field;
pub mod import;
pub mod list;
pub mod mapping;
pub mod reject;
pub mod sftp;
pub mod upload;

use clarion_domain::id::ImportId;
use clarion_domain::intake::import::{ImportSource, ImportState};
use clarion_store::intake::ImportRecord;
use maud::Markup;

use crate::page::chip::{Tone, chip, live_chip};
use crate::page::fault::Fault;
use crate::page::icon::Icon;
use crate::tenancy::guard::Session;

async fn find(session: &Session, id: &str) -> Result<ImportRecord, Fault> {
    let id: ImportId = id.parse().map_err(|_| Fault::NotFound("import"))?;
    Ok(session.tenant.import(id).await?)
}

fn source_name(source: ImportSource) -> &'static str {
    match source {
        ImportSource::Portal => "portal",
        ImportSource::Api => "API",
        ImportSource::Command => "command",
        ImportSource::Sftp => "SFTP",
        ImportSource::Connector => "connector",
    }
}

fn state_chip(state: ImportState) -> Markup {
    match state {
        ImportState::Receiving => live_chip("Receiving"),
        ImportState::Received => live_chip("Reading"),
        ImportState::AwaitingMapping => chip(Tone::Warn, Icon::Pencil, "Columns to confirm"),
        ImportState::AwaitingRepeat => chip(Tone::Warn, Icon::Question, "Same file again?"),
        ImportState::Ready => live_chip("Waiting to load"),
        ImportState::Loading => live_chip("Loading"),
        ImportState::Loaded => chip(Tone::Good, Icon::Check, "Loaded"),
        ImportState::Failed => chip(Tone::Bad, Icon::Cross, "Failed"),
        ImportState::Cancelled => chip(Tone::Calm, Icon::Cross, "Cancelled"),
        ImportState::Undoing => live_chip("Being taken back"),
        ImportState::Undone => chip(Tone::Calm, Icon::Cross, "Taken back"),
    }
}
