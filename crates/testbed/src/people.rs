//! Some hundred people who do not exist, on numbers reserved for drama, and the file that a client would send.

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub reference: String,
    pub first_name: &'static str,
    pub last_name: &'static str,
    /// As people write it: `07700 900123`.
    pub phone: String,
}

const FIRST: [&str; 20] = [
    "Able", "Bramble", "Clover", "Dapple", "Ember", "Fable", "Gable", "Hazel", "Inkling", "Juniper", "Kindle", "Larkspur", "Marble", "Nettle", "Oakley", "Pebble", "Quill", "Rowan", "Saffron", "Thistle",
];
const LAST: [&str; 13] = ["Testperson", "Sampleton", "Placeholder", "Fictional", "Madeup", "Notreal", "Imaginary", "Pretend", "Invented", "Madison-Test", "Example", "Nobody", "O'Sample"];

/// The person with this number in the row, 0 to 999; the number decides the phone, and so the fate.
fn person(prefix: &str, n: usize) -> Person {
    Person { reference: format!("{prefix}-{n:04}"), first_name: FIRST[n % FIRST.len()], last_name: LAST[n % LAST.len()], phone: format!("07700 900{n:03}") }
}

/// `count` people whose numbers are spread over the range so that every fate and every reply occurs.
#[must_use]
pub fn people(prefix: &str, first: usize, count: usize) -> Vec<Person> {
    (0..count.min(1000)).map(|n| person(prefix, (first + n) % 1000)).collect()
}

/// Rows of `sample_csv` that no import may load: no number, too short, not a number, a real range, and a double.
pub const BAD_ROWS: usize = 5;

/// A client's file: a header in their own words, people, and `BAD_ROWS` bad rows among them.
#[must_use]
pub fn sample_csv(people: &[Person]) -> String {
    let mut text = String::from("Account,First name,Surname,Mobile\n");
    let row = |person: &Person| format!("{},{},{},{}\n", person.reference, person.first_name, person.last_name, person.phone);
    let middle = people.len() / 2;
    for (place, person) in people.iter().enumerate() {
        text.push_str(&row(person));
        match place {
            0 => text.push_str("BAD-01,Empty,Testperson,\n"),
            1 => text.push_str("BAD-02,Short,Testperson,07700\n"),
            2 => text.push_str("BAD-03,\"Words, only\",Testperson,ask at reception\n"),
            // Neither is in the range that the demo may contact.
            3 => text.push_str("BAD-04,Outside,Testperson,07700 901000\n"),
            _ if place == middle => text.push_str(&row(person).replacen(&person.reference, "BAD-05", 1)),
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_the_same_every_time_and_holds_its_bad_rows() {
        let people = people("NW", 100, 120);
        let text = sample_csv(&people);
        assert_eq!(text, sample_csv(&people));
        assert_eq!(text.lines().count(), 1 + people.len() + BAD_ROWS);
        assert_eq!(text.matches("BAD-").count(), BAD_ROWS);
        assert!(people.iter().all(|person| person.phone.starts_with("07700 900")));
        let mut phones: Vec<_> = people.iter().map(|person| &person.phone).collect();
        phones.sort();
        phones.dedup();
        assert_eq!(phones.len(), people.len());
    }
}
