//! The demo's third part: a text, and an hour later a call to those of whom nothing was heard.

use std::time::{Duration, Instant as Since};

use anyhow::{Context, bail};
use clarion_domain::attempts::recording::RecordingSettings;
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::campaigns::retry::RetryRules;
use clarion_domain::campaigns::sequence::{Sequence, SequenceStep, Wait, WaitFrom};
use clarion_domain::id::CampaignId;
use clarion_domain::time::HOUR_MS;
use clarion_store::Tenant;
use clarion_testbed::{Person, people, reply_of};

use super::calls::draft_of_calls;
use super::scene::load;
use super::{Calls, Stage};
use crate::clock;

/// Few, and others than those of the other campaigns; one of them thanks, and one writes STOP.
const FIRST_PERSON: usize = 805;
const TEXTED: usize = 20;
const TEXT: &str = "Harbour Lending: hello {first_name|there}, your payment plan is ready. Reply to this message, or we call you in an hour. Reply STOP to end these messages.";
const SENDER: &str = "+447700900991";

/// The campaign and its two steps.
pub struct TextAndCall {
    pub tenant: Tenant,
    pub campaign: CampaignId,
    pub steps: Vec<CampaignId>,
}

fn audience() -> Vec<Person> {
    people("PP", FIRST_PERSON, TEXTED)
}

/// People of the audience whom the carrier's own rules let write back, by which nobody calls them: a wish for help says nothing.
fn write_back() -> usize {
    audience().iter().filter_map(|person| reply_of(&person.phone)).filter(|reply| *reply != "HELP").count()
}

/// Sets the texts going.
pub async fn text_and_call(calls: &Calls) -> anyhow::Result<TextAndCall> {
    let tenant = calls.tenant.clone();
    let list = load(&tenant, "Payment plans", "payment-plans.csv", &audience()).await?;
    let mut draft = draft_of_calls("Payment plans", list, calls.spoken);
    let call = SequenceStep {
        wait: Wait { days: 0, hours: 1, from: WaitFrom::LastTry },
        channel: Channel::Voice,
        body: String::new(),
        script: std::mem::take(&mut draft.script),
        sender: std::mem::replace(&mut draft.sender, SENDER.into()),
        call_pacing: draft.call_pacing,
        recording: std::mem::take(&mut draft.recording),
        retry: RetryRules::never(),
        rate_per_second: draft.rate_per_second,
    };
    (draft.channel, draft.body, draft.recording) = (Channel::Sms, TEXT.into(), RecordingSettings::default());
    draft.sequence = Sequence { then: vec![call], ..Sequence::default() };
    let campaign = tenant.create_campaign(&draft, clock::now()).await?;
    tenant.start_campaign(campaign, clock::now()).await.context("the text and the call could not start")?;
    let steps = tenant.step_ids(campaign).await?;
    Ok(TextAndCall { tenant, campaign, steps })
}

impl TextAndCall {
    /// Once every text has gone and every reply has come, the demo's clock is put forward to when the calls are due.
    pub async fn let_an_hour_pass(&self, stage: &Stage, at_most: Duration) -> anyhow::Result<()> {
        let began = Since::now();
        loop {
            let counts = self.tenant.step_counts(&self.tenant.campaign(self.campaign).await?).await?;
            if counts.standing == [0, followed_up()] && stage.carrier.outstanding() == 0 {
                break;
            }
            if began.elapsed() > at_most {
                bail!("the texts before the calls did not go in {} s: {counts:?}", at_most.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        clock::pretend(clock::now().plus_ms(HOUR_MS));
        Ok(())
    }
}

/// How many are to be called by the carrier's own rules.
pub fn followed_up() -> i64 {
    (TEXTED - write_back()) as i64
}
