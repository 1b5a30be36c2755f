//! From the configuration to a dialler: sockets, audio, speech.

use std::time::Duration;

use clarion_domain::personal::Personal;
use clarion_engine::calls::{DiallerConfig, EndpointConfig, MediaConfig, PortRange, SpeechEngine};

use crate::clock;
use crate::config::{ConfigError, VoiceSettings, read_secret};

/// What the dialler of a node is run with.
pub fn dialler(settings: &VoiceSettings, drain: Duration) -> Result<DiallerConfig, ConfigError> {
    let ports = PortRange { first: settings.audio_port_first, last: settings.audio_port_last };
    if ports.last <= ports.first || ports.first < 1_024 {
        return Err(ConfigError::new("voice.audio_port_first and voice.audio_port_last name a range above 1023, the last above the first"));
    }
    let mut sip = EndpointConfig::new(settings.sip_listen);
    sip.public_address = settings.public_address;
    let media = MediaConfig { bind: settings.sip_listen.ip(), advertised: settings.public_address, ports, threads: usize::from(settings.audio_threads.max(1)), ..MediaConfig::default() };
    Ok(DiallerConfig { clock: clock::now, sip, media, speech: speech(settings)?, drain_ms_max: u64::try_from(drain.as_millis()).unwrap_or(u64::MAX) })
}

fn speech(settings: &VoiceSettings) -> Result<SpeechEngine, ConfigError> {
    if let Some(url) = &settings.speech_url {
        let key = settings.speech_key_file.as_deref().map(|file| read_secret("voice.speech_key_file", file)).transpose()?;
        return Ok(SpeechEngine::Http { url: url.clone(), model: settings.speech_model.clone(), key: Personal::new(key.unwrap_or_default()) });
    }
    match settings.speech_command.split_first() {
        Some((program, arguments)) => Ok(SpeechEngine::Command { program: program.clone(), arguments: arguments.to_vec() }),
        None => Err(ConfigError::new("voice.speech_command is empty: name the program that turns text into speech")),
    }
}
