//! `clarion campaign create`: a draft, and at once what it still lacks.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use clarion_domain::attempts::call::RING_MS_MIN;
use clarion_domain::attempts::recording::RecordingSettings;
use clarion_domain::campaigns::call_pacing::{CEILING_BP_MAX, CallPacing, CallPacingError, POWER_PERCENT_MAX, PacingMode, RING_MS_MAX};
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::campaigns::retry::RetryRules;
use clarion_domain::campaigns::schedule::{Day, TimeOfDay};
use clarion_domain::campaigns::sequence::Sequence;
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_domain::id::CampaignId;
use clarion_domain::time::Instant;
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
    /// sms or voice.
    #[arg(long, default_value = "sms")]
    channel: Channel,
    /// For calls: what they say and ask, from a file; `clarion script check` looks at it.
    #[arg(long, value_name = "FILE", required_if_eq("channel", "voice"), conflicts_with_all = ["body", "body_file"])]
    script: Option<PathBuf>,
    /// For calls: agentless, progressive, power:1.5 (calls for each free agent) or predictive:3 (percent abandoned at most).
    #[arg(long, value_parser = parse_pace, default_value = "progressive")]
    pace: PacingMode,
    /// For calls: calls a second, at most.
    #[arg(long, default_value_t = 2)]
    calls_per_second: u32,
    /// For calls: calls at once, at most, ringing ones included.
    #[arg(long, default_value_t = 50)]
    calls_at_once: u32,
    /// For calls: how long they ring.
    #[arg(long, default_value_t = 20)]
    ring_seconds: u32,
    /// For calls: record talks with agents; needs --announcement or --told-in.
    #[arg(long)]
    record_talks: bool,
    /// For calls: what the person hears before their talk is recorded.
    #[arg(long, default_value = "")]
    announcement: String,
    /// For calls: record the first seconds of answered calls, to be labelled; needs --told-in.
    #[arg(long)]
    record_openings: bool,
    /// For calls: where people were told that they are recorded, such as a privacy notice.
    #[arg(long, default_value = "")]
    told_in: String,
    /// The text, with fields as {first_name|there}.
    #[arg(long, required_unless_present_any = ["body_file", "script"], conflicts_with = "body_file")]
    body: Option<String>,
    /// The text from a file.
    #[arg(long, value_name = "FILE")]
    body_file: Option<PathBuf>,
    /// One of the tenant's senders; for calls the caller ID.
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
    /// Attempts for each person, the first included; two texts or three calls when left out.
    #[arg(long)]
    attempts: Option<u8>,
    /// The steps after the first, what stops them and whether new people come in, from a file of TOML or JSON: `then`, `stops`, `evergreen`.
    #[arg(long, value_name = "FILE")]
    sequence: Option<PathBuf>,
}

fn parse_time(text: &str) -> Result<TimeOfDay, String> {
    text.parse().map_err(|error: clarion_domain::campaigns::schedule::NotATime| error.to_string())
}

fn parse_pace(text: &str) -> Result<PacingMode, String> {
    let (mode, number) = text.split_once(':').unwrap_or((text, ""));
    let hundredths = || number.parse::<f64>().ok().filter(|n| (0.0..=100.0).contains(n)).map(|n| (n * 100.0).round() as u16);
    match (mode, hundredths()) {
        ("agentless", _) if number.is_empty() => Ok(PacingMode::Agentless),
        ("progressive", _) if number.is_empty() => Ok(PacingMode::Progressive),
        ("power", Some(calls_per_slot_percent)) => Ok(PacingMode::Power { calls_per_slot_percent }),
        ("predictive", Some(ceiling_bp)) => Ok(PacingMode::Predictive { ceiling_bp }),
        _ => Err("write agentless, progressive, power:1.5 (calls for each free agent) or predictive:3 (percent abandoned at most)".into()),
    }
}

/// In the units of the options.
fn pacing_words(error: CallPacingError) -> String {
    let per_cent = |hundredths: u16| f64::from(hundredths) / 100.0;
    match error {
        CallPacingError::Ceiling(bp) => format!("--pace predictive:{}: choose a ceiling of 0.1 to {} per cent", per_cent(bp), per_cent(CEILING_BP_MAX)),
        CallPacingError::Power(percent) => format!("--pace power:{}: choose 1 to {} calls for each free agent", per_cent(percent), per_cent(POWER_PERCENT_MAX)),
        CallPacingError::Ring(ms) => format!("--ring-seconds {}: choose {} (the law's least) to {}", ms / 1_000, RING_MS_MIN / 1_000, RING_MS_MAX / 1_000),
        other => other.to_string(),
    }
}

pub async fn run(tenant: &Tenant, args: &CreateArgs, json: bool) -> anyhow::Result<()> {
    let draft = draft(tenant, args).await?;
    let now = clock::now();
    let id = tenant.create_campaign(&draft, now).await?;
    tell(tenant, id, &draft, now, json).await
}

/// The new draft, and what it lacks.
pub(super) async fn tell(tenant: &Tenant, id: CampaignId, draft: &CampaignDraft, now: Instant, json: bool) -> anyhow::Result<()> {
    let faults = tenant.campaign_faults(draft, now).await?;
    if json {
        print_json(&serde_json::json!({ "id": id, "name": draft.name, "state": "draft", "faults": faults }));
        return Ok(());
    }
    println!("wrote draft {id}: {}", draft.name);
    for fault in &faults {
        println!("  before it can start, {}: {}", fault.field, fault.message);
    }
    Ok(())
}

fn read_sequence(file: &std::path::Path) -> anyhow::Result<Sequence> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let read = if text.trim_start().starts_with('{') { serde_json::from_str(&text).map_err(anyhow::Error::from) } else { toml::from_str(&text).map_err(anyhow::Error::from) };
    read.with_context(|| format!("{}: not a sequence", file.display()))
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
    let mut draft = CampaignDraft::of(args.channel, &args.name);
    draft.purpose = Some(args.purpose);
    draft.underlying_purpose = args.underlying_purpose;
    draft.basis = Some(args.basis);
    draft.assessment_reference = args.assessment.clone();
    draft.list_id = Some(list.id);
    draft.body = body;
    if args.channel == Channel::Voice {
        let ring_ms_max = args.ring_seconds.saturating_mul(1_000);
        draft.call_pacing = CallPacing { pace: args.pace, calls_per_second_max: args.calls_per_second, calls_at_once_max: args.calls_at_once, ring_ms_max };
        draft.call_pacing.check().map_err(|error| StoreError::Invalid(pacing_words(error)))?;
    }
    let recording = RecordingSettings { talks: args.record_talks, openings: args.record_openings, announcement: args.announcement.clone(), told_in: args.told_in.clone() };
    if recording != RecordingSettings::default() {
        anyhow::ensure!(args.channel == Channel::Voice, "only calls are recorded: add --channel voice");
        draft.recording = recording;
    }
    if let Some(file) = &args.script {
        anyhow::ensure!(args.channel == Channel::Voice, "--script is for calls: add --channel voice");
        draft.script = super::super::script::read(file)?;
    }
    if let Some(file) = &args.sequence {
        draft.sequence = read_sequence(file)?;
    }
    draft.sender = args.sender.clone();
    draft.rate_per_second = args.rate;
    (draft.schedule.from, draft.schedule.until) = (args.from, args.until);
    if !args.days.is_empty() {
        draft.schedule.days = args.days.clone();
    }
    draft.retry = match args.attempts {
        None => draft.retry,
        Some(1) => RetryRules::never(),
        Some(attempts_max) => RetryRules { attempts_max, ..draft.retry },
    };
    Ok(draft)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_that_cannot_be_is_said_as_it_was_written() {
        let said = |pace: &str| CallPacing { pace: parse_pace(pace).expect("reads"), ..CallPacing::default() }.check().map_or_else(pacing_words, |()| String::new());
        assert_eq!(said("predictive:3"), "");
        assert_eq!(said("predictive:5"), "--pace predictive:5: choose a ceiling of 0.1 to 3 per cent");
        assert_eq!(said("power:3.5"), "--pace power:3.5: choose 1 to 3 calls for each free agent");
        assert_eq!(pacing_words(CallPacingError::Ring(10_000)), "--ring-seconds 10: choose 15 (the law's least) to 120");
    }
}
