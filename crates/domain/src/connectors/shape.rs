//! The shape of a value, for a preview that shows no value: a letter becomes x, a digit 0, marks stay.

const SHAPE_CHARS_MAX: usize = 40;

#[must_use]
pub fn shape(value: &str) -> String {
    let mut shape: String = value
        .chars()
        .take(SHAPE_CHARS_MAX)
        .map(|letter| match letter {
            letter if letter.is_uppercase() => 'X',
            letter if letter.is_alphabetic() => 'x',
            letter if letter.is_numeric() => '0',
            letter if letter.is_ascii_graphic() || letter == ' ' => letter,
            _ => '·',
        })
        .collect();
    if value.chars().nth(SHAPE_CHARS_MAX).is_some() {
        shape.push('…');
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_how_a_value_is_written_and_not_what_it_says() {
        for (value, shown) in [("+44 7700 900123", "+00 0000 000000"), ("Zoë O'Hara", "Xxx X'Xxxx"), ("٣\n你", "0·x"), ("", "")] {
            assert_eq!(shape(value), shown);
        }
        assert_eq!(shape(&"a".repeat(41)), format!("{}…", "x".repeat(40)));
    }
}
