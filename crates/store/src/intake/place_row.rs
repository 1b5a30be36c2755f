//! What becomes of a row, given who is known already: pure, so that it can be read and tested without a database.

use clarion_domain::id::ContactId;
use clarion_domain::intake::reject::RejectReason;

/// What the database knows about one row's number and reference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// The person with this number was erased.
    pub erased: bool,
    /// Who has this number.
    pub by_number: Option<ContactId>,
    /// Whether they are on the import's list already.
    pub on_list: bool,
    /// Who has this reference, in the tenant or on an earlier line of this chunk.
    pub by_reference: Option<Holder>,
}

/// Who has a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    Contact(ContactId),
    /// A new person of an earlier line.
    EarlierLine,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    New,
    /// Somebody known: new values replace old ones.
    Update(ContactId),
    Rejected(RejectReason),
}

pub(super) fn place(known: Known) -> Placed {
    let same_person = match known.by_reference {
        None => true,
        Some(Holder::Contact(holder)) => known.by_number == Some(holder),
        Some(Holder::EarlierLine) => false,
    };
    match known {
        Known { erased: true, .. } => Placed::Rejected(RejectReason::ErasedPerson),
        _ if !same_person => Placed::Rejected(RejectReason::ReferenceConflict),
        Known { by_number: Some(_), on_list: true, .. } => Placed::Rejected(RejectReason::AlreadyOnList),
        Known { by_number: Some(contact), .. } => Placed::Update(contact),
        Known { by_number: None, .. } => Placed::New,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RejectReason as R;

    #[test]
    fn a_row_is_new_updates_its_person_or_is_refused() {
        let (ada, grace) = (ContactId(1), ContactId(2));
        let known = Known::default();
        for (known, expected) in [
            (known, Placed::New),
            (Known { by_number: Some(ada), ..known }, Placed::Update(ada)),
            (Known { by_number: Some(ada), by_reference: Some(Holder::Contact(ada)), ..known }, Placed::Update(ada)),
            (Known { by_number: Some(ada), on_list: true, ..known }, Placed::Rejected(R::AlreadyOnList)),
            (Known { by_reference: Some(Holder::Contact(grace)), ..known }, Placed::Rejected(R::ReferenceConflict)),
            (Known { by_number: Some(ada), by_reference: Some(Holder::Contact(grace)), ..known }, Placed::Rejected(R::ReferenceConflict)),
            (Known { by_reference: Some(Holder::EarlierLine), ..known }, Placed::Rejected(R::ReferenceConflict)),
            (Known { erased: true, by_number: Some(ada), ..known }, Placed::Rejected(R::ErasedPerson)),
        ] {
            assert_eq!(place(known), expected, "{known:?}");
        }
    }
}
