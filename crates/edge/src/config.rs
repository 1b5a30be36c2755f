//! What the portal is told at start. Only the server reads the environment.

use std::pin::Pin;
use std::sync::Arc;

use clarion_domain::time::Instant;

use crate::campaigns::prompt_file::ReadPrompt;
use crate::tenancy::recorder::Recorder;

/// Where the time comes from: the server passes the system's clock, a test its own.
pub type Clock = fn() -> Instant;

/// How the session cookie travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookies {
    /// Over TLS, ours or a proxy's: `Secure`, with the `__Host-` prefix.
    Secure,
    /// Plain HTTP on the loopback address: the demo.
    PlainLoopback,
}

#[derive(Debug, Clone)]
pub struct EdgeConfig {
    pub clock: Clock,
    pub cookies: Cookies,
    /// The address that browsers use, where one is configured: links that are passed on begin with it.
    pub public_url: Option<String>,
    /// The largest contact file that may be uploaded.
    pub upload_bytes_max: u64,
    /// Makes a sound file into a prompt.
    pub read_prompt: ReadPrompt,
    /// The SFTP drop of this installation, when it is open.
    pub sftp: Option<SftpShown>,
    /// The way to identity providers; without one nobody signs in by theirs.
    pub provider: Option<ProviderDoor>,
    /// Writes the activity log; `None` makes one that nobody else waits for.
    pub recorder: Option<Recorder>,
}

/// One question to an identity provider: a POST when `form` holds something.
#[derive(Debug, Clone)]
pub struct ProviderRequest {
    pub url: String,
    pub form: Vec<(String, String)>,
    /// The header of that name; empty for none.
    pub authorization: String,
}

#[derive(Debug, Clone)]
pub struct ProviderAnswer {
    pub status: u16,
    pub body: Vec<u8>,
}

type Answering = Pin<Box<dyn Future<Output = Result<ProviderAnswer, String>> + Send>>;

/// How identity providers are asked: this crate sends nothing, and the server guards whom is asked.
#[derive(Clone)]
pub struct ProviderDoor(pub Arc<dyn Fn(ProviderRequest) -> Answering + Send + Sync>);

impl std::fmt::Debug for ProviderDoor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProviderDoor")
    }
}

/// What a client of the SFTP drop must know.
#[derive(Debug, Clone)]
pub struct SftpShown {
    pub port: u16,
    /// `SHA256:…` of the host key.
    pub fingerprint: String,
}

impl EdgeConfig {
    pub const UPLOAD_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

    #[must_use]
    pub fn new(clock: Clock, cookies: Cookies, read_prompt: ReadPrompt) -> Self {
        Self { clock, cookies, public_url: None, upload_bytes_max: Self::UPLOAD_BYTES_MAX, read_prompt, sftp: None, provider: None, recorder: None }
    }
}
