//! The listener: who gets a connection, for how long before a sign-in, and how many at once. Beside it, what takes files in
//! that were closed and left alone.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use clarion_domain::id::SftpAccountId;
use clarion_domain::tenancy::places::{Place, Places, counted};
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::tenancy::tries::Tries;
use clarion_domain::time::Instant;
use clarion_store::{Store, StoreError};
use russh::server::{Config, run_stream};
use russh::{Disconnect, MethodKind, MethodSet, SshId};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::caller::Caller;
use crate::host_key::HostKey;

/// How a password is held against its hash, in the same time whether there is one or not.
pub type VerifyPassword = fn(String, Option<String>) -> Pin<Box<dyn Future<Output = bool> + Send>>;

const CONNECTIONS_MAX: usize = 200;
const CONNECTIONS_FROM_ONE_ADDRESS_MAX: usize = 40;
const SESSIONS_OF_ONE_ACCOUNT_MAX: usize = 16;
const AUTH_ATTEMPTS_MAX: usize = 6;
/// From the first byte to the sign-in.
const SIGN_IN_SECONDS_MAX: u64 = 60;
/// Without a byte from either side.
const IDLE_SECONDS_MAX: u64 = 300;
/// Between two looks for files that were left alone.
const LOOK: Duration = Duration::from_secs(1);

/// What the drop is given.
#[derive(Clone)]
pub struct DropConfig {
    pub host_key: HostKey,
    /// How long a file must be left alone after it was closed, before it is taken for whole.
    pub settle: Duration,
    pub clock: fn() -> Instant,
    pub verify: VerifyPassword,
    /// The least time that a refused sign-in takes.
    pub refusal: Duration,
}

/// What all connections share.
pub(crate) struct Shared {
    pub store: Store,
    pub config: DropConfig,
    /// Wrong tries by account, and by address.
    pub by_name: Tries,
    pub by_address: Tries,
    sessions: Arc<Places<SftpAccountId>>,
}

impl Shared {
    pub fn take_session(&self, account: SftpAccountId) -> Option<Place<SftpAccountId>> {
        self.sessions.take(account, SESSIONS_OF_ONE_ACCOUNT_MAX, CONNECTIONS_MAX)
    }
}

/// Serves until told to stop. A connection that is cut by it leaves what it sent to be gone on with.
pub async fn run(listener: TcpListener, store: Store, config: DropConfig, mut stop: watch::Receiver<bool>) {
    let ssh = Arc::new(ssh_config(&config));
    let shared = Arc::new(Shared { store, config, by_name: Tries::default(), by_address: Tries::default(), sessions: Arc::default() });
    let places: Arc<Places<IpAddr>> = Arc::default();
    let settling = tokio::spawn(settle(shared.clone()));
    loop {
        let accepted = tokio::select! {
            () = told(&mut stop) => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, from)) => {
                let address = from.ip().to_canonical();
                let Some(place) = places.take(counted(address), CONNECTIONS_FROM_ONE_ADDRESS_MAX, CONNECTIONS_MAX) else {
                    tracing::warn!("an SFTP connection was turned away: too many are open");
                    continue;
                };
                tokio::spawn(serve(stream, address, ssh.clone(), shared.clone(), stop.clone(), place));
            }
            Err(error) => {
                tracing::warn!(%error, "an SFTP connection could not be accepted");
                tokio::time::sleep(LOOK).await;
            }
        }
    }
    settling.abort();
}

/// Returns once the stop was said; whoever could say it being gone counts as well.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stopped| *stopped).await;
}

fn ssh_config(config: &DropConfig) -> Config {
    let mut methods = MethodSet::empty();
    methods.push(MethodKind::PublicKey);
    methods.push(MethodKind::Password);
    Config {
        server_id: SshId::Standard("SSH-2.0-Clarion".into()),
        methods,
        keys: vec![config.host_key.0.clone()],
        auth_rejection_time: config.refusal,
        auth_rejection_time_initial: Some(Duration::ZERO),
        max_auth_attempts: AUTH_ATTEMPTS_MAX,
        inactivity_timeout: Some(Duration::from_secs(IDLE_SECONDS_MAX)),
        nodelay: true,
        ..Config::default()
    }
}

async fn serve(stream: TcpStream, from: IpAddr, ssh: Arc<Config>, shared: Arc<Shared>, mut stop: watch::Receiver<bool>, place: Place<IpAddr>) {
    let _place = place;
    let signed_in = Arc::new(AtomicBool::new(false));
    let caller = Caller::new(shared.clone(), from, signed_in.clone());
    let in_time = Duration::from_secs(SIGN_IN_SECONDS_MAX);
    let Ok(Ok(mut running)) = tokio::time::timeout(in_time, run_stream(ssh, stream, caller)).await else { return };
    let handle = running.handle();
    let late = async {
        tokio::time::sleep(in_time).await;
        if signed_in.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    };
    // How a connection ends is its client's affair: nothing is left to be done about an error.
    tokio::select! {
        _ = &mut running => return,
        () = late => { let _ = handle.disconnect(Disconnect::ByApplication, "no sign-in in time".into(), String::new()).await; }
        () = told(&mut stop) => { let _ = handle.disconnect(Disconnect::ByApplication, "the server stops".into(), String::new()).await; }
    }
    let _ = tokio::time::timeout(Duration::from_secs(2), running).await;
}

async fn settle(shared: Arc<Shared>) {
    let (store, config) = (&shared.store, &shared.config);
    let settle_ms = i64::try_from(config.settle.as_millis()).unwrap_or(i64::MAX);
    loop {
        tokio::time::sleep(LOOK).await;
        if let Err(error) = take_settled(store, (config.clock)(), settle_ms).await {
            tracing::warn!(%error, "files that came by SFTP could not be taken in; trying again");
        }
    }
}

async fn take_settled(store: &Store, now: Instant, settle_ms: i64) -> Result<(), StoreError> {
    for file in store.settled_sftp_files(now.plus_ms(-settle_ms)).await? {
        store.tenant(file.tenant, Actor::Sftp(file.account)).await?.take_settled(&file, now).await?;
    }
    Ok(())
}
