//! Roles of a user and the rights that each carries.

use crate::word::words;

words! {
    /// What a user is to their tenant.
    pub enum Role {
        Owner = "owner",
        Manager = "manager",
        Supervisor = "supervisor",
        Agent = "agent",
        PrivacyOfficer = "privacy_officer",
        Viewer = "viewer",
        /// Reads what was done, by whom, and changes nothing: for whoever examines the organisation from outside.
        Auditor = "auditor",
    }
}

words! {
    /// One thing that may be allowed; every page and every API verb asks for exactly one.
    pub enum Right {
        View = "view",
        LoadContacts = "load_contacts",
        RunCampaigns = "run_campaigns",
        Suppress = "suppress",
        AnswerReplies = "answer_replies",
        ManageTrunks = "manage_trunks",
        RevealPersonal = "reveal_personal",
        AnswerSubjects = "answer_subjects",
        ReadAudit = "read_audit",
        ManageTeam = "manage_team",
    }
}

impl Role {
    /// The whole matrix of rights, readable in one place. `docs/roles.md` shows it with every page and verb.
    #[must_use]
    pub fn may(self, right: Right) -> bool {
        use Right::{AnswerReplies, AnswerSubjects, LoadContacts, ReadAudit, RevealPersonal, RunCampaigns, Suppress, View};
        match self {
            Role::Owner => true,
            Role::Manager => matches!(right, View | LoadContacts | RunCampaigns | Suppress | AnswerReplies | RevealPersonal | ReadAudit),
            Role::Supervisor => matches!(right, View | RunCampaigns | Suppress | AnswerReplies | RevealPersonal),
            Role::Agent => matches!(right, Suppress | AnswerReplies),
            Role::PrivacyOfficer => matches!(right, View | Suppress | RevealPersonal | AnswerSubjects | ReadAudit),
            Role::Viewer => matches!(right, View),
            Role::Auditor => matches!(right, View | ReadAudit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_owner_manages_the_team_and_only_privacy_answers_subjects() {
        for role in Role::ALL {
            assert_eq!(role.may(Right::ManageTeam), *role == Role::Owner);
            assert_eq!(role.may(Right::AnswerSubjects), matches!(role, Role::Owner | Role::PrivacyOfficer));
        }
        assert!(!Role::Viewer.may(Right::LoadContacts));
        let acts = Right::ALL.iter().filter(|right| !matches!(right, Right::View | Right::ReadAudit));
        assert!(acts.into_iter().all(|right| !Role::Auditor.may(*right)), "an auditor reads");
    }
}
