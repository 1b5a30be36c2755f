//! People as a tenant knows them: contacts, their numbers, lists, saved filters, audiences and timelines.

mod audience;
mod audience_change;
mod contact;
mod enlist;
mod filling;
mod filter;
mod list;
mod profile;
mod search;
mod timeline;
mod timeline_read;

pub use audience::AudienceMember;
pub(crate) use audience_change::Changes;
pub use contact::{Address, Contact, NUMBER_LABEL, OpenedContact};
pub use filter::SavedFilter;
pub use list::{ContactList, ListEntry};
pub use profile::{ContactProfile, PROFILE_LABEL};
pub use timeline::{Planned, Reason, TimelineEvent, TimelineKind};
pub use search::{Found, not_found_hint};
