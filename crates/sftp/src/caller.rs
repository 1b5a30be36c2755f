//! One connection: its sign-in, and the channels that it may open. Only SFTP is answered: no shell, no command, no forwarding.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clarion_domain::id::SftpAccountId;
use clarion_domain::tenancy::places::Place;
use clarion_domain::tenancy::tenant::Actor;
use clarion_store::intake::{SftpProof, SftpSignIn};
use clarion_store::{StoreError, Tenant};
use russh::keys::{HashAlg, PublicKey};
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, Pty};

use crate::door::Shared;
use crate::session::SftpSession;

const CHANNELS_MAX: usize = 4;
const USERNAME_BYTES_MAX: usize = 200;
const PACKET_BYTES_MAX: u32 = 256 * 1024;

/// Why a connection ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallerError {
    #[error(transparent)]
    Ssh(#[from] russh::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(crate) struct Caller {
    shared: Arc<Shared>,
    from: IpAddr,
    signed_in: Arc<AtomicBool>,
    who: Option<Who>,
    /// A known account to which a key was offered that it does not have.
    offered: Option<SftpSignIn>,
    channels: HashMap<ChannelId, Option<Channel<Msg>>>,
}

/// Who signed in.
struct Who {
    tenant: Tenant,
    account: SftpAccountId,
    _place: Place<SftpAccountId>,
}

fn refused() -> Auth {
    Auth::reject()
}

fn is_let_in(account: &SftpSignIn, from: IpAddr) -> bool {
    account.enabled && (account.networks.is_empty() || account.networks.iter().any(|network| network.holds(from)))
}

fn has_key(account: &SftpSignIn, key: &PublicKey) -> bool {
    let print = key.fingerprint(HashAlg::Sha256).to_string();
    account.fingerprints.contains(&print)
}

impl Caller {
    pub fn new(shared: Arc<Shared>, from: IpAddr, signed_in: Arc<AtomicBool>) -> Self {
        Self { shared, from, signed_in, who: None, offered: None, channels: HashMap::new() }
    }

    async fn account(&self, user: &str) -> Result<Option<SftpSignIn>, CallerError> {
        if user.len() > USERNAME_BYTES_MAX {
            return Ok(None);
        }
        Ok(self.shared.store.sftp_sign_in(user).await?)
    }

    /// Waits as long as the wrong tries before this one ask for.
    async fn slow_down(&self, user: &str) {
        let now = (self.shared.config.clock)();
        let delay = self.shared.by_name.delay(user, now).max(self.shared.by_address.delay(&self.from.to_string(), now));
        tokio::time::sleep(delay).await;
    }

    fn failed(&self, user: &str) {
        let now = (self.shared.config.clock)();
        self.shared.by_name.failed(user, now);
        self.shared.by_address.failed(&self.from.to_string(), now);
    }

    async fn let_in(&mut self, account: &SftpSignIn, user: &str, proof: SftpProof) -> Result<Auth, CallerError> {
        let Some(place) = self.shared.take_session(account.id) else {
            tracing::warn!(account = %account.id, "an SFTP sign-in was refused: too many sessions of this account");
            return Ok(refused());
        };
        let tenant = self.shared.store.tenant(account.tenant_id, Actor::Sftp(account.id)).await?;
        tenant.record_sftp_sign_in(account.id, proof, (self.shared.config.clock)()).await?;
        self.shared.by_name.succeeded(user);
        self.shared.by_address.succeeded(&self.from.to_string());
        self.signed_in.store(true, Ordering::Relaxed);
        self.offered = None;
        self.who = Some(Who { tenant, account: account.id, _place: place });
        Ok(Auth::Accept)
    }

    async fn refuse(&self, account: &SftpSignIn, proof: SftpProof) -> Result<(), StoreError> {
        let tenant = self.shared.store.tenant(account.tenant_id, Actor::Sftp(account.id)).await?;
        tenant.record_sftp_refusal(account.id, proof, (self.shared.config.clock)()).await
    }
}

impl Handler for Caller {
    type Error = CallerError;

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, CallerError> {
        self.slow_down(user).await;
        let account = self.account(user).await?;
        let now = (self.shared.config.clock)();
        let hash = account.as_ref().map(|account| account.password_hash.clone()).filter(|hash| !hash.is_empty());
        let matches = (self.shared.config.verify)(password.to_owned(), hash.clone()).await;
        // What was guessed beside this one has been counted meanwhile.
        let account = self.account(user).await?;
        match account {
            Some(account) if matches && account.locked_until <= now && is_let_in(&account, self.from) => self.let_in(&account, user, SftpProof::Password).await,
            account => {
                self.failed(user);
                match account {
                    // A locked account counts no further, or anybody could keep it locked for ever.
                    Some(account) if hash.is_some() && account.locked_until <= now && !matches => self.refuse(&account, SftpProof::Password).await?,
                    _ => tracing::warn!("an SFTP sign-in was refused: no such account, no password, locked, switched off, or from elsewhere"),
                }
                Ok(refused())
            }
        }
    }

    async fn auth_publickey_offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, CallerError> {
        self.slow_down(user).await;
        match self.account(user).await? {
            Some(account) if has_key(&account, offer.public_key) && is_let_in(&account, self.from) => Ok(Auth::Accept),
            account => {
                // A client offers every key that it has: only a connection that ends without a sign-in was a wrong try.
                self.offered = account.or(self.offered.take());
                Ok(refused())
            }
        }
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, CallerError> {
        match self.account(user).await? {
            Some(account) if has_key(&account, key.public_key) && is_let_in(&account, self.from) => self.let_in(&account, user, SftpProof::Key).await,
            _ => Ok(refused()),
        }
    }

    async fn channel_open_session(&mut self, channel: Channel<Msg>, reply: ChannelOpenHandle, _: &mut Session) -> Result<(), CallerError> {
        // Dropping the handle refuses the channel.
        if self.who.is_some() && self.channels.len() < CHANNELS_MAX {
            self.channels.insert(channel.id(), Some(channel));
            reply.accept().await;
        }
        Ok(())
    }

    async fn subsystem_request(&mut self, id: ChannelId, name: &str, session: &mut Session) -> Result<(), CallerError> {
        let channel = self.channels.get_mut(&id).filter(|_| name == "sftp").and_then(Option::take);
        let (Some(who), Some(channel)) = (&self.who, channel) else { return Ok(session.channel_failure(id)?) };
        let sftp = SftpSession::new(who.tenant.clone(), who.account, self.shared.config.clock);
        session.channel_success(id)?;
        russh_sftp::server::run_with_config(channel.into_stream(), sftp, russh_sftp::server::Config { max_client_packet_len: PACKET_BYTES_MAX }).await;
        Ok(())
    }

    async fn shell_request(&mut self, id: ChannelId, session: &mut Session) -> Result<(), CallerError> {
        Ok(session.channel_failure(id)?)
    }

    async fn exec_request(&mut self, id: ChannelId, _: &[u8], session: &mut Session) -> Result<(), CallerError> {
        Ok(session.channel_failure(id)?)
    }

    async fn pty_request(&mut self, id: ChannelId, _: &str, _: u32, _: u32, _: u32, _: u32, _: &[(Pty, u32)], session: &mut Session) -> Result<(), CallerError> {
        Ok(session.channel_failure(id)?)
    }

    async fn channel_eof(&mut self, id: ChannelId, session: &mut Session) -> Result<(), CallerError> {
        // A client that hears no status takes its transfers for failed.
        session.exit_status_request(id, 0)?;
        Ok(session.close(id)?)
    }

    async fn channel_close(&mut self, id: ChannelId, _: &mut Session) -> Result<(), CallerError> {
        self.channels.remove(&id);
        Ok(())
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let (Some(account), None, Ok(runtime)) = (self.offered.take(), &self.who, tokio::runtime::Handle::try_current()) else { return };
        let (shared, from) = (self.shared.clone(), self.from);
        runtime.spawn(async move {
            let now = (shared.config.clock)();
            let name = format!("key {}", account.id);
            // Written down for the first tries of a quarter of an hour alone, so that nobody can fill the audit log.
            let told = shared.by_name.delay(&name, now).is_zero();
            shared.by_name.failed(&name, now);
            shared.by_address.failed(&from.to_string(), now);
            let caller = Caller::new(shared, from, Arc::default());
            if told && let Err(error) = caller.refuse(&account, SftpProof::Key).await {
                tracing::warn!(%error, "a refused SFTP sign-in could not be written down");
            }
        });
    }
}
