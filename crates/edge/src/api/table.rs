//! The whole API on one screen: every endpoint, and the right that it needs.

use clarion_domain::tenancy::role::Right::{LoadContacts, ManageTeam, ReadAudit, RunCampaigns, Suppress, View};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::endpoint::{read, write, write_streaming};
use super::{Api, audit, campaigns, compliance, contacts, intake, tenancy};

/// Everything that needs an API key.
pub fn guarded() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        // tenancy
        .routes(read(View, routes!(tenancy::me::get)))
        .routes(read(ManageTeam, routes!(tenancy::api_key::list)))
        .routes(write(ManageTeam, routes!(tenancy::api_key::create)))
        .routes(read(ManageTeam, routes!(tenancy::api_key::get)))
        .routes(write(ManageTeam, routes!(tenancy::api_key::revoke)))
        // intake
        .routes(write_streaming(LoadContacts, routes!(intake::upload::upload)))
        .routes(read(View, routes!(intake::import::list)))
        .routes(read(View, routes!(intake::import::get)))
        .routes(read(View, routes!(intake::reject::download)))
        .routes(write(LoadContacts, routes!(intake::decide::mapping)))
        .routes(write(LoadContacts, routes!(intake::decide::repeat)))
        .routes(write(LoadContacts, routes!(intake::decide::cancel)))
        .routes(read(View, routes!(intake::field::all)))
        .routes(write(LoadContacts, routes!(intake::field::declare)))
        .routes(read(View, routes!(intake::field::get)))
        .routes(write(LoadContacts, routes!(intake::field::change)))
        .routes(write(LoadContacts, routes!(intake::field::withdraw)))
        // contacts
        .routes(read(View, routes!(contacts::member::all)))
        .routes(read(View, routes!(contacts::search::search)))
        .routes(read(View, routes!(contacts::contact::get)))
        .routes(read(View, routes!(contacts::timeline::get)))
        .routes(read(View, routes!(contacts::list::all)))
        .routes(write(LoadContacts, routes!(contacts::list::create)))
        .routes(read(View, routes!(contacts::list::get)))
        .routes(write(LoadContacts, routes!(contacts::list::rename)))
        .routes(write(LoadContacts, routes!(contacts::list::delete)))
        .routes(write(LoadContacts, routes!(contacts::member::add)))
        .routes(write(LoadContacts, routes!(contacts::member::remove)))
        .routes(read(View, routes!(contacts::filter::all)))
        .routes(write(LoadContacts, routes!(contacts::filter::create)))
        .routes(read(View, routes!(contacts::filter::get)))
        .routes(write(LoadContacts, routes!(contacts::filter::change)))
        .routes(write(LoadContacts, routes!(contacts::filter::delete)))
        // campaigns
        .routes(read(View, routes!(campaigns::template::all)))
        .routes(write(RunCampaigns, routes!(campaigns::template::create)))
        .routes(read(View, routes!(campaigns::template::measure)))
        .routes(read(View, routes!(campaigns::template::get)))
        .routes(write(RunCampaigns, routes!(campaigns::template::change)))
        .routes(write(RunCampaigns, routes!(campaigns::template::delete)))
        .routes(read(View, routes!(campaigns::campaign::list)))
        .routes(write(RunCampaigns, routes!(campaigns::campaign::create)))
        .routes(read(View, routes!(campaigns::campaign::get)))
        .routes(write(RunCampaigns, routes!(campaigns::campaign::edit)))
        .routes(read(View, routes!(campaigns::campaign::faults)))
        .routes(write(RunCampaigns, routes!(campaigns::dry_run::ask)))
        .routes(read(View, routes!(campaigns::dry_run::get)))
        .routes(read(View, routes!(campaigns::preview::get)))
        .routes(write(RunCampaigns, routes!(campaigns::test_send::send)))
        .routes(read(View, routes!(campaigns::test_send::get)))
        .routes(write(RunCampaigns, routes!(campaigns::moves::schedule)))
        .routes(write(RunCampaigns, routes!(campaigns::moves::unschedule)))
        .routes(write(RunCampaigns, routes!(campaigns::moves::start)))
        .routes(write(RunCampaigns, routes!(campaigns::moves::pause)))
        .routes(write(RunCampaigns, routes!(campaigns::moves::resume)))
        .routes(write(RunCampaigns, routes!(campaigns::moves::cancel)))
        .routes(write(RunCampaigns, routes!(campaigns::moves::rate)))
        .routes(read(View, routes!(campaigns::recipient::list)))
        .routes(read(View, routes!(campaigns::recipient::results)))
        .routes(read(View, routes!(campaigns::why_not::ask)))
        // compliance
        .routes(read(View, routes!(compliance::suppression::list)))
        .routes(write(Suppress, routes!(compliance::suppression::create)))
        .routes(read(Suppress, routes!(compliance::suppression::check)))
        .routes(read(View, routes!(compliance::suppression::get)))
        .routes(write(Suppress, routes!(compliance::suppression::lift)))
        .routes(read(View, routes!(compliance::hold::list)))
        .routes(write(Suppress, routes!(compliance::hold::create)))
        .routes(write(Suppress, routes!(compliance::hold::lift)))
        .routes(read(View, routes!(compliance::hold::of_contact)))
        .routes(write(Suppress, routes!(compliance::consent::create)))
        .routes(write(Suppress, routes!(compliance::consent::withdraw)))
        .routes(read(View, routes!(compliance::consent::of_contact)))
        .routes(read(View, routes!(compliance::preference::get)))
        .routes(write(Suppress, routes!(compliance::preference::set)))
        // audit
        .routes(read(ReadAudit, routes!(audit::event::list)))
}
