//! A number a person is reached at.

use crate::word::words;

words! {
    /// What kind of line a number is, as its range tells (a ported number keeps its old range).
    pub enum LineType {
        Mobile = "mobile",
        FixedLine = "fixed_line",
        /// North America: the range does not tell mobile from fixed.
        FixedOrMobile = "fixed_or_mobile",
        TollFree = "toll_free",
        PremiumRate = "premium_rate",
        SharedCost = "shared_cost",
        Voip = "voip",
        Personal = "personal",
        Pager = "pager",
        Uan = "uan",
        Unknown = "unknown",
    }
}
