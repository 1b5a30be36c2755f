//! Short links: the name under which a tenant's stand, the links, and what became of them.

mod click;
mod domain;
mod report;
mod short_link;

pub use click::LinkHost;
pub use domain::{DueLinkCheck, EXPIRES_DAYS_MAX, LinkDomain, TOKEN_PATH};
pub use report::{LinkClicks, LinkCount, first_place};
pub use short_link::{NewShortLink, ShortLinkRow, add_short_links};
