//! How a connector asks a client's system, and which of its fields become which of ours.

use std::collections::BTreeSet;

use super::times::Times;
use crate::intake::mapping::{ColumnUse, Mapping, StandardField};
use crate::word::words;

words! {
    pub enum PullFormat {
        Json = "json",
        Csv = "csv",
    }
}

words! {
    /// How the next page is found.
    #[derive(Default)]
    pub enum Paging {
        #[default]
        None = "none",
        /// `Link: <…>; rel="next"`.
        LinkHeader = "link_header",
        /// A field of the answer holds the address of the next page.
        NextAddress = "next_address",
        /// A field of the answer holds a word that is sent with the next question.
        Cursor = "cursor",
        /// Pages are counted from 1 until one is empty.
        PageNumber = "page_number",
    }
}

words! {
    /// How only what is new is asked for.
    #[derive(Default)]
    pub enum Incremental {
        #[default]
        Everything = "everything",
        /// `If-None-Match` and `If-Modified-Since`.
        Etag = "etag",
        /// A parameter with the watermark.
        Since = "since",
    }
}

words! {
    #[derive(Default)]
    pub enum Authentication {
        #[default]
        None = "none",
        Bearer = "bearer",
        /// A header of the client's own, such as `X-Api-Key`.
        Header = "header",
        /// OAuth 2 client credentials.
        OAuth2 = "oauth2",
    }
}

/// One field of the client's becomes one of ours.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldFrom {
    /// A name, or a JSON pointer within the row such as `/contact/mobile`.
    pub from: String,
    /// A standard field, or one that the tenant declared.
    pub to: String,
}

/// Everything about asking but the secret.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PullSettings {
    pub url: String,
    pub format: PullFormat,
    /// JSON pointer to the list of rows; empty for the whole answer.
    #[serde(default)]
    pub rows_at: String,
    pub fields: Vec<FieldFrom>,
    #[serde(default)]
    pub paging: Paging,
    /// JSON pointer to the next address or cursor.
    #[serde(default)]
    pub next_at: String,
    /// The parameter that takes the cursor or the page's number.
    #[serde(default)]
    pub page_parameter: String,
    #[serde(default)]
    pub incremental: Incremental,
    #[serde(default)]
    pub since_parameter: String,
    /// The field whose latest value is the watermark.
    #[serde(default)]
    pub since_field: String,
    #[serde(default)]
    pub authentication: Authentication,
    #[serde(default)]
    pub header_name: String,
    #[serde(default)]
    pub token_url: String,
    #[serde(default)]
    pub client_id: String,
    #[serde(default)]
    pub scope: String,
    pub times: Times,
}

const FIELDS_MAX: usize = 60;
const TEXT_CHARS_MAX: usize = 200;

fn is_pointer(text: &str) -> bool {
    text.is_empty() || text.starts_with('/')
}

fn is_parameter(text: &str) -> bool {
    !text.is_empty() && text.len() <= 60 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'[' | b']'))
}

/// A name of RFC 9110 that says nothing else to a server.
fn is_own_header(text: &str) -> bool {
    const TAKEN: [&str; 9] = ["host", "content-length", "transfer-encoding", "connection", "cookie", "accept", "user-agent", "if-none-match", "if-modified-since"];
    let folded = text.to_lowercase();
    !text.is_empty() && text.len() <= 60 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') && !TAKEN.contains(&folded.as_str())
}

impl PullSettings {
    /// What cannot stand, by its field. The addresses are looked at elsewhere.
    #[must_use]
    pub fn faults(&self) -> Vec<(&'static str, &'static str)> {
        let mut faults = Vec::new();
        let mut need = |holds: bool, field, message| if !holds { faults.push((field, message)) };
        let json = self.format == PullFormat::Json;
        need(is_pointer(&self.rows_at) && (json || self.rows_at.is_empty()), "rows_at", "write where the rows are as a JSON pointer, such as /data/items; leave it empty for the whole answer, and for CSV");
        need(!self.fields.is_empty(), "fields", "say which fields are taken: one becomes the phone number");
        need(self.fields.len() <= FIELDS_MAX, "fields", "at most 60 fields");
        need(self.fields.iter().all(|field| !field.from.trim().is_empty() && field.from.chars().count() <= TEXT_CHARS_MAX), "fields", "each field of the client's has a name of at most 200 characters");
        let distinct: BTreeSet<&str> = self.fields.iter().map(|field| field.to.as_str()).collect();
        need(distinct.len() == self.fields.len(), "fields", "each of our fields can be filled from one of the client's only");
        need(self.fields.iter().any(|field| field.to == StandardField::Phone.as_str()), "fields", "say which field is the phone number");
        let by_pointer = matches!(self.paging, Paging::Cursor | Paging::NextAddress);
        need(!by_pointer || (json && self.next_at.starts_with('/')), "next_at", "write where the next page is told as a JSON pointer, such as /meta/next; CSV has no such place");
        need(!matches!(self.paging, Paging::Cursor | Paging::PageNumber) || is_parameter(&self.page_parameter), "page_parameter", "name the parameter that says which page is asked for");
        need(self.incremental != Incremental::Etag || self.paging == Paging::None, "incremental", "an ETag tells of one page only: use a watermark with pages");
        need(self.incremental != Incremental::Since || is_parameter(&self.since_parameter), "since_parameter", "name the parameter that takes the watermark");
        need(self.incremental != Incremental::Since || !self.since_field.trim().is_empty(), "since_field", "name the field whose latest value is the watermark");
        let taken = self.fields.iter().any(|field| self.place(&field.from) == self.place(&self.since_field));
        need(self.incremental != Incremental::Since || !taken, "since_field", "the watermark is kept: take a field that says when a row changed, and nothing of the person");
        need(self.authentication != Authentication::Header || is_own_header(&self.header_name), "header_name", "name the header that carries the secret, such as X-Api-Key");
        need(self.authentication != Authentication::OAuth2 || !self.client_id.trim().is_empty(), "client_id", "enter the client id that the client's system gave");
        faults
    }

    /// Where a field is in a row: in JSON `/mobile` is `mobile`.
    fn place(&self, name: &str) -> Vec<String> {
        match name.strip_prefix('/') {
            Some(pointer) if self.format == PullFormat::Json => pointer.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect(),
            _ => vec![name.to_owned()],
        }
    }

    /// The fields that are taken under an agreement, and ours that are mapped but not agreed.
    #[must_use]
    pub fn agreed(&self, agreed: &[String]) -> (Vec<FieldFrom>, Vec<String>) {
        let (taken, dropped): (Vec<FieldFrom>, Vec<FieldFrom>) = self.fields.iter().cloned().partition(|field| agreed.contains(&field.to));
        (taken, dropped.into_iter().map(|field| field.to).collect())
    }
}

/// The mapping of the file that a pull writes: its columns are called as our fields are.
#[must_use]
pub fn mapping_of(taken: &[FieldFrom]) -> Mapping {
    let column = |field: &FieldFrom| field.to.parse().map_or_else(|_| ColumnUse::Declared(field.to.clone()), ColumnUse::Standard);
    Mapping { columns: taken.iter().map(column).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> PullSettings {
        serde_json::from_value(serde_json::json!({
            "url": "https://crm.example.com/people", "format": "json", "rows_at": "/data", "times": "every 60 minutes",
            "fields": [{"from": "mobile", "to": "phone"}, {"from": "/name/first", "to": "first_name"}, {"from": "shoe", "to": "shoe_size"}],
        }))
        .expect("settings")
    }

    #[test]
    fn only_agreed_fields_are_taken() {
        let (taken, dropped) = settings().agreed(&["phone".into(), "shoe_size".into(), "reference".into()]);
        assert_eq!((taken.iter().map(|field| field.to.as_str()).collect::<Vec<_>>(), dropped), (vec!["phone", "shoe_size"], vec!["first_name".to_owned()]));
        assert_eq!(mapping_of(&taken).columns, [ColumnUse::Standard(StandardField::Phone), ColumnUse::Declared("shoe_size".into())]);
    }

    #[test]
    fn what_cannot_stand_is_told_by_its_field() {
        assert_eq!(settings().faults(), []);
        let fields = |change: fn(&mut PullSettings)| {
            let mut settings = settings();
            change(&mut settings);
            settings.faults().into_iter().map(|(field, _)| field).collect::<Vec<_>>()
        };
        assert_eq!(fields(|settings| settings.rows_at = "data".into()), ["rows_at"]);
        assert_eq!(fields(|settings| settings.fields.clear()), ["fields", "fields"]);
        assert_eq!(fields(|settings| settings.fields[1].to = "phone".into()), ["fields"]);
        assert_eq!(fields(|settings| settings.paging = Paging::Cursor), ["next_at", "page_parameter"]);
        assert_eq!(fields(|settings| (settings.paging, settings.incremental) = (Paging::LinkHeader, Incremental::Etag)), ["incremental"]);
        assert_eq!(fields(|settings| settings.incremental = Incremental::Since), ["since_parameter", "since_field"]);
        let since = |name: &str| {
            let mut settings = settings();
            (settings.incremental, settings.since_parameter, settings.since_field) = (Incremental::Since, "since".into(), name.into());
            settings.faults().into_iter().map(|(field, _)| field).collect::<Vec<_>>()
        };
        for taken in ["mobile", "/mobile", "/name/first", "shoe"] {
            assert_eq!(since(taken), ["since_field"], "{taken}");
        }
        assert!(since("updated_at").is_empty() && since("/name/changed").is_empty());
        assert_eq!(fields(|settings| (settings.authentication, settings.header_name) = (Authentication::Header, "Host".into())), ["header_name"]);
        assert_eq!(fields(|settings| settings.authentication = Authentication::OAuth2), ["client_id"]);
    }
}
