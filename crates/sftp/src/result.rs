//! What became of a file, as the file that stands beside it. It says lines, columns and reasons, and no value of any line.

use clarion_domain::intake::reject::Reject;
use clarion_store::intake::SftpFile;
use clarion_store::{StoreError, Tenant};
use serde_json::{Value, json};

/// The portal and the API have all of them.
const REFUSED_SHOWN_MAX: usize = 10_000;
const PAGE: i64 = 2_000;

fn line(reject: &Reject) -> Value {
    json!({ "line": reject.line, "column": reject.column, "reason": reject.reason.as_str(), "what_to_do": reject.reason.sentence() })
}

pub(crate) async fn text(tenant: &Tenant, file: &SftpFile) -> Result<String, StoreError> {
    let record = tenant.import(file.import).await?;
    let by_reason: serde_json::Map<String, Value> = tenant.import_counts(file.import).await?.into_iter().map(|(reason, n)| (reason.as_str().into(), n.into())).collect();
    let (mut refused, mut after) = (Vec::new(), None);
    loop {
        let page = tenant.import_rejects(file.import, "", after.as_ref(), PAGE).await?;
        refused.extend(page.rows.iter().map(line));
        after = page.next;
        if after.is_none() || refused.len() >= REFUSED_SHOWN_MAX {
            break;
        }
    }
    let result = json!({
        "file": file.name, "import": record.id, "state": record.state, "received_at": record.created_at.rfc3339(), "finished_at": record.finished_at.map(|at| at.rfc3339()),
        "list": record.list.as_ref().map(|(_, name)| name), "error": record.error,
        "rows": { "read": record.rows_read, "new": record.rows_loaded, "updated": record.rows_updated, "refused": record.rows_rejected },
        "columns_not_stored": record.dropped_columns(), "refused_by_reason": by_reason, "refused": refused, "more_refused_in_the_portal": after.is_some(),
    });
    let mut text = serde_json::to_string_pretty(&result).map_err(|error| StoreError::Invalid(error.to_string()))?;
    text.push('\n');
    Ok(text)
}
