//! What commands print: a table for people, or the same rows as JSON.

use serde_json::{Map, Value};

/// Says in a sentence what a command has done; `{"done": …}` for a program.
pub fn print_done(done: &str, as_json: bool) {
    if as_json {
        print_json(&serde_json::json!({ "done": done }));
    } else {
        println!("{done}");
    }
}

/// The same of something new; a program reads its identifier alone.
pub fn print_made(id: &impl std::fmt::Display, said: &str, as_json: bool) {
    if as_json {
        print_json(&serde_json::json!({ "id": id.to_string() }));
    } else {
        println!("{said}");
    }
}

/// A secret that nobody can be shown again, with what it is of.
pub fn print_secret(id: &impl std::fmt::Display, secret: &str, as_json: bool) {
    if as_json {
        print_json(&serde_json::json!({ "id": id.to_string(), "secret": secret }));
    } else {
        println!("{id}\nits secret, shown this once: {secret}");
    }
}

/// Rows under named columns.
pub struct Listing {
    columns: &'static [&'static str],
    rows: Vec<Vec<Value>>,
}

impl Listing {
    pub fn new(columns: &'static [&'static str]) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// One row, a value for each column.
    pub fn row<const N: usize>(&mut self, values: [Value; N]) {
        debug_assert_eq!(N, self.columns.len(), "a value for each column");
        self.rows.push(values.into());
    }

    pub fn print(&self, as_json: bool) {
        if as_json {
            print_json(&self.to_json());
        } else {
            print!("{}", self.to_text());
        }
    }

    pub fn to_json(&self) -> Value {
        let object = |row: &Vec<Value>| self.columns.iter().zip(row).map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<Map<_, _>>();
        self.rows.iter().map(|row| Value::Object(object(row))).collect()
    }

    /// Columns padded to their widest value; numbers stand to the right.
    pub fn to_text(&self) -> String {
        let heads: Vec<String> = self.columns.iter().map(|name| name.replace('_', " ")).collect();
        let cells: Vec<Vec<String>> = self.rows.iter().map(|row| row.iter().map(as_cell).collect()).collect();
        let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).chain([heads[column].chars().count()]).max().unwrap_or(0);
        let widths: Vec<usize> = (0..heads.len()).map(width).collect();
        let right: Vec<bool> = (0..heads.len()).map(|column| !self.rows.is_empty() && self.rows.iter().all(|row| row[column].is_number())).collect();
        let line = |values: &[String]| {
            let padded = values.iter().enumerate().map(|(column, value)| if right[column] { format!("{value:>0$}", widths[column]) } else { format!("{value:<0$}", widths[column]) });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
        };
        let mut text = line(&heads);
        text.push_str(&line(&widths.iter().map(|width| "─".repeat(*width)).collect::<Vec<_>>()));
        cells.iter().for_each(|row| text.push_str(&line(row)));
        text
    }
}

fn as_cell(value: &Value) -> String {
    match value {
        Value::Null => "–".into(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        other => other.to_string(),
    }
}

pub fn print_json(value: &Value) {
    println!("{value:#}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_rows_as_text_and_as_json() {
        let mut listing = Listing::new(&["disposition", "n", "ended_at"]);
        listing.row(["delivered".into(), 1200.into(), Value::Null]);
        listing.row(["unknown".into(), 3.into(), "10:00".into()]);
        assert_eq!(listing.to_text(), "disposition     n  ended at\n───────────  ────  ────────\ndelivered    1200  –\nunknown         3  10:00\n");
        assert_eq!(listing.to_json()[1]["n"], 3);
        assert_eq!(Listing::new(&["a"]).to_json(), Value::Array(Vec::new()));
    }
}
