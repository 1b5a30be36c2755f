//! `clarion campaign create`: a draft, and at once what it still lacks.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use clarion_domain::campaigns::retry::RetryRules;
use clarion_domain::campaigns::schedule::{Day, TimeOfDay};
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_store::campaigns::CampaignDraft;
use clarion_store::{StoreError, Tenant};

use crate::clock;
use crate::output::print_json;

#[derive(Debug, Args)]
pub struct CreateArgs {
    #[arg(long)]
    name: String,
    /// The list to contact.
    #[arg(long)]
    list: String,
    /// Why contact is made: collections, reminder, put_through, marketing or incomplete_application.
    #[arg(long)]
    purpose: Purpose,
    /// For put_through: what the conversation will be about.
    #[arg(long)]
    underlying_purpose: Option<Purpose>,
    /// contract, legitimate_interest, consent or legal_obligation.
    #[arg(long)]
    basis: LegalBasis,
    /// Where the assessment lies that a legitimate interest needs.
    #[arg(long, default_value = "")]
    assessment: String,
    /// The text, with fields as {first_name|there}.
    #[arg(long, required_unless_present = "body_file", conflicts_with = "body_file")]
    body: Option<String>,
    /// The text from a file.
    #[arg(long, value_name = "FILE")]
    body_file: Option<PathBuf>,
    /// One of the tenant's senders.
    #[arg(long)]
    sender: String,
    /// Messages a second, at most.
    #[arg(long, default_value_t = 50)]
    rate: u32,
    /// Not before this hour on the contact's clock.
    #[arg(long, default_value = "09:00", value_parser = parse_time)]
    from: TimeOfDay,
    /// Not after this hour on the contact's clock.
    #[arg(long, default_value = "18:00", value_parser = parse_time)]
    until: TimeOfDay,
    /// Days of the week; Monday to Friday when left out.
    #[arg(long, value_delimiter = ',')]
    days: Vec<Day>,
    /// Attempts for each person, the first included.
    #[arg(long, default_value_t = 2)]
    attempts: u8,
}

fn parse_time(text: &str) -> Result<TimeOfDay, String> {
    text.parse().map_err(|error: clarion_domain::campaigns::schedule::NotATime| error.to_string())
}

pub async fn run(tenant: &Tenant, args: &CreateArgs, json: bool) -> anyhow::Result<()> {
    let draft = draft(tenant, args).await?;
    let now = clock::now();
    let id = tenant.create_campaign(&draft, now).await?;
    let faults = tenant.campaign_faults(&draft, now).await?;
    if json {
        print_json(&serde_json::json!({ "id": id, "state": "draft", "faults": faults }));
        return Ok(());
    }
    println!("wrote draft {id}");
    for fault in &faults {
        println!("  before it can start, {}: {}", fault.field, fault.message);
    }
    Ok(())
}

async fn draft(tenant: &Tenant, args: &CreateArgs) -> anyhow::Result<CampaignDraft> {
    let lists = tenant.lists().await?;
    let list = lists.iter().find(|list| list.name == args.list).ok_or(StoreError::NotFound("list")).with_context(|| {
        let names: Vec<_> = lists.iter().map(|list| list.name.as_str()).collect();
        format!("--list {:?}: there are {}", args.list, if names.is_empty() { "none; load one with `clarion import`".to_owned() } else { names.join(", ") })
    })?;
    let body = match (&args.body, &args.body_file) {
        (Some(body), _) => body.clone(),
        (None, Some(path)) => std::fs::read_to_string(path).with_context(|| path.display().to_string())?.trim_end().to_owned(),
        (None, None) => String::new(),
    };
    let mut draft = CampaignDraft::new(&args.name);
    draft.purpose = Some(args.purpose);
    draft.underlying_purpose = args.underlying_purpose;
    draft.basis = Some(args.basis);
    draft.assessment_reference = args.assessment.clone();
    draft.list_id = Some(list.id);
    draft.body = body;
    draft.sender = args.sender.clone();
    draft.rate_per_second = args.rate;
    (draft.schedule.from, draft.schedule.until) = (args.from, args.until);
    if !args.days.is_empty() {
        draft.schedule.days = args.days.clone();
    }
    draft.retry = if args.attempts == 1 { RetryRules::never() } else { RetryRules { attempts_max: args.attempts, ..RetryRules::default() } };
    Ok(draft)
}
