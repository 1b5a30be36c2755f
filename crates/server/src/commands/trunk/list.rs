//! `clarion trunk list`: each trunk as a server last spoke of it, and for how long none has.

use clarion_domain::time::{Instant, SECOND_MS};
use clarion_edge::length;
use clarion_store::Store;
use clarion_store::carriers::TrunkStatus;

use crate::clock;
use crate::output::Listing;

/// A server speaks of its trunks every few seconds: a word that is older says nothing of now.
const OLD_MS: i64 = 30 * SECOND_MS;

pub async fn run(store: &Store, json: bool) -> anyhow::Result<()> {
    let (said, now) = (store.trunk_status().await?, clock::now());
    let mut listing = Listing::new(&["id", "name", "kind", "of_tenant", "enabled", "rate_per_second", "state", "reason", "rate_now", "outstanding", "seen_at"]);
    for trunk in store.trunks().await? {
        let last = said.iter().filter(|status| status.trunk == trunk.id).max_by_key(|status| status.seen_at);
        let fresh = last.filter(|status| trunk.enabled && !is_old(status, now));
        listing.row([
            trunk.id.to_string().into(),
            trunk.name.into(),
            trunk.settings.kind().as_str().into(),
            trunk.tenant.map(|tenant| tenant.to_string()).into(),
            trunk.enabled.into(),
            trunk.rate_per_second.into(),
            fresh.map(|status| status.state.as_str()).into(),
            reason(trunk.enabled, last, now).into(),
            fresh.map(|status| status.rate_now).into(),
            fresh.map(|status| status.outstanding).into(),
            last.map(|status| status.seen_at.rfc3339()).into(),
        ]);
    }
    listing.print(json);
    Ok(())
}

fn is_old(status: &TrunkStatus, now: Instant) -> bool {
    status.seen_at.plus_ms(OLD_MS) < now
}

/// In words; nothing of a trunk that nobody is to use.
fn reason(enabled: bool, last: Option<&TrunkStatus>, now: Instant) -> Option<String> {
    let last = last.filter(|_| enabled);
    Some(match last {
        None if enabled => "not heard of yet".to_owned(),
        None => return None,
        Some(status) if is_old(status, now) => format!("not heard of for {}; {} then", length(now.ms() - status.seen_at.ms()), status.state),
        Some(status) => status.reason.clone(),
    })
}

#[cfg(test)]
mod tests {
    use clarion_domain::carriers::trunk::TrunkState;
    use clarion_domain::id::{NodeId, TrunkId};
    use clarion_domain::time::DAY_MS;

    use super::*;

    #[test]
    fn an_old_word_is_said_to_be_old() {
        let at = Instant(1_800_000_000_000);
        let status = TrunkStatus { trunk: TrunkId(1), node: NodeId(1), state: TrunkState::Up, reason: String::new(), rate_now: 5, outstanding: 3, accepted: 9, throttled: 0, since: at, seen_at: at };
        let after = |seconds: i64| reason(true, Some(&status), at.plus_ms(seconds * SECOND_MS)).unwrap_or_default();
        assert_eq!(after(30), "");
        assert_eq!(after(31), "not heard of for 31 s; up then");
        assert_eq!(after(125), "not heard of for 2 min 5 s; up then");
        assert_eq!(after(3 * 86_400), "not heard of for 3 d 0 h; up then");
        assert_eq!(reason(true, None, at).as_deref(), Some("not heard of yet"));
        assert_eq!(reason(false, Some(&status), at.plus_ms(DAY_MS)), None, "nobody is to use it");
    }
}
