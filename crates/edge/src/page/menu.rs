//! The menu: the words of the walk, those of them that this user may see.

use clarion_domain::tenancy::role::{Right, Role};

use super::icon::Icon;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    pub name: &'static str,
    pub path: &'static str,
    pub icon: Icon,
    pub right: Right,
}

macro_rules! stops {
    ($($constant:ident = $name:literal, $path:literal, $icon:ident, $right:ident;)+) => {
        $(pub const $constant: Stop = Stop { name: $name, path: $path, icon: Icon::$icon, right: Right::$right };)+
        /// In the order of the walk.
        pub const STOPS: &[Stop] = &[$($constant),+];
    };
}

stops! {
    OVERVIEW = "Overview", "/", Home, View;
    IMPORTS = "Imports", "/imports", Upload, View;
    CONTACTS = "Contacts", "/contacts", People, View;
    CAMPAIGNS = "Campaigns", "/campaigns", Megaphone, View;
    COMPLIANCE = "Compliance", "/compliance", Shield, Suppress;
    CARRIERS = "Carriers", "/carriers", Signal, View;
    INBOX = "Inbox", "/inbox", Inbox, AnswerReplies;
    REPORTS = "Reports", "/reports", Chart, View;
    PRIVACY = "Privacy", "/privacy", Lock, AnswerSubjects;
    AUDIT = "Audit", "/audit", Scroll, ReadAudit;
    TEAM = "Team", "/team", Team, ManageTeam;
    SETTINGS = "Settings", "/settings", Settings, ManageTeam;
}

/// Where a user lands: the first page that they may see.
pub fn first_page(role: Role) -> &'static str {
    STOPS.iter().find(|stop| role.may(stop.right)).map_or("/account", |stop| stop.path)
}
