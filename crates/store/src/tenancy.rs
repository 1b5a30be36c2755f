//! Tenants, users, web sessions, API keys.

mod api_key;
mod idempotency;
mod session;
mod tenant;
mod user;

pub use api_key::{ApiKeyRecord, SECRET_PREFIX};
pub use idempotency::{IDEMPOTENCY_KEPT_MS, IdempotencyClaim};
pub use session::{ABSOLUTE_MS, IDLE_MS, SessionUser};
pub use tenant::{NewTenant, TenantRecord};
pub use user::{FAILURES_MAX, LOCKED_FOR_MS, NewUser, SignInRecord, User};
