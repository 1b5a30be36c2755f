//! All rule packs of an installation: which one speaks for a region on a day.

use std::sync::Arc;

use crate::compliance::rule_pack::{PackError, RulePack};
use crate::time::Instant;

const EVERY: (&str, &str) = ("every.toml", include_str!("../../rules/every.toml"));
const REGIONS: &[(&str, &str)] = &[
    ("uk.toml", include_str!("../../rules/uk.toml")),
    ("crown.toml", include_str!("../../rules/crown.toml")),
];
/// Speaks for no region, so that it refuses everybody: what an unknown law says.
const NONE: (&str, &str) = ("none", "name = \"none\"\nregions = []\nvalid_from = \"2020-01-01\"\n");

#[derive(Debug, Clone)]
pub struct RuleBook {
    packs: Vec<Arc<RulePack>>,
    none: Arc<RulePack>,
}

impl RuleBook {
    /// The packs that ship with the software.
    pub fn embedded() -> Result<Self, PackError> {
        Self::read(EVERY, REGIONS)
    }

    /// The shipped rules of every region with an operator's own region files (name, text).
    pub fn with_regions(regions: &[(&str, &str)]) -> Result<Self, PackError> {
        Self::read(EVERY, regions)
    }

    /// The shipped packs, with an operator's own files (name, text): one that is called like a shipped file stands in its
    /// place, and any other is added to them.
    pub fn with_own(files: &[(&str, &str)]) -> Result<Self, PackError> {
        if let Some((file, _)) = files.iter().find(|(file, _)| *file == EVERY.0) {
            return Err(PackError::Syntax { file: (*file).to_owned(), reason: "the rules of every region ship with the software: add yours to a region's file".into() });
        }
        let shipped = REGIONS.iter().filter(|(file, _)| !files.iter().any(|(own, _)| own == file)).copied();
        let all: Vec<(&str, &str)> = shipped.chain(files.iter().copied()).collect();
        Self::read(EVERY, &all)
    }

    fn read(every: (&str, &str), regions: &[(&str, &str)]) -> Result<Self, PackError> {
        let packs = regions.iter().map(|region| RulePack::read(every, *region).map(Arc::new)).collect::<Result<Vec<_>, _>>()?;
        refuse_overlaps(&packs)?;
        Ok(Self { packs, none: Arc::new(RulePack::read(every, NONE)?) })
    }

    /// The pack in force for a region; for a region without one, the pack that refuses with `REGION-NO-PACK`.
    #[must_use]
    pub fn pack(&self, region: Option<&str>, at: Instant) -> &Arc<RulePack> {
        let speaks = |pack: &&Arc<RulePack>| region.is_some_and(|region| pack.covers(region)) && pack.is_in_force(at);
        self.packs.iter().find(speaks).unwrap_or(&self.none)
    }

    #[must_use]
    pub fn packs(&self) -> &[Arc<RulePack>] {
        &self.packs
    }
}

fn refuse_overlaps(packs: &[Arc<RulePack>]) -> Result<(), PackError> {
    for (index, first) in packs.iter().enumerate() {
        for second in &packs[index + 1..] {
            let shared = first.regions().iter().find(|region| second.covers(region));
            let ((from, to), (other_from, other_to)) = (first.valid(), second.valid());
            let both_from = from.max(other_from);
            let both_to = [to, other_to].into_iter().flatten().min();
            if let Some(region) = shared
                && both_to.is_none_or(|end| both_from <= end)
            {
                let (first, second) = (first.version().to_string(), second.version().to_string());
                return Err(PackError::Overlap { first, second, region: region.clone(), date: both_from });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "rule_book_tests.rs"]
mod tests;
