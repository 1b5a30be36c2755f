//! What is on its way: claimed, submitted, not yet answered in full.

use std::collections::VecDeque;
use std::sync::Arc;

use clarion_domain::compliance::facts::Touch;
use clarion_domain::id::{AddressId, AttemptId, CampaignId, ClaimId, ContactId, TenantId, TrunkId};
use clarion_domain::outcomes::cause::Cause;
use clarion_domain::time::Instant;
use foldhash::HashMap;

use crate::carriers::{WireOutcome, WirePart};

/// What the message is for.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    Attempt {
        attempt: AttemptId,
        claim: ClaimId,
        /// Place in the claim.
        index: u16,
        campaign: CampaignId,
        position: u32,
        try_number: u8,
        contact: ContactId,
        address: AddressId,
        decision: Arc<str>,
        sealed_body: Vec<u8>,
    },
    Notice {
        id: i64,
    },
}

/// One message in flight.
#[derive(Debug)]
pub(crate) struct Flight {
    pub tenant: TenantId,
    pub trunk: TrunkId,
    pub target: Target,
    pub number_index: [u8; 16],
    pub segments: u16,
    pub cost: i64,
    pub claimed_at: Instant,
    /// The permit's end: parts that come back unsent after it are not sent again.
    pub valid_until: Instant,
    parts: u8,
    open: u8,
    accepted: Vec<(u8, String)>,
    refused: Option<Cause>,
    lost: bool,
    unsent: bool,
    /// Parts that went to the wire and were not answered in time.
    unanswered: Vec<u8>,
}

/// How a flight ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Landing {
    /// All parts were taken: part and message id each.
    Accepted(Vec<(u8, String)>),
    Rejected(Cause),
    /// Some parts were taken, and the others were refused or never left: part and message id of those that were.
    Torn(Vec<(u8, String)>),
    /// At least one part went to the wire without an answer.
    Lost(Vec<(u8, String)>),
    /// Nothing of it went to the wire.
    NotSent,
}

/// What came after its time had run out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LateAnswer {
    Accepted {
        part: u8,
        message_id: String,
        /// With it, every part was taken.
        whole: bool,
    },
    Rejected(Cause),
}

/// A landed attempt of which some parts were not answered.
struct Unanswered {
    attempt: AttemptId,
    parts: Vec<u8>,
    /// Nothing but these parts kept it from being accepted.
    only_these: bool,
}

/// Attempts for which late answers are still understood, the newest.
const UNANSWERED_MAX: usize = 10_000;

/// What to do after the result of one part.
pub(crate) enum Next {
    /// Other parts are still open.
    Wait,
    /// This part may be sent again.
    Again(WirePart),
    Landed(Box<Flight>, Landing),
    /// No such flight: the answer of an earlier life, or a second one.
    Stale,
}

/// All flights of this node, by number.
#[derive(Default)]
pub(crate) struct Flights {
    /// Boxed, as those of the ledger are: a table that grows or is put in order moves pointers.
    flights: HashMap<u64, Box<Flight>>,
    next: u64,
    touches: HashMap<ContactId, Vec<Touch>>,
    unanswered: HashMap<u64, Unanswered>,
    unanswered_order: VecDeque<u64>,
}

const PART_BITS: u32 = 8;

impl Flight {
    #[expect(clippy::too_many_arguments, reason = "every field of a flight is known at its claim and nowhere else")]
    pub(crate) fn new(tenant: TenantId, trunk: TrunkId, target: Target, number_index: [u8; 16], segments: u16, cost: i64, claimed_at: Instant, valid_until: Instant, parts: u8) -> Box<Self> {
        Box::new(Self { tenant, trunk, target, number_index, segments, cost, claimed_at, valid_until, parts, open: parts, accepted: Vec::new(), refused: None, lost: false, unsent: false, unanswered: Vec::new() })
    }

    /// What one part counts against the rate: a message in one PDU counts whole.
    pub(crate) fn segments_of_part(&self) -> u32 {
        if self.parts == 1 { u32::from(self.segments) } else { 1 }
    }

    /// A part of it is with the carrier, or may be.
    pub(crate) fn has_begun(&self) -> bool {
        self.lost || !self.accepted.is_empty()
    }

    /// Nothing of it was ever given to the wire that may have arrived: all its open parts are these many that wait to go again.
    pub(crate) fn is_untouched(&self, waiting: usize) -> bool {
        usize::from(self.open) == waiting && self.accepted.is_empty() && self.refused.is_none() && !self.lost
    }

    /// The first refusal counts, and before it that the person has opted out with the carrier.
    fn refuse(&mut self, cause: Cause) {
        if self.refused.is_none() || cause.is_opt_out() {
            self.refused = Some(cause);
        }
    }

    /// Why the carrier refused a part, where it was because the person has opted out with it: that is about them, whatever became of the other parts.
    pub(crate) fn opt_out(&self) -> Option<Cause> {
        self.refused.filter(|cause| cause.is_opt_out())
    }

    fn landing(&mut self) -> Landing {
        let accepted = std::mem::take(&mut self.accepted);
        if self.lost {
            return Landing::Lost(accepted);
        }
        match (self.refused, self.unsent, accepted.is_empty()) {
            (None, false, _) => Landing::Accepted(accepted),
            (None, true, true) => Landing::NotSent,
            (Some(cause), _, true) => Landing::Rejected(cause),
            (_, _, false) => Landing::Torn(accepted),
        }
    }
}

impl Flights {
    pub(crate) fn len(&self) -> usize {
        self.flights.len()
    }

    /// Takes a flight in; gives the tokens of its parts.
    pub(crate) fn add(&mut self, flight: Box<Flight>, touch: Option<Touch>) -> impl Iterator<Item = u64> + use<> {
        self.next += 1;
        let number = self.next;
        let parts = u64::from(flight.parts);
        if let (Target::Attempt { contact, .. }, Some(touch)) = (&flight.target, touch) {
            self.touches.entry(*contact).or_default().push(touch);
        }
        self.flights.insert(number, flight);
        (0..parts).map(move |part| number << PART_BITS | part)
    }

    /// Attempts to this person that are claimed and not yet in the store's rows.
    pub(crate) fn touches_of(&self, contact: ContactId) -> &[Touch] {
        self.touches.get(&contact).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn get(&self, token: u64) -> Option<&Flight> {
        self.flights.get(&(token >> PART_BITS)).map(Box::as_ref)
    }

    /// The first part of each flight, by its token.
    #[cfg(test)]
    pub(crate) fn open(&self) -> impl Iterator<Item = (u64, &Flight)> {
        self.flights.iter().map(|(number, flight)| (number << PART_BITS, flight.as_ref()))
    }

    /// Notes the fate of one part.
    pub(crate) fn answered(&mut self, token: u64, outcome: WireOutcome, now: Instant) -> Next {
        let number = token >> PART_BITS;
        let Some(flight) = self.flights.get_mut(&number) else { return Next::Stale };
        let part = (token & ((1 << PART_BITS) - 1)) as u8;
        match outcome {
            WireOutcome::Accepted { message_id } => flight.accepted.push((part, message_id)),
            WireOutcome::Rejected(cause) => flight.refuse(cause),
            WireOutcome::Lost => {
                flight.lost = true;
                flight.unanswered.push(part);
            }
            WireOutcome::Throttled(unsent) | WireOutcome::NotSent(unsent) => {
                if now < flight.valid_until {
                    return Next::Again(unsent);
                }
                flight.unsent = true;
            }
        }
        self.close_part(number)
    }

    /// The answer to a part that was lost; `None` when its attempt is not remembered, or the answer says nothing new.
    pub(crate) fn answered_late(&mut self, token: u64, outcome: WireOutcome) -> Option<(AttemptId, LateAnswer)> {
        let number = Self::number_of(token);
        let part = (token & ((1 << PART_BITS) - 1)) as u8;
        if let Some(flight) = self.flights.get_mut(&number) {
            // Its other parts are still on the way: the answer has come in time after all.
            let place = flight.unanswered.iter().position(|unanswered| *unanswered == part)?;
            flight.unanswered.swap_remove(place);
            flight.lost = !flight.unanswered.is_empty();
            match outcome {
                WireOutcome::Accepted { message_id } => flight.accepted.push((part, message_id)),
                WireOutcome::Rejected(cause) => flight.refuse(cause),
                _ => flight.unsent = true,
            }
            return None;
        }
        let unanswered = self.unanswered.get_mut(&number)?;
        let place = unanswered.parts.iter().position(|open| *open == part)?;
        let attempt = unanswered.attempt;
        let answer = match outcome {
            WireOutcome::Accepted { message_id } => {
                unanswered.parts.swap_remove(place);
                LateAnswer::Accepted { part, message_id, whole: unanswered.only_these && unanswered.parts.is_empty() }
            }
            WireOutcome::Rejected(cause) => {
                // The answers to the others are waited for: one may say that the person has opted out with the carrier.
                unanswered.parts.swap_remove(place);
                unanswered.only_these = false;
                LateAnswer::Rejected(cause)
            }
            // Throttled late, or lost for good: it stays unknown, since it must not be sent again.
            _ => return None,
        };
        if unanswered.parts.is_empty() {
            self.unanswered.remove(&number);
        }
        Some((attempt, answer))
    }

    fn remember_unanswered(&mut self, number: u64, flight: &mut Flight) {
        let Target::Attempt { attempt, .. } = flight.target else { return };
        if flight.unanswered.is_empty() {
            return;
        }
        let parts = std::mem::take(&mut flight.unanswered);
        self.unanswered.insert(number, Unanswered { attempt, parts, only_these: flight.refused.is_none() && !flight.unsent });
        self.unanswered_order.push_back(number);
        if self.unanswered_order.len() > UNANSWERED_MAX
            && let Some(oldest) = self.unanswered_order.pop_front()
        {
            self.unanswered.remove(&oldest);
        }
    }

    /// The flight that a part belongs to.
    pub(crate) fn number_of(token: u64) -> u64 {
        token >> PART_BITS
    }

    /// Gives a part up that waited to be sent again.
    pub(crate) fn give_up(&mut self, token: u64) -> Next {
        let number = token >> PART_BITS;
        let Some(flight) = self.flights.get_mut(&number) else { return Next::Stale };
        flight.unsent = true;
        self.close_part(number)
    }

    fn close_part(&mut self, number: u64) -> Next {
        let Some(flight) = self.flights.get_mut(&number) else { return Next::Stale };
        flight.open = flight.open.saturating_sub(1);
        if flight.open > 0 {
            return Next::Wait;
        }
        let Some(mut flight) = self.flights.remove(&number) else { return Next::Stale };
        if let Target::Attempt { contact, .. } = &flight.target
            && let Some(touches) = self.touches.get_mut(contact)
        {
            touches.retain(|touch| touch.at != flight.claimed_at);
            if touches.is_empty() {
                self.touches.remove(contact);
            }
        }
        self.remember_unanswered(number, &mut flight);
        let landing = flight.landing();
        Next::Landed(flight, landing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carriers::WirePart;
    use clarion_domain::outcomes::cause::ErrorCode;
    use clarion_smpp::pdu::ShortMessage;

    fn part() -> WirePart {
        WirePart::Smpp { message: Box::<ShortMessage>::default(), segments: 1 }
    }

    fn flights(parts: u8) -> (Flights, Vec<u64>) {
        let mut flights = Flights::default();
        let flight = Flight::new(TenantId(1), TrunkId(1), Target::Notice { id: 1 }, [0; 16], parts.into(), 0, Instant(0), Instant(1_000), parts);
        let tokens = flights.add(flight, None).collect();
        (flights, tokens)
    }

    fn landing(next: Next) -> Landing {
        match next {
            Next::Landed(_, landing) => landing,
            _ => panic!("not landed"),
        }
    }

    #[test]
    fn a_message_of_two_parts_lands_with_its_last_answer() {
        let (mut flights, tokens) = flights(2);
        let accepted = |id: &str| WireOutcome::Accepted { message_id: id.into() };
        assert!(matches!(flights.answered(tokens[1], accepted("b"), Instant(0)), Next::Wait));
        assert_eq!(landing(flights.answered(tokens[0], accepted("a"), Instant(0))), Landing::Accepted(vec![(1, "b".into()), (0, "a".into())]));
        assert!(matches!(flights.answered(tokens[0], accepted("a"), Instant(0)), Next::Stale), "a doubled answer");
    }

    #[test]
    fn what_may_have_been_sent_is_lost_and_what_was_surely_not_is_put_back() {
        let (mut one, tokens) = flights(1);
        assert!(matches!(one.answered(tokens[0], WireOutcome::NotSent(part()), Instant(0)), Next::Again(_)));
        assert_eq!(landing(one.answered(tokens[0], WireOutcome::NotSent(part()), Instant(2_000))), Landing::NotSent, "its permit has ended");

        let (mut two, tokens) = flights(2);
        assert!(two.get(tokens[0]).is_some_and(|flight| flight.is_untouched(2) && !flight.is_untouched(1)), "one part may be on the wire");
        assert!(matches!(two.answered(tokens[0], WireOutcome::Lost, Instant(0)), Next::Wait));
        assert!(matches!(landing(two.give_up(tokens[1])), Landing::Lost(_)));

        assert!(two.answered_late(tokens[0], WireOutcome::Accepted { message_id: "a".into() }).is_none(), "a notice is not corrected");

        let (mut torn, tokens) = flights(2);
        assert!(matches!(torn.answered(tokens[0], WireOutcome::Accepted { message_id: "a".into() }, Instant(0)), Next::Wait));
        assert_eq!(landing(torn.give_up(tokens[1])), Landing::Torn(vec![(0, "a".into())]));

        let (mut refused, tokens) = flights(2);
        assert!(matches!(refused.answered(tokens[0], WireOutcome::Accepted { message_id: "a".into() }, Instant(0)), Next::Wait));
        assert_eq!(landing(refused.answered(tokens[1], WireOutcome::Rejected(Cause::Smpp(0x45)), Instant(0))), Landing::Torn(vec![(0, "a".into())]), "no other trunk may send its first part again");
    }

    fn attempt(parts: u8) -> (Flights, Vec<u64>) {
        let target = Target::Attempt {
            attempt: AttemptId(7),
            claim: ClaimId(1),
            index: 0,
            campaign: CampaignId(1),
            position: 0,
            try_number: 1,
            contact: ContactId(1),
            address: AddressId(1),
            decision: "GB passed".into(),
            sealed_body: Vec::new(),
        };
        let mut flights = Flights::default();
        let flight = Flight::new(TenantId(1), TrunkId(1), target, [0; 16], parts.into(), 0, Instant(0), Instant(1_000), parts);
        let tokens = flights.add(flight, None).collect();
        (flights, tokens)
    }

    const OPTED_OUT: Cause = Cause::OptedOut(ErrorCode::NONE);

    #[test]
    fn a_part_that_says_the_person_has_opted_out_is_heard_whatever_the_others_say() {
        let refused = WireOutcome::Rejected;
        let taken = || WireOutcome::Accepted { message_id: "a".into() };
        for (first, second, opts_out, landed) in [
            (refused(Cause::Smpp(0x0b)), refused(OPTED_OUT), true, Landing::Rejected(OPTED_OUT)),
            (refused(OPTED_OUT), refused(Cause::Smpp(0x0b)), true, Landing::Rejected(OPTED_OUT)),
            (taken(), refused(OPTED_OUT), true, Landing::Torn(vec![(0, "a".into())])),
            (refused(OPTED_OUT), WireOutcome::Lost, true, Landing::Lost(Vec::new())),
            (taken(), refused(Cause::Smpp(0x0b)), false, Landing::Torn(vec![(0, "a".into())])),
        ] {
            let (mut two, tokens) = attempt(2);
            assert!(matches!(two.answered(tokens[0], first, Instant(0)), Next::Wait));
            let Next::Landed(flight, landing) = two.answered(tokens[1], second, Instant(0)) else { panic!("not landed") };
            assert_eq!((flight.opt_out().is_some(), landing), (opts_out, landed));
        }
    }

    #[test]
    fn an_answer_that_comes_late_names_its_attempt_once() {
        let accepted = |id: &str| WireOutcome::Accepted { message_id: id.into() };
        let late = |part, id: &str, whole| Some((AttemptId(7), LateAnswer::Accepted { part, message_id: id.into(), whole }));
        let (mut two, tokens) = attempt(2);
        assert!(matches!(two.answered(tokens[0], WireOutcome::Lost, Instant(0)), Next::Wait));
        assert_eq!(landing(two.answered(tokens[1], WireOutcome::Lost, Instant(0))), Landing::Lost(Vec::new()));
        assert_eq!(two.answered_late(tokens[1], accepted("b")), late(1, "b", false));
        assert_eq!(two.answered_late(tokens[1], accepted("b")), None, "told twice");
        assert_eq!(two.answered_late(tokens[0], accepted("a")), late(0, "a", true));

        let (mut one, tokens) = attempt(1);
        assert!(matches!(landing(one.answered(tokens[0], WireOutcome::Lost, Instant(0))), Landing::Lost(_)));
        assert_eq!(one.answered_late(tokens[0], WireOutcome::Throttled(part())), None, "it must not be sent again");
        assert_eq!(one.answered_late(tokens[0], WireOutcome::Rejected(Cause::NoRoute)), Some((AttemptId(7), LateAnswer::Rejected(Cause::NoRoute))));

        let (mut refused, tokens) = attempt(3);
        for token in &tokens {
            let _ = refused.answered(*token, WireOutcome::Lost, Instant(0));
        }
        for (token, cause) in [(tokens[0], Cause::Smpp(0x0b)), (tokens[1], OPTED_OUT)] {
            assert_eq!(refused.answered_late(token, WireOutcome::Rejected(cause)), Some((AttemptId(7), LateAnswer::Rejected(cause))));
            assert_eq!(refused.answered_late(token, WireOutcome::Rejected(cause)), None, "told twice");
        }
        assert_eq!(refused.answered_late(tokens[2], accepted("c")), late(2, "c", false), "never whole any more");

        let (mut open, tokens) = attempt(2);
        assert!(matches!(open.answered(tokens[0], WireOutcome::Lost, Instant(0)), Next::Wait));
        assert_eq!(open.answered_late(tokens[0], accepted("a")), None);
        assert_eq!(landing(open.answered(tokens[1], accepted("b"), Instant(0))), Landing::Accepted(vec![(0, "a".into()), (1, "b".into())]), "in time after all");
    }
}
