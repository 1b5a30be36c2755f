//! The JSON Schema of a script document, for editors and for the API's description.

/// JSON Schema 2020-12; kept beside the code and tested to accept what the parser accepts.
pub const SCRIPT_SCHEMA: &str = include_str!("../../../schema/script.schema.json");
