//! Campaigns: listed, written step by step, checked, started, watched, reviewed.

pub mod abandoned;
pub mod act;
pub mod audience;
pub mod caller;
pub mod calendar;
pub mod call;
pub mod call_me;
pub mod call_label;
pub mod calls;
pub mod check;
pub mod fast;
pub mod link_ticks;
pub mod list;
pub mod live;
pub mod message;
pub mod monitor;
pub mod pace;
pub mod prompt;
pub mod prompt_file;
pub mod purpose;
pub mod recipient;
pub mod recording;
pub mod relist;
pub mod say;
pub mod schedule;
pub mod script;
pub mod script_check;
pub mod sound;
pub mod step;
pub mod steps;
pub mod steps_now;
pub mod tasks;
pub mod template;
pub mod waiting;
pub mod words;

use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::id::CampaignId;
use clarion_store::StoreError;
use clarion_store::campaigns::{CampaignDraft, CampaignRecord};

use crate::page::fault::{Fault, capitalised};
use crate::page::fields::Problems;
use crate::tenancy::guard::Session;

async fn find(session: &Session, id: &str) -> Result<CampaignRecord, Fault> {
    let id: CampaignId = id.parse().map_err(|_| Fault::NotFound("campaign"))?;
    Ok(session.tenant.campaign(id).await?)
}

/// Saves a step when the fields that it asks for are right, and goes back to the task list.
async fn save_step(session: &Session, id: CampaignId, draft: &CampaignDraft, asked_here: &[&str]) -> Result<Result<Response, Problems>, Fault> {
    let mut problems = Problems::new();
    for fault in session.tenant.campaign_faults(draft, session.now).await? {
        if asked_here.contains(&fault.field) {
            problems.add(fault.field, capitalised(&fault.message));
        }
    }
    if !problems.is_empty() {
        return Ok(Err(problems));
    }
    match session.tenant.edit_campaign(id, draft, session.now).await {
        Ok(()) => Ok(Ok(Redirect::to(&format!("/campaigns/{id}?said=saved")).into_response())),
        Err(error) => problems_of(error, asked_here.first().copied().unwrap_or("name")).map(Err),
    }
}

/// What the store refused, as problems of a form; anything else is a fault of the page.
fn problems_of(error: StoreError, field: &str) -> Result<Problems, Fault> {
    match error {
        StoreError::Faults(faults) => {
            let mut problems = Problems::new();
            faults.iter().for_each(|fault| problems.add(fault.field, capitalised(&fault.message)));
            Ok(problems)
        }
        StoreError::Invalid(text) | StoreError::Conflict(text) => Ok(Problems::one(field, capitalised(&text))),
        error => Err(error.into()),
    }
}
