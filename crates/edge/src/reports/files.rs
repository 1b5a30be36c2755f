//! The counts of a span as files: what those of the portal and those of the API share.

use std::future::Future;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use clarion_domain::id::CampaignId;
use clarion_store::reports::{MeasureCursor, MeasureRow, Span};
use clarion_store::{StoreError, Tenant};

use crate::api::answer::csv;
use crate::page::xlsx::{ROWS_MAX, Sheet};

/// Of a CSV file, read at a time.
const PAGE_ROWS: i64 = 2_000;

/// Which counts a file has.
#[derive(Clone)]
pub struct Counts {
    pub tenant: Tenant,
    /// With all its steps; `None` for all campaigns.
    pub campaign: Option<CampaignId>,
    pub span: Span,
}

impl Counts {
    /// A page at a time, in the words of `lines`.
    pub fn csv<F>(self, file_name: &str, header: &'static str, lines: impl Fn(Tenant, Vec<MeasureRow>) -> F + Copy + Send + 'static) -> Response
    where
        F: Future<Output = Result<String, StoreError>> + Send + 'static,
    {
        csv(file_name, move |after: Option<MeasureCursor>| {
            let Self { tenant, campaign, span } = self.clone();
            async move {
                let page = tenant.measures_page(campaign, span, after.as_ref(), PAGE_ROWS).await?;
                let lines = lines(tenant, page.rows).await?;
                Ok((if after.is_none() { header.to_owned() + &lines } else { lines }, page.next))
            }
        })
    }

    /// All of them, for a workbook is made in memory; nothing when they are more than it takes.
    pub async fn of_workbook(&self) -> Result<Option<Vec<MeasureRow>>, StoreError> {
        let page = self.tenant.measures_page(self.campaign, self.span, None, ROWS_MAX as i64).await?;
        Ok(page.next.is_none().then_some(page.rows))
    }
}

pub fn workbook(file_name: &str, sheet: Sheet) -> Response {
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet".to_owned();
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{file_name}\""))], sheet.finish()).into_response()
}
