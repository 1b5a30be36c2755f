//! Which column of a file is which field of a contact. Only declared fields can be mapped; the others are dropped.

use crate::word::words;

words! {
    /// The fields every tenant has. Others exist only when the tenant declared them with a purpose.
    pub enum StandardField {
        Phone = "phone",
        Reference = "reference",
        FirstName = "first_name",
        LastName = "last_name",
        UserId = "user_id",
    }
}

/// What becomes of one column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnUse {
    Standard(StandardField),
    /// A field that the tenant declared with a purpose, by its name.
    Declared(String),
    /// Read and forgotten: never stored.
    Dropped,
}

/// The use of each column, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    pub columns: Vec<ColumnUse>,
}

/// Why a mapping cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    #[error("no column is the phone number: choose the column that holds it")]
    NoPhone,
    #[error("{field} is mapped from more than one column: keep one of them and drop the others")]
    Twice { field: String },
    #[error("the field {field} is not declared: declare it with a purpose first, or drop the column")]
    NotDeclared { field: String },
    #[error("the mapping has {mapped} columns and the file has {in_file}: map each column of the file, in its order")]
    ColumnCount { mapped: usize, in_file: usize },
}

impl ColumnUse {
    /// The field's name, as in templates; `None` for a dropped column.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Standard(field) => Some(field.as_str()),
            Self::Declared(name) => Some(name),
            Self::Dropped => None,
        }
    }
}

impl Mapping {
    /// Checks the mapping against the file's width and the tenant's declared fields.
    pub fn check(&self, columns_in_file: usize, declared: &[String]) -> Result<(), MappingError> {
        if self.columns.len() != columns_in_file {
            return Err(MappingError::ColumnCount { mapped: self.columns.len(), in_file: columns_in_file });
        }
        let mut seen: Vec<&str> = Vec::new();
        for column in &self.columns {
            match column {
                ColumnUse::Declared(name) if !declared.contains(name) => return Err(MappingError::NotDeclared { field: name.clone() }),
                column => {
                    let Some(field) = column.field() else { continue };
                    if seen.contains(&field) {
                        return Err(MappingError::Twice { field: field.to_owned() });
                    }
                    seen.push(field);
                }
            }
        }
        self.position_of(StandardField::Phone).map(|_| ()).ok_or(MappingError::NoPhone)
    }

    /// The column that holds a standard field.
    #[must_use]
    pub fn position_of(&self, field: StandardField) -> Option<usize> {
        self.columns.iter().position(|column| *column == ColumnUse::Standard(field))
    }

    /// The header of the column that fills a field; empty when none does.
    #[must_use]
    pub fn header_of(&self, field: StandardField, headers: &[String]) -> String {
        self.position_of(field).and_then(|at| headers.get(at)).cloned().unwrap_or_default()
    }

    /// The headers of the columns that are dropped, for the result to name.
    #[must_use]
    pub fn dropped<'a>(&self, headers: &'a [String]) -> Vec<&'a str> {
        let dropped = |(_, column): &(_, &ColumnUse)| **column == ColumnUse::Dropped;
        headers.iter().zip(&self.columns).filter(dropped).map(|(header, _)| header.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use StandardField as F;

    fn mapping(columns: &[ColumnUse]) -> Mapping {
        Mapping { columns: columns.to_vec() }
    }

    #[test]
    fn a_mapping_needs_exactly_one_phone_and_no_field_twice() {
        let phone = ColumnUse::Standard(F::Phone);
        let balance = ColumnUse::Declared("balance".into());
        let declared = vec!["balance".to_owned()];
        assert_eq!(mapping(&[phone.clone(), ColumnUse::Dropped, ColumnUse::Dropped]).check(3, &[]), Ok(()));
        assert_eq!(mapping(&[phone.clone(), balance.clone()]).check(2, &declared), Ok(()));
        for (columns, error) in [
            (vec![], MappingError::NoPhone),
            (vec![ColumnUse::Standard(F::FirstName)], MappingError::NoPhone),
            (vec![phone.clone(), phone.clone()], MappingError::Twice { field: "phone".into() }),
            (vec![phone.clone(), balance.clone(), balance.clone()], MappingError::Twice { field: "balance".into() }),
            (vec![phone.clone(), ColumnUse::Declared("shoe size".into())], MappingError::NotDeclared { field: "shoe size".into() }),
        ] {
            assert_eq!(mapping(&columns).check(columns.len(), &declared), Err(error));
        }
        assert_eq!(mapping(&[phone]).check(2, &[]), Err(MappingError::ColumnCount { mapped: 1, in_file: 2 }));
    }

    #[test]
    fn is_stored_as_plain_words_and_names_what_it_drops() {
        let mapping = mapping(&[ColumnUse::Standard(F::Phone), ColumnUse::Declared("balance".into()), ColumnUse::Dropped]);
        let text = serde_json::to_string(&mapping).unwrap();
        assert_eq!(text, r#"{"columns":[{"standard":"phone"},{"declared":"balance"},"dropped"]}"#);
        assert_eq!(serde_json::from_str::<Mapping>(&text).unwrap(), mapping);
        let headers = ["Tel", "Balance", "Notes"].map(String::from);
        assert_eq!(mapping.dropped(&headers), ["Notes"]);
        assert_eq!((mapping.header_of(F::Phone, &headers), mapping.header_of(F::Reference, &headers)), ("Tel".into(), String::new()));
        assert!(serde_json::from_str::<Mapping>(r#"{"columns":[{"standard":"shoe"}]}"#).is_err());
    }
}
