//! A statement: one text for both engines, or a second one where PostgreSQL needs other words.

/// One SQL text.
#[derive(Debug)]
pub struct Statement {
    pub text: &'static str,
    /// For PostgreSQL where it needs other words; empty when the text serves both.
    pub postgres: &'static str,
}

/// `sql!("SELECT …")`, or `sql!("sqlite text", postgres "its own text")`: a `&'static Statement`.
/// The text is a literal in place: `tests/statements.rs` reads the sources and prepares every one on both engines. A rule that several statements of a
/// file share is a macro of that file, with a literal as its value: `sql!("SELECT … WHERE " + rule + " ORDER BY …")`.
macro_rules! sql {
    ($text:literal $(+ $rule:ident + $more:literal)+) => {{
        static STATEMENT: $crate::db::Statement = $crate::db::Statement { text: concat!($text $(, $rule!(), $more)+), postgres: "" };
        &STATEMENT
    }};
    ($text:literal) => {
        sql!($text, postgres "")
    };
    ($text:literal, postgres $postgres:literal) => {{
        static STATEMENT: $crate::db::Statement = $crate::db::Statement { text: $text, postgres: $postgres };
        &STATEMENT
    }};
}
pub(crate) use sql;
