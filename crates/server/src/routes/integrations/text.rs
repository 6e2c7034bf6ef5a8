//! Words a person gives: bounded in length.

use serde::{Deserialize, Deserializer, de};

/// A name: something, and not a page of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(String);

/// A description. It may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description(String);

/// In characters.
const LONGEST_NAME: usize = 200;
const LONGEST_DESCRIPTION: usize = 4_000;

impl Name {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl From<Description> for String {
    fn from(description: Description) -> Self {
        description.0
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let characters = name.chars().take(LONGEST_NAME + 1).count();
        if name.trim().is_empty() || characters > LONGEST_NAME {
            // The shape that settings errors are explained in.
            return Err(de::Error::custom("length, expected 1 to 200 characters that are not all spaces"));
        }
        Ok(Self(name))
    }
}

impl<'de> Deserialize<'de> for Description {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let description = String::deserialize(deserializer)?;
        if description.chars().take(LONGEST_DESCRIPTION + 1).count() > LONGEST_DESCRIPTION {
            return Err(de::Error::custom("length, expected at most 4000 characters"));
        }
        Ok(Self(description))
    }
}
