//! The rows of a JSON answer, one object at a time: the answer is walked to the place of the rows, and what lies beside the way is skipped
//! as it comes.

use std::fmt;
use std::io::BufReader;

use clarion_domain::connectors::pull_fault::PullFault;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::page::{Body, Reading, Sink};

const STOPPED: &str = "enough was read";

pub(super) fn read(body: Body, reading: &Reading, sink: &mut Sink) -> Result<(), PullFault> {
    let mut text = serde_json::Deserializer::from_reader(BufReader::with_capacity(64 * 1024, body));
    let mut found = false;
    let walk = Walk { rows: Some(&reading.rows_at), next: reading.next_at.as_deref(), reading, sink, found: &mut found };
    walk.deserialize(&mut text).and_then(|()| text.end()).map_err(|_| PullFault::NotJson)?;
    if found { Ok(()) } else { Err(PullFault::NoRowsThere) }
}

/// A number, a word or a yes as text; what is no single value is none.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

/// By its name, or by a pointer.
fn held<'a>(row: &'a Map<String, Value>, from: &str) -> Option<&'a Value> {
    let Some(pointer) = from.strip_prefix('/') else { return row.get(from) };
    let mut parts = pointer.split('/').map(|part| part.replace("~1", "/").replace("~0", "~"));
    let first = row.get(&parts.next()?)?;
    parts.try_fold(first, |value, part| match value {
        Value::Object(map) => map.get(&part),
        // As RFC 6901 writes a place: a second way to write it would be a field that nobody took.
        Value::Array(items) if part == "0" || !part.starts_with(['0', '+']) => items.get(part.parse::<usize>().ok()?),
        _ => None,
    })
}

/// What is left of the ways to the rows and to the word of the next page, from here.
struct Walk<'a> {
    rows: Option<&'a [String]>,
    next: Option<&'a [String]>,
    reading: &'a Reading,
    sink: &'a mut Sink,
    found: &'a mut bool,
}

/// The rest of a way after `key`; `None` when it does not lead there.
fn onward<'a>(way: Option<&'a [String]>, key: &str) -> Option<&'a [String]> {
    way.and_then(|way| way.split_first()).filter(|(first, _)| *first == key).map(|(_, rest)| rest)
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.rows.is_some_and(<[String]>::is_empty) {
            return deserializer.deserialize_any(Rows { reading: self.reading, sink: self.sink, found: self.found });
        }
        if self.next.is_some_and(<[String]>::is_empty) {
            let value = scalar(&Value::deserialize(deserializer)?);
            self.sink.end.next = (!value.is_empty()).then_some(value);
            return Ok(());
        }
        deserializer.deserialize_any(self)
    }
}

/// Anything but what is looked for is passed over.
macro_rules! passed_over {
    () => {
        fn visit_bool<E>(self, _: bool) -> Result<(), E> {
            Ok(())
        }
        fn visit_i64<E>(self, _: i64) -> Result<(), E> {
            Ok(())
        }
        fn visit_u64<E>(self, _: u64) -> Result<(), E> {
            Ok(())
        }
        fn visit_f64<E>(self, _: f64) -> Result<(), E> {
            Ok(())
        }
        fn visit_str<E>(self, _: &str) -> Result<(), E> {
            Ok(())
        }
    };
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer")
    }

    passed_over!();

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.sink.beside(true);
        while items.next_element::<IgnoredAny>()?.is_some() {}
        self.sink.beside(false);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let (rows, next) = (onward(self.rows, &key), onward(self.next, &key));
            if rows.is_some() || next.is_some() {
                map.next_value_seed(Walk { rows, next, reading: self.reading, sink: self.sink, found: self.found })?;
            } else {
                self.sink.beside(true);
                map.next_value::<IgnoredAny>()?;
                self.sink.beside(false);
            }
        }
        Ok(())
    }
}

struct Rows<'a> {
    reading: &'a Reading,
    sink: &'a mut Sink,
    found: &'a mut bool,
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    passed_over!();

    /// Some systems write nothing where they have no rows.
    fn visit_unit<E>(self) -> Result<(), E> {
        *self.found = true;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.sink.beside(true);
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.sink.beside(false);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        *self.found = true;
        self.sink.beside(false);
        while let Some(item) = items.next_element::<Value>()? {
            let Value::Object(row) = item else {
                self.sink.fail(PullFault::NotARow);
                return Err(A::Error::custom(STOPPED));
            };
            row.keys().for_each(|name| self.sink.name(name));
            let text = |from: &str| held(&row, from).map(scalar).unwrap_or_default();
            let values = self.reading.taken.iter().map(|field| text(&field.from)).collect();
            let since = self.reading.since_field.as_deref().map(text);
            if !self.sink.row(values, since.as_deref()) {
                return Err(A::Error::custom(STOPPED));
            }
        }
        Ok(())
    }
}
