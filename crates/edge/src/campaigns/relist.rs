//! People of a campaign onto a list of their own, by how it ended for them: whom another campaign tries once more.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_store::campaigns::{CampaignRecord, RecipientFilter};
use maud::html;

use super::{find, problems_of};
use crate::outcomes::words::disposition_name;
use crate::page::fault::Fault;
use crate::page::fields::{Fields, Problems};
use crate::page::figure::counted;
use crate::page::form::{Fill, Input};
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
use crate::reports::totals::is_reached;
use crate::tenancy::guard::Session;

/// Another try may reach them: neither was it well, nor did they or their number say no. Whoever was abandoned is among them.
fn may_be_reached(word: Disposition) -> bool {
    use Disposition as D;
    !is_reached(word) && !matches!(word, D::Accepted | D::OptedOut | D::InvalidNumber | D::Blocked | D::Unknown)
}

pub async fn page(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let mut fields = Fields::new().with("name", format!("{}: not reached", campaign.name).chars().take(100).collect::<String>());
    for word in Disposition::ALL.iter().filter(|word| may_be_reached(**word)) {
        fields = fields.with("ended", word.as_str());
    }
    show(&session, &campaign, &fields, &Problems::new()).await
}

async fn show(session: &Session, campaign: &CampaignRecord, fields: &Fields, problems: &Problems) -> Result<Response, Fault> {
    let endings = session.tenant.last_endings(campaign.id).await?;
    let body = html! {
        form.card.form method="post" action={ "/campaigns/" (campaign.id) "/recipients/list" } {
            fieldset class=(if problems.of("ended").is_some() { "field has-problem" } else { "field" }) {
                legend { "How it ended for them" }
                @if let Some(text) = problems.of("ended") { span.wrong #ended-wrong { span.unseen { "Error: " } (text) } }
                @if endings.is_empty() { p.soft { "For nobody yet: come back once the campaign has sent something." } }
                div.choices {
                    @for (place, (word, n)) in endings.iter().enumerate() {
                        label.choice {
                            input #(if place == 0 { "ended".to_owned() } else { format!("ended-{word}") }) type="checkbox" name="ended" value=(word) checked[fields.has("ended", word.as_str())];
                            span { (disposition_name(*word)) small { (counted(*n, "person", "people")) } }
                        }
                    }
                }
            }
            (Input::new("name", "Name of the list").hint("The people are put on this new list. Nobody is contacted by that: a campaign for the list asks every rule anew.").show(Fill { fields, problems }))
            div.actions { button.button type="submit" { "Make the list" } a href={ "/campaigns/" (campaign.id) "/recipients" } { "Cancel" } }
        }
    };
    let page = Page::new(CAMPAIGNS, "A list of those not reached").under(format!("/campaigns/{}/recipients", campaign.id), "Each person");
    Ok(page.problems(problems).show(session, &body))
}

pub async fn make(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let chosen: Vec<_> = Disposition::ALL.iter().filter(|word| fields.has("ended", word.as_str())).map(|word| RecipientFilter::Disposition(*word)).collect();
    if chosen.is_empty() {
        return show(&session, &campaign, &fields, &Problems::one("ended", "Choose at least one ending")).await;
    }
    match session.tenant.list_recipients(campaign.id, &chosen, fields.get("name"), session.now).await {
        Ok((list, _)) => Ok(Redirect::to(&format!("/contacts?list={list}&said=listed")).into_response()),
        Err(error) => show(&session, &campaign, &fields, &problems_of(error, "name")?).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_was_abandoned_is_proposed_and_who_said_no_is_not() {
        use Disposition as D;
        assert!([D::Abandoned, D::NoAnswer, D::Busy, D::Congestion, D::AnsweredMachine, D::Expired].into_iter().all(may_be_reached));
        assert!(![D::Delivered, D::AnsweredPerson, D::PutThrough, D::OptedOut, D::InvalidNumber, D::Blocked, D::Unknown].into_iter().any(may_be_reached));
    }
}
