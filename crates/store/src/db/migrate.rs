//! Migrations go forward only. Both engines have the same names; a test keeps them in step.

use super::{DbError, Tx};

/// One step of the schema.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    pub name: &'static str,
    pub text: &'static str,
}

macro_rules! migrations {
    ($engine:literal: $($name:literal),+ $(,)?) => {
        &[$(Migration { name: $name, text: include_str!(concat!("../../../../migrations/", $engine, "/", $name, ".sql")) }),+]
    };
}

pub const MIGRATIONS_SQLITE: &[Migration] = migrations!("sqlite":
    "0001_tenancy", "0002_intake", "0003_contacts", "0004_campaigns", "0005_compliance", "0006_attempts",
    "0007_carriers", "0008_outcomes", "0009_reports", "0010_privacy", "0011_audit", "0012_voice", "0013_pacing_latch",
    "0014_recording", "0015_fallback", "0016_voice_lines", "0019_people",
    "0020_audit_chain", "0021_activity", "0022_webhooks", "0023_sftp", "0024_do_not_originate", "0025_sequence", "0026_four_eyes", "0027_connectors", "0028_links", "0029_acme", "0030_passkeys", "0031_single_sign_on", "0033_acme_claim", "0035_portal_more", "0036_audience_change", "0037_claim_segments", "0038_list_members", "0039_indexes", "0040_silent");

pub const MIGRATIONS_POSTGRES: &[Migration] = migrations!("postgres":
    "0001_tenancy", "0002_intake", "0003_contacts", "0004_campaigns", "0005_compliance", "0006_attempts",
    "0007_carriers", "0008_outcomes", "0009_reports", "0010_privacy", "0011_audit", "0012_voice", "0013_pacing_latch",
    "0014_recording", "0015_fallback", "0016_voice_lines", "0019_people",
    "0020_audit_chain", "0021_activity", "0022_webhooks", "0023_sftp", "0024_do_not_originate", "0025_sequence", "0026_four_eyes", "0027_connectors", "0028_links", "0029_acme", "0030_passkeys", "0031_single_sign_on", "0033_acme_claim", "0035_portal_more", "0036_audience_change", "0037_claim_segments", "0038_list_members", "0039_indexes", "0040_silent");

pub(super) const CREATE_LEDGER: &str = "CREATE TABLE IF NOT EXISTS schema_migration (name TEXT PRIMARY KEY)";

/// What a migration does that no SQL can, in its transaction.
pub(super) async fn finish(migration: &Migration, tx: &mut Tx) -> Result<(), DbError> {
    match migration.name {
        "0020_audit_chain" => crate::audit::chain::link_unlinked(tx).await,
        "0026_four_eyes" => crate::tenancy::bind_to_makers(tx).await,
        _ => Ok(()),
    }
}

/// What is still to apply, given the names already in the database.
pub(super) fn pending(known: &'static [Migration], applied: &[String]) -> Result<Vec<&'static Migration>, DbError> {
    if let Some(newer) = applied.iter().find(|name| !known.iter().any(|migration| migration.name == **name)) {
        return Err(DbError::Schema(format!(
            "the database has migration {newer}, which this version of clarion does not know: run the newer version, or restore a backup from before it"
        )));
    }
    Ok(known.iter().filter(|migration| !applied.iter().any(|name| name == migration.name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_engines_have_the_same_migrations() {
        let names = |list: &[Migration]| list.iter().map(|migration| migration.name).collect::<Vec<_>>();
        assert_eq!(names(MIGRATIONS_SQLITE), names(MIGRATIONS_POSTGRES));
        let folder = |engine| {
            let mut found: Vec<_> = std::fs::read_dir(format!("{}/../../migrations/{engine}", env!("CARGO_MANIFEST_DIR")))
                .expect("the migrations folder")
                .map(|entry| entry.expect("an entry").file_name().into_string().expect("a plain name").replace(".sql", ""))
                .collect();
            found.sort();
            found
        };
        assert_eq!(folder("sqlite"), names(MIGRATIONS_SQLITE));
        assert_eq!(folder("postgres"), names(MIGRATIONS_POSTGRES));
    }

    #[test]
    fn the_texts_differ_only_in_the_words_for_types_and_of_triggers() {
        // Triggers stand at the end, in each engine's own words; both have the same.
        let parts = |text: &'static str| text.split_once("-- Triggers:").unwrap_or((text, ""));
        let triggers = |text: &'static str| text.lines().filter_map(|line| line.strip_prefix("CREATE TRIGGER ")?.split(" REFERENCING").next()?.split(" BEGIN").next()).collect::<Vec<_>>();
        for (sqlite, postgres) in MIGRATIONS_SQLITE.iter().zip(MIGRATIONS_POSTGRES) {
            let ((tables, own), (expected, theirs)) = (parts(sqlite.text), parts(postgres.text));
            let plain = tables.replace("INTEGER", "BIGINT").replace("BLOB", "BYTEA").replace(" STRICT, WITHOUT ROWID;", ";").replace(" STRICT;", ";");
            assert_eq!(plain, expected, "{}", sqlite.name);
            assert_eq!(triggers(own), triggers(theirs), "{}", sqlite.name);
            assert!(!tables.contains("CREATE TRIGGER") && own.is_empty() == triggers(own).is_empty(), "{}", sqlite.name);
        }
    }

    #[test]
    fn a_newer_database_is_refused() {
        let error = pending(MIGRATIONS_SQLITE, &["9999_future".into()]).expect_err("must refuse");
        assert!(error.to_string().contains("9999_future"));
    }
}
