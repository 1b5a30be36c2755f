//! Labels: the next call to listen to, and how often the detector was wrong.
//!
//! The detector's word is not shown before the label: whoever knows it hears it.

use axum::response::Response;
use clarion_domain::compliance::abandonment::SAMPLE_MIN;
use clarion_domain::id::RecordingId;
use clarion_domain::outcomes::answered_by::AnsweredBy;
use clarion_domain::outcomes::call_label::{CONFIDENCE_PERCENT, CallLabel, Share};
use clarion_domain::tenancy::role::Right;
use clarion_store::compliance::{DetectorRecord, Unlabelled};
use maud::{Markup, html};

use super::calls::{answered_by, percent};
use crate::page::chip::{Tone, chip};
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::figure::count;
use crate::page::form::{Fill, radios};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
use crate::page::said::said;
use crate::page::table::empty;
use crate::page::when;
use crate::tenancy::guard::Session;

const LABELS: [(&str, &str, &str); 7] = [
    ("human", "A person", ""),
    ("machine", "A machine", "A recorded greeting."),
    ("voicemail", "Voicemail", "A beep, or the end of a greeting."),
    ("fax", "A fax", ""),
    ("announcement", "The network", "An announcement that the call cannot be put through."),
    ("busy_tone", "A busy tone", ""),
    ("silence", "Silence", "Nobody and nothing was heard."),
];

pub fn label_name(label: CallLabel) -> &'static str {
    LABELS.iter().find(|(word, ..)| *word == label.as_str()).map_or("", |(_, name, _)| name)
}

pub fn label_radios(fill: Fill) -> Markup {
    radios("label", "Who answered?", "", &LABELS, fill)
}

pub async fn page(session: Session, asked: Asked) -> Result<Response, Fault> {
    let after = asked.0.word::<RecordingId>("after");
    let next = session.tenant.unlabelled_calls(after, 1).await?.pop();
    let (waiting, records) = (session.tenant.unlabelled_count().await?, session.tenant.detector_records().await?);
    let body = html! {
        div.columns.wide-first {
            div.stack {
                (listen(&session, next.as_ref(), waiting))
                @for record in &records { (confusion(&session, record)) }
            }
            (standing(&session, &records).await?)
        }
    };
    let lead = html! { p { "Listen to the first seconds of answered calls and say who it was. By that it is known how often the detector takes a person for a machine." } };
    Ok(Page::new(CAMPAIGNS, "Labels").under("/campaigns", "Campaigns").lead(lead).said(said(&asked)).show(&session, &body))
}

fn listen(session: &Session, next: Option<&Unlabelled>, waiting: i64) -> Markup {
    let (fields, problems) = (Fields::new(), Problems::new());
    html! {
        section.card {
            header { h2 { "Next call" } @if waiting > 0 { span.soft { (count(waiting)) " to be labelled" } } }
            @match next {
                None => (empty(Icon::Phone, "No call waits for a label", "A campaign records the first seconds of its calls when its step What is recorded says so.", None)),
                Some(next) => {
                    p { a href={ "/calls/" (next.attempt) } { "A call" } " of " (next.campaign_name) ", " (when::exact(next.began_at, &session.zone)) }
                    audio controls preload="none" src={ "/recordings/" (next.recording) ".wav" } aria-label="The first seconds of the call" {}
                    @if session.may(Right::RunCampaigns) {
                        form.form method="post" action={ "/calls/" (next.attempt) "/label" } {
                            input type="hidden" name="from" value="labels";
                            (label_radios(Fill { fields: &fields, problems: &problems }))
                            div.actions { button.button type="submit" { "Label this call" } a href={ "/campaigns/labels?after=" (next.recording) } { "Cannot tell: the next one" } }
                        }
                    }
                }
            }
        }
    }
}

/// A share with its bounds, in words.
fn share(share: Share) -> Markup {
    html! {
        @match share.bp() {
            None => "Not known: none is labelled",
            Some(bp) => { strong { (percent(bp)) } " (" (count(share.n.into())) " of " (count(share.of.into())) ")" div.small.soft { "Between " (percent(share.low_bp)) " and " (percent(share.high_bp)) ", with " (CONFIDENCE_PERCENT) " % confidence" } }
        }
    }
}

fn confusion(session: &Session, record: &DetectorRecord) -> Markup {
    let table = &record.confusion;
    html! {
        section.card {
            header { h2 { "Detector " span.mono { (record.detector) } } @if record.is_current() { (chip(Tone::Info, Icon::Check, "In use")) } @else { (chip(Tone::Calm, Icon::Clock, "An earlier one")) } }
            p.small.soft { (count(table.labelled().into())) " labelled calls, from " (when::time(record.first_call_at, &session.zone)) " to " (when::time(record.last_call_at, &session.zone)) }
            dl.facts {
                dt { "People taken for something else" } dd { (share(table.people_mistaken())) }
                dt { "People among those given to a machine" } dd { (share(table.machines_mistaken())) }
                dt { "Machines found" } dd { (share(table.machines_found())) }
            }
            div.scroll tabindex="0" role="region" aria-label="Labels against the detector’s words" { table {
                thead { tr { th scope="col" { "Was" } @for judged in AnsweredBy::ALL { th.num scope="col" { "judged " (answered_by(judged.as_str())) } } } }
                tbody { @for label in CallLabel::ALL { tr {
                    th scope="row" { (label_name(*label)) }
                    @for judged in AnsweredBy::ALL { td.num { @match table.of(*label, *judged) { 0 => span.soft { "0" }, n => (count(n.into())) } } }
                } } }
            } }
        }
    }
}

/// Whether scripts may act on machines, and what is missing.
async fn standing(session: &Session, records: &[DetectorRecord]) -> Result<Markup, Fault> {
    let untested = session.tenant.mistakes_untested(session.now).await?;
    let labelled = records.iter().find(|record| record.is_current()).map_or(0, |record| record.confusion.machines_mistaken().of);
    // What so many labels without a single mistake prove: the reason for their number.
    let proven = Share::new(0, SAMPLE_MIN);
    Ok(html! {
        section.card {
            header { h2 { "Scripts that act on machines" } }
            @match &untested {
                None => { (chip(Tone::Good, Icon::Check, "Allowed")) p { "The detector’s mistakes are measured, and the abandoned rate takes them in (UK-4)." } }
                // The reason as the store has it speaks to the writer of a script, who stands elsewhere.
                Some(_) => {
                    (chip(Tone::Warn, Icon::Warning, "Refused"))
                    p { "No campaign starts whose script treats machines otherwise than people: it is not known how often a person is taken for a machine (UK-4)." @if labelled >= SAMPLE_MIN { " The latest label is older than half a year." } }
                    p { "Let a campaign record the first seconds of its calls, and label them here." }
                }
            }
            p.small.soft {
                (count(labelled.into())) " of " (SAMPLE_MIN) " calls that this detector gave to a machine are labelled. So many without a mistake prove that at most " (percent(proven.high_bp))
                " of such calls are people; fewer prove too little to count with. They count for half a year."
            }
        }
    })
}
