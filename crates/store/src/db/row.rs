//! Values and rows that read the same from both engines.

use std::sync::Arc;

use super::DbError;

/// What a column or a parameter holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Null,
    Int(i64),
    Text(String),
    /// A parameter that is one of our own words: nothing is copied.
    Word(&'static str),
    /// A parameter that many rows share.
    Shared(Arc<str>),
    Blob(Vec<u8>),
}

impl Value {
    /// The text of a parameter that is one.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Word(word) => Some(word),
            Self::Shared(text) => Some(text),
            Self::Null | Self::Int(_) | Self::Blob(_) => None,
        }
    }
}

/// One row of a result.
#[derive(Debug, Clone)]
pub struct Row(pub(super) Vec<Value>);

/// What can be read from a value.
pub trait FromValue: Sized {
    fn from_value(value: Value) -> Option<Self>;
}

impl Row {
    /// The column at `place` (from 0). The value moves out: read a column once.
    pub fn take<T: FromValue>(&mut self, place: usize) -> Result<T, DbError> {
        let value = self.0.get_mut(place).map(|held| std::mem::replace(held, Value::Null));
        value.and_then(T::from_value).ok_or_else(|| DbError::Failed(format!("column {place} is not a {}", std::any::type_name::<T>())))
    }

    /// The column read as a word of the glossary or an identifier kept as text.
    pub fn word<T: std::str::FromStr>(&mut self, place: usize) -> Result<T, DbError>
    where
        T::Err: std::fmt::Display,
    {
        let text: String = self.take(place)?;
        text.parse().map_err(|error| DbError::Failed(format!("column {place}: {error}")))
    }

    /// The column read as JSON.
    pub fn json<T: serde::de::DeserializeOwned>(&mut self, place: usize) -> Result<T, DbError> {
        let text: String = self.take(place)?;
        serde_json::from_str(&text).map_err(|error| DbError::Failed(format!("column {place}: {error}")))
    }
}

impl FromValue for i64 {
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Int(number) = value { Some(number) } else { None }
    }
}

impl FromValue for bool {
    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value).map(|number| number != 0)
    }
}

impl FromValue for String {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text),
            other => other.as_text().map(str::to_owned),
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Blob(bytes) = value { Some(bytes) } else { None }
    }
}

impl FromValue for [u8; 16] {
    fn from_value(value: Value) -> Option<Self> {
        Vec::from_value(value)?.try_into().ok()
    }
}

impl FromValue for clarion_domain::time::Instant {
    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value).map(Self)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Option<Self> {
        if value == Value::Null { Some(None) } else { T::from_value(value).map(Some) }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Int(i64::from(truth))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Self::Shared(text)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Blob(bytes)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Blob(bytes.to_vec())
    }
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(bytes: [u8; N]) -> Self {
        Self::Blob(bytes.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(bytes: &[u8; N]) -> Self {
        Self::Blob(bytes.to_vec())
    }
}

impl From<clarion_domain::time::Instant> for Value {
    fn from(at: clarion_domain::time::Instant) -> Self {
        Self::Int(at.ms())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

macro_rules! from_id {
    ($($name:ident)+) => {$(
        impl From<clarion_domain::id::$name> for Value {
            fn from(id: clarion_domain::id::$name) -> Self {
                Self::Int(id.0)
            }
        }
        impl FromValue for clarion_domain::id::$name {
            fn from_value(value: Value) -> Option<Self> {
                i64::from_value(value).map(Self)
            }
        }
    )+};
}

from_id! { TenantId UserId SessionId InvitationId PasskeyId ApprovalId ApiKeyId ImportId SftpAccountId SftpFileId ContactId ListId FilterId SuppressionId CampaignId TemplateId ClaimId
AttemptId TrunkId RouteId ReplyId ScriptId PromptId TransferTargetId RecordingId AddressId AuditEventId SubjectRequestId NodeId
WebhookId WebhookEventId InstructionId ConnectorId ConnectorRunId ExportId ExportFileId }
