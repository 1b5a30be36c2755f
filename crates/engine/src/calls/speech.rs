//! Speech from text: a program that reads a text and writes a WAV, or a service that is asked over HTTP.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use clarion_domain::personal::Personal;
use clarion_sip::media::prompt::{PromptLimits, load};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Which engine speaks.
#[derive(Debug, Clone)]
pub enum SpeechEngine {
    /// A program: text on its standard input, WAV on its standard output. `{voice}` and `{language}` stand for the step's.
    Command { program: String, arguments: Vec<String> },
    /// `POST {url}` with a JSON body of `model`, `input`, `voice` and `response_format`; the answer is the audio.
    Http { url: String, model: String, key: Personal },
}

/// What is to be spoken.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SpeechRequest {
    pub text: String,
    pub language: String,
    pub voice: Option<String>,
}

/// Why it cannot be spoken. Never holds the text: it may name a person.
#[derive(Debug, thiserror::Error)]
pub enum SpeechError {
    #[error("the speech program {program} cannot be run: {reason}")]
    Program { program: String, reason: String },
    #[error("the speech service did not answer with audio: {0}")]
    Service(String),
    #[error("the speech engine took longer than {0} s")]
    Slow(u64),
    #[error("what the speech engine wrote is no audio: {0}")]
    NotAudio(String),
}

const RENDER_SECONDS_MAX: u64 = 20;
const AUDIO_BYTES_MAX: usize = 64 << 20;
const SPOKEN_SECONDS_MAX: u32 = 300;

impl Default for SpeechEngine {
    fn default() -> Self {
        let arguments = ["-v", "{voice}", "--stdin", "--stdout"].map(str::to_owned).to_vec();
        Self::Command { program: "espeak-ng".into(), arguments }
    }
}

impl SpeechEngine {
    /// Everything that goes into the sound, hashed: the same hash is the same audio.
    #[must_use]
    pub fn content_hash(&self, request: &SpeechRequest) -> [u8; 32] {
        let engine = match self {
            Self::Command { program, arguments } => format!("command\0{program}\0{}", arguments.join("\0")),
            Self::Http { url, model, .. } => format!("http\0{url}\0{model}"),
        };
        let voice = request.voice.as_deref().unwrap_or_default();
        *blake3::hash(format!("{engine}\u{1}{}\u{1}{voice}\u{1}{}", request.language, request.text).as_bytes()).as_bytes()
    }

    /// Speaks: 8 kHz, one channel, levelled.
    pub async fn render(&self, request: &SpeechRequest) -> Result<Arc<[i16]>, SpeechError> {
        let work = async {
            match self {
                Self::Command { program, arguments } => run(program, arguments, request).await,
                Self::Http { url, model, key } => ask(url, model, key, request).await,
            }
        };
        let file = tokio::time::timeout(Duration::from_secs(RENDER_SECONDS_MAX), work).await.map_err(|_| SpeechError::Slow(RENDER_SECONDS_MAX))??;
        let limits = PromptLimits { bytes_max: AUDIO_BYTES_MAX, seconds_max: SPOKEN_SECONDS_MAX };
        let loaded = tokio::task::spawn_blocking(move || load(mended(file), limits)).await.map_err(|error| SpeechError::NotAudio(error.to_string()))?;
        Ok(loaded.map_err(|error| SpeechError::NotAudio(error.to_string()))?.audio)
    }
}

/// A program that writes to a pipe cannot know the length that a WAV says first: it writes a length that is too large.
fn mended(mut file: Vec<u8>) -> Vec<u8> {
    let length = file.len();
    if length > 44 && file.starts_with(b"RIFF") {
        file[4..8].copy_from_slice(&u32::try_from(length - 8).unwrap_or(u32::MAX).to_le_bytes());
        if let Some(data) = file.windows(4).take(512).position(|four| four == b"data") {
            let rest = u32::try_from(length - data - 8).unwrap_or(u32::MAX);
            file[data + 4..data + 8].copy_from_slice(&rest.to_le_bytes());
        }
    }
    file
}

async fn run(program: &str, arguments: &[String], request: &SpeechRequest) -> Result<Vec<u8>, SpeechError> {
    let failed = |reason: String| SpeechError::Program { program: program.to_owned(), reason };
    let language = request.language.to_ascii_lowercase();
    let voice = request.voice.as_deref().unwrap_or(&language);
    let filled = arguments.iter().map(|argument| argument.replace("{voice}", voice).replace("{language}", &language));
    let mut child = tokio::process::Command::new(program)
        .args(filled)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else { return Err(failed("it has no pipes".into())) };
    let text = request.text.clone().into_bytes();
    let write = async move {
        // A program that reads no more has its reasons; its exit tells.
        let _ = input.write_all(&text).await;
        drop(input);
    };
    let mut file = Vec::new();
    let read = async { output.take(AUDIO_BYTES_MAX as u64).read_to_end(&mut file).await };
    let ((), read) = tokio::join!(write, read);
    read.map_err(|error| failed(error.to_string()))?;
    let status = child.wait().await.map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(file) } else { Err(failed(format!("it ended with {status}"))) }
}

async fn ask(url: &str, model: &str, key: &Personal, request: &SpeechRequest) -> Result<Vec<u8>, SpeechError> {
    let failed = |error: reqwest::Error| SpeechError::Service(error.without_url().to_string());
    let body = serde_json::json!({"model": model, "input": request.text, "voice": request.voice.as_deref().unwrap_or(&request.language), "response_format": "wav"});
    let client = crate::outward::client(Duration::from_secs(RENDER_SECONDS_MAX)).build().map_err(failed)?;
    let mut call = client.post(url).json(&body);
    if !key.is_empty() {
        call = call.bearer_auth(key.reveal());
    }
    let answer = call.send().await.and_then(reqwest::Response::error_for_status).map_err(failed)?;
    Ok(answer.bytes().await.map_err(failed)?.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> SpeechRequest {
        SpeechRequest { text: "This is a test.".into(), language: "en-GB".into(), voice: None }
    }

    #[test]
    fn the_hash_is_of_all_that_is_heard() {
        let engine = SpeechEngine::default();
        let one = engine.content_hash(&request());
        assert_eq!(one, engine.content_hash(&request()));
        assert_ne!(one, engine.content_hash(&SpeechRequest { voice: Some("en-us".into()), ..request() }));
        assert_ne!(one, engine.content_hash(&SpeechRequest { text: "This is a test".into(), ..request() }));
        let other = SpeechEngine::Command { program: "espeak-ng".into(), arguments: Vec::new() };
        assert_ne!(one, other.content_hash(&request()));
    }

    #[tokio::test]
    async fn a_missing_program_is_named() {
        let engine = SpeechEngine::Command { program: "no-such-speech-program".into(), arguments: Vec::new() };
        let error = engine.render(&request()).await.expect_err("cannot run");
        assert!(error.to_string().starts_with("the speech program no-such-speech-program cannot be run"), "{error}");
        let engine = SpeechEngine::Command { program: "cat".into(), arguments: Vec::new() };
        assert!(matches!(engine.render(&request()).await, Err(SpeechError::NotAudio(_))), "text is no audio");
    }

    /// A WAV of one second at 8 kHz.
    fn wav() -> Vec<u8> {
        let samples: Vec<i16> = (0..8_000).map(|n| ((n % 40) - 20) * 400).collect();
        clarion_domain::attempts::recording::wav(1, &samples)
    }

    /// Answers one request with this, and gives what was asked.
    async fn service(status: &'static str, body: Vec<u8>) -> (String, tokio::task::JoinHandle<String>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let url = format!("http://{}/v1/audio/speech", listener.local_addr().expect("an address"));
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a request");
            let (mut asked, mut part) = (Vec::new(), [0; 4_096]);
            while !asked.ends_with(b"}") {
                let count = stream.read(&mut part).await.expect("read");
                assert!(count > 0, "a request with a body");
                asked.extend_from_slice(&part[..count]);
            }
            let head = format!("HTTP/1.1 {status}\r\nContent-Type: audio/wav\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            stream.write_all(&[head.as_bytes(), &body].concat()).await.expect("answered");
            String::from_utf8(asked).expect("a text")
        });
        (url, served)
    }

    #[tokio::test]
    async fn a_service_speaks_and_its_refusal_is_told_without_the_text() {
        let engine = |url: String| SpeechEngine::Http { url, model: "small".into(), key: Personal::new("secret") };
        let (url, served) = service("200 OK", wav()).await;
        let audio = engine(url).render(&request()).await.expect("the service speaks");
        assert!((7_000..9_000).contains(&audio.len()), "{} samples", audio.len());
        let asked = served.await.expect("it was asked");
        assert!(asked.starts_with("POST /v1/audio/speech HTTP/1.1\r\n") && asked.to_ascii_lowercase().contains("authorization: bearer secret"), "{asked}");
        let body: serde_json::Value = serde_json::from_str(asked.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON");
        assert_eq!(body, serde_json::json!({ "model": "small", "input": "This is a test.", "voice": "en-GB", "response_format": "wav" }));
        let (url, _served) = service("503 Busy", Vec::new()).await;
        let error = engine(url).render(&request()).await.expect_err("refused").to_string();
        assert!(error.contains("503") && !error.contains("This is a test"), "{error}");
    }

    #[tokio::test]
    async fn the_default_program_speaks() {
        let audio = SpeechEngine::default().render(&request()).await.expect("espeak-ng speaks");
        assert!((4_000..40_000).contains(&audio.len()), "{} samples", audio.len());
    }
}
