//! The SIP trunks of this node, kept in step with the store, and the routes that choose among them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use clarion_domain::carriers::rate::RateBucket;
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::carriers::sip_settings::{SipSettings, SipTransport, VoiceCodec};
use clarion_domain::carriers::transfer_target::{AudioEncryption, SipLine};
use clarion_domain::carriers::trunk::{TrunkKind, TrunkState};
use clarion_domain::id::{TenantId, TrunkId};
use clarion_domain::outcomes::cause::Cause;
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;
use clarion_sip::auth::Credentials;
use clarion_sip::endpoint::{Endpoint, Trunk};
use clarion_sip::hop::Transport;
use clarion_sip::media::LegConfig;
use clarion_sip::negotiated::{Codec, SrtpPolicy};
use clarion_sip::tls::{TlsClient, TlsError, Trust, parse_pin};
use clarion_sip::trunk::{Condition, Registration, TrunkConfig, TrunkHost};
use clarion_store::carriers::{TrunkRecord, TrunkStatus, report_status};
use clarion_store::{Store, StoreError};

use super::refusals::Refusals;
use super::routes::Routes;

const REGISTRATION: Duration = Duration::from_secs(600);

/// A trunk that carries calls.
pub(crate) struct SipTrunk {
    pub record: TrunkRecord,
    pub settings: SipSettings,
    pub trunk: Arc<Trunk>,
    /// As the wire has it.
    config: TrunkConfig,
    pub calls_up: u32,
    bucket: RateBucket,
    accepted: i64,
    last: (TrunkState, Instant),
    refusals: Refusals,
}

pub(crate) struct SipTrunks {
    endpoint: Endpoint,
    trunks: HashMap<TrunkId, SipTrunk>,
    broken: HashMap<TrunkId, (i64, String)>,
    /// Ways to call centres that are reached by their SIP address, by host and how it is to be reached.
    direct: HashMap<(String, SipLine), Arc<Trunk>>,
    routes: Routes,
}

fn transport(transport: SipTransport) -> Transport {
    match transport {
        SipTransport::Udp => Transport::Udp,
        SipTransport::Tcp => Transport::Tcp,
        SipTransport::Tls => Transport::Tls,
    }
}

/// `host`, `host:port` or `[address]:port`, which the domain has checked.
fn host(text: &str) -> TrunkHost {
    let bare = |host: &str| host.trim_start_matches('[').trim_end_matches(']').to_owned();
    match text.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() && (!host.contains(':') || host.ends_with(']')) => TrunkHost { host: bare(host), port: port.parse().ok() },
        _ => TrunkHost { host: bare(text), port: None },
    }
}

/// What makes the certificate of a server of this name trustworthy; the public authorities when the settings name nobody.
fn tls(server_name: &str, ca_pem: &str, pin_sha256: &str) -> Result<TlsClient, TlsError> {
    let trust = match (pin_sha256, ca_pem) {
        ("", "") => Trust::Public,
        ("", pem) => Trust::CaPem(pem.as_bytes().to_vec()),
        (pin, _) => Trust::PinSha256(parse_pin(pin)?),
    };
    Ok(TlsClient { server_name: server_name.to_owned(), trust })
}

fn config(settings: &SipSettings, secret: &Personal) -> Result<TrunkConfig, TlsError> {
    let mut hosts = settings.hosts.iter().map(|text| host(text));
    let first = hosts.next().unwrap_or(TrunkHost { host: String::new(), port: None });
    let mut config = TrunkConfig::new(&first.host, first.port);
    config.hosts.extend(hosts);
    config.transport = Some(transport(settings.transport));
    if settings.transport == SipTransport::Tls {
        config.tls = Some(tls(&first.host, &settings.tls_ca_pem, &settings.tls_pin_sha256)?);
    }
    config.domain = (!settings.from_domain.is_empty()).then(|| settings.from_domain.clone());
    config.credentials = (!settings.username.is_empty()).then(|| Credentials { user: settings.username.clone(), password: secret.reveal().to_owned() });
    config.registration = settings.register.then_some(Registration { expires: REGISTRATION });
    config.options_interval = (settings.keep_alive_seconds > 0).then(|| Duration::from_secs(settings.keep_alive_seconds.into()));
    Ok(config)
}

fn codecs(codecs: &[VoiceCodec]) -> Vec<Codec> {
    let codec = |codec: &VoiceCodec| match codec {
        VoiceCodec::Pcma => Codec::Pcma,
        VoiceCodec::Pcmu => Codec::Pcmu,
    };
    codecs.iter().map(codec).collect()
}

/// How a leg to a call centre's own address offers its audio.
fn line_leg(line: &SipLine) -> LegConfig {
    let srtp = match line.encryption {
        AudioEncryption::Never => SrtpPolicy::Never,
        AudioEncryption::Offered => SrtpPolicy::Offered,
        AudioEncryption::Required => SrtpPolicy::Required,
    };
    LegConfig { codecs: codecs(&line.codecs), srtp, ..LegConfig::default() }
}

impl SipTrunk {
    pub(crate) fn state(&self) -> (TrunkState, String) {
        if let Some(why) = self.refusals.held() {
            return (TrunkState::Refused, why.to_owned());
        }
        let seen = self.trunk.state().borrow().clone();
        let state = match seen.condition {
            Condition::Starting => TrunkState::Connecting,
            Condition::Up => TrunkState::Up,
            Condition::Degraded => TrunkState::Degraded,
            Condition::Down => TrunkState::Waiting,
        };
        (state, seen.reason)
    }

    pub(crate) fn can_dial(&self) -> bool {
        matches!(self.state().0, TrunkState::Up | TrunkState::Degraded)
    }

    /// Calls that may be launched now: channels that are free.
    pub(crate) fn room(&self) -> u32 {
        let at_once = if self.refusals.is_probing() { 1 } else { self.settings.calls_at_once };
        if self.can_dial() { at_once.saturating_sub(self.calls_up) } else { 0 }
    }

    /// A call on it has ended.
    pub(crate) fn ended(&mut self, cause: Cause, now: Instant) {
        self.refusals.ended(cause, now);
    }

    /// Takes one call's place; false when the trunk has none, or its rate is used up.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        if self.room() == 0 || self.bucket.take(1, now) == 0 {
            return false;
        }
        self.calls_up += 1;
        true
    }

    /// Takes the place of an agent's leg; false when the trunk has none. Somebody waits on the line: its rate holds back others, and not this call.
    pub(crate) fn take_for_agent(&mut self, now: Instant) -> bool {
        if self.room() == 0 {
            return false;
        }
        self.bucket.take(1, now);
        self.calls_up += 1;
        true
    }

    pub(crate) fn give_back(&mut self) {
        self.calls_up = self.calls_up.saturating_sub(1);
    }

    pub(crate) fn answered(&mut self) {
        self.accepted += 1;
    }

    /// How a leg on this trunk offers its audio.
    pub(crate) fn leg(&self) -> LegConfig {
        let srtp = if self.settings.srtp { SrtpPolicy::Required } else { SrtpPolicy::Never };
        LegConfig { codecs: codecs(&self.settings.codecs), srtp, ..LegConfig::default() }
    }

    /// A number as this carrier writes it.
    pub(crate) fn written(&self, e164: &str) -> String {
        if self.settings.number_plus { e164.to_owned() } else { e164.trim_start_matches('+').to_owned() }
    }
}

impl SipTrunks {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, trunks: HashMap::new(), broken: HashMap::new(), direct: HashMap::new(), routes: Routes::default() }
    }

    /// Reads trunks and routes; starts what is new, ends what is gone, and starts anew what has changed on the wire. Calls that are up go on, and keep
    /// their places.
    pub(crate) async fn reload(&mut self, store: &Store, now: Instant) -> Result<(), StoreError> {
        let records: Vec<TrunkRecord> = store.trunks().await?.into_iter().filter(|record| record.enabled && record.settings.kind() == TrunkKind::Sip).collect();
        self.trunks.values_mut().for_each(|trunk| trunk.refusals.pass(now));
        self.trunks.retain(|id, _| records.iter().any(|record| record.id == *id));
        for record in records {
            let known = self.trunks.get(&record.id).is_some_and(|known| known.record.version == record.version) || self.broken.get(&record.id).is_some_and(|(version, _)| *version == record.version);
            let TrunkSettings::Sip(settings) = record.settings.clone() else { continue };
            if known {
                continue;
            }
            let secret = store.trunk_secret(record.id).await?;
            let before = self.trunks.remove(&record.id);
            match config(&settings, &secret).and_then(|config| self.trunk_of(before.as_ref(), &config).map(|trunk| (trunk, config))) {
                Ok((trunk, config)) => {
                    self.broken.remove(&record.id);
                    let bucket = RateBucket::new(u32::try_from(record.rate_per_second).unwrap_or(u32::MAX), now);
                    let (calls_up, accepted, last) = before.map_or((0, 0, (TrunkState::Connecting, now)), |before| (before.calls_up, before.accepted, before.last));
                    // Whoever has changed it wants to see whether it is taken now.
                    let refusals = Refusals::default();
                    self.trunks.insert(record.id, SipTrunk { settings, trunk, config, calls_up, bucket, accepted, last, refusals, record });
                }
                Err(error) => {
                    tracing::warn!(trunk = %record.id, %error, "a trunk's settings cannot be used");
                    self.broken.insert(record.id, (record.version, error.to_string()));
                }
            }
        }
        self.routes = Routes::read(store).await?;
        Ok(())
    }

    /// The one that was there, where nothing of it has changed on the wire.
    fn trunk_of(&self, before: Option<&SipTrunk>, config: &TrunkConfig) -> Result<Arc<Trunk>, TlsError> {
        match before.filter(|before| before.config == *config) {
            Some(before) => Ok(before.trunk.clone()),
            None => self.endpoint.trunk(config.clone()).map(Arc::new),
        }
    }

    pub(crate) fn get(&self, id: TrunkId) -> Option<&SipTrunk> {
        self.trunks.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: TrunkId) -> Option<&mut SipTrunk> {
        self.trunks.get_mut(&id)
    }

    /// Trunks that may carry this call, best first, up or not.
    pub(crate) fn candidates(&self, tenant: TenantId, e164: &str, caller_id: &str, avoid: Option<TrunkId>) -> Vec<TrunkId> {
        self.routes.candidates((tenant, e164, caller_id), avoid, |id| self.trunks.get(&id).map(|trunk| trunk.record.tenant))
    }

    /// Some trunk could take a call, had it a channel free.
    pub(crate) fn any_can_dial(&self) -> bool {
        self.trunks.values().any(SipTrunk::can_dial)
    }

    /// Free channels over all trunks.
    pub(crate) fn room(&self) -> u32 {
        self.trunks.values().map(SipTrunk::room).fold(0, u32::saturating_add)
    }

    /// The way to a call centre's own SIP address, and how its leg offers audio. `None`, and said why, when its settings cannot be used.
    pub(crate) fn direct(&mut self, address: &str, line: &SipLine) -> Option<(Arc<Trunk>, LegConfig)> {
        let at = address.rsplit_once('@').map_or(address, |(_, at)| at).to_owned();
        let key = (at, line.clone());
        if let Some(known) = self.direct.get(&key) {
            return Some((known.clone(), line_leg(line)));
        }
        let to = host(&key.0);
        let mut config = TrunkConfig::new(&to.host, to.port);
        config.transport = Some(transport(line.transport));
        config.options_interval = None;
        let made = match line.transport {
            SipTransport::Tls => tls(&to.host, &line.tls_ca_pem, &line.tls_pin_sha256).map(Some),
            SipTransport::Udp | SipTransport::Tcp => Ok(None),
        };
        let made = made.and_then(|tls| self.endpoint.trunk(TrunkConfig { tls, ..config }));
        let trunk = Arc::new(made.map_err(|error| tracing::warn!(%error, "a transfer target's settings cannot be used")).ok()?);
        self.direct.insert(key, trunk.clone());
        Some((trunk, line_leg(line)))
    }

    /// Writes what this node sees of its trunks.
    pub(crate) async fn report(&mut self, store: &Store, now: Instant) -> Result<(), StoreError> {
        let node = store.node();
        let mut all = Vec::new();
        for (id, trunk) in &mut self.trunks {
            let (state, reason) = trunk.state();
            if trunk.last.0 != state {
                trunk.last = (state, now);
                match state {
                    TrunkState::Up => tracing::info!(trunk = %id, "a trunk is up"),
                    _ => tracing::warn!(trunk = %id, state = state.as_str(), reason, "a trunk has changed"),
                }
            }
            let rate_now = trunk.record.rate_per_second;
            all.push(TrunkStatus { trunk: *id, node, state, reason, rate_now, outstanding: trunk.calls_up.into(), accepted: trunk.accepted, throttled: 0, since: trunk.last.1, seen_at: now });
        }
        all.extend(self.broken.iter().map(|(id, (_, reason))| TrunkStatus {
            trunk: *id,
            node,
            state: TrunkState::Refused,
            reason: reason.clone(),
            rate_now: 0,
            outstanding: 0,
            accepted: 0,
            throttled: 0,
            since: now,
            seen_at: now,
        }));
        if all.is_empty() { Ok(()) } else { report_status(store, &all).await }
    }

    /// Hangs up what is left and waits until the far ends know.
    pub(crate) async fn close(self) {
        drop(self.trunks);
        drop(self.direct);
        self.endpoint.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(more: &str) -> SipSettings {
        serde_json::from_str(&format!(r#"{{"hosts":["sip.carrier.example:5061","[2001:db8::1]:5071","[2001:db8::2]"]{more}}}"#)).expect("settings")
    }

    #[test]
    fn what_is_trusted_over_tls_is_the_pin_the_authority_or_the_public_ones() {
        let trusted = |more: &str| config(&settings(more), &Personal::default()).map(|config| config.tls.map(|tls| (tls.server_name, tls.trust)));
        let name = || "sip.carrier.example".to_owned();
        assert_eq!(trusted("").expect("usable"), None, "no TLS");
        assert_eq!(trusted(r#","transport":"tls""#).expect("usable"), Some((name(), Trust::Public)));
        assert_eq!(trusted(r#","transport":"tls","tls_ca_pem":"PEM""#).expect("usable"), Some((name(), Trust::CaPem(b"PEM".to_vec()))));
        let pin = format!(r#","transport":"tls","tls_pin_sha256":"{}""#, ["AB"; 32].join(":"));
        assert_eq!(trusted(&pin).expect("usable"), Some((name(), Trust::PinSha256([0xab; 32]))));
        assert!(matches!(trusted(r#","transport":"tls","tls_pin_sha256":"ab""#), Err(TlsError::BadPin)));
    }

    #[test]
    fn hosts_are_read_with_and_without_ports_and_brackets() {
        let hosts: Vec<_> = config(&settings(""), &Personal::default()).expect("usable").hosts.into_iter().map(|host| (host.host, host.port)).collect();
        let read = |host: &str, port| (host.to_owned(), port);
        assert_eq!(hosts, [read("sip.carrier.example", Some(5_061)), read("2001:db8::1", Some(5_071)), read("2001:db8::2", None)]);
    }

    #[test]
    fn a_call_centres_line_says_how_its_leg_offers_audio() {
        let leg = line_leg(&SipLine::default());
        assert_eq!((leg.codecs, leg.srtp), (vec![Codec::Pcma, Codec::Pcmu], SrtpPolicy::Offered));
        let leg = line_leg(&SipLine { codecs: vec![VoiceCodec::Pcmu], encryption: AudioEncryption::Required, ..SipLine::default() });
        assert_eq!((leg.codecs, leg.srtp), (vec![Codec::Pcmu], SrtpPolicy::Required));
    }
}
