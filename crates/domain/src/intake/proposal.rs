//! A guess of the mapping, from the words of the header and a look at a few values. A person confirms it.

use crate::contacts::PHONE_LENGTH_CHARS_MAX;
use crate::intake::cell::Cell;
use crate::intake::mapping::{ColumnUse, Mapping, StandardField};

/// Spellings of each field, reduced as `reduced` does; the first of a list is the likeliest.
const SPELLINGS: &[(StandardField, &[&str])] = &[
    (
        StandardField::Phone,
        &[
            "mobile", "phone", "mobilenumber", "phonenumber", "mobilephone", "mobileno", "phoneno", "msisdn", "telephone", "telephonenumber", "telephoneno",
            "tel", "telno", "telnumber", "cell", "cellphone", "cellnumber", "contactnumber", "contactno", "number", "to", "recipient", "destination",
            "mobile1", "phone1", "tel1", "telephone1", "primaryphone", "primarynumber", "smsnumber", "phonee164", "handy", "telefon", "telefonnummer",
            "mobil", "mobilnummer", "portable", "numero", "numerodetelephone", "movil", "telefono", "cellulare",
        ],
    ),
    (
        StandardField::Reference,
        &[
            "reference", "ref", "customerreference", "customerref", "clientreference", "clientref", "custref", "accountreference", "accountref",
            "accountnumber", "accountno", "account", "acctno", "customernumber", "customerno", "customerid", "clientid", "casereference", "caseref",
            "caseno", "casenumber", "policynumber", "policyno", "loannumber", "agreementnumber", "urn", "externalid", "kundennummer",
        ],
    ),
    (
        StandardField::FirstName,
        &["firstname", "forename", "givenname", "first", "fname", "christianname", "forenames", "firstnames", "vorname", "prenom", "nombre", "nome"],
    ),
    (StandardField::LastName, &["lastname", "surname", "familyname", "last", "lname", "sname", "nachname", "nom", "apellido", "apellidos", "cognome"]),
    (StandardField::UserId, &["userid", "user", "userref", "uid", "useridentifier", "loginid", "memberid", "memberno", "uuid", "guid"]),
];

/// A header without case, spaces, signs and accents: `Prénom` and `First-Name` become `prenom` and `firstname`.
fn reduced(header: &str) -> String {
    header.chars().flat_map(char::to_lowercase).map(without_accent).filter(|letter| letter.is_alphanumeric()).collect()
}

fn without_accent(letter: char) -> char {
    match letter {
        'à'..='å' => 'a',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ò'..='ö' => 'o',
        'ù'..='ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        _ => letter,
    }
}

/// How surely this header names this field; lower is surer, `None` not at all.
fn spelling_rank(header: &str, spellings: &[&str]) -> Option<usize> {
    spellings.iter().position(|spelling| *spelling == header)
}

/// Digits with the usual decoration, as many as a number has, and not a date.
#[must_use]
pub fn looks_like_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let decoration = |letter: char| letter.is_ascii_digit() || letter.is_whitespace() || "+-().[]'/".contains(letter);
    let lead = text.trim_start_matches(['\'', '(', '[', ' ']);
    let begins = lead.starts_with(['+', '0', '7', '1']) || digits >= 11;
    let separators = text.matches(['-', '/', '.']).count();
    let date = digits <= 8 || (separators == 2 && digits == 8) || text.contains(':');
    text.chars().all(decoration) && (9..=15).contains(&digits) && begins && !date && text.chars().count() <= PHONE_LENGTH_CHARS_MAX
}

/// Whether a first line names columns, rather than being a contact already.
#[must_use]
pub fn looks_like_header<'a>(cells: impl IntoIterator<Item = &'a str>) -> bool {
    let mut named = false;
    for cell in cells {
        if looks_like_phone(cell) {
            return false;
        }
        named |= cell.chars().any(char::is_alphabetic);
    }
    named
}

/// Proposes a use for each column. Declared fields match by their name; what is not declared is dropped.
#[must_use]
pub fn propose(headers: &[String], samples: &[Vec<Cell>], declared: &[String]) -> Mapping {
    let names: Vec<String> = headers.iter().map(|header| reduced(header)).collect();
    let mut columns = vec![ColumnUse::Dropped; headers.len()];
    let mut propose_one = |field: StandardField, at: Option<usize>| {
        if let Some(at) = at {
            columns[at] = ColumnUse::Standard(field);
        }
    };
    for (field, spellings) in SPELLINGS {
        let fits = |at: usize| *field != StandardField::Phone || column_of(samples, at).is_none_or(|share| share > 0.0);
        let ranked = (0..names.len()).filter(|at| fits(*at)).filter_map(|at| Some((spelling_rank(&names[at], spellings)?, at)));
        propose_one(*field, ranked.min().map(|(_, at)| at));
    }
    if !columns.contains(&ColumnUse::Standard(StandardField::Phone)) {
        let free = (0..names.len()).filter(|at| columns[*at] == ColumnUse::Dropped);
        let best = free.filter_map(|at| column_of(samples, at).filter(|share| *share >= 0.5).map(|share| (share, at)));
        // Of equal columns the first, as a file usually has the main number first.
        let phone = best.reduce(|best, other| if other.0 > best.0 { other } else { best });
        if let Some((_, at)) = phone {
            columns[at] = ColumnUse::Standard(StandardField::Phone);
        }
    }
    for name in declared {
        let wanted = reduced(name);
        let at = (0..names.len()).find(|at| columns[*at] == ColumnUse::Dropped && names[*at] == wanted && !wanted.is_empty());
        if let Some(at) = at {
            columns[at] = ColumnUse::Declared(name.clone());
        }
    }
    Mapping { columns }
}

/// The share of a column's filled samples that look like phone numbers; `None` when no sample is filled.
fn column_of(samples: &[Vec<Cell>], at: usize) -> Option<f64> {
    let filled: Vec<&str> = samples.iter().filter_map(|row| row.get(at)).filter(|cell| !cell.is_blank()).map(Cell::text).collect();
    let phones = filled.iter().filter(|text| looks_like_phone(text)).count();
    (!filled.is_empty()).then(|| phones as f64 / filled.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use StandardField as F;
    use proptest::prelude::*;

    fn uses(headers: &[&str], samples: &[&[&str]], declared: &[&str]) -> Vec<String> {
        let headers: Vec<String> = headers.iter().map(ToString::to_string).collect();
        let samples: Vec<Vec<Cell>> = samples.iter().map(|row| row.iter().map(|cell| Cell::from(*cell)).collect()).collect();
        let declared: Vec<String> = declared.iter().map(ToString::to_string).collect();
        let mapping = propose(&headers, &samples, &declared);
        mapping.columns.iter().map(|column| column.field().unwrap_or("-").to_owned()).collect()
    }

    #[test]
    fn knows_the_usual_spellings() {
        assert_eq!(uses(&["Mobile No.", "Customer Ref", "FORENAME", "Sur-name", "User ID"], &[], &[]), ["phone", "reference", "first_name", "last_name", "user_id"]);
        assert_eq!(uses(&["Téléphone", "Prénom", "Nom"], &[], &[]), ["phone", "first_name", "last_name"]);
    }

    #[test]
    fn an_undeclared_column_is_dropped_and_a_declared_one_is_found() {
        assert_eq!(uses(&["phone", "Shoe size", "Balance Due"], &[], &["balance_due"]), ["phone", "-", "balance_due"]);
    }

    #[test]
    fn looks_at_the_values_when_the_header_says_nothing() {
        let rows: &[&[&str]] = &[&["Ada", "07700 900123", "2026-11-23"], &["Grace", "+44 7700 900124", "1999-01-02"]];
        assert_eq!(uses(&["A", "B", "C"], rows, &[]), ["-", "phone", "-"]);
    }

    #[test]
    fn a_header_that_says_number_over_values_that_are_none_is_not_believed() {
        let rows: &[&[&str]] = &[&["17", "07700900123"], &["18", "07700900124"]];
        assert_eq!(uses(&["Number", "Kontakt"], rows, &[]), ["-", "phone"]);
        assert_eq!(uses(&["Telephone", "Mobile"], &[&["020 7946 0001", "07700900124"]], &[]), ["-", "phone"], "mobile before telephone");
    }

    #[test]
    fn a_first_line_that_is_a_contact_is_no_header() {
        assert!(looks_like_header(["Phone", "Name"]));
        assert!(!looks_like_header(["07700 900123", "Ada"]));
        assert!(!looks_like_header(["+44 7700 900123"]));
        assert!(!looks_like_header(["", "12"]));
    }

    proptest! {
        #[test]
        fn every_proposal_with_a_phone_passes_its_own_check(headers in prop::collection::vec("\\PC{0,12}|mobile|Phone|ref|balance", 0..8), cell in "\\PC{0,14}|07700900123") {
            let declared = vec!["balance".to_owned()];
            let samples = vec![vec![Cell::Text(cell); headers.len()]];
            let mapping = propose(&headers, &samples, &declared);
            if mapping.position_of(F::Phone).is_some() {
                prop_assert_eq!(mapping.check(headers.len(), &declared), Ok(()));
            }
        }
    }
}
