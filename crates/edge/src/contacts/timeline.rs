//! The timeline of one person, each event in a sentence, each refusal with its reason.

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::campaigns::sequence::EndReason;
use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::personal::Personal;
use clarion_store::campaigns::NEXT_STEP;
use clarion_store::contacts::{Planned, Reason, TimelineEvent, TimelineKind};
use clarion_store::links::LinkClicks;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use crate::campaigns::calls::Calls;
use crate::outcomes::words::{cause_words, disposition_name, disposition_tone, meaning_name};
use crate::page::chip::Tone;
use crate::page::fault::{Fault, capitalised};
use crate::page::figure::counted;
use crate::page::icon::Icon;
use crate::page::when;
use crate::tenancy::guard::Session;

pub async fn draw(session: &Session, events: &[TimelineEvent], zones: &[String], revealed: bool) -> Result<Markup, Fault> {
    let called = events.iter().filter_map(|event| match &event.what {
        TimelineKind::Attempted { attempt, channel: Channel::Voice, .. } => Some(*attempt),
        _ => None,
    });
    let calls = Calls::of(session, called.collect()).await?;
    Ok(html! {
        @if events.is_empty() { p.soft { "Nothing has happened yet." } }
        ol.timeline { @for event in events {
            @let (tone, icon, text) = told(session, &event.what, revealed, &calls);
            li {
                span class={ "dot " (tone.class()) } { (icon.draw()) }
                div.what { (text) div.when { (when::exact(event.at, &session.zone)) @if let Some(theirs) = when::theirs(event.at, &session.zone, zones) { " · " (theirs) } } }
            }
        } }
    })
}

/// What comes next, with its time.
pub fn planned(session: &Session, planned: &[Planned]) -> Markup {
    html! {
        ol.timeline { @for next in planned { li {
            span class={ "dot " (Tone::Info.class()) } { (Icon::Clock.draw()) }
            div.what {
                div { strong { (if next.channel == Channel::Voice { "A call" } else { "A text" }) } " of " (campaign_link(&next.campaign.to_string(), &next.campaign_name)) @if next.steps > 1 { ", step " (next.step) " of " (next.steps) } }
                @if next.why != NEXT_STEP { div.small { @if next.why.starts_with("deferred ") { "Put off by the rules" } @else { (cause_words(&next.why)) } } }
                div.when { (when::exact(next.at, &session.zone)) ", unless something stops it" }
            }
        } } }
    }
}

fn told(session: &Session, what: &TimelineKind, revealed: bool, calls: &Calls) -> (Tone, Icon, Markup) {
    match what {
        TimelineKind::Imported { import, file_name, line } => (Tone::Calm, Icon::Upload, html! { div { "Loaded from " a href={ "/imports/" (import) } { (file_name) } @if let Some(line) = line { ", line " (line) } } }),
        TimelineKind::Attempted { attempt, campaign, campaign_name, channel, disposition, cause, segments, body, clicks, .. } => {
            let (tone, icon) = disposition.map_or((Tone::Info, Icon::Message), disposition_tone);
            (tone, icon, html! {
                div { strong { (disposition.map_or("On its way", disposition_name)) } " · " @if *channel == Channel::Voice { a href={ "/calls/" (attempt) } { "call" } } @else { "message" } " of " (campaign_link(&campaign.to_string(), campaign_name)) @if *segments > 1 { ", " (segments) " segments" } }
                @if !cause.is_empty() && *disposition != Some(Disposition::Delivered) { div.small { (cause_words(cause)) } }
                @if let Some(call) = calls.told(*attempt) { (call) }
                @if let Some(clicks) = clicks { div.small { (clicked(clicks, &session.zone)) } }
                (text(body.as_ref(), revealed, ""))
            })
        }
        TimelineKind::Refused { campaign, campaign_name, reasons } => (Tone::Bad, Icon::Stop, html! {
            div { strong { "Not contacted" } " by " (campaign_link(&campaign.to_string(), campaign_name)) } (why(reasons))
        }),
        TimelineKind::Deferred { campaign, campaign_name, reasons, until } => (Tone::Warn, Icon::Clock, html! {
            div { strong { "Put off" } @if let Some(until) = until { " until " (when::time(*until, &session.zone)) } " by " (campaign_link(&campaign.to_string(), campaign_name)) } (why(reasons))
        }),
        TimelineKind::Replied { reply, meaning, body, .. } => (Tone::Info, Icon::Inbox, html! {
            div { strong { "Replied" } " · " a href={ "/inbox/" (reply) } { (meaning_name(*meaning)) } } (text(body.as_ref(), revealed, "theirs"))
        }),
        TimelineKind::Noticed { kind, state, body, .. } => (Tone::Calm, Icon::Message, html! {
            div { strong { (capitalised(&kind.replace('_', " ")).trim_end_matches('.')) } " · " (state) } (text(body.as_ref(), revealed, ""))
        }),
        TimelineKind::Suppressed { scope, reason, source, .. } => (Tone::Bad, Icon::Stop, html! {
            div { strong { "Suppressed" } ": " (scope_name(*scope)) ", " (suppression_name(*reason)) @if !source.is_empty() { " (" (source) ")" } }
        }),
        TimelineKind::ConsentGiven { channel, purpose, expires_at } => (Tone::Good, Icon::Check, html! {
            div { strong { "Consented" } " to " (purpose.replace('_', " ")) " by " (channel) @if let Some(at) = expires_at { ", until " (when::time(*at, &session.zone)) } }
        }),
        TimelineKind::ConsentWithdrawn { channel, purpose } => (Tone::Warn, Icon::Cross, html! { div { strong { "Withdrew consent" } " to " (purpose.replace('_', " ")) " by " (channel) } }),
        TimelineKind::Held { reason, until } => (Tone::Warn, Icon::Pause, html! { div { strong { "On hold" } ": " (reason.as_str().replace('_', " ")) @if let Some(at) = until { ", until " (when::time(*at, &session.zone)) } } }),
        TimelineKind::SequenceEnded { campaign, campaign_name, step, why } => (if *why == EndReason::Completed { Tone::Good } else { Tone::Calm }, Icon::Stop, html! {
            div { strong { (if *why == EndReason::Completed { "Through with" } else { "Stopped in" }) } " " (campaign_link(&campaign.to_string(), campaign_name)) @if *why != EndReason::Completed { " at step " (step) ": " (why.words()) } }
        }),
        TimelineKind::HoldLifted { reason } => (Tone::Calm, Icon::Play, html! { div { strong { "Hold lifted" } ": " (reason.as_str().replace('_', " ")) } }),
    }
}

/// `Link opened 3 times, first 12 Nov 10:04`.
pub fn clicked(clicks: &LinkClicks, zone: &TimeZone) -> Markup {
    let link = if clicks.links == 1 { "Link" } else { "Links" };
    html! {
        @match clicks.first_at {
            None => span.soft { (link) " not opened" },
            Some(first) => { (link) " opened " (counted(clicks.clicks, "time", "times")) ", first " (when::time(first, zone)) }
        }
    }
}

fn campaign_link(id: &str, name: &str) -> Markup {
    html! { a href={ "/campaigns/" (id) } { (name) } }
}

fn why(reasons: &[Reason]) -> Markup {
    html! { @for reason in reasons { div.small { (reason.manager) " " span.soft.mono { (reason.rule) } } } }
}

fn text(body: Option<&Personal>, revealed: bool, class: &str) -> Markup {
    html! {
        @match body {
            Some(body) if revealed => div class={ "bubble " (class) } { (body.reveal()) },
            Some(_) => div.small.soft { "The text is hidden until revealed." },
            None => {}
        }
    }
}

pub fn scope_name(scope: SuppressionScope) -> &'static str {
    match scope {
        SuppressionScope::Every => "everything",
        SuppressionScope::Sms => "text messages",
        SuppressionScope::Voice => "calls",
    }
}

pub fn suppression_name(reason: SuppressionReason) -> &'static str {
    match reason {
        SuppressionReason::OptOut => "the person said stop",
        SuppressionReason::Objection => "the person objected",
        SuppressionReason::WrongPerson => "the number is somebody else's",
        SuppressionReason::Erased => "the person was erased",
        SuppressionReason::TenantList => "put on the list by you",
        SuppressionReason::CarrierBlock => "the carrier says they opted out",
    }
}
