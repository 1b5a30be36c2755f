//! Every key there is. What is written here is what `clarion.example.toml` says.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

use super::section::{Section, section};

/// A value that no log line and no error may show.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

section! {
    /// This process.
    ServerSettings in "server" {
        /// Where the embedded database lies. A relative path counts from the folder that clarion runs in.
        data_dir: PathBuf = PathBuf::from("clarion-data"), shown "\"clarion-data\"";
        /// This process's number among those that share a database, 0 to 63. Two may never have the same.
        node: u8 = 0, shown "0";
        /// How long a stopping server waits for messages on the wire to be answered. What is unanswered
        /// then is shown as `unknown` and never sent again by itself.
        drain_seconds: u64 = 10, shown "10";
    }
}

section! {
    /// The database. Without an address, an embedded one (SQLite) in `server.data_dir`.
    DatabaseSettings in "database" {
        /// PostgreSQL 15 or later, shared by any number of nodes. On another machine, say `sslmode=verify-full` (TLS, its certificate
        /// checked), or `sslmode=disable` where nobody else can listen on the way.
        url: Option<Secret> = None, shown "\"postgres://clarion:password@db.example.net/clarion?sslmode=verify-full\"";
        /// The same, read from a file that holds nothing else: keeps the password out of this one.
        url_file: Option<PathBuf> = None, shown "\"/etc/clarion/database-url\"";
        /// The authority that signed the database's certificate, PEM, when this machine does not know it.
        ca_file: Option<PathBuf> = None, shown "\"/etc/clarion/tls/database-authority.pem\"";
        /// Bring the schema up to date at start. When false, `serve` refuses to start until `clarion migrate` has run.
        migrate: bool = true, shown "true";
    }
}

section! {
    /// The keys that seal personal data.
    KeysSettings in "keys" {
        /// The keyring, made at first start. It lies apart from the database so that a backup of one is
        /// useless without the other: back it up by itself, to another place. Without it nothing can be read.
        keyring: PathBuf = PathBuf::from("clarion-keys/keyring"), shown "\"clarion-keys/keyring\"";
    }
}

/// Which header a proxy writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyHeader {
    XForwardedFor,
    Forwarded,
}

section! {
    /// The portal and the REST API. Plain http is for this machine alone, unless a proxy with TLS is named; otherwise give a certificate
    /// here, or have one fetched ([acme]).
    WebSettings in "web" {
        /// Address and port.
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8080)), shown "\"127.0.0.1:8080\"";
        /// The address that browsers use: needed behind a proxy and for `redirect_listen`; links that are passed on begin with it.
        public_url: Option<String> = None, shown "\"https://contact.example.net\"";
        /// A certificate of your own with its chain, and its key, both PEM. They are read again when they change.
        tls_certificate_file: Option<PathBuf> = None, shown "\"/etc/clarion/tls/fullchain.pem\"";
        tls_key_file: Option<PathBuf> = None, shown "\"/etc/clarion/tls/key.pem\"";
        /// An address for plain http, which leads to `public_url` and, with [acme], answers the authority.
        redirect_listen: Option<SocketAddr> = None, shown "\"0.0.0.0:80\"";
        /// Networks of the proxies in front, such as `127.0.0.1` or `10.1.0.0/16`. Their word is taken for where a request came from and
        /// whether that was by https, nobody else's; without a certificate here nobody else is let in from other machines.
        behind_proxy: Vec<String> = Vec::new(), shown "[]";
        /// The header that those proxies write: `x-forwarded-for` (with `X-Forwarded-Proto`) or `forwarded`. The other is not looked at.
        proxy_header: ProxyHeader = ProxyHeader::XForwardedFor, shown "\"x-forwarded-for\"";
        /// How many connections one address may hold open at once, of IPv6 its /64. Proxies in `behind_proxy` are not counted. A browser
        /// holds one by https; many users behind one address of an office need as many.
        connections_per_address_max: usize = 512, shown "512";
        /// For how long browsers that were here come by https alone (HSTS), and whether the same holds for every host below that of
        /// `public_url`. 0 says nothing.
        hsts_seconds: u64 = 31_536_000, shown "31536000";
        hsts_subdomains: bool = true, shown "true";
    }
}

section! {
    /// The REST API.
    ApiSettings in "api" {
        /// How many requests a minute one key may make, on each node; up to that many at once. What is beyond gets 429 and is told when
        /// to ask again. 0 is no limit.
        requests_per_minute: u32 = 1_200, shown "1200";
        /// How many requests a minute with one wrong key, or with wrong signatures for one trunk, a network address is allowed (of IPv6
        /// its /64) before it must wait with that; after twenty times as many of all kinds, with all that was not right within a day. 0 is no limit.
        refusals_per_minute: u32 = 60, shown "60";
    }
}

section! {
    /// A certificate that is fetched and renewed by itself (ACME), for instance from Let's Encrypt. The authority asks at these names: at port
    /// 80 when there is a `web.redirect_listen`, otherwise at port 443. Both must lead to this server, or to any of its nodes.
    AcmeSettings in "acme" {
        /// The names of this server. Nothing is fetched without one.
        domains: Vec<String> = Vec::new(), shown "[]";
        /// The mail address that the authority may write to.
        contact: Option<String> = None, shown "\"it@example.net\"";
        /// That you agree to the authority's terms.
        terms_agreed: bool = false, shown "false";
        /// The authority.
        directory_url: String = "https://acme-v02.api.letsencrypt.org/directory".into(), shown "\"https://acme-v02.api.letsencrypt.org/directory\"";
        /// For authorities that know their customers already (external account binding): the key's identifier as they give it, and a file
        /// that holds the key itself (base64url) and nothing else. They are used when the account is made.
        eab_key_id: Option<String> = None, shown "\"kid-1\"";
        eab_key_file: Option<PathBuf> = None, shown "\"/etc/clarion/acme-eab-key\"";
        /// Who vouches for the authority's own server, PEM, when this machine does not know: an authority of your own.
        directory_ca_file: Option<PathBuf> = None, shown "\"/etc/clarion/tls/own-authority.pem\"";
    }
}

section! {
    /// Health and measurements, for the operator alone: `/healthz` and `/metrics` (Prometheus text).
    MetricsSettings in "metrics" {
        /// Address and port of their own.
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 9464)), shown "\"127.0.0.1:9464\"";
        /// Networks that may ask beside this machine, such as `10.1.0.9`; nobody else is answered. An open address needs them.
        allow_networks: Vec<String> = Vec::new(), shown "[]";
        /// Answer by https, with the certificate of [web] or [acme].
        tls: bool = false, shown "false";
    }
}

section! {
    /// Log lines, on standard error. They never hold a number, a name or a message.
    LogSettings in "log" {
        /// `error`, `warn`, `info`, `debug`, or a filter such as `info,clarion_engine=debug`.
        level: String = "info".into(), shown "\"info\"";
        /// `text` or `json`.
        format: LogFormat = LogFormat::Text, shown "\"text\"";
    }
}

section! {
    /// The rules that decide who may be contacted, when and how often.
    ComplianceSettings in "compliance" {
        /// A folder of rule packs of your own (`*.toml`). A file that is called like a shipped one (`uk.toml`) stands in its
        /// place, and any other is added. Every process must have the same; `clarion rules` lists what then holds.
        rules_dir: Option<PathBuf> = None, shown "\"/etc/clarion/rules\"";
    }
}

section! {
    /// Calls: where this node speaks SIP and RTP, and what turns text into speech.
    VoiceSettings in "voice" {
        /// Address and port of SIP over UDP and TCP. Port 0 takes any that is free, which suffices where carriers know us by
        /// registration or by our address.
        sip_listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 0)), shown "\"127.0.0.1:0\"";
        /// The address that carriers reach us by, when it is not the one listened at.
        public_address: Option<IpAddr> = None, shown "\"192.0.2.10\"";
        /// The ports of audio: two for each call, four for one that is put through.
        audio_port_first: u16 = 20_000, shown "20000";
        audio_port_last: u16 = 29_999, shown "29999";
        /// Threads that carry audio; one carries some two thousand calls.
        audio_threads: u8 = 1, shown "1";
        /// A program that reads a text on its standard input and writes a WAV on its standard output, with its arguments;
        /// `{voice}` and `{language}` stand for what the script says.
        speech_command: Vec<String> = ["espeak-ng", "-v", "{voice}", "--stdin", "--stdout"].map(str::to_owned).to_vec(), shown "[\"espeak-ng\", \"-v\", \"{voice}\", \"--stdin\", \"--stdout\"]";
        /// A speech service instead: it answers `POST` of `model`, `input`, `voice` and `response_format` with a WAV.
        speech_url: Option<String> = None, shown "\"http://127.0.0.1:8880/v1/audio/speech\"";
        speech_model: String = "tts-1".into(), shown "\"tts-1\"";
        /// A file that holds the service's key and nothing else.
        speech_key_file: Option<PathBuf> = None, shown "\"/etc/clarion/speech-key\"";
    }
}

section! {
    /// The SFTP drop, where tenants' programs bring contact files. Off until it has an address.
    SftpSettings in "sftp" {
        /// Address and port. It may stand open to the internet: sign-ins are slowed and locked, and nothing can be read back.
        listen: Option<SocketAddr> = None, shown "\"0.0.0.0:2222\"";
        /// The server's own key, made at first start; beside the keyring when this is left out. Nodes behind one name need the same
        /// one: copy it. Keep a copy at another place, too, or every client will be warned of a stranger.
        host_key_file: Option<PathBuf> = None, shown "\"clarion-keys/sftp-host-key\"";
        /// How long a file must be left alone after it was closed, before it is taken for whole. One that is renamed from a
        /// temporary name (such as `name.csv.part`) is taken at once.
        settle_seconds: u64 = 10, shown "10";
    }
}

section! {
    /// Webhooks: what clients' systems are told, at addresses that their own users write down.
    WebhooksSettings in "webhooks" {
        /// Networks of your own that they may go to beside the public internet, such as `10.1.0.0/16`; there also by plain http.
        /// Whoever may add a webhook can make this server send there.
        allow_networks: Vec<String> = Vec::new(), shown "[]";
    }
}

section! {
    /// For trying things out. Nothing here is for an installation that contacts people.
    DemoSettings in "demo" {
        /// How far this installation's clock runs ahead, so that calling hours can be tried at night. Refused as
        /// soon as one tenant may contact numbers that are not reserved for drama. Every process must have the same.
        clock_ahead_seconds: i64 = 0, shown "0";
    }
}

/// The whole configuration.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub server: ServerSettings,
    pub database: DatabaseSettings,
    pub keys: KeysSettings,
    pub web: WebSettings,
    pub api: ApiSettings,
    pub acme: AcmeSettings,
    pub metrics: MetricsSettings,
    pub log: LogSettings,
    pub compliance: ComplianceSettings,
    pub voice: VoiceSettings,
    pub sftp: SftpSettings,
    pub webhooks: WebhooksSettings,
    pub demo: DemoSettings,
}

impl Config {
    pub(super) fn sections() -> Vec<Section> {
        vec![ServerSettings::section(), DatabaseSettings::section(), KeysSettings::section(), WebSettings::section(), ApiSettings::section(), AcmeSettings::section(), MetricsSettings::section(), LogSettings::section(), ComplianceSettings::section(), VoiceSettings::section(), SftpSettings::section(), WebhooksSettings::section(), DemoSettings::section()]
    }
}
