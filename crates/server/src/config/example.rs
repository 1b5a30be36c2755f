//! `clarion.example.toml`, written from the settings' own documentation.

use super::Config;

const HEAD: &str = "# Clarion's configuration, with every key there is and its default.
# Made by `clarion example-config`; a test keeps it current.
#
# Each key can also come from the environment, and then wins: CLARION__WEB__LISTEN is `listen` in [web].
# An unknown key is an error. `clarion check` reads this file and says what is wrong with it.
";

/// The text of the example file.
pub fn example() -> String {
    let mut text = HEAD.to_owned();
    for section in Config::sections() {
        text.push('\n');
        for line in section.words {
            text.push_str(&format!("#{line}\n"));
        }
        text.push_str(&format!("[{}]\n", section.name));
        for key in &section.keys {
            for line in key.words {
                text.push_str(&format!("#{line}\n"));
            }
            text.push_str(&format!("# {} = {}\n", key.name, key.value));
        }
    }
    text
}
