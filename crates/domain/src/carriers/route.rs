//! Which trunks may carry a message, in which order.

use std::cmp::Reverse;

use crate::carriers::trunk::TrunkState;
use crate::id::{RouteId, TenantId, TrunkId};

/// A rule that names a trunk for numbers that begin with `prefix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub id: RouteId,
    /// `None`: shared by all tenants.
    pub tenant: Option<TenantId>,
    /// Begins with `+`; empty for every number.
    pub prefix: String,
    /// Only for messages with this sender; empty for every sender.
    pub sender: String,
    pub trunk: TrunkId,
    /// Lower goes first.
    pub priority: i32,
}

/// The routes of an installation, in the order in which they are tried.
#[derive(Debug, Clone, Default)]
pub struct Router {
    routes: Vec<Route>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a route's prefix is empty, or + and up to 15 digits, such as +44 or +447")]
pub struct MalformedPrefix;

/// Checks a prefix as an operator types it.
pub fn check_prefix(prefix: &str) -> Result<(), MalformedPrefix> {
    let digits = match prefix.strip_prefix('+') {
        None if prefix.is_empty() => return Ok(()),
        None => return Err(MalformedPrefix),
        Some(digits) => digits,
    };
    let good = (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    if good { Ok(()) } else { Err(MalformedPrefix) }
}

impl Router {
    /// The longest prefix first, then the route made for the sender, then the tenant's own, then the lowest priority.
    #[must_use]
    pub fn new(mut routes: Vec<Route>) -> Self {
        routes.sort_by_key(|route| (Reverse(route.prefix.len()), route.sender.is_empty(), route.tenant.is_none(), route.priority, route.id));
        Self { routes }
    }

    /// Every route that fits, best first: the rest are where to fail over to.
    pub fn candidates<'a>(&'a self, tenant: TenantId, e164: &'a str, sender: &'a str) -> impl Iterator<Item = &'a Route> {
        self.routes.iter().filter(move |route| {
            e164.starts_with(&route.prefix) && (route.sender.is_empty() || route.sender == sender) && route.tenant.is_none_or(|owner| owner == tenant)
        })
    }

    /// The best route whose trunk can take a message now. A trunk with only some of its binds up can.
    pub fn choose<'a>(&'a self, tenant: TenantId, e164: &'a str, sender: &'a str, state: impl Fn(TrunkId) -> TrunkState) -> Option<&'a Route> {
        self.candidates(tenant, e164, sender).find(|route| matches!(state(route.trunk), TrunkState::Up | TrunkState::Degraded))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(id: i64, tenant: Option<i64>, prefix: &str, sender: &str, priority: i32) -> Route {
        Route { id: RouteId(id), tenant: tenant.map(TenantId), prefix: prefix.into(), sender: sender.into(), trunk: TrunkId(id), priority }
    }

    fn router() -> Router {
        Router::new(vec![
            route(1, None, "", "", 1),
            route(2, None, "+44", "", 2),
            route(3, None, "+44", "", 1),
            route(4, Some(7), "+44", "", 9),
            route(5, None, "+44", "NorthBank", 9),
            route(6, None, "+447", "", 9),
            route(7, Some(8), "+447", "", 1),
        ])
    }

    #[test]
    fn orders_what_fits() {
        let cases: [(&str, i64, &str, &str, &[i64]); 5] = [
            ("everything that fits", 1, "+447700900123", "Other", &[6, 3, 2, 1]),
            ("the sender's own", 1, "+447700900123", "NorthBank", &[6, 5, 3, 2, 1]),
            ("the tenant's own", 7, "+442079460000", "Other", &[4, 3, 2, 1]),
            ("the tenant's own, longer prefix", 8, "+447700900123", "Other", &[7, 6, 3, 2, 1]),
            ("another country", 1, "+12025550123", "Other", &[1]),
        ];
        for (label, tenant, number, sender, expected) in cases {
            let found: Vec<i64> = router().candidates(TenantId(tenant), number, sender).map(|route| route.id.0).collect();
            assert_eq!(found, expected, "{label}");
        }
    }

    #[test]
    fn fails_over_to_the_next_trunk_that_is_up() {
        let choose = |up: &'static [i64]| {
            let state = move |trunk: TrunkId| if up.contains(&trunk.0) { TrunkState::Up } else { TrunkState::Waiting };
            router().choose(TenantId(1), "+447700900123", "Other", state).map(|route| route.id.0)
        };
        assert_eq!((choose(&[1, 2, 3, 6]), choose(&[1, 2]), choose(&[1]), choose(&[7])), (Some(6), Some(2), Some(1), None));
        assert_eq!(router().choose(TenantId(1), "+447700900123", "", |_| TrunkState::Degraded).map(|route| route.id.0), Some(6));
    }

    #[test]
    fn checks_prefixes() {
        for good in ["", "+4", "+447700"] {
            assert_eq!(check_prefix(good), Ok(()), "{good:?}");
        }
        for bad in ["44", "+", "+0", "+44 7", "+4477009001234567", "++44"] {
            assert_eq!(check_prefix(bad), Err(MalformedPrefix), "{bad:?}");
        }
    }
}
