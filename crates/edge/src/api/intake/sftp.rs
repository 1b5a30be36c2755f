//! SFTP accounts, their keys and passwords, and the key to which files can be encrypted.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use clarion_store::StoreError;
use clarion_store::intake::{SftpAccount as Record, SftpAccountDraft, new_sftp_password};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::answer::made;
use crate::api::body::{Body, Id};
use crate::api::caller::Caller;
use crate::api::once::OnlyOnce;
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::wire::{ListId, SftpAccountId, Time};
use crate::tenancy::password;

/// What an account may.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"username": "northwind-crm", "reuse_mapping": true, "rename_only": false, "networks": "192.0.2.0/24", "waiting_bytes_max": 2_147_483_648i64, "day_files_max": 200, "enabled": true}))]
pub struct SftpSettings {
    /// Lower case; unique on this server.
    #[schema(min_length = 1, max_length = 60)]
    username: String,
    /// The list on which the loaded contacts are put.
    list: Option<ListId>,
    /// Load a file whose columns somebody confirmed before, by its header; any other waits for a yes.
    reuse_mapping: bool,
    /// Take a file only once it was renamed.
    rename_only: bool,
    /// Networks that it may come from, separated by spaces; empty for any.
    networks: String,
    /// At most 16 GiB.
    #[schema(minimum = 1)]
    waiting_bytes_max: i64,
    #[schema(minimum = 1, maximum = 10000)]
    day_files_max: i64,
    /// May sign in.
    enabled: bool,
}

impl From<SftpAccountDraft> for SftpSettings {
    fn from(draft: SftpAccountDraft) -> Self {
        Self {
            username: draft.username,
            list: draft.list.map(ListId),
            reuse_mapping: draft.reuse_mapping,
            rename_only: draft.rename_only,
            networks: draft.networks,
            waiting_bytes_max: draft.waiting_bytes_max,
            day_files_max: draft.day_files_max,
            enabled: draft.enabled,
        }
    }
}

impl From<SftpSettings> for SftpAccountDraft {
    fn from(settings: SftpSettings) -> Self {
        Self {
            username: settings.username,
            list: settings.list.map(|list| list.0),
            reuse_mapping: settings.reuse_mapping,
            rename_only: settings.rename_only,
            networks: settings.networks,
            waiting_bytes_max: settings.waiting_bytes_max,
            day_files_max: settings.day_files_max,
            enabled: settings.enabled,
        }
    }
}

/// A public key that is let in.
#[derive(Serialize, ToSchema)]
pub struct SftpKey {
    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    fingerprint: String,
    public_key: String,
    added_by: String,
    added_at: Time,
}

/// An account, without its password.
#[derive(Serialize, ToSchema)]
pub struct SftpAccount {
    id: SftpAccountId,
    settings: SftpSettings,
    keys: Vec<SftpKey>,
    has_password: bool,
    used_at: Option<Time>,
    created_by: String,
    created_at: Time,
}

impl From<Record> for SftpAccount {
    fn from(account: Record) -> Self {
        let keys = account.keys.into_iter().map(|key| SftpKey { fingerprint: key.fingerprint, public_key: key.public_key, added_by: key.added_by, added_at: Time(key.added_at) });
        Self {
            id: account.id.into(),
            settings: account.draft.into(),
            keys: keys.collect(),
            has_password: account.has_password,
            used_at: account.used_at.map(Time),
            created_by: account.created_by,
            created_at: Time(account.created_at),
        }
    }
}

/// A public key, as the one line of a `.pub` file.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMu7nXOkUvkhZfjPE4TDyO0DxYBLIOrsGZCPfV7Wlxnb"}))]
pub struct NewSftpKey {
    #[schema(min_length = 1, max_length = 8192)]
    public_key: String,
}

/// By which a key is named.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"fingerprint": "SHA256:Lm4cdMs5fMgxKeAhzW7VZAiNRVJx4GzW3ED0HNzYLmQ"}))]
pub struct SftpKeyName {
    /// `SHA256:…`.
    #[schema(min_length = 1, max_length = 100)]
    fingerprint: String,
}

/// A password that was just made.
#[derive(Serialize, ToSchema)]
pub struct MadeSftpPassword {
    /// Keep it now: nobody can be shown it again.
    #[schema(pattern = "^[0-9a-f]{40}$")]
    password: String,
}

/// The public half of the key pair for encrypted files.
#[derive(Serialize, ToSchema)]
pub struct FileKey {
    /// For `age -r`.
    #[schema(pattern = "^age1[0-9a-z]{58}$")]
    recipient: String,
}

async fn one(caller: &Caller, id: SftpAccountId) -> Result<Json<SftpAccount>, Problem> {
    Ok(Json(caller.tenant.sftp_account(id.0).await?.into()))
}

/// The SFTP accounts, by username
#[utoipa::path(get, path = "/sftp-accounts", tag = "intake", responses((status = 200, body = Listing<SftpAccount>)))]
pub async fn list(caller: Caller) -> Result<Json<Listing<SftpAccount>>, Problem> {
    Ok(Listing::whole(caller.tenant.sftp_accounts().await?, SftpAccount::from))
}

/// Make an SFTP account
///
/// Nobody can sign in with it before it has a key or a password.
#[utoipa::path(post, path = "/sftp-accounts", tag = "intake", request_body = SftpSettings, responses((status = 201, body = SftpAccount)))]
pub async fn create(caller: Caller, Body(settings): Body<SftpSettings>) -> Result<Response, Problem> {
    let id = SftpAccountId(caller.tenant.create_sftp_account(&settings.into(), caller.now).await?);
    Ok(made(format!("/sftp-accounts/{}", id.0), SftpAccount::from(caller.tenant.sftp_account(id.0).await?)))
}

/// One SFTP account
#[utoipa::path(get, path = "/sftp-accounts/{sftp_account}", tag = "intake", params(("sftp_account" = SftpAccountId, Path)), responses((status = 200, body = SftpAccount)))]
pub async fn get(caller: Caller, Id(id): Id<SftpAccountId>) -> Result<Json<SftpAccount>, Problem> {
    one(&caller, id).await
}

/// Change what an SFTP account may
#[utoipa::path(put, path = "/sftp-accounts/{sftp_account}", tag = "intake", params(("sftp_account" = SftpAccountId, Path)), request_body = SftpSettings, responses((status = 200, body = SftpAccount)))]
pub async fn change(caller: Caller, Id(id): Id<SftpAccountId>, Body(settings): Body<SftpSettings>) -> Result<Json<SftpAccount>, Problem> {
    caller.tenant.change_sftp_account(id.0, &settings.into(), caller.now).await?;
    one(&caller, id).await
}

/// Delete an SFTP account
///
/// It can no longer sign in, and half-sent files go. What it brought stays among the imports. A conflict while an export lays its files there.
#[utoipa::path(delete, path = "/sftp-accounts/{sftp_account}", tag = "intake", params(("sftp_account" = SftpAccountId, Path)), responses((status = 204)))]
pub async fn delete(caller: Caller, Id(id): Id<SftpAccountId>) -> Result<StatusCode, Problem> {
    caller.tenant.delete_sftp_account(id.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let a public key in
#[utoipa::path(post, path = "/sftp-accounts/{sftp_account}/keys", tag = "intake", params(("sftp_account" = SftpAccountId, Path)), request_body = NewSftpKey, responses((status = 200, body = SftpAccount)))]
pub async fn add_key(caller: Caller, Id(id): Id<SftpAccountId>, Body(new): Body<NewSftpKey>) -> Result<Json<SftpAccount>, Problem> {
    caller.tenant.add_sftp_key(id.0, &new.public_key, caller.now).await?;
    one(&caller, id).await
}

/// Let a public key in no longer
#[utoipa::path(post, path = "/sftp-accounts/{sftp_account}/keys/remove", tag = "intake", params(("sftp_account" = SftpAccountId, Path)), request_body = SftpKeyName, responses((status = 200, body = SftpAccount)))]
pub async fn remove_key(caller: Caller, Id(id): Id<SftpAccountId>, Body(key): Body<SftpKeyName>) -> Result<Json<SftpAccount>, Problem> {
    caller.tenant.remove_sftp_key(id.0, &key.fingerprint, caller.now).await?;
    one(&caller, id).await
}

/// Make a password
///
/// The one before ends at once. The answer holds it this once, so a repetition under the same `Idempotency-Key` is a conflict.
#[utoipa::path(post, path = "/sftp-accounts/{sftp_account}/password", tag = "intake", params(("sftp_account" = SftpAccountId, Path)), responses((status = 200, body = MadeSftpPassword)))]
pub async fn new_password(caller: Caller, Id(id): Id<SftpAccountId>) -> Result<Response, Problem> {
    let password = new_sftp_password()?;
    let hash = password::hash_password(&password).await.map_err(|error| StoreError::Invalid(error.to_string()))?;
    caller.tenant.set_sftp_password(id.0, Some(&hash), caller.now).await?;
    let mut response = (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")], Json(MadeSftpPassword { password })).into_response();
    response.extensions_mut().insert(OnlyOnce);
    Ok(response)
}

/// Take the password away: only keys are let in
#[utoipa::path(delete, path = "/sftp-accounts/{sftp_account}/password", tag = "intake", params(("sftp_account" = SftpAccountId, Path)), responses((status = 204)))]
pub async fn no_password(caller: Caller, Id(id): Id<SftpAccountId>) -> Result<StatusCode, Problem> {
    caller.tenant.set_sftp_password(id.0, None, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The public key for encrypted files
///
/// Made at the first call. Files that are encrypted to it with age are opened as they are loaded, whichever way they come.
#[utoipa::path(post, path = "/file-key", tag = "intake", responses((status = 200, body = FileKey)))]
pub async fn file_key(caller: Caller) -> Result<Json<FileKey>, Problem> {
    Ok(Json(FileKey { recipient: caller.tenant.make_file_key(caller.now).await? }))
}
