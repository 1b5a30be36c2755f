//! Tenants, users, web sessions, API keys.

mod tenant;

pub use tenant::{NewTenant, TenantRecord};
