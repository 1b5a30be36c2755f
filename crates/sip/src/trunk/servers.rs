//! The servers of a trunk: in which order a call tries them (RFC 2782), and which are known to be dead.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::chance::Chance;
use crate::hop::Hop;
use crate::wire::Noted;

/// A server from the look-up. Lower priorities come first; within one, chance by weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub hop: Hop,
    pub priority: u32,
    pub weight: u16,
}

#[derive(Debug)]
struct Server {
    found: Found,
    /// `None` until it was heard of.
    alive: Option<bool>,
    /// Why nothing can be delivered to it, where that is known.
    why: String,
    barred_until: Option<Instant>,
}

#[derive(Debug, Default)]
pub struct Servers(Vec<Server>);

/// How many servers there are, by what is known of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Census {
    pub usable: usize,
    pub unknown: usize,
    pub silent: Vec<SocketAddr>,
    pub unreachable: Vec<(SocketAddr, String)>,
    pub barred: Vec<SocketAddr>,
}

impl Servers {
    /// A new look-up. What was known of servers that are still there is kept.
    pub fn replace(&mut self, found: Vec<Found>) {
        let old = std::mem::take(&mut self.0);
        self.0 = found.into_iter().map(|found| {
            let known = old.iter().find(|server| server.found.hop.address == found.hop.address && server.found.hop.transport == found.hop.transport);
            let why = known.map_or_else(String::new, |server| server.why.clone());
            Server { alive: known.and_then(|server| server.alive), why, barred_until: known.and_then(|server| server.barred_until), found }
        }).collect();
    }

    /// True when this changes what is known. An answer lifts no bar: it ends by its time alone.
    pub fn note(&mut self, now: Instant, address: SocketAddr, what: &Noted) -> bool {
        let Some(server) = self.0.iter_mut().find(|server| server.found.hop.address == address) else { return false };
        let before = (server.alive, server.barred_until, std::mem::take(&mut server.why));
        match what {
            Noted::Alive => server.alive = Some(true),
            Noted::Silent => server.alive = Some(false),
            Noted::Unreachable(why) => {
                server.alive = Some(false);
                server.why.clone_from(why);
            }
            Noted::Unavailable(wait) => {
                server.alive = Some(true);
                server.barred_until = wait.map(|wait| now + wait).or(server.barred_until);
            }
        }
        before != (server.alive, server.barred_until, server.why.clone())
    }

    /// In the order in which a call tries them: the living first, by priority and weight; the dead after them, since
    /// they may have come back; those that want to be left alone not at all.
    pub fn order(&self, now: Instant, chance: &mut dyn Chance) -> Vec<Hop> {
        let mut left: Vec<&Server> = self.0.iter().filter(|server| !server.is_barred(now)).collect();
        let mut order = Vec::with_capacity(left.len());
        while let Some(first) = left.iter().map(|server| server.rank()).min() {
            let group: Vec<usize> = (0..left.len()).filter(|&place| left[place].rank() == first).collect();
            let total: u64 = group.iter().map(|&place| u64::from(left[place].found.weight)).sum();
            let mut pick = if total == 0 { 0 } else { chance.number() % total };
            let chosen = group.iter().copied().find(|&place| {
                let weight = u64::from(left[place].found.weight);
                let hit = pick < weight;
                pick = pick.saturating_sub(weight);
                hit
            });
            order.push(left.remove(chosen.unwrap_or(group[0])).found.hop.clone());
        }
        order
    }

    /// For how long no server wants a call, when that holds for every one of them.
    #[must_use]
    pub fn barred_for(&self, now: Instant) -> Option<Duration> {
        let all = !self.0.is_empty() && self.0.iter().all(|server| server.is_barred(now));
        all.then(|| self.0.iter().filter_map(|server| server.barred_until).min()).flatten().map(|until| until.saturating_duration_since(now))
    }

    pub fn hops(&self) -> impl Iterator<Item = &Hop> {
        self.0.iter().map(|server| &server.found.hop)
    }

    #[must_use]
    pub fn census(&self, now: Instant) -> Census {
        let mut census = Census::default();
        for server in &self.0 {
            match server.alive {
                _ if server.is_barred(now) => census.barred.push(server.found.hop.address),
                Some(true) => census.usable += 1,
                Some(false) if !server.why.is_empty() => census.unreachable.push((server.found.hop.address, server.why.clone())),
                Some(false) => census.silent.push(server.found.hop.address),
                None => census.unknown += 1,
            }
        }
        census
    }
}

impl Server {
    fn is_barred(&self, now: Instant) -> bool {
        self.barred_until.is_some_and(|until| until > now)
    }

    fn rank(&self) -> (bool, u32) {
        (self.alive == Some(false), self.found.priority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::SeededChance;
    use crate::hop::Transport;

    fn found(last: u8, priority: u32, weight: u16) -> Found {
        Found { hop: Hop { transport: Transport::Udp, address: ([192, 0, 2, last], 5060).into(), tls: None }, priority, weight }
    }

    fn lasts(servers: &Servers, now: Instant, chance: &mut SeededChance) -> Vec<String> {
        servers.order(now, chance).iter().map(|hop| hop.address.ip().to_string().split('.').next_back().expect("a number").to_owned()).collect()
    }

    #[test]
    fn the_dead_come_last_and_the_barred_not_at_all() {
        let now = Instant::now();
        let mut chance = SeededChance(1);
        let mut servers = Servers::default();
        servers.replace(vec![found(1, 0, 0), found(2, 1, 0), found(3, 2, 0)]);
        assert_eq!(lasts(&servers, now, &mut chance), ["1", "2", "3"]);
        assert!(servers.note(now, ([192, 0, 2, 1], 5060).into(), &Noted::Silent));
        assert_eq!(lasts(&servers, now, &mut chance), ["2", "3", "1"]);
        servers.note(now, ([192, 0, 2, 2], 5060).into(), &Noted::Unavailable(Some(Duration::from_secs(9))));
        assert_eq!(lasts(&servers, now, &mut chance), ["3", "1"]);
        servers.replace(vec![found(2, 0, 0)]);
        assert_eq!((lasts(&servers, now, &mut chance).len(), servers.barred_for(now)), (0, Some(Duration::from_secs(9))));
        assert_eq!(lasts(&servers, now + Duration::from_secs(9), &mut chance), ["2"]);
    }

    #[test]
    fn weights_share_the_load() {
        let (now, mut chance) = (Instant::now(), SeededChance(7));
        let mut servers = Servers::default();
        servers.replace(vec![found(1, 0, 10), found(2, 0, 30), found(3, 0, 0)]);
        let firsts: Vec<String> = (0..4_000).map(|_| lasts(&servers, now, &mut chance).remove(0)).collect();
        let share = firsts.iter().filter(|first| *first == "2").count();
        assert!((2_850..3_150).contains(&share), "{share}");
    }
}
