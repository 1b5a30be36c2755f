//! Why a pull failed: a word for the log, a sentence for the user, and whether trying again helps.

use crate::word::words;

words! {
    pub enum PullFault {
        AddressRefused = "address_refused",
        NoSuchName = "no_such_name",
        NoConnection = "no_connection",
        NoAnswer = "no_answer",
        NoAnswerInTime = "no_answer_in_time",
        /// 401 or 403.
        CredentialRefused = "credential_refused",
        /// The token server gave none.
        TokenRefused = "token_refused",
        /// 429 or 503.
        AskedToWait = "asked_to_wait",
        /// Any other status that is no answer.
        Refused = "refused",
        RedirectRefused = "redirect_refused",
        NextElsewhere = "next_elsewhere",
        PageLoop = "page_loop",
        IsHtml = "is_html",
        NotJson = "not_json",
        NoRowsThere = "no_rows_there",
        NotARow = "not_a_row",
        NoColumn = "no_column",
        NotText = "not_text",
        RowTooLong = "row_too_long",
        TooManyBytes = "too_many_bytes",
        TooManyRows = "too_many_rows",
        TooManyPages = "too_many_pages",
        TookTooLong = "took_too_long",
        WatermarkUnreadable = "watermark_unreadable",
        MappingRefused = "mapping_refused",
        Interrupted = "interrupted",
        /// It was paused, or its instruction ended, while it ran.
        Stopped = "stopped",
    }
}

impl PullFault {
    /// What the user reads.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::AddressRefused => "the address is not on the public internet, and the operator has not allowed its network",
            Self::NoSuchName => "the name of the client's system is not known: check the address",
            Self::NoConnection => "no connection to the client's system: it is down, or its certificate is not good",
            Self::NoAnswer => "the connection ended before the whole answer had come",
            Self::NoAnswerInTime => "the client's system took too long to answer",
            Self::CredentialRefused => "the client's system refuses the credential: enter a new one, then switch the connector on again",
            Self::TokenRefused => "the token server gave no token: check the address, the client id and the secret, then switch the connector on again",
            Self::AskedToWait => "the client's system asked to be left alone for a while",
            Self::Refused => "the client's system answered with an error",
            Self::RedirectRefused => "the client's system points to another host, which is not followed: enter the address that it points to",
            Self::NextElsewhere => "the next page lies on another host, which is not asked",
            Self::PageLoop => "the pages go in a circle: check how pages are told apart",
            Self::IsHtml => "the answer is a web page and no data: the address may be that of a sign-in page",
            Self::NotJson => "the answer is not JSON from beginning to end",
            Self::NoRowsThere => "there is no list at the place where the rows should be",
            Self::NotARow => "the list holds something that is no object with fields",
            Self::NoColumn => "the answer has no column for a field that is to be taken",
            Self::NotText => "the answer cannot be read as text with columns",
            Self::RowTooLong => "a row is longer than 1 MiB",
            Self::TooManyBytes => "the answer is larger than a pull may be: narrow it, or use pages and a watermark",
            Self::TooManyRows => "there are more rows than a pull may have: narrow it, or use a watermark",
            Self::TooManyPages => "there are more pages than a pull may have: make the pages larger",
            Self::TookTooLong => "the pull took longer than it may",
            Self::WatermarkUnreadable => "the field of the watermark holds neither a time with its zone nor a whole number",
            Self::MappingRefused => "the fields can no longer be loaded: a declared field was withdrawn, or the phone number is not agreed",
            Self::Interrupted => "the server stopped in the middle of it",
            Self::Stopped => "it was stopped while it ran: nothing of it was kept",
        }
    }

    /// Whether only a person can help: the connector stops at once.
    #[must_use]
    pub fn needs_a_person(self) -> bool {
        matches!(self, Self::CredentialRefused | Self::TokenRefused | Self::MappingRefused)
    }
}

words! {
    /// What a run was for.
    pub enum RunKind {
        Pull = "pull",
        /// Looks at the first rows, and keeps none.
        Preview = "preview",
    }
}

words! {
    pub enum RunState {
        /// Asked for by a user.
        Waiting = "waiting",
        Running = "running",
        /// The rows are an import.
        Stored = "stored",
        /// The client's system has nothing new.
        Unchanged = "unchanged",
        /// A preview that can be looked at.
        Shown = "shown",
        Failed = "failed",
        /// Stopped by a pause, or by the end of its instruction.
        Stopped = "stopped",
    }
}

words! {
    pub enum ConnectorState {
        On = "on",
        Paused = "paused",
        /// By the software: a person must look at it.
        Stopped = "stopped",
    }
}
