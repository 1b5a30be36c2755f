//! Every page of the portal on one screen: its path, the right it asks for, and who answers.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, header};
use clarion_domain::compliance::suppression_file::FILE_BYTES_MAX;
use clarion_domain::tenancy::role::Right;
use clarion_store::Store;
use tower_http::csrf::CsrfLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::campaigns::pace::Paces;
use crate::campaigns::waiting::Waiting;
use crate::campaigns::prompt_file::PROMPT_BYTES_MAX;
use crate::campaigns::sound::Listeners;
use crate::config::EdgeConfig;
use crate::page::asset;
use crate::rate::Rate;
use crate::tenancy::door::{Door, Table, get, guarded as to, post};
use crate::tenancy::guard::nowhere;
use crate::tenancy::provider::Providers;
use crate::tenancy::recorder::{EXIT_PATH, Recorder};
use crate::tenancy::{Tries, account, activity, api_key, approval, four_eyes, invitation, passkey, second_factor, session, settings, sign_in, sign_in_code, sign_in_provider, single_sign_on, team};
use crate::{audit, campaigns, carriers, compliance, connectors, contacts, intake, links, outcomes, overview, privacy, reports, search, webhooks};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; media-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'";

/// Each costs a provider a request.
const REFUSED_ANSWERS_PER_MINUTE: u32 = 20;

/// What every handler may reach.
#[derive(Clone)]
pub struct Portal {
    pub store: Store,
    pub config: Arc<EdgeConfig>,
    pub tries: Arc<Tries>,
    pub paces: Arc<Paces>,
    pub waiting: Arc<Waiting>,
    pub listeners: Arc<Listeners>,
    pub recorder: Recorder,
    pub providers: Arc<Providers>,
    /// Answers that a provider would not confirm, by network.
    pub refused_answers: Arc<Rate<String>>,
}

/// The portal, to be merged with the API's router.
pub fn portal_router(store: Store, config: EdgeConfig) -> Router {
    // Beside the file stand the form's own bytes.
    let upload_max = usize::try_from(config.upload_bytes_max.saturating_add(1 << 20)).unwrap_or(usize::MAX);
    let recorder = config.recorder.clone().unwrap_or_else(|| Recorder::new(store.clone()));
    let portal = Portal { recorder, store, config: Arc::new(config), tries: Arc::default(), paces: Arc::default(), waiting: Arc::default(), listeners: Arc::default(), providers: Arc::default(), refused_answers: Arc::new(Rate::new(REFUSED_ANSWERS_PER_MINUTE)) };
    table(upload_max)
        .build(&portal)
        .fallback(nowhere)
        .layer(CsrfLayer::new())
        .layer(with_header(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(with_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        // Not `no-referrer`: a form would then send `Origin: null`, and the cross-site check needs it.
        .layer(with_header(header::REFERRER_POLICY, "same-origin"))
        .layer(with_header(header::CACHE_CONTROL, "no-store"))
        .layer(with_header(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .with_state(portal)
}

/// Every method of every page, and whom it lets in.
#[must_use]
pub fn portal_doors() -> Vec<Door> {
    table(0).doors()
}

fn table(upload_max: usize) -> Table {
    let any = None;
    let [view, load, reveal, suppress, answer] = [Right::View, Right::LoadContacts, Right::RevealPersonal, Right::Suppress, Right::AnswerReplies].map(Some);
    let [run, trunks, subjects] = [Right::RunCampaigns, Right::ManageTrunks, Right::AnswerSubjects].map(Some);
    let [team_right, audit_right] = [Right::ManageTeam, Right::ReadAudit].map(Some);
    let suppression_max = FILE_BYTES_MAX + (1 << 20);
    Table::default()
        .open("/sign-in", get(sign_in::page).post(sign_in::submit))
        .open("/sign-in/code", get(sign_in_code::page).post(sign_in_code::submit))
        .open("/sign-in/passkey", post(passkey::sign_in))
        .open("/sign-in/passkey/challenge", post(passkey::challenge_to_sign_in))
        .open("/sign-in/sso", get(sign_in_provider::page))
        .open("/sign-in/sso/{organisation}", get(sign_in_provider::begin))
        .open("/sign-in/sso/{organisation}/callback", get(sign_in_provider::answer))
        .open("/sign-in/sso/{organisation}/signed-out", get(sign_in_provider::signed_out))
        .open("/invitation", get(invitation::page).post(invitation::accept))
        .open("/assets/{name}", get(asset::get))
        .route("/", to(any, get(overview::page)))
        .route("/search", to(view, post(search::find)))
        .route("/sign-out", to(any, post(sign_in::sign_out)))
        .route("/account", to(any, get(account::page)))
        .route("/account/password", to(any, post(account::change_password)))
        .route("/account/second-factor", to(any, get(second_factor::page).post(second_factor::confirm)))
        .route("/account/second-factor/codes", to(any, post(second_factor::renew_codes)))
        .route("/account/second-factor/off", to(any, post(second_factor::turn_off)))
        .route("/account/passkeys", to(any, post(passkey::make)))
        .route("/account/passkeys/challenge", to(any, post(passkey::challenge_to_make)))
        .route("/account/passkeys/{passkey}/remove", to(any, post(passkey::remove)))
        .route("/account/activity", to(any, get(activity::own)))
        .route("/account/activity.csv", to(any, get(activity::download)))
        .route(EXIT_PATH, to(any, post(activity::exit)))
        .route("/account/sessions/end-others", to(any, post(session::end_others)))
        .route("/account/sessions/{session}/end", to(any, post(session::end)))
        .route("/approvals", to(view, get(approval::list)))
        .route("/approvals/{approval}", to(view, get(approval::page)))
        .route("/approvals/{approval}/approve", to(view, post(approval::approve)))
        .route("/approvals/{approval}/refuse", to(view, post(approval::refuse)))
        .route("/approvals/{approval}/withdraw", to(view, post(approval::withdraw)))
        .route("/imports", to(view, get(intake::list::list)))
        .route("/imports/new", to(load, get(intake::upload::page).post(intake::upload::receive)).layer(DefaultBodyLimit::max(upload_max)))
        .route("/imports/fields", to(load, get(intake::declared_field::page).post(intake::declared_field::declare)))
        .route("/imports/fields/{field}", to(load, get(intake::declared_field::edit).post(intake::declared_field::change)))
        .route("/imports/fields/{field}/withdraw", to(load, post(intake::declared_field::withdraw)))
        .route("/imports/instructions", to(audit_right, get(connectors::instruction::list)))
        .route("/imports/instructions/new", to(team_right, get(connectors::instruction::new).post(connectors::instruction::create)))
        .route("/imports/instructions/{instruction}", to(audit_right, get(connectors::instruction::page)))
        .route("/imports/instructions/{instruction}/replace", to(team_right, get(connectors::instruction::replacing).post(connectors::instruction::replace)))
        .route("/imports/instructions/{instruction}/revoke", to(team_right, post(connectors::instruction::revoke)))
        .route("/imports/connectors", to(team_right, get(connectors::list::page)))
        .route("/imports/connectors/new", to(team_right, get(connectors::list::new).post(connectors::list::create)))
        .route("/imports/connectors/{connector}", to(team_right, get(connectors::connector::page).post(connectors::connector::change)))
        .route("/imports/connectors/{connector}/preview", to(team_right, post(connectors::connector::preview)))
        .route("/imports/connectors/{connector}/pull", to(team_right, post(connectors::connector::pull)))
        .route("/imports/connectors/{connector}/pause", to(team_right, post(connectors::connector::pause)))
        .route("/imports/connectors/{connector}/resume", to(team_right, post(connectors::connector::resume)))
        .route("/imports/connectors/{connector}/start-over", to(team_right, post(connectors::connector::start_over)))
        .route("/imports/connectors/{connector}/delete", to(team_right, post(connectors::connector::delete)))
        .route("/imports/connectors/{connector}/runs/{run}", to(team_right, get(connectors::run::page)))
        .route("/imports/exports", to(team_right, get(connectors::export::list)))
        .route("/imports/exports/new", to(team_right, get(connectors::export::new).post(connectors::export::create)))
        .route("/imports/exports/{export}", to(team_right, get(connectors::export::page)))
        .route("/imports/exports/{export}/files", to(team_right, post(connectors::export::ask)))
        .route("/imports/exports/{export}/files/{file}", to(team_right, get(connectors::export::file)))
        .route("/imports/exports/{export}/files/{file}/retry", to(team_right, post(connectors::export::retry)))
        .route("/imports/exports/{export}/pause", to(team_right, post(connectors::export::pause)))
        .route("/imports/exports/{export}/resume", to(team_right, post(connectors::export::resume)))
        .route("/imports/exports/{export}/secret", to(team_right, post(connectors::export::secret)))
        .route("/imports/exports/{export}/delete", to(team_right, post(connectors::export::delete)))
        .route("/imports/sftp", to(team_right, get(intake::sftp::list).post(intake::sftp::create)))
        .route("/imports/sftp/file-key", to(team_right, post(intake::sftp::make_file_key)))
        .route("/imports/sftp/{account}", to(team_right, get(intake::sftp::page).post(intake::sftp::change)))
        .route("/imports/sftp/{account}/keys", to(team_right, post(intake::sftp::add_key)))
        .route("/imports/sftp/{account}/keys/remove", to(team_right, post(intake::sftp::remove_key)))
        .route("/imports/sftp/{account}/password", to(team_right, post(intake::sftp::new_password)))
        .route("/imports/sftp/{account}/password/remove", to(team_right, post(intake::sftp::no_password)))
        .route("/imports/sftp/{account}/delete", to(team_right, post(intake::sftp::delete)))
        .route("/imports/{import}", to(view, get(intake::import::page)))
        .route("/imports/{import}/progress", to(view, get(intake::import::progress)))
        .route("/imports/{import}/mapping", to(load, post(intake::mapping::confirm)))
        .route("/imports/{import}/repeat", to(load, post(intake::import::repeat_yes)))
        .route("/imports/{import}/cancel", to(load, post(intake::import::cancel)))
        .route("/imports/{import}/undo", to(load, get(intake::import::ask_undo).post(intake::import::undo)))
        .route("/imports/{import}/rejects.csv", to(view, get(intake::reject::download)))
        .route("/contacts", to(view, get(contacts::list::page)))
        .route("/contacts/search", to(view, post(contacts::search::search)))
        .route("/contacts/lists", to(load, post(contacts::list::create)))
        .route("/contacts/lists/{list}/rename", to(load, post(contacts::list::rename)))
        .route("/contacts/filters", to(view, get(contacts::filter::page)).merge(to(load, post(contacts::filter::create))))
        .route("/contacts/filters/{filter}/list", to(load, post(contacts::filter::enlist)))
        .route("/contacts/filters/{filter}/delete", to(load, post(contacts::filter::delete)))
        .route("/contacts/{contact}/lists", to(load, post(contacts::contact::put_on_list)))
        .route("/contacts/{contact}/lists/{list}/remove", to(load, post(contacts::contact::take_off_list)))
        .route("/contacts/lists/{list}/delete", to(load, post(contacts::list::delete)))
        .route("/contacts/{contact}", to(view, get(contacts::contact::page)))
        .route("/contacts/{contact}/reveal", to(reveal, post(contacts::contact::reveal)))
        .route("/contacts/{contact}/suppress", to(suppress, post(contacts::contact::suppress)))
        .route("/contacts/{contact}/standing", to(view, get(contacts::standing::page)))
        .route("/contacts/{contact}/holds", to(suppress, post(contacts::standing::hold)))
        .route("/contacts/{contact}/holds/{hold}/lift", to(suppress, post(contacts::standing::lift)))
        .route("/contacts/{contact}/consents", to(suppress, post(contacts::standing::consent)))
        .route("/contacts/{contact}/consents/{consent}/withdraw", to(suppress, post(contacts::standing::withdraw)))
        .route("/contacts/{contact}/wishes", to(suppress, post(contacts::standing::wishes)))
        .route("/contacts/{contact}/legal-hold", to(subjects, post(contacts::standing::set_legal_hold)))
        .route("/contacts/{contact}/legal-hold/lift", to(subjects, post(contacts::standing::lift_legal_hold)))
        .route("/campaigns", to(view, get(campaigns::list::list)))
        .route("/campaigns/calendar", to(view, get(campaigns::calendar::page)))
        .route("/campaigns/new", to(run, get(campaigns::list::new).post(campaigns::list::create)))
        .route("/campaigns/templates", to(view, get(campaigns::template::list)))
        .route("/campaigns/templates/new", to(run, get(campaigns::template::new).post(campaigns::template::create)))
        .route("/campaigns/templates/{template}", to(run, get(campaigns::template::edit).post(campaigns::template::change)))
        .route("/campaigns/templates/{template}/delete", to(run, post(campaigns::template::delete)))
        .route("/campaigns/scripts", to(view, get(campaigns::script::list)))
        .route("/campaigns/scripts/new", to(run, get(campaigns::script::new).post(campaigns::script::create)))
        .route("/campaigns/scripts/{script}", to(run, get(campaigns::script::edit).post(campaigns::script::change)))
        .route("/campaigns/scripts/{script}/delete", to(run, post(campaigns::script::delete)))
        .route("/campaigns/prompts", to(view, get(campaigns::prompt::list)).merge(to(run, post(campaigns::prompt::receive))).layer(DefaultBodyLimit::max(PROMPT_BYTES_MAX + (1 << 20))))
        .route("/campaigns/prompts/{prompt}", to(view, get(campaigns::prompt::audio)))
        .route("/campaigns/prompts/{prompt}/delete", to(run, post(campaigns::prompt::delete)))
        .route("/campaigns/labels", to(reveal, get(campaigns::call_label::page)))
        .route("/campaigns/{campaign}", to(view, get(campaigns::monitor::page)))
        .route("/campaigns/{campaign}/purpose", to(run, get(campaigns::purpose::page).post(campaigns::purpose::save)))
        .route("/campaigns/{campaign}/audience", to(run, get(campaigns::audience::page).post(campaigns::audience::save)))
        .route("/campaigns/{campaign}/message", to(run, get(campaigns::message::page).post(campaigns::message::save)))
        .route("/campaigns/{campaign}/say", to(run, get(campaigns::say::page).post(campaigns::say::save)))
        .route("/campaigns/{campaign}/fast", to(run, get(campaigns::fast::page).post(campaigns::fast::save)))
        .route("/campaigns/{campaign}/recording", to(run, get(campaigns::recording::page).post(campaigns::recording::save)))
        .route("/campaigns/{campaign}/caller", to(run, get(campaigns::caller::page).post(campaigns::caller::save)))
        .route("/campaigns/{campaign}/test-send", to(run, post(campaigns::message::test_send)))
        .route("/campaigns/{campaign}/call-me", to(run, get(campaigns::call_me::progress).post(campaigns::call_me::ask)))
        .route("/campaigns/{campaign}/schedule", to(run, get(campaigns::schedule::page).post(campaigns::schedule::save)))
        .route("/campaigns/{campaign}/steps", to(run, get(campaigns::steps::page).post(campaigns::steps::save)))
        .route("/campaigns/{campaign}/steps/{step}", to(run, get(campaigns::step::page).post(campaigns::step::save)))
        .route("/campaigns/{campaign}/steps/{step}/up", to(run, post(campaigns::step::up)))
        .route("/campaigns/{campaign}/steps/{step}/down", to(run, post(campaigns::step::down)))
        .route("/campaigns/{campaign}/steps/{step}/remove", to(run, post(campaigns::step::remove)))
        .route("/campaigns/{campaign}/check", to(run, get(campaigns::check::page)))
        .route("/campaigns/{campaign}/dry-run", to(run, get(campaigns::check::progress).post(campaigns::check::ask)))
        .route("/campaigns/{campaign}/start", to(run, post(campaigns::act::start)))
        .route("/campaigns/{campaign}/schedule-start", to(run, post(campaigns::act::schedule)))
        .route("/campaigns/{campaign}/unschedule", to(run, post(campaigns::act::unschedule)))
        .route("/campaigns/{campaign}/pause", to(run, post(campaigns::act::pause)))
        .route("/campaigns/{campaign}/resume", to(run, post(campaigns::act::resume)))
        .route("/campaigns/{campaign}/cancel", to(run, post(campaigns::act::cancel)))
        .route("/campaigns/{campaign}/copy", to(run, post(campaigns::act::copy)))
        .route("/campaigns/{campaign}/rate", to(run, post(campaigns::act::rate)))
        .route("/campaigns/{campaign}/live", to(view, get(campaigns::live::stream)))
        .route("/campaigns/{campaign}/recipients", to(view, get(campaigns::recipient::list)))
        .route("/campaigns/{campaign}/recipients/stop", to(run, get(campaigns::steps_now::page).post(campaigns::steps_now::stop)))
        .route("/campaigns/{campaign}/recipients/list", to(load, get(campaigns::relist::page).post(campaigns::relist::make)))
        .route("/campaigns/{campaign}/recipients.csv", to(view, get(campaigns::recipient::download)))
        .route("/campaigns/{campaign}/recipients/whole.csv", to(reveal, post(campaigns::recipient::download_whole)))
        .route("/calls/{call}", to(view, get(campaigns::call::page)))
        .route("/calls/{call}/label", to(run, post(campaigns::call::label)))
        .route("/calls/{call}/recording/pause", to(run, post(campaigns::recording::pause)))
        .route("/calls/{call}/recording/resume", to(run, post(campaigns::recording::resume)))
        .route("/recordings/{recording}", to(reveal, get(campaigns::recording::audio)))
        .route("/compliance", to(suppress, get(compliance::suppression::list).post(compliance::suppression::add)))
        .route("/compliance/file", to(suppress, get(compliance::suppression_file::page).post(compliance::suppression_file::receive)).layer(DefaultBodyLimit::max(suppression_max)))
        .route("/compliance/suppressions.csv", to(reveal, get(compliance::suppression_file::download)))
        .route("/compliance/holds", to(suppress, get(compliance::hold::list)))
        .route("/compliance/why-not", to(suppress, get(compliance::why_not::page).post(compliance::why_not::check)))
        .route("/compliance/{suppression}/remove", to(suppress, get(compliance::suppression::ask_remove).post(compliance::suppression::remove)))
        .route("/carriers", to(view, get(carriers::list::page)))
        .route("/carriers/routes", to(trunks, post(carriers::route::add)))
        .route("/carriers/routes/{route}/remove", to(trunks, post(carriers::route::remove)))
        .route("/carriers/senders", to(trunks, post(carriers::sender::add)))
        .route("/carriers/senders/confirm", to(trunks, post(carriers::sender::confirm)))
        .route("/carriers/senders/remove", to(trunks, post(carriers::sender::remove)))
        .route("/carriers/trunks/new", to(trunks, get(carriers::trunk::new).post(carriers::trunk::create)))
        .route("/carriers/trunks/{trunk}", to(view, get(carriers::trunk::page)).merge(to(trunks, post(carriers::trunk::change))))
        .route("/carriers/targets", to(view, get(carriers::transfer_target::list)))
        .route("/carriers/targets/new", to(trunks, get(carriers::transfer_target::new).post(carriers::transfer_target::create)))
        .route("/carriers/targets/{target}", to(trunks, get(carriers::transfer_target::edit).post(carriers::transfer_target::change)))
        .route("/carriers/targets/{target}/remove", to(trunks, post(carriers::transfer_target::remove)))
        .route("/inbox", to(answer, get(outcomes::reply::list)))
        .route("/inbox/{reply}", to(answer, get(outcomes::reply::page)))
        .route("/inbox/{reply}/assign", to(answer, post(outcomes::reply::assign)))
        .route("/inbox/{reply}/close", to(answer, post(outcomes::reply::close)))
        .route("/inbox/{reply}/stop", to(answer, post(outcomes::reply::stop)))
        .route("/inbox/{reply}/carry-on", to(answer, post(outcomes::reply::carry_on)))
        .route("/reports", to(view, get(reports::measure::page)))
        .route("/reports/compare", to(view, get(reports::compare::page)))
        .route("/reports.csv", to(view, get(reports::measure::download)))
        .route("/reports.xlsx", to(view, get(reports::measure::workbook)))
        .route("/privacy", to(subjects, get(privacy::subject::page).post(privacy::subject::find)))
        .route("/privacy/export", to(subjects, post(privacy::subject::export)))
        .route("/privacy/erase", to(subjects, post(privacy::erasure::erase)))
        .route("/privacy/retention", to(subjects, get(privacy::retention::page).post(privacy::retention::set)))
        .route("/privacy/legal-holds", to(subjects, get(privacy::legal_hold::list)))
        .route("/privacy/activity", to(subjects, get(activity::people)))
        .route("/privacy/activity/{user}", to(subjects, get(activity::of_user).post(activity::reveal)))
        .route("/privacy/inventory", to(subjects, get(privacy::inventory::page)))
        .route("/audit", to(audit_right, get(audit::list)))
        .route("/team", to(team_right, get(team::list)))
        .route("/team/new", to(team_right, get(team::new).post(team::create)))
        .route("/team/four-eyes", to(team_right, get(four_eyes::page).post(four_eyes::save)))
        .route("/team/single-sign-on", to(team_right, get(single_sign_on::page).post(single_sign_on::save)))
        .route("/team/single-sign-on/remove", to(team_right, post(single_sign_on::remove)))
        .route("/team/keys", to(team_right, get(api_key::list).post(api_key::create)))
        .route("/team/keys/{key}/revoke", to(team_right, post(api_key::revoke)))
        .route("/team/webhooks", to(team_right, get(webhooks::list::page)))
        .route("/team/webhooks/new", to(team_right, get(webhooks::list::new).post(webhooks::list::create)))
        .route("/team/webhooks/{webhook}", to(team_right, get(webhooks::endpoint::page).post(webhooks::endpoint::change)))
        .route("/team/webhooks/{webhook}/test", to(team_right, post(webhooks::endpoint::test)))
        .route("/team/webhooks/{webhook}/enable", to(team_right, post(webhooks::endpoint::enable)))
        .route("/team/webhooks/{webhook}/disable", to(team_right, post(webhooks::endpoint::disable)))
        .route("/team/webhooks/{webhook}/secret", to(team_right, post(webhooks::endpoint::secret)))
        .route("/team/webhooks/{webhook}/delete", to(team_right, post(webhooks::endpoint::delete)))
        .route("/team/webhooks/{webhook}/replay", to(team_right, post(webhooks::endpoint::replay)))
        .route("/team/webhooks/{webhook}/{event}", to(team_right, get(webhooks::delivery::page)))
        .route("/team/webhooks/{webhook}/{event}/replay", to(team_right, post(webhooks::delivery::replay)))
        .route("/settings", to(team_right, get(settings::page).post(settings::save)))
        .route("/settings/limits", to(team_right, get(compliance::limits::page).post(compliance::limits::save)))
        .route("/settings/links", to(team_right, get(links::settings::page).post(links::settings::set_host)))
        .route("/settings/links/check", to(team_right, post(links::settings::check)))
        .route("/settings/links/enable", to(team_right, post(links::settings::enable)))
        .route("/settings/links/disable", to(team_right, post(links::settings::disable)))
        .route("/settings/links/expiry", to(team_right, post(links::settings::set_expiry)))
        .route("/settings/links/remove", to(team_right, post(links::settings::remove)))
        .route("/team/invitations", to(team_right, get(invitation::list).post(invitation::create)))
        .route("/team/invitations/{invitation}/renew", to(team_right, post(invitation::renew)))
        .route("/team/invitations/{invitation}/revoke", to(team_right, post(invitation::revoke)))
        .route("/team/second-factor/needed", to(team_right, post(team::need_second_factor)))
        .route("/team/second-factor/optional", to(team_right, post(team::leave_second_factor)))
        .route("/team/{user}", to(team_right, get(team::edit).post(team::change)))
        .route("/team/{user}/password", to(team_right, post(team::set_password)))
        .route("/team/{user}/end-sessions", to(team_right, post(team::end_sessions)))
        .route("/team/{user}/reset-second-factor", to(team_right, post(team::reset_second_factor)))
        .route("/team/{user}/activate", to(team_right, post(team::activate)))
        .route("/team/{user}/deactivate", to(team_right, post(team::deactivate)))
}

fn with_header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}
