//! The country or territory a number belongs to.

use std::fmt;
use std::str::FromStr;

use rlibphonenumber::PHONE_NUMBER_UTIL;

/// An ISO 3166 country or territory that has numbers of its own: `GB`, `GG`, `JE`, `IM`, `IE`, `US`…
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region([u8; 2]);

/// Letters that name no country with numbers of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown country: use two capital letters of ISO 3166, such as GB, IE or US")]
pub struct UnknownRegion;

impl Region {
    pub const GB: Self = Self(*b"GB");
    pub const GG: Self = Self(*b"GG");
    pub const JE: Self = Self(*b"JE");
    pub const IM: Self = Self(*b"IM");
    pub const IE: Self = Self(*b"IE");
    pub const US: Self = Self(*b"US");

    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII letters go in")
    }

    /// The dialling code of the region, without the plus sign: 44 for `GB`, `GG`, `JE` and `IM`.
    #[must_use]
    pub fn country_code(self) -> Option<u16> {
        let code = PHONE_NUMBER_UTIL.get_country_code_for_region(self.library()?)?;
        u16::try_from(code).ok()
    }

    pub(crate) fn library(self) -> Option<rlibphonenumber::Region> {
        rlibphonenumber::Region::try_from(self.as_str()).ok()
    }

    /// `None` for numbers of no place, such as satellite and international freephone numbers.
    pub(crate) fn from_library(region: rlibphonenumber::Region) -> Option<Self> {
        let name = region.as_region_str();
        <[u8; 2]>::try_from(name.as_str().as_bytes()).ok().map(Self)
    }
}

impl FromStr for Region {
    type Err = UnknownRegion;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let letters = <[u8; 2]>::try_from(text.as_bytes()).map_err(|_| UnknownRegion)?;
        let region = letters.iter().all(u8::is_ascii_uppercase).then_some(Self(letters)).ok_or(UnknownRegion)?;
        region.country_code().map(|_| region).ok_or(UnknownRegion)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Region {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Region {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_crown_dependencies_and_refuses_what_has_no_numbers() {
        for (text, code) in [("GB", 44), ("GG", 44), ("JE", 44), ("IM", 44), ("IE", 353), ("US", 1), ("CA", 1), ("FR", 33)] {
            assert_eq!(text.parse::<Region>().ok().and_then(Region::country_code), Some(code), "{text}");
        }
        for text in ["", "gb", "GBR", "XX", "Gb", "44", "é"] {
            assert_eq!(text.parse::<Region>(), Err(UnknownRegion), "{text}");
        }
    }
}
