//! The log of a connector, and what a preview showed.

use clarion_domain::connectors::pull_fault::{PullFault, RunKind, RunState};
use clarion_domain::id::{ConnectorId, ConnectorRunId, ImportId, InstructionId};
use clarion_domain::time::Instant;
use serde::{Deserialize, Serialize};

use crate::db::{Row, sql};
use crate::params;
use crate::store::{Page, StoreError, Tenant};

pub(super) const PREVIEW_LABEL: &str = "connector.preview";

#[derive(Debug, Clone)]
pub struct RunRecord {
    pub id: ConnectorRunId,
    pub instruction: InstructionId,
    pub kind: RunKind,
    pub state: RunState,
    pub fault: Option<PullFault>,
    /// HTTP status of the last answer; 0 when there was none.
    pub last_status: i64,
    pub pages: i64,
    pub rows: i64,
    pub bytes: i64,
    /// Our fields that are mapped and not agreed: dropped.
    pub dropped: Vec<String>,
    pub import: Option<ImportId>,
    pub asked_by: String,
    pub created_at: Instant,
    pub started_at: Option<Instant>,
    pub finished_at: Option<Instant>,
}

/// One field of the client's rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewField {
    /// As the client's system calls it.
    pub name: String,
    /// Ours that it becomes; empty when it is dropped.
    pub becomes: String,
    /// It is mapped, but its field is not agreed.
    pub not_agreed: bool,
    /// Shapes of the first values of a field that is taken: letters as x, digits as 0.
    pub shapes: Vec<String>,
}

/// What a look at the first rows showed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Preview {
    pub fields: Vec<PreviewField>,
    pub rows_seen: i64,
    pub has_next_page: bool,
}

fn read(mut row: Row) -> Result<RunRecord, StoreError> {
    let (fault, dropped): (String, String) = (row.take(4)?, row.take(9)?);
    Ok(RunRecord {
        id: row.take(0)?,
        instruction: row.take(1)?,
        kind: row.word(2)?,
        state: row.word(3)?,
        fault: fault.parse().ok(),
        last_status: row.take(5)?,
        pages: row.take(6)?,
        rows: row.take(7)?,
        bytes: row.take(8)?,
        dropped: dropped.split_whitespace().map(str::to_owned).collect(),
        import: row.take(10)?,
        asked_by: row.take(11)?,
        created_at: row.take(12)?,
        started_at: row.take(13)?,
        finished_at: row.take(14)?,
    })
}

impl Tenant {
    /// The newest runs first.
    pub async fn connector_runs(&self, id: ConnectorId, before: Option<i64>, limit: i64) -> Result<Page<RunRecord>, StoreError> {
        let select = sql!(
            "SELECT id, instruction_id, kind, state, fault, last_status, pages, rows_read, bytes_read, dropped, import_id, asked_by, created_at, started_at, finished_at
             FROM connector_run WHERE tenant_id = $1 AND connector_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4"
        );
        let rows = self.db().query(select, &params![self.id, id, before.unwrap_or(i64::MAX), limit + 1]).await?;
        Ok(Page::cut(rows.into_iter().map(read).collect::<Result<Vec<_>, _>>()?, limit, |run| run.id.0))
    }

    /// One run, and what a preview showed.
    pub async fn connector_run(&self, id: ConnectorId, run: ConnectorRunId) -> Result<(RunRecord, Option<Preview>), StoreError> {
        let select = sql!(
            "SELECT id, instruction_id, kind, state, fault, last_status, pages, rows_read, bytes_read, dropped, import_id, asked_by, created_at, started_at, finished_at, sealed_preview
             FROM connector_run WHERE tenant_id = $1 AND connector_id = $2 AND id = $3"
        );
        let mut row = self.db().query_first(select, &params![self.id, id, run]).await?.ok_or(StoreError::NotFound("run"))?;
        let sealed: Option<Vec<u8>> = row.take(15)?;
        let preview = match sealed {
            Some(sealed) => serde_json::from_slice(&self.keys.data.open(PREVIEW_LABEL, &sealed)?).ok(),
            None => None,
        };
        Ok((read(row)?, preview))
    }
}
