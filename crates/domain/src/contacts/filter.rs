//! A saved filter: conditions that a contact must all meet, with the sentence that tells them to a person.

use crate::contacts::address::LineType;
use crate::contacts::region::Region;
use crate::id::ListId;
use crate::time::Instant;

/// Enough for any question, few enough for one statement.
pub const CONDITIONS_MAX: usize = 20;
/// Choices in one condition.
pub const CHOICES_MAX: usize = 50;

/// One condition. Values sit in sealed columns only for `Declared`, which is decided after opening the contact.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    LineType { any_of: Vec<LineType> },
    Region { any_of: Vec<Region> },
    OnList { list: ListId },
    NotOnList { list: ListId },
    HasReference { yes: bool },
    /// First loaded at or after this moment.
    AddedSince { at_ms: i64 },
    AddedBefore { at_ms: i64 },
    /// A declared field has exactly this value, without regard to case; `None`: the field is filled.
    Declared { field: String, value: Option<String> },
}

/// A contact meets the filter when it meets every condition; without conditions, every contact does.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    pub all_of: Vec<Condition>,
}

/// Why a filter cannot be saved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("the filter has more than {CONDITIONS_MAX} conditions: remove some")]
    TooManyConditions,
    #[error("condition {number} has no choice: name at least one, or remove the condition")]
    NoChoice { number: usize },
    #[error("condition {number} has more than {CHOICES_MAX} choices: name fewer")]
    TooManyChoices { number: usize },
    #[error("condition {number} uses the field {field}, which is not declared: declare it with a purpose first")]
    NotDeclared { number: usize, field: String },
    #[error("conditions {first} and {second} cannot both be met: remove one")]
    Contradiction { first: usize, second: usize },
}

impl Filter {
    /// Checks the filter against the tenant's declared fields.
    pub fn check(&self, declared: &[String]) -> Result<(), FilterError> {
        if self.all_of.len() > CONDITIONS_MAX {
            return Err(FilterError::TooManyConditions);
        }
        for (at, condition) in self.all_of.iter().enumerate() {
            condition.check(at + 1, declared)?;
            if let Some(other) = self.all_of[..at].iter().position(|other| other.contradicts(condition)) {
                return Err(FilterError::Contradiction { first: other + 1, second: at + 1 });
            }
        }
        Ok(())
    }

    /// The filter in words; `list_name` gives a list's name.
    #[must_use]
    pub fn sentence(&self, list_name: impl Fn(ListId) -> Option<String>) -> String {
        if self.all_of.is_empty() {
            return "Every contact.".into();
        }
        let conditions: Vec<String> = self.all_of.iter().map(|condition| condition.clause(&list_name)).collect();
        format!("Contacts {}.", joined(&conditions, "and"))
    }
}

impl Condition {
    fn check(&self, number: usize, declared: &[String]) -> Result<(), FilterError> {
        let choices = match self {
            Self::LineType { any_of } => any_of.len(),
            Self::Region { any_of } => any_of.len(),
            Self::Declared { field, .. } if !declared.contains(field) => {
                return Err(FilterError::NotDeclared { number, field: field.clone() });
            }
            _ => 1,
        };
        match choices {
            0 => Err(FilterError::NoChoice { number }),
            1..=CHOICES_MAX => Ok(()),
            _ => Err(FilterError::TooManyChoices { number }),
        }
    }

    fn contradicts(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::OnList { list: on }, Self::NotOnList { list: off }) | (Self::NotOnList { list: off }, Self::OnList { list: on }) => on == off,
            (Self::HasReference { yes }, Self::HasReference { yes: other }) => yes != other,
            (Self::AddedSince { at_ms: since }, Self::AddedBefore { at_ms: before })
            | (Self::AddedBefore { at_ms: before }, Self::AddedSince { at_ms: since }) => before <= since,
            _ => false,
        }
    }

    fn clause(&self, list_name: &impl Fn(ListId) -> Option<String>) -> String {
        let name = |list: &ListId| list_name(*list).map_or_else(|| "a list that no longer exists".to_owned(), |name| format!("the list “{name}”"));
        let day = |at_ms: &i64| Instant(*at_ms).timestamp().strftime("%-d %B %Y, %H:%M UTC").to_string();
        match self {
            Self::LineType { any_of } => {
                let words: Vec<String> = any_of.iter().map(|kind| kind.as_str().replace('_', " ")).collect();
                format!("on a {} number", joined(&words, "or"))
            }
            Self::Region { any_of } => format!("in {}", joined(&any_of.iter().map(Region::to_string).collect::<Vec<_>>(), "or")),
            Self::OnList { list } => format!("on {}", name(list)),
            Self::NotOnList { list } => format!("not on {}", name(list)),
            Self::HasReference { yes: true } => "with a reference".into(),
            Self::HasReference { yes: false } => "without a reference".into(),
            Self::AddedSince { at_ms } => format!("added since {}", day(at_ms)),
            Self::AddedBefore { at_ms } => format!("added before {}", day(at_ms)),
            Self::Declared { field, value: Some(value) } => format!("whose {field} is “{value}”"),
            Self::Declared { field, value: None } => format!("whose {field} is filled"),
        }
    }
}

fn joined(parts: &[String], last: &str) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., end] => format!("{} {last} {end}", before.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(all_of: Vec<Condition>) -> Filter {
        Filter { all_of }
    }

    #[test]
    fn reads_as_a_sentence_and_back_from_the_store() {
        let filter = filter(vec![
            Condition::LineType { any_of: vec![LineType::Mobile, LineType::FixedOrMobile] },
            Condition::Region { any_of: vec![Region::GB] },
            Condition::NotOnList { list: ListId(7) },
            Condition::AddedSince { at_ms: 1_795_392_000_000 },
            Condition::Declared { field: "branch".into(), value: Some("Leeds".into()) },
        ]);
        assert_eq!(
            filter.sentence(|_| Some("Paid".into())),
            "Contacts on a mobile or fixed or mobile number, in GB, not on the list “Paid”, added since 23 November 2026, 00:00 UTC and whose branch is “Leeds”."
        );
        let text = serde_json::to_string(&filter).unwrap();
        assert_eq!(serde_json::from_str::<Filter>(&text).unwrap(), filter);
        assert!(text.starts_with(r#"{"all_of":[{"is":"line_type","any_of":["mobile","fixed_or_mobile"]}"#), "{text}");
        assert_eq!(Filter::default().sentence(|_| None), "Every contact.");
    }

    #[test]
    fn refuses_what_nobody_could_meet_or_was_not_declared() {
        let declared = vec!["branch".to_owned()];
        let branch = |field: &str| Condition::Declared { field: field.into(), value: None };
        assert_eq!(filter(vec![branch("branch")]).check(&declared), Ok(()));
        assert_eq!(filter(vec![branch("shoe")]).check(&declared), Err(FilterError::NotDeclared { number: 1, field: "shoe".into() }));
        assert_eq!(filter(vec![Condition::Region { any_of: vec![] }]).check(&[]), Err(FilterError::NoChoice { number: 1 }));
        let (on, off) = (Condition::OnList { list: ListId(1) }, Condition::NotOnList { list: ListId(1) });
        assert_eq!(filter(vec![on, off]).check(&[]), Err(FilterError::Contradiction { first: 1, second: 2 }));
        let span = vec![Condition::AddedSince { at_ms: 5 }, Condition::AddedBefore { at_ms: 5 }];
        assert_eq!(filter(span).check(&[]), Err(FilterError::Contradiction { first: 1, second: 2 }));
        assert_eq!(filter(vec![branch("branch"); 21]).check(&declared), Err(FilterError::TooManyConditions));
    }
}
