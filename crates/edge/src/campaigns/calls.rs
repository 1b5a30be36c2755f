//! What the monitor shows of a campaign that calls: the calls that are up, and the abandoned rate against its ceiling.

use std::collections::HashMap;

use clarion_domain::attempts::call::CallState;
use clarion_domain::campaigns::call_pacing::CEILING_BP_MAX;
use clarion_domain::id::AttemptId;
use clarion_domain::tenancy::role::Right;
use clarion_domain::time::Instant;
use clarion_store::attempts::{CallRow, LiveCount, RecordingRecord};
use clarion_store::campaigns::CampaignRecord;
use clarion_store::carriers::TransferTargetRecord;
use maud::{Markup, html};

use super::abandoned::{self, Abandoned};
use super::recording::player;
use crate::page::chip::{Tone, chip};
use crate::page::fault::Fault;
use crate::page::figure::{count, counted, figure};
use crate::page::icon::Icon;
use crate::page::when;
use crate::tenancy::guard::Session;

const LISTED_MAX: i64 = 50;
/// The order in which a call goes through them.
const STATES: [CallState; 7] = [CallState::Dialling, CallState::Ringing, CallState::Answered, CallState::Playing, CallState::Gathering, CallState::Reserved, CallState::Bridged];

pub struct CallsNow {
    counts: Vec<LiveCount>,
    listed: Vec<CallRow>,
    abandoned: Abandoned,
    targets: Vec<TransferTargetRecord>,
    now: Instant,
}

pub fn state_name(state: &str) -> &'static str {
    match state.parse() {
        Ok(CallState::Planned) => "Planned",
        Ok(CallState::Dialling) => "Dialling",
        Ok(CallState::Ringing) => "Ringing",
        Ok(CallState::Answered) => "Answered",
        Ok(CallState::Playing) => "Playing",
        Ok(CallState::Gathering) => "Waiting for keys",
        Ok(CallState::Reserved) => "Ringing an agent",
        Ok(CallState::Bridged) => "Put through",
        Ok(CallState::Ended) => "Ended",
        Err(_) => "Unknown",
    }
}

/// Ten-thousandths as a share: `1.25 %`.
pub fn percent(bp: u32) -> String {
    format!("{}.{:02} %", bp / 100, bp % 100)
}

impl CallsNow {
    pub async fn read(session: &Session, campaign: &CampaignRecord) -> Result<Self, Fault> {
        Ok(Self {
            counts: session.tenant.live_call_counts(campaign.id).await?,
            listed: session.tenant.live_calls(campaign.id, LISTED_MAX).await?,
            abandoned: abandoned::read(&session.tenant, campaign, session.now).await?,
            targets: session.tenant.transfer_targets().await?,
            now: session.now,
        })
    }

    pub fn up(&self) -> i64 {
        self.counts.iter().map(|count| count.n).sum()
    }

    fn of(&self, state: CallState) -> i64 {
        self.counts.iter().find(|count| count.state == state.as_str()).map_or(0, |count| count.n)
    }

    pub fn show(&self) -> Markup {
        html! {
            dl.figures { @for state in STATES { (figure(state_name(state.as_str()), &count(self.of(state)), "", "")) } }
            @if self.listed.is_empty() { p.soft { "No call is up." } } @else {
                // An agent's name stands under the state: a column of its own would push the last ones out of sight.
                div.scroll.brief { table.stacks {
                    thead { tr { th scope="col" { "Person" } th scope="col" { "State" } th scope="col" { "Step" } th scope="col" { "Answered by" } th.num scope="col" { "Up for" } th scope="col" { "Call" } } }
                    tbody { @for call in &self.listed { tr {
                        th scope="row" { a href={ "/contacts/" (call.contact) } { "Person " (call.position + 1) } }
                        @let agent = name_of(&self.targets, call);
                        td.breaks { (chip(if call.state == CallState::Bridged.as_str() { Tone::Good } else { Tone::Info }, Icon::Phone, state_name(&call.state))) @if !agent.is_empty() { div.small.soft { "Line: " (agent) } } }
                        td.mono.breaks data-label="Step" { (call.step) }
                        td data-label="Answered by" { (answered_by(&call.verdict)) }
                        td.num data-label="Up for" { (when::length(self.now.ms() - call.dialled_at.ms())) }
                        td { a href={ "/calls/" (call.attempt) } { "Open" span.unseen { " the call of person " (call.position + 1) } } }
                    } } }
                } }
                @if self.up() > self.listed.len() as i64 { p.small.soft { "The oldest " (self.listed.len()) " of " (counted(self.up(), "call", "calls")) "." } }
            }
        }
    }

    pub fn rate(&self) -> Markup {
        let (today, ceiling, rate) = (self.abandoned.rate_today, u32::from(self.abandoned.ceiling_bp), self.abandoned.rate_today_bp());
        let law = u32::from(CEILING_BP_MAX);
        // The pacer lets a day stand above the campaign's own ceiling only as far as the rest of it would bring it back.
        let so_far = rate > ceiling && rate <= law && self.abandoned.latched_at.is_none();
        html! {
            div.actions {
                @if so_far { (chip(Tone::Warn, Icon::Warning, "Above the ceiling so far")) }
                @else if rate > ceiling { (chip(Tone::Bad, Icon::Warning, "Above the ceiling")) }
                @else if rate * 4 >= ceiling * 3 && rate > 0 { (chip(Tone::Warn, Icon::Warning, "Near the ceiling")) }
                @else { (chip(Tone::Good, Icon::Check, "Below the ceiling")) }
                @if self.abandoned.counted_today.silent > 0 { (chip(Tone::Bad, Icon::Warning, &format!("{} today", counted(self.abandoned.counted_today.silent.into(), "silent call", "silent calls")))) }
                @if self.abandoned.latched_at.is_some() { (chip(Tone::Warn, Icon::Warning, "One call for each free agent until midnight")) }
            }
            @if so_far { p.small.soft { "Above the campaign's own ceiling, and within the law's " (percent(law)) ". A predictive campaign goes there when the rest of the day, at one call for each free agent, would bring it back: ended now, the day stays above." } }
            @if self.abandoned.counted_today.silent > 0 { p.small.soft { "Whoever answers a silent call hears nothing for two seconds: no words, no agent. Each is one too many: see that agents speak as soon as they are joined, and that scripts begin with words or ring agents who are free." } }
            dl.facts {
                dt { "Today" } dd { strong { (percent(rate)) } " of a ceiling of " (percent(ceiling)) div.small.soft { (counted(self.abandoned.counted_today.abandoned.into(), "person", "people")) " abandoned, " (count(self.abandoned.counted_today.put_through.into())) " put through, on " (self.abandoned.today) " in London" } }
                dt { "30 days" } dd { (percent(self.abandoned.rate_30.counted_bp)) div.small.soft { (counted(self.abandoned.days_30.abandoned.into(), "person", "people")) " abandoned, " (count(self.abandoned.days_30.put_through.into())) " put through" } }
                @if self.abandoned.counted_today.judged_machine > 0 { dt { "Machines" } dd { (count(self.abandoned.counted_today.judged_machine.into())) " ended today" @if today.with_mistakes_bp.is_none() { div.small.soft { "Nobody has measured how many of them were people: they are not in the rate." } } } }
            }
        }
    }
}

/// The records of some calls, with the names of the lines to which they went.
pub struct Calls {
    records: HashMap<AttemptId, CallRow>,
    recordings: Vec<RecordingRecord>,
    may_listen: bool,
    targets: Vec<TransferTargetRecord>,
}

impl Calls {
    /// An attempt that was a message has none.
    pub async fn of(session: &Session, attempts: Vec<AttemptId>) -> Result<Self, Fault> {
        Self::around(session, session.tenant.calls(&attempts).await?).await
    }

    /// With records that were read already.
    pub async fn around(session: &Session, records: HashMap<AttemptId, CallRow>) -> Result<Self, Fault> {
        let attempts: Vec<AttemptId> = records.keys().copied().collect();
        let recordings = session.tenant.recordings_of_calls(&attempts).await?;
        let targets = if records.is_empty() { Vec::new() } else { session.tenant.transfer_targets().await? };
        Ok(Self { records, recordings, may_listen: session.may(Right::RevealPersonal), targets })
    }

    pub fn told(&self, attempt: AttemptId) -> Option<Markup> {
        let call = self.records.get(&attempt)?;
        let players = self.recordings(attempt).map(|recording| player(recording, self.may_listen));
        Some(html! { (told(call, name_of(&self.targets, call))) @for player in players { (player) } })
    }

    /// What was recorded of one of them.
    pub fn recordings(&self, attempt: AttemptId) -> impl Iterator<Item = &RecordingRecord> {
        self.recordings.iter().filter(move |recording| recording.attempt == attempt)
    }
}

fn name_of<'a>(targets: &'a [TransferTargetRecord], call: &CallRow) -> &'a str {
    call.target.and_then(|id| targets.iter().find(|target| target.id == id)).map_or("", |target| target.target.name.as_str())
}

const UNSURE: &str = "not sure";

/// Who answered, in words; nothing before it was heard.
pub fn answered_by(verdict: &str) -> &'static str {
    use clarion_domain::outcomes::answered_by::AnsweredBy as A;
    match verdict.parse() {
        Ok(A::Human) => "a person",
        Ok(A::Machine) => "a machine",
        Ok(A::VoicemailReady) => "voicemail",
        Ok(A::Fax) => "a fax",
        Ok(A::Announcement) => "an announcement of the network",
        Ok(A::BusyTone) => "a busy tone",
        Ok(A::Silence) => "silence",
        Ok(A::Unsure) => UNSURE,
        Err(_) => "",
    }
}

/// One call's record in a line or two: when, how long, who answered, where it went.
fn told(call: &CallRow, target: &str) -> Markup {
    let seconds = |ms: i64| format!("{:.1} s", ms as f64 / 1_000.0);
    let parts = [
        call.rang_ms().map(|rang| format!("rang {}", seconds(rang))),
        match answered_by(&call.verdict) {
            "" => None,
            unsure if unsure == UNSURE => Some("not told whether a person or a machine answered".to_owned()),
            who => Some(format!("answered by {who}")),
        },
        call.first_words_ms().map(|wait| format!("first words after {}", seconds(wait))),
        call.bridged_at.is_some().then(|| if target.is_empty() { "put through".to_owned() } else { format!("put through to {target}") }),
        call.silent.then(|| "heard nothing for two seconds after answering".to_owned()),
        call.agent_silent.then(|| "nothing was heard of the agent for two seconds".to_owned()),
        call.information_at.is_some().then(|| "no agent was free: information message".to_owned()),
        call.fell_back.then(|| "fallback prompt heard in the place of words that could not be rendered".to_owned()),
        call.lasted_ms().map(|lasted| format!("lasted {}", seconds(lasted))),
        (!call.ended_by.is_empty()).then(|| format!("ended by {}", ended_by(&call.ended_by))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    html! {
        @if !parts.is_empty() { div.small { (crate::page::fault::capitalised(&parts.join(", "))) } }
        @if !call.step.is_empty() { div.small.soft { "Script’s step: " span.mono { (call.step) } } }
        @if call.ended_at.is_none() { div.small { (state_name(&call.state)) " now." } }
    }
}

fn ended_by(word: &str) -> &str {
    match word {
        "person" => "the person",
        "us" => "us",
        "agent" => "the agent",
        "network" => "the network",
        "crash" | "nobody" => "nobody: the node stopped, and its end is not known",
        other => other,
    }
}

/// Of a file of results: `answered_by,ring_seconds,call_seconds,talk_seconds`, empty when it was no call.
pub fn call_columns(call: Option<&CallRow>) -> String {
    let Some(call) = call else { return ",,,".into() };
    let seconds = |ms: Option<i64>| ms.map_or_else(String::new, |ms| format!("{:.1}", ms as f64 / 1_000.0));
    format!("{},{},{},{}", call.verdict, seconds(call.rang_ms()), seconds(call.lasted_ms()), seconds(call.talked_ms()))
}
