//! The refused lines of an import, in pages and as a file to download.

use clarion_domain::id::ImportId;
use clarion_domain::intake::reject::{REJECT_CSV_HEADER, Reject};

use crate::db::{Row, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

/// Where a page of rejects ends, and the next one begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectCursor {
    pub line: i64,
    pub column: String,
}

#[derive(Debug, Clone)]
pub struct RejectPage {
    pub rows: Vec<Reject>,
    pub next: Option<RejectCursor>,
}

fn read(mut row: Row) -> Result<Reject, StoreError> {
    let line: i64 = row.take(0)?;
    Ok(Reject { line: u64::try_from(line).unwrap_or(0), column: row.take(1)?, reason: row.word(2)? })
}

impl Tenant {
    /// Refused lines in the order of the file. `reason` narrows when not empty.
    pub async fn import_rejects(&self, id: ImportId, reason: &str, after: Option<&RejectCursor>, limit: i64) -> Result<RejectPage, StoreError> {
        let select = sql!(
            "SELECT r.line, r.column_name, r.reason FROM import_reject r JOIN import i ON i.id = r.import_id
             WHERE i.tenant_id = $1 AND r.import_id = $2 AND (r.line > $3 OR (r.line = $3 AND r.column_name > $4)) AND ($5 = '' OR r.reason = $5)
             ORDER BY r.line, r.column_name LIMIT $6"
        );
        let (line, column) = after.map_or((-1, ""), |cursor| (cursor.line, cursor.column.as_str()));
        let rows = self.db().query(select, &params![self.id, id, line, column, reason, limit + 1]).await?;
        let mut rejects = rows.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let more = rejects.len() as i64 > limit;
        rejects.truncate(usize::try_from(limit).unwrap_or(0));
        let next = rejects.last().filter(|_| more).map(|last| RejectCursor { line: last.line as i64, column: last.column.clone() });
        Ok(RejectPage { rows: rejects, next })
    }

    /// The next part of the file of rejects and the cursor of the part after it: call until there is no cursor.
    /// The first part begins with the header. No value of a refused line stands in it.
    pub async fn reject_csv(&self, id: ImportId, after: Option<&RejectCursor>) -> Result<(String, Option<RejectCursor>), StoreError> {
        const LINES: i64 = 2_000;
        let page = self.import_rejects(id, "", after, LINES).await?;
        let mut text = if after.is_none() { REJECT_CSV_HEADER.to_owned() } else { String::new() };
        page.rows.iter().for_each(|reject| text.push_str(&reject.csv_line()));
        Ok((text, page.next))
    }
}
