//! The data inventory: a line for every column and file that is kept. The list itself stands beside the schema.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::privacy::retention::RecordClass;
use crate::word::words;

words! {
    /// What a column says about people.
    pub enum DataKind {
        /// Nothing about a person.
        None = "none",
        /// Points at a person without saying anything about them: an identifier, a keyed index.
        Pseudonym = "pseudonym",
        Personal = "personal",
        /// Personal, and sealed with the person's key.
        Sealed = "sealed",
        /// About a user of the portal.
        User = "user",
    }
}

words! {
    /// How a column's content goes when a person is erased.
    pub enum ErasureWay {
        /// Nothing of theirs is in it.
        Untouched = "untouched",
        RowDeleted = "row_deleted",
        /// Overwritten with nothing.
        Cleared = "cleared",
        /// What is left cannot be read, as the person's key is destroyed.
        KeyDestroyed = "key_destroyed",
        /// Kept, so that nobody contacts them again.
        Tombstone = "tombstone",
        FileDeleted = "file_deleted",
        /// Points at a row that was emptied: says nothing about anybody any more.
        Orphaned = "orphaned",
    }
}

/// One column, or one kind of file (table `file`, column its kind).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InventoryEntry {
    pub table: &'static str,
    pub column: &'static str,
    /// What it holds, in plain words.
    pub what: &'static str,
    pub kind: DataKind,
    pub purpose: &'static str,
    /// `None` only for what says nothing about anybody.
    pub retention: Option<RecordClass>,
    pub erasure: ErasureWay,
}

/// A line that does not hold together, or a column that has none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InventoryError {
    #[error("{table}.{column} has no line in the data inventory: say what it holds, why, how long, and how it is erased")]
    Missing { table: String, column: String },
    #[error("the data inventory has a line for {table}.{column}, which the schema does not have: take it out")]
    Stale { table: String, column: String },
    #[error("the data inventory has two lines for {table}.{column}")]
    Doubled { table: String, column: String },
    #[error("{table}.{column}: {reason}")]
    Inconsistent { table: String, column: String, reason: &'static str },
}

/// Compares the inventory with the columns that the schema has; gives every fault, in order.
#[must_use]
pub fn validate<'a>(entries: &[InventoryEntry], columns: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<InventoryError> {
    let columns: BTreeSet<(&str, &str)> = columns.into_iter().collect();
    let mut lines = BTreeSet::new();
    let mut faults = Vec::new();
    for entry in entries {
        let (table, column) = (entry.table.to_owned(), entry.column.to_owned());
        if !lines.insert((entry.table, entry.column)) {
            faults.push(InventoryError::Doubled { table, column });
        } else if !columns.contains(&(entry.table, entry.column)) {
            faults.push(InventoryError::Stale { table, column });
        } else if let Some(reason) = entry.fault() {
            faults.push(InventoryError::Inconsistent { table, column, reason });
        }
    }
    faults.extend(columns.difference(&lines).map(|(table, column)| InventoryError::Missing { table: (*table).to_owned(), column: (*column).to_owned() }));
    faults
}

impl InventoryEntry {
    fn fault(&self) -> Option<&'static str> {
        let about_somebody = self.kind != DataKind::None;
        let about_the_contacted = matches!(self.kind, DataKind::Pseudonym | DataKind::Personal | DataKind::Sealed);
        match self {
            _ if self.what.is_empty() => Some("say what it holds"),
            _ if about_somebody && self.purpose.is_empty() => Some("say what it is kept for"),
            _ if about_somebody && self.retention.is_none() => Some("name the class of record that says how long it is kept"),
            _ if about_the_contacted && self.erasure == ErasureWay::Untouched => Some("say how it goes when the person is erased"),
            _ if !about_somebody && self.erasure == ErasureWay::Tombstone => Some("a tombstone is about a person"),
            _ if self.erasure == ErasureWay::KeyDestroyed && self.kind != DataKind::Sealed => Some("only what is sealed goes with the key"),
            _ => None,
        }
    }
}

/// The inventory as a page: a table of columns for every table, and the retention of each class.
#[must_use]
pub fn to_markdown(entries: &[InventoryEntry]) -> String {
    let mut sorted: Vec<&InventoryEntry> = entries.iter().collect();
    sorted.sort_by_key(|entry| entry.table);
    let mut page = String::from("# Data inventory\n\nGenerated from the schema; a test fails when it is not current.\n");
    let mut table = "";
    for entry in sorted {
        if entry.table != table {
            table = entry.table;
            let _ = write!(page, "\n## {table}\n\n| column | holds | kind | purpose | kept | erasure |\n|---|---|---|---|---|---|\n");
        }
        let kept = entry.retention.map_or("–", RecordClass::as_str);
        let _ = writeln!(page, "| `{}` | {} | {} | {} | {kept} | {} |", entry.column, cell(entry.what), entry.kind, cell(entry.purpose), entry.erasure);
    }
    page.push_str("\n## How long\n\n| class | purpose | from | days | least | most | then | reference |\n|---|---|---|---|---|---|---|---|\n");
    for row in &crate::privacy::retention::RETENTION {
        let days = |days: u32| if row.trigger == crate::privacy::retention::Trigger::TenantEnd { "–".to_owned() } else { days.to_string() };
        let (period, least, most) = (days(row.period_days), days(row.floor_days), days(row.ceiling_days));
        let _ = writeln!(page, "| {} | {} | {} | {period} | {least} | {most} | {} | {} |", row.class, row.purpose, row.trigger, row.action, row.reference);
    }
    page
}

fn cell(text: &str) -> String {
    if text.is_empty() { "–".to_owned() } else { text.replace('|', "\\|") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: InventoryEntry = InventoryEntry {
        table: "contact",
        column: "sealed_name",
        what: "First and last name",
        kind: DataKind::Sealed,
        purpose: "To address the person",
        retention: Some(RecordClass::ContactRow),
        erasure: ErasureWay::KeyDestroyed,
    };
    const VERSION: InventoryEntry =
        InventoryEntry { table: "contact", column: "version", what: "Counter of changes", kind: DataKind::None, purpose: "", retention: None, erasure: ErasureWay::Untouched };

    fn faults(entries: &[InventoryEntry], columns: &[(&str, &str)]) -> Vec<String> {
        validate(entries, columns.iter().copied()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn finds_every_kind_of_fault() {
        let both = [("contact", "sealed_name"), ("contact", "version")];
        assert_eq!(faults(&[NAME, VERSION], &both), Vec::<String>::new());
        assert_eq!(faults(&[NAME], &both), ["contact.version has no line in the data inventory: say what it holds, why, how long, and how it is erased"]);
        assert_eq!(faults(&[NAME, VERSION], &both[..1]), ["the data inventory has a line for contact.version, which the schema does not have: take it out"]);
        assert_eq!(faults(&[NAME, VERSION, NAME], &both), ["the data inventory has two lines for contact.sealed_name"]);
        let cases = [
            (InventoryEntry { retention: None, ..NAME }, "name the class of record that says how long it is kept"),
            (InventoryEntry { purpose: "", ..NAME }, "say what it is kept for"),
            (InventoryEntry { what: "", ..NAME }, "say what it holds"),
            (InventoryEntry { erasure: ErasureWay::Untouched, ..NAME }, "say how it goes when the person is erased"),
            (InventoryEntry { kind: DataKind::Personal, ..NAME }, "only what is sealed goes with the key"),
        ];
        for (entry, reason) in cases {
            assert_eq!(faults(&[entry], &both[..1]), [format!("contact.sealed_name: {reason}")]);
        }
    }

    #[test]
    fn writes_a_page() {
        let page = to_markdown(&[VERSION, NAME]);
        assert!(page.contains("## contact\n\n| column |") && page.matches("## contact").count() == 1);
        assert!(page.contains("| `sealed_name` | First and last name | sealed | To address the person | contact_row | key_destroyed |"), "{page}");
        assert!(page.contains("| message_body | To show what was said | created | 90 | 1 | 730 | delete |"), "{page}");
    }
}
