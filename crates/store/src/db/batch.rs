//! One statement for a whole batch on PostgreSQL, made from the text that serves a single set of parameters.
//!
//! Each parameter becomes an array, and the arrays one table `v (p1, p2 …)`: the server plans and answers once for a
//! thousand rows instead of a thousand times, which is most of what a small statement costs.

use tokio_postgres::types::{ToSql, Type};

use super::{Params, Value};

/// Reads: the rows of all, each with the number of its set of parameters (from 1) as its last column. `None` for what is no read.
pub(super) fn read(text: &str, kinds: &[Type]) -> Option<String> {
    let text = one_line(text);
    if !text.starts_with("SELECT ") || text.contains(" FOR UPDATE") || kinds.is_empty() {
        return None;
    }
    let (arrays, names) = table(kinds)?;
    // OFFSET 0 keeps the planner from making one join of it: a plan made while a table was small would read all of it later.
    Some(format!("SELECT q.*, v.n FROM UNNEST({arrays}) WITH ORDINALITY AS v ({names}, n) CROSS JOIN LATERAL ({} OFFSET 0) q ORDER BY v.n", numbered(&text)))
}

/// Writes: `INSERT … VALUES (…)`, `UPDATE … WHERE …` and `DELETE FROM … WHERE …`. `None` for what is none of them.
pub(super) fn write(text: &str, kinds: &[Type]) -> Option<String> {
    let text = one_line(text);
    let (arrays, names) = table(kinds)?;
    let source = format!("UNNEST({arrays}) AS v ({names})");
    if text.starts_with("INSERT ") {
        let (head, rest) = text.split_once(" VALUES (")?;
        let end = closing(rest)?;
        return Some(format!("{head} SELECT {} FROM {source}{}", numbered(&rest[..end]), numbered(&rest[end + 1..])));
    }
    let (head, condition) = text.split_once(" WHERE ")?;
    let join = match head.split_once(' ')?.0 {
        "UPDATE" => "FROM",
        "DELETE" => "USING",
        _ => return None,
    };
    Some(format!("{} {join} {source} WHERE {}", numbered(head), numbered(condition)))
}

/// The columns of a batch, as arrays of their parameters' types.
pub(super) fn columns<'a>(kinds: &[Type], batch: &'a [Params]) -> Vec<Box<dyn ToSql + Sync + Send + 'a>> {
    let column = |place: usize, kind: &Type| -> Box<dyn ToSql + Sync + Send + 'a> {
        let values = batch.iter().map(move |params| params.get(place).unwrap_or(&Value::Null));
        match *kind {
            Type::TEXT => Box::new(values.map(|value| value.as_text()).collect::<Vec<_>>()),
            Type::BYTEA => Box::new(values.map(|value| if let Value::Blob(bytes) = value { Some(bytes.as_slice()) } else { None }).collect::<Vec<_>>()),
            _ => Box::new(values.map(|value| if let Value::Int(number) = value { Some(*number) } else { None }).collect::<Vec<_>>()),
        }
    };
    kinds.iter().enumerate().map(|(place, kind)| column(place, kind)).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The arrays with their types, and the names of the columns that they become.
fn table(kinds: &[Type]) -> Option<(String, String)> {
    let mut arrays = Vec::with_capacity(kinds.len());
    for (place, kind) in kinds.iter().enumerate() {
        let name = match *kind {
            Type::INT8 => "BIGINT",
            Type::TEXT => "TEXT",
            Type::BYTEA => "BYTEA",
            _ => return None,
        };
        arrays.push(format!("CAST(${} AS {name}[])", place + 1));
    }
    let names: Vec<String> = (1..=kinds.len()).map(|number| format!("p{number}")).collect();
    (!kinds.is_empty()).then(|| (arrays.join(", "), names.join(", ")))
}

/// `$3` becomes `v.p3`.
fn numbered(text: &str) -> String {
    text.replace('$', "v.p")
}

/// Where the parenthesis that is open at the beginning closes.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1;
    for (place, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(place);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_a_table() {
        let kinds = [Type::INT8, Type::TEXT];
        assert_eq!(
            read("SELECT a FROM t\n  WHERE b = $1 AND c = $2", &kinds).expect("a read"),
            "SELECT q.*, v.n FROM UNNEST(CAST($1 AS BIGINT[]), CAST($2 AS TEXT[])) WITH ORDINALITY AS v (p1, p2, n) \
             CROSS JOIN LATERAL (SELECT a FROM t WHERE b = v.p1 AND c = v.p2 OFFSET 0) q ORDER BY v.n"
        );
        let source = "UNNEST(CAST($1 AS BIGINT[]), CAST($2 AS TEXT[])) AS v (p1, p2)";
        let cases = [
            ("INSERT INTO t (a, b) VALUES ($1, CAST($2 AS TEXT)) ON CONFLICT (a) DO NOTHING RETURNING a", format!("INSERT INTO t (a, b) SELECT v.p1, CAST(v.p2 AS TEXT) FROM {source} ON CONFLICT (a) DO NOTHING RETURNING a")),
            ("UPDATE t SET b = $2 WHERE a = $1", format!("UPDATE t SET b = v.p2 FROM {source} WHERE a = v.p1")),
            ("DELETE FROM t WHERE a = $1 AND b = $2 RETURNING a", format!("DELETE FROM t USING {source} WHERE a = v.p1 AND b = v.p2 RETURNING a")),
        ];
        for (text, expected) in cases {
            assert_eq!(write(text, &kinds).as_ref(), Some(&expected));
        }
        assert_eq!(read("INSERT INTO t (a) VALUES ($1)", &kinds), None);
        assert_eq!(read("SELECT a FROM t WHERE b = $1 FOR UPDATE", &kinds), None);
        assert_eq!(write("SELECT a FROM t WHERE b = $1", &kinds), None);
        assert_eq!(write("DELETE FROM t WHERE a = $1", &[Type::BOOL]), None, "no array of ours");
    }
}
