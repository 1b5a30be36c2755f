//! `clarion user …`: whoever signs in, their sessions and second factors, and invitations.

use anyhow::Context;
use clap::{Args, Subcommand};
use clarion_domain::id::{InvitationId, PasskeyId, SessionId};
use clarion_domain::tenancy::role::Role;
use clarion_domain::time::Instant;
use clarion_store::tenancy::User;
use clarion_store::{StoreError, Tenant};

use super::create_user::from_stdin;
use crate::config::Config;
use crate::output::{Listing, print_done, print_json};
use crate::{clock, open, password};

#[derive(Debug, Args)]
pub struct UserArgs {
    /// Short name or identifier of the tenant.
    #[arg(long, global = true, default_value = "", hide_default_value = true)]
    tenant: String,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Everybody, by username; `clarion create-user` makes one.
    List,
    /// Give somebody another name or role.
    Change {
        username: String,
        #[arg(long)]
        name: Option<String>,
        #[arg(long)]
        role: Option<Role>,
    },
    /// Set a new password: lifts a lock and signs them out everywhere.
    Password {
        username: String,
        /// Read it from standard input; otherwise one is made and printed once.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Let somebody in again.
    Activate { username: String },
    /// Let somebody in no more; their sessions, API keys and open invitations end at once.
    Deactivate { username: String },
    /// Where somebody is signed in.
    Sessions { username: String },
    /// Sign somebody out, everywhere or in one session.
    EndSessions {
        username: String,
        #[arg(long)]
        session: Option<SessionId>,
    },
    /// Somebody's passkeys.
    Passkeys { username: String },
    /// Take a passkey of somebody's away; they are signed out everywhere.
    RemovePasskey { username: String, passkey: PasskeyId },
    /// For somebody who has lost phone and recovery codes.
    ResetSecondFactor { username: String },
    /// Ask everybody of the tenant for a second factor, or leave it to each.
    NeedSecondFactor {
        /// Leave it to each.
        #[arg(long)]
        optional: bool,
    },
    /// Make a link by which somebody chooses their own username and password; it is printed this once.
    Invite {
        name: String,
        #[arg(long)]
        role: Role,
        /// By which an identity provider knows them: they then need no link.
        #[arg(long, default_value = "")]
        email: String,
    },
    /// The invitations that nobody has accepted yet.
    Invitations,
    /// Make a new link in the place of an invitation's old one.
    RenewInvitation { invitation: InvitationId },
    /// Take an invitation back.
    RevokeInvitation { invitation: InvitationId },
}

/// A user by their username or identifier.
pub async fn find(tenant: &Tenant, named: &str) -> anyhow::Result<User> {
    let users = tenant.users().await?;
    let found = users.into_iter().find(|user| user.username == named.to_lowercase() || user.id.to_string() == named);
    found.ok_or(StoreError::NotFound("user")).with_context(|| format!("{named:?} is nobody of this tenant: `clarion user list` shows who is"))
}

pub async fn run(config: &Config, args: &UserArgs) -> anyhow::Result<()> {
    anyhow::ensure!(!args.tenant.is_empty(), "say which tenant: --tenant SHORT_NAME");
    let store = open::store(config).await?;
    let tenant = open::tenant(&store, &args.tenant).await?;
    let now = clock::now();
    let done = match &args.verb {
        Verb::List => return list(&tenant, args.json).await,
        Verb::Sessions { username } => return sessions(&tenant, username, now, args.json).await,
        Verb::Passkeys { username } => return passkeys(&tenant, username, args.json).await,
        Verb::RemovePasskey { username, passkey } => {
            tenant.remove_passkey(find(&tenant, username).await?.id, *passkey, true, now).await?;
            "removed".into()
        }
        Verb::Invitations => return invitations(&tenant, args.json).await,
        Verb::Invite { name, role, email } => {
            let (id, token) = tenant.invite_by(name, *role, email, now).await?;
            return shown_once(id, &token, args.json);
        }
        Verb::RenewInvitation { invitation } => return shown_once(*invitation, &tenant.renew_invitation(*invitation, now).await?, args.json),
        Verb::RevokeInvitation { invitation } => {
            tenant.revoke_invitation(*invitation, now).await?;
            "taken back".to_owned()
        }
        Verb::Password { username, password_stdin } => return set_password(&tenant, username, *password_stdin, args.json).await,
        Verb::NeedSecondFactor { optional } => {
            tenant.require_second_factor(!optional, now).await?;
            if *optional { "a second factor is everybody's own choice".into() } else { "everybody needs a second factor".into() }
        }
        Verb::Change { username, name, role } => {
            let user = find(&tenant, username).await?;
            tenant.change_user(user.id, name.as_deref().unwrap_or(&user.display_name), role.unwrap_or(user.role), now).await?;
            "changed".into()
        }
        Verb::Activate { username } => {
            tenant.set_user_active(find(&tenant, username).await?.id, true, now).await?;
            "can sign in again".into()
        }
        Verb::Deactivate { username } => {
            tenant.set_user_active(find(&tenant, username).await?.id, false, now).await?;
            "is let in no more".into()
        }
        Verb::EndSessions { username, session } => {
            let user = find(&tenant, username).await?.id;
            match session {
                Some(session) => tenant.end_session(user, *session, now).await.map(|()| "signed out there".to_owned())?,
                None => format!("signed out of {} sessions", tenant.end_sessions(user, None, now).await?),
            }
        }
        Verb::ResetSecondFactor { username } => {
            tenant.remove_second_factor(find(&tenant, username).await?.id, "second factor reset", true, now).await?;
            "the second factor is reset".into()
        }
    };
    print_done(&done, args.json);
    Ok(())
}

async fn list(tenant: &Tenant, json: bool) -> anyhow::Result<()> {
    let mut listing = Listing::new(&["id", "username", "name", "role", "active", "second_factor", "created_at"]);
    for user in tenant.users().await? {
        let (active, factor) = (user.deactivated_at.is_none(), user.second_factor_since.is_some());
        listing.row([user.id.to_string().into(), user.username.into(), user.display_name.into(), user.role.as_str().into(), active.into(), factor.into(), user.created_at.rfc3339().into()]);
    }
    listing.print(json);
    Ok(())
}

async fn sessions(tenant: &Tenant, username: &str, now: Instant, json: bool) -> anyhow::Result<()> {
    let mut listing = Listing::new(&["id", "browser", "place", "created_at", "seen_at"]);
    for session in tenant.sessions(find(tenant, username).await?.id, now).await? {
        listing.row([session.id.to_string().into(), session.browser.into(), session.place.into(), session.created_at.rfc3339().into(), session.seen_at.rfc3339().into()]);
    }
    listing.print(json);
    Ok(())
}

async fn passkeys(tenant: &Tenant, username: &str, json: bool) -> anyhow::Result<()> {
    let mut listing = Listing::new(&["id", "name", "origin", "created_at", "used_at"]);
    for key in tenant.passkeys(find(tenant, username).await?.id).await? {
        listing.row([key.id.to_string().into(), key.name.into(), key.origin.into(), key.created_at.rfc3339().into(), key.used_at.map(Instant::rfc3339).into()]);
    }
    listing.print(json);
    Ok(())
}

async fn invitations(tenant: &Tenant, json: bool) -> anyhow::Result<()> {
    let mut listing = Listing::new(&["id", "name", "role", "created_by", "expires_at"]);
    for open in tenant.open_invitations().await? {
        listing.row([open.id.to_string().into(), open.display_name.into(), open.role.as_str().into(), open.created_by.into(), open.expires_at.rfc3339().into()]);
    }
    listing.print(json);
    Ok(())
}

fn shown_once(id: InvitationId, token: &str, json: bool) -> anyhow::Result<()> {
    let link = format!("/invitation?t={token}");
    if json {
        print_json(&serde_json::json!({ "id": id, "link": link }));
    } else {
        println!("{id}\nits link below the portal's address, shown this once: {link}");
    }
    Ok(())
}

async fn set_password(tenant: &Tenant, username: &str, from_input: bool, json: bool) -> anyhow::Result<()> {
    let (user, record) = (find(tenant, username).await?, tenant.record().await?);
    let (password, made) = if from_input { (from_stdin()?, false) } else { (password::make()?, true) };
    clarion_edge::check_password(&password, &[&user.username, &user.display_name, &record.name, &record.slug])?;
    tenant.set_password(user.id, &clarion_edge::hash_password(&password).await?, clock::now()).await?;
    if json {
        print_json(&serde_json::json!({ "id": user.id, "password": made.then_some(&password) }));
    } else {
        println!("the new password is set, and they are signed out everywhere");
        if made {
            println!("password, shown this once: {password}");
        }
    }
    Ok(())
}
