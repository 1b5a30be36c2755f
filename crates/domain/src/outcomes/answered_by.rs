//! Who or what took a call, as far as it can be heard.

use crate::word::words;

words! {
    /// The detector's word. Silence is nobody's voice and never means a machine.
    pub enum AnsweredBy {
        Human = "human",
        /// A recorded greeting is playing.
        Machine = "machine",
        /// The greeting is over, by its beep or by its silence: a message may be left now.
        VoicemailReady = "voicemail_ready",
        Fax = "fax",
        /// The network's own announcement, known by its three rising tones.
        Announcement = "announcement",
        BusyTone = "busy_tone",
        Silence = "silence",
        /// It could be either: treated as a person.
        Unsure = "unsure",
    }
}

impl AnsweredBy {
    /// Must be treated as a person: whoever is not surely a machine.
    #[must_use]
    pub fn may_be_a_person(self) -> bool {
        matches!(self, Self::Human | Self::Silence | Self::Unsure)
    }

    /// An answering machine, before or after its beep.
    #[must_use]
    pub fn is_voicemail(self) -> bool {
        matches!(self, Self::Machine | Self::VoicemailReady)
    }
}
