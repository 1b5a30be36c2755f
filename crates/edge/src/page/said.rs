//! What a page says after an act: a word of the URL, so that a redirect needs no memory.

use super::fields::Asked;

const SAID: &[(&str, &str)] = &[
    ("saved", "Saved."),
    ("created", "Created."),
    ("suppressed", "Suppressed: nothing more is sent."),
    ("closed", "Closed."),
    ("labelled", "Labelled."),
    ("recording-paused", "The recording is being paused: nothing that is said is kept."),
    ("recording-resumed", "The recording goes on."),
    ("test-sent", "The test is on its way to you."),
    ("test-call", "You are called in a moment."),
    ("removed", "Removed."),
    ("password", "The new password is set, and the user is signed out everywhere."),
    ("activated", "The user can sign in again."),
    ("deactivated", "The user can no longer sign in, and is signed out everywhere."),
    ("revoked", "Revoked: its next request is refused."),
    ("signed-out", "You are signed out."),
];

pub fn said(asked: &Asked) -> Option<&'static str> {
    let word = asked.0.get("said");
    SAID.iter().find(|(known, _)| *known == word).map(|(_, text)| *text)
}
