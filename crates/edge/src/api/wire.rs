//! The domain's words, identifiers and times as the API writes them, each with its exact schema.

use std::str::FromStr;

use clarion_domain::id;
use clarion_domain::time::Instant;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::RefOr;
use utoipa::{PartialSchema, ToSchema};

macro_rules! wire {
    ($name:ident, $inner:ty, $schema:expr) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl From<$inner> for $name {
            fn from(inner: $inner) -> Self {
                Self(inner)
            }
        }

        impl FromStr for $name {
            type Err = <$inner as FromStr>::Err;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema
            }
        }

        impl ToSchema for $name {}
    };
}

macro_rules! ids {
    ($($name:ident),+ $(,)?) => {
        $(wire!($name, id::$name, id_schema(id::$name::PREFIX));)+

        fn id_schemas() -> Vec<Named> {
            vec![$(named::<$name>()),+]
        }
    };
}

macro_rules! words {
    ($($name:ident = $path:path;)+) => {
        $(wire!($name, $path, word_schema(<$path>::ALL.iter().map(|word| word.as_str())));)+

        fn word_schemas() -> Vec<Named> {
            vec![$(named::<$name>()),+]
        }
    };
}

/// A schema by its name.
pub type Named = (String, RefOr<Schema>);

pub fn named<T: ToSchema>() -> Named {
    (T::name().into_owned(), T::schema())
}

/// Every schema that a parameter may name: the document's generator collects those of bodies only.
pub fn schemas() -> Vec<Named> {
    let mut all = id_schemas();
    all.extend(word_schemas());
    all.extend([named::<FieldName>(), named::<Region>()]);
    all
}

ids! {
    TenantId, ApiKeyId, ImportId, SftpAccountId, ContactId, ListId, FilterId, SuppressionId, HoldId, ConsentId, CampaignId, TemplateId, DryRunId, NoticeId, AttemptId,
    ReplyId, TrunkId, RouteId, NodeId, UserId, InvitationId, PasskeyId, SessionId, ApprovalId, AuditEventId, ScriptId, PromptId, TransferTargetId, RecordingId, WebhookId, WebhookEventId, InstructionId, ConnectorId, ConnectorRunId, ExportId, ExportFileId,
}

words! {
    Role = clarion_domain::tenancy::role::Role;
    Right = clarion_domain::tenancy::role::Right;
    NumberMode = clarion_domain::tenancy::tenant::NumberMode;
    ImportState = clarion_domain::intake::import::ImportState;
    ImportSource = clarion_domain::intake::import::ImportSource;
    ContactRefusal = clarion_domain::intake::reject::RejectReason;
    LineType = clarion_domain::contacts::address::LineType;
    Channel = clarion_domain::campaigns::campaign::Channel;
    Purpose = clarion_domain::compliance::purpose::Purpose;
    LegalBasis = clarion_domain::compliance::purpose::LegalBasis;
    CampaignState = clarion_domain::campaigns::campaign::CampaignState;
    WaitFrom = clarion_domain::campaigns::sequence::WaitFrom;
    ReplyStop = clarion_domain::campaigns::sequence::ReplyStop;
    AfterRefusal = clarion_domain::campaigns::sequence::AfterRefusal;
    StopResult = clarion_domain::campaigns::sequence::StopResult;
    Day = clarion_domain::campaigns::schedule::Day;
    Alphabet = clarion_domain::campaigns::segments::Alphabet;
    Bottleneck = clarion_domain::campaigns::pacing::Bottleneck;
    SuppressionReason = clarion_domain::compliance::suppression::SuppressionReason;
    SuppressionScope = clarion_domain::compliance::suppression::SuppressionScope;
    HoldReason = clarion_domain::compliance::hold::HoldReason;
    ConsentKind = clarion_domain::compliance::consent::ConsentKind;
    ObtainedIn = clarion_domain::compliance::consent::ObtainedIn;
    BindStyle = clarion_domain::carriers::settings::BindStyle;
    SmppVersion = clarion_domain::carriers::settings::SmppVersion;
    LongMessageForm = clarion_domain::carriers::settings::LongMessageForm;
    GsmCoding = clarion_domain::carriers::settings::GsmCoding;
    MessageIdFormat = clarion_domain::carriers::settings::MessageIdFormat;
    HttpBody = clarion_domain::carriers::settings::HttpBody;
    SipTransport = clarion_domain::carriers::sip_settings::SipTransport;
    AudioEncryption = clarion_domain::carriers::transfer_target::AudioEncryption;
    VoiceCodec = clarion_domain::carriers::sip_settings::VoiceCodec;
    TrunkKind = clarion_domain::carriers::trunk::TrunkKind;
    TrunkState = clarion_domain::carriers::trunk::TrunkState;
    SenderKind = clarion_domain::carriers::sender::SenderKind;
    RecordingKind = clarion_domain::attempts::recording::RecordingKind;
    RecordingMarkKind = clarion_domain::attempts::recording::RecordingMarkKind;
    AnsweredBy = clarion_domain::outcomes::answered_by::AnsweredBy;
    CallLabel = clarion_domain::outcomes::call_label::CallLabel;
    ReceiptState = clarion_domain::outcomes::receipt::ReceiptState;
    RecordClass = clarion_domain::privacy::retention::RecordClass;
    Trigger = clarion_domain::privacy::retention::Trigger;
    RetentionAction = clarion_domain::privacy::retention::RetentionAction;
    AttemptState = clarion_domain::attempts::attempt::AttemptState;
    Disposition = clarion_domain::outcomes::disposition::Disposition;
    ReplyMeaning = clarion_domain::outcomes::reply::ReplyMeaning;
    GuardedAct = clarion_domain::tenancy::four_eyes::GuardedAct;
    ApprovalState = clarion_domain::tenancy::four_eyes::ApprovalState;
    Act = clarion_domain::audit::event::Act;
    ActivityKind = clarion_domain::tenancy::activity::ActivityKind;
    WebhookEventKind = clarion_domain::webhooks::event::WebhookEventKind;
    WebhookDeliveryState = clarion_domain::webhooks::event::WebhookDeliveryState;
    InstructionKind = clarion_domain::connectors::instruction::InstructionKind;
    InstructionStanding = clarion_domain::connectors::instruction::InstructionStanding;
    PullFormat = clarion_domain::connectors::pull::PullFormat;
    Paging = clarion_domain::connectors::pull::Paging;
    Incremental = clarion_domain::connectors::pull::Incremental;
    Authentication = clarion_domain::connectors::pull::Authentication;
    ConnectorState = clarion_domain::connectors::pull_fault::ConnectorState;
    RunKind = clarion_domain::connectors::pull_fault::RunKind;
    RunState = clarion_domain::connectors::pull_fault::RunState;
    PullFault = clarion_domain::connectors::pull_fault::PullFault;
    ExportFormat = clarion_domain::connectors::export::ExportFormat;
    ExportTarget = clarion_domain::connectors::export::ExportTarget;
    ExportState = clarion_domain::connectors::export::ExportState;
    ExportFileState = clarion_domain::connectors::export::ExportFileState;
}

// Two capital letters of ISO 3166.
wire!(Region, clarion_domain::contacts::region::Region, pattern_schema("^[A-Z]{2}$"));

// A time on the clock, 00:00 to 24:00.
wire!(TimeOfDay, clarion_domain::campaigns::schedule::TimeOfDay, pattern_schema("^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"));

/// How a message outside an audience stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeState {
    Waiting,
    Claimed,
    Sent,
    Failed,
    Refused,
    /// Caught between the wire and its answer: it may or may not have been sent, and is never sent again by itself.
    Unknown,
}

impl From<clarion_store::attempts::NoticeState> for NoticeState {
    fn from(state: clarion_store::attempts::NoticeState) -> Self {
        use clarion_store::attempts::NoticeState as S;
        match state {
            S::Waiting => Self::Waiting,
            S::Claimed => Self::Claimed,
            S::Sent => Self::Sent,
            S::Failed => Self::Failed,
            S::Refused => Self::Refused,
            S::Unknown => Self::Unknown,
        }
    }
}

/// The name of a declared field.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct FieldName(pub String);

impl FromStr for FieldName {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl PartialSchema for FieldName {
    fn schema() -> RefOr<Schema> {
        pattern_schema("^[a-z][a-z0-9_]{0,39}$")
    }
}

impl ToSchema for FieldName {}

/// The bytes of a file.
pub struct File;

impl PartialSchema for File {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary))).into()
    }
}

impl ToSchema for File {}

/// A JSON Schema.
pub struct JsonSchema;

impl PartialSchema for JsonSchema {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Object).into()
    }
}

impl ToSchema for JsonSchema {}

fn pattern_schema(pattern: &str) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).into()
}

fn id_schema(prefix: &str) -> RefOr<Schema> {
    // Thirteen digits of base 32 hold 65 bits; the first one of a 63-bit number is at most 7.
    let pattern = format!("^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{12}}$");
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).into()
}

fn word_schema<'a>(words: impl Iterator<Item = &'a str>) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.collect::<Vec<_>>())).into()
}

/// A moment: RFC 3339, in UTC with milliseconds when we write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Instant);

impl From<Instant> for Time {
    fn from(at: Instant) -> Self {
        Self(at)
    }
}

impl Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.rfc3339())
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parsed = text.parse::<jiff::Timestamp>();
        parsed.map(|at| Self(at.into())).map_err(|_| serde::de::Error::custom("not a time: write it as 2026-11-23T09:30:00Z or with an offset, 2026-11-23T09:30:00+01:00"))
    }
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))).into()
    }
}

impl ToSchema for Time {}

/// The written form of an audited object's identifier; `None` for an act without a single object.
#[must_use]
pub fn object_id(kind: &str, number: i64) -> Option<String> {
    let text = match kind {
        _ if number == 0 => return None,
        "tenant" => id::TenantId(number).to_string(),
        "user" => id::UserId(number).to_string(),
        "invitation" => id::InvitationId(number).to_string(),
        "passkey" => id::PasskeyId(number).to_string(),
        "approval" => id::ApprovalId(number).to_string(),
        "api_key" => id::ApiKeyId(number).to_string(),
        "import" => id::ImportId(number).to_string(),
        "contact" => id::ContactId(number).to_string(),
        "list" => id::ListId(number).to_string(),
        "filter" => id::FilterId(number).to_string(),
        "suppression" => id::SuppressionId(number).to_string(),
        "campaign" => id::CampaignId(number).to_string(),
        "template" => id::TemplateId(number).to_string(),
        "trunk" => id::TrunkId(number).to_string(),
        "route" => id::RouteId(number).to_string(),
        "script" => id::ScriptId(number).to_string(),
        "recording" => id::RecordingId(number).to_string(),
        "call" => id::AttemptId(number).to_string(),
        "prompt" => id::PromptId(number).to_string(),
        "transfer target" => id::TransferTargetId(number).to_string(),
        "webhook" => id::WebhookId(number).to_string(),
        "instruction" => id::InstructionId(number).to_string(),
        "connector" => id::ConnectorId(number).to_string(),
        "export" => id::ExportId(number).to_string(),
        "reply" => id::ReplyId(number).to_string(),
        "subject_request" => id::SubjectRequestId(number).to_string(),
        _ => return None,
    };
    Some(text)
}
