//! What a page says after an act: a word of the URL, so that a redirect needs no memory.

use super::fields::Asked;

const SAID: &[(&str, &str)] = &[
    ("saved", "Saved."),
    ("created", "Created."),
    ("copied", "Copied. This is the new draft: change what is different this time, such as its name, then check and start it."),
    ("listed", "The list is made: choose it as the audience of a campaign."),
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
    ("webhook-on", "Switched on: what waits goes out at once."),
    ("webhook-off", "Switched off: it is told nothing any more."),
    ("connector-on", "Switched on: it pulls at once, then by its schedule."),
    ("connector-paused", "Paused: nothing is pulled."),
    ("instruction-revoked", "Revoked: what worked under it has stopped."),
    ("replayed", "It is told again."),
    ("revoked", "Revoked: its next request is refused."),
    ("session-ended", "Signed out there."),
    ("sessions-ended", "Signed out everywhere else."),
    ("user-sessions-ended", "The user is signed out everywhere."),
    ("factor-off", "The second factor is off."),
    ("factor-reset", "The second factor is reset: the user signs in with the password alone and can set it up anew."),
    ("own-first", "Set up your own second factor first: then you can ask it of everybody."),
    ("factor-needed", "From now on everybody here needs a second factor."),
    ("factor-not-needed", "A second factor is everybody's own choice now."),
    ("taken-back", "Taken back: the link is good no more."),
    ("welcome", "Welcome. Sign in with your new username and password."),
    ("again", "That took too long, or there were too many wrong codes. Sign in again."),
    ("key-added", "The key is let in."),
    ("no-password", "The password is gone: only keys are let in."),
    ("passkey-added", "Added: it signs you in from now on."),
    ("passkey-removed", "Removed: it signs you in no more. Remove it from your device too."),
    ("asked", "Asked for: it waits for a second person."),
    ("approved", "Approved, and done."),
    ("refused", "Refused: nothing is done."),
    ("withdrawn", "Withdrawn: nothing is done."),
    ("signed-out", "You are signed out."),
];

pub fn said(asked: &Asked) -> Option<&'static str> {
    let word = asked.0.get("said");
    SAID.iter().find(|(known, _)| *known == word).map(|(_, text)| *text)
}
