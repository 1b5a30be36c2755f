//! What can be told, and what is said of it: identifiers and words, never a number, a name or a text.

use crate::id::WebhookEventId;
use crate::time::Instant;
use crate::word::words;

words! {
    /// One thing that happened, as an endpoint asks for it.
    pub enum WebhookEventKind {
        ImportAwaitingMapping = "import.awaiting_mapping",
        ImportLoaded = "import.loaded",
        /// The file cannot be loaded.
        ImportRejected = "import.rejected",
        CampaignStarted = "campaign.started",
        CampaignPaused = "campaign.paused",
        CampaignResumed = "campaign.resumed",
        CampaignFinished = "campaign.finished",
        CampaignCancelled = "campaign.cancelled",
        /// A scheduled start did not happen, or was called off: it is a draft again.
        CampaignUnscheduled = "campaign.unscheduled",
        /// Messages and calls that have their outcome, many in one event.
        AttemptSettled = "attempt.settled",
        /// People who are through with a sequence's last step, many in one event.
        SequenceCompleted = "sequence.completed",
        /// People for whom a sequence, or a campaign by the API's word, ended before that, and why; many in one event.
        SequenceStopped = "sequence.stopped",
        ReplyReceived = "reply.received",
        /// Somebody opened a short link for the first time.
        LinkClicked = "link.clicked",
        SuppressionAdded = "suppression.added",
        SuppressionLifted = "suppression.lifted",
        /// A person's data was exported for them, or erased.
        SubjectRequestAnswered = "subject_request.answered",
        /// An endpoint of the tenant was switched off by the software.
        WebhookDisabled = "webhook.disabled",
        /// Rows came from a client's system, as an import.
        PullStored = "pull.stored",
        /// A pull failed; the next that do so in a row are not told.
        PullFailed = "pull.failed",
        /// A connector stopped: a person must look at it, or its instruction has ended.
        ConnectorStopped = "connector.stopped",
        /// A file of results can be fetched, or was taken.
        ExportDelivered = "export.delivered",
        /// A file of results could not be delivered, and is given up.
        ExportFailed = "export.failed",
        /// Asked for by a user, and told to that endpoint whatever it asks for.
        WebhookTest = "webhook.test",
    }
}

impl WebhookEventKind {
    /// Whether an endpoint may ask for it.
    #[must_use]
    pub fn can_be_wanted(self) -> bool {
        self != Self::WebhookTest
    }
}

words! {
    /// Where a delivery stands.
    pub enum WebhookDeliveryState {
        /// Not taken by the endpoint yet: tried now, or again later.
        Waiting = "waiting",
        Delivered = "delivered",
        /// Given up; it can be replayed for as long as the event is kept.
        Failed = "failed",
    }
}

/// The body that is sent, byte for byte the same at every try.
#[must_use]
pub fn body(id: WebhookEventId, kind: WebhookEventKind, at: Instant, data: &serde_json::Value) -> String {
    serde_json::json!({"id": id, "type": kind.as_str(), "timestamp": at.rfc3339(), "data": data}).to_string()
}

/// The most attempts that one event tells of.
pub const ATTEMPTS_IN_EVENT_MAX: usize = 500;
