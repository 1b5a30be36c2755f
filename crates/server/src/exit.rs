//! Exit codes, the same for every command.

use std::process::ExitCode;

use clarion_store::StoreError;
use clarion_store::db::DbError;

use crate::config::ConfigError;

/// The table that `--help` and the manual show. 2 is the argument parser's own.
pub const TABLE: &str = "Exit codes:
  0  done
  1  failed, or something was found wrong; the message says what
  2  the command line does not read as a command
  3  the configuration is wrong
  4  the database cannot be reached or has another schema
  5  what was named does not exist, exists already, or is not in a state for this";

/// What a command found out and has already printed; only the code is left to say.
pub fn wrong() -> ExitCode {
    ExitCode::from(1)
}

/// Prints the error as one sentence and chooses its code.
pub fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("clarion: {error:#}");
    ExitCode::from(code_of(error))
}

fn code_of(error: &anyhow::Error) -> u8 {
    for cause in error.chain() {
        if cause.is::<ConfigError>() {
            return 3;
        }
        if let Some(store) = cause.downcast_ref::<StoreError>() {
            return match store {
                StoreError::NotFound(_) | StoreError::Conflict(_) | StoreError::Invalid(_) | StoreError::Forbidden(_) | StoreError::Faults(_) => 5,
                StoreError::Db(DbError::Unreachable(_) | DbError::Schema(_)) => 4,
                StoreError::Db(_) | StoreError::Seal(_) => 1,
            };
        }
        if let Some(DbError::Unreachable(_) | DbError::Schema(_)) = cause.downcast_ref::<DbError>() {
            return 4;
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_keeps_its_code_through_context() {
        let code = |error: anyhow::Error| code_of(&error.context("while doing something"));
        assert_eq!(code(ConfigError::new("no").into()), 3);
        assert_eq!(code(StoreError::NotFound("tenant").into()), 5);
        assert_eq!(code(StoreError::Db(DbError::Unreachable("no".into())).into()), 4);
        assert_eq!(code(DbError::Schema("newer".into()).into()), 4);
        assert_eq!(code(anyhow::anyhow!("else")), 1);
    }
}
