//! A trunk's settings as they are written in TOML. Read by their kind and not as one of several, so that what does not read is said with its key.

use std::path::Path;

use anyhow::Context;
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::carriers::trunk::TrunkKind;
use clarion_store::StoreError;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

pub fn read(file: &Path) -> anyhow::Result<TrunkSettings> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    parse(&text).map_err(|fault| StoreError::Invalid(format!("{}: {fault}", file.display())).into())
}

fn parse(text: &str) -> Result<TrunkSettings, String> {
    let mut table: Table = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    let kinds = || TrunkKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    let kind = match table.remove("kind") {
        None => return Err(format!("kind: say which kind of trunk it is: {}", kinds())),
        Some(Value::String(kind)) => kind.parse::<TrunkKind>().map_err(|_| format!("kind: {kind:?} is none of {}", kinds()))?,
        Some(other) => return Err(format!("kind: {other} is none of {}", kinds())),
    };
    match kind {
        TrunkKind::Smpp => of(table).map(TrunkSettings::Smpp),
        TrunkKind::Http => of(table).map(TrunkSettings::Http),
        TrunkKind::Sip => of(table).map(TrunkSettings::Sip),
    }
}

fn of<T: DeserializeOwned>(table: Table) -> Result<T, String> {
    table.try_into().map_err(|error| {
        // The key is told in the error's text alone, on its last line.
        let text = error.to_string();
        match text.trim_end().rsplit_once("\nin `") {
            Some((problem, key)) => format!("{}: {problem}", key.trim_end_matches('`')),
            None => text.trim_end().to_owned(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_read_is_said_with_its_key() {
        let said = |text: &str| parse(text).map_or_else(|fault| fault, |_| String::new());
        let sip = "kind = \"sip\"\nhosts = [\"sip.carrier.example\"]\n";
        assert_eq!(said(sip), "");
        assert_eq!(said(&format!("{sip}price_per_minute = \"a\"\n")), "price_per_minute: invalid type: string \"a\", expected i64");
        assert!(said(&format!("{sip}prise = 1\n")).contains("prise"));
        assert!(said("kind = \"sip\"\n").contains("hosts"));
        let http = "kind = \"http\"\nurl = \"https://sms.example\"\nmessage_id = \"/id\"\nfields = { to = \"{to}\", text = 1 }\n";
        assert!(said(http).starts_with("fields.text: "), "{}", said(http));
        assert_eq!(said("kind = \"fax\"\n"), "kind: \"fax\" is none of smpp, http, sip");
        assert_eq!(said("kind = 1\n"), "kind: 1 is none of smpp, http, sip");
        assert_eq!(said("hosts = []\n"), "kind: say which kind of trunk it is: smpp, http, sip");
    }
}
