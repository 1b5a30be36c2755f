//! Tenants, users, web sessions, API keys.

mod activity;
mod api_key;
mod approval;
mod guarded;
mod idempotency;
mod invitation;
mod passkey;
mod second_factor;
mod session;
mod settings;
mod single_sign_on;
mod tenant;
mod user;

pub use activity::{ActivityRecord, NewActivity};
pub(crate) use api_key::bind_to_makers;
pub use api_key::{ApiKeyRecord, SECRET_PREFIX};
pub use approval::{Approval, ApprovalQuery, Carried};
pub use idempotency::{IDEMPOTENCY_KEPT_MS, IdempotencyClaim};
pub use invitation::{INVITATION_KEPT_MS, Invitation};
pub use passkey::{CHALLENGE_MS, KnownPasskey, NewPasskey, PasskeyRecord};
pub use second_factor::{HALF_SIGN_IN_MS, RECOVERY_CODES, SecondFactor, TOTP_SECRET_BYTES};
pub use session::{ABSOLUTE_MS, IDLE_MS, SessionRecord, SessionUser, SignInFrom};
pub use settings::TenantSettings;
pub use single_sign_on::{NewSingleSignOn, Provided, ProvidedPerson, SingleSignOn};
pub use tenant::{NewTenant, TenantRecord};
pub use user::{FAILURES_MAX, LOCKED_FOR_MS, NewUser, SignInRecord, USERNAME_LENGTH_CHARS_MAX, User};
