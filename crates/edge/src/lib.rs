//! Portal, REST API and public pages. Cannot send: it sees neither engine nor smpp, and meets them only in the store.

pub mod api;
mod config;
pub mod front;
mod overview;
mod page;
mod portal;
mod rate;
mod search;
mod serve;

// The walk, in order.
mod tenancy;
mod intake;
mod contacts;
mod campaigns;
mod compliance;
mod carriers;
mod outcomes;
mod reports;
mod privacy;
mod audit;
mod webhooks;
mod connectors;
mod links;

pub use campaigns::prompt_file::{PROMPT_BYTES_MAX, PromptFileError, ReadPrompt, read as read_prompt_file, wav};
pub use api::{ApiConfig, RateLimits, api_router};
pub use config::{Clock, Cookies, EdgeConfig, ProviderAnswer, ProviderDoor, ProviderRequest, SftpShown};
pub use links::with_links;
pub use page::when::length;
pub use portal::{portal_doors, portal_router};
pub use serve::{LetGo, Share, serve};
pub use tenancy::door::{Door, LetsIn};
pub use tenancy::recorder::Recorder;
pub use tenancy::password::{PasswordError, check_password, hash_password, verify_sftp};
