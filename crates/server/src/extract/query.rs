//! Queries and ids in paths, with errors that name the parameter.

use std::fmt;

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use catchment_core::IntegrationId;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Visitor},
};
use serde_urlencoded::Deserializer as Form;

use crate::problem::{Problem, Result};

/// How many items a list has if nobody asks, and at most.
pub(crate) const LIMIT: u32 = 100;
pub(crate) const MOST: u32 = 1_000;

/// The parameters of a query as a `T`. A parameter that `T` does not know is refused.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let query = parts.uri.query().unwrap_or_default();
        if let Some((field, _)) =
            form_urlencoded(query).find(|(name, value)| name.contains('\0') || value.contains('\0'))
        {
            return Err(Problem::field(field.replace('\0', ""), "holds the character U+0000: take it out"));
        }
        let form = Form::new(form_urlencoded(query));
        serde_path_to_error::deserialize(form).map(Self).map_err(|error| {
            let field = error.path().to_string();
            refused(&field, &error.into_inner().to_string())
        })
    }
}

fn form_urlencoded(query: &str) -> url::form_urlencoded::Parse<'_> {
    url::form_urlencoded::parse(query.as_bytes())
}

/// serde quotes values in most of its sentences; those are not passed on.
fn refused(path: &str, sentence: &str) -> Problem {
    let quoted = |prefix: &str| sentence.strip_prefix(prefix)?.strip_prefix('`')?.split_once('`');
    if let Some((name, rest)) = quoted("unknown field ") {
        let known = rest.split_once("expected ").map_or("no parameter", |(_, known)| known).replace('`', "");
        return Problem::field(name, format_args!("unknown parameter: check its spelling, expected {known}"));
    }
    if let Some((name, _)) = quoted("missing field ") {
        return Problem::field(name, "missing: give this parameter");
    }
    if let Some((name, _)) = quoted("duplicate field ") {
        return Problem::field(name, "given twice: give it once");
    }
    if let Some((_, known)) = sentence.strip_prefix("unknown variant ").and_then(|rest| rest.split_once("expected ")) {
        return Problem::field(path, format_args!("not one of the choices: give {}", known.replace('`', "")));
    }
    match sentence.strip_prefix(OURS) {
        Some(remedy) => Problem::field(path, remedy),
        None => Problem::field(path, "not valid: see the description of this parameter"),
    }
}

/// Marks a sentence that quotes nothing.
const OURS: &str = "\u{1}";

/// How many items a list may have: 1 to 1000, 100 if nobody asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit(pub(crate) u32);

impl Default for Limit {
    fn default() -> Self {
        Self(LIMIT)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        number(deserializer, 1, MOST.into()).map(|limit| Self(u32::try_from(limit).unwrap_or(MOST)))
    }
}

/// The place in a list that `next_cursor` named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor(pub(crate) i64);

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Opaque;

        impl Visitor<'_> for Opaque {
            type Value = Cursor;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a cursor")
            }

            fn visit_str<E: serde::de::Error>(self, cursor: &str) -> Result<Cursor, E> {
                let place = cursor.parse().ok().filter(|place| *place >= 0);
                place.map(Cursor).ok_or_else(|| {
                    E::custom(format_args!("{OURS}not a cursor: give the next_cursor of the page before"))
                })
            }
        }

        deserializer.deserialize_str(Opaque)
    }
}

fn number<'de, D: Deserializer<'de>>(deserializer: D, least: i64, most: i64) -> Result<i64, D::Error> {
    struct Whole(i64, i64);

    impl Whole {
        fn refuse<E: serde::de::Error>(&self) -> E {
            E::custom(format_args!("{OURS}give a whole number from {} to {}", self.0, self.1))
        }
    }

    impl Visitor<'_> for Whole {
        type Value = i64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a whole number from {} to {}", self.0, self.1)
        }

        fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<i64, E> {
            if (self.0..=self.1).contains(&number) { Ok(number) } else { Err(self.refuse()) }
        }

        fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<i64, E> {
            i64::try_from(number).map_err(|_| self.refuse()).and_then(|number| self.visit_i64(number))
        }

        fn visit_str<E: serde::de::Error>(self, number: &str) -> Result<i64, E> {
            let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            match number.parse() {
                Ok(number) if digits => self.visit_i64(number),
                _ => Err(self.refuse()),
            }
        }
    }

    deserializer.deserialize_any(Whole(least, most))
}

/// The number in a path: `/integrations/{id}`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Id(pub(crate) i64);

impl Id {
    /// As the id of an integration.
    pub(crate) fn integration(self) -> IntegrationId {
        IntegrationId(self.0)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let id = segment(parts, state, "id").await?;
        let digits = id.bytes().all(|byte| byte.is_ascii_digit());
        id.parse()
            .ok()
            .filter(|_| digits)
            .map(Self)
            .ok_or_else(|| Problem::field("id", "give the id as a whole number"))
    }
}

/// The user in a path: `/integrations/user/{user_id}`.
#[derive(Debug, Clone)]
pub(crate) struct UserId(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for UserId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        segment(parts, state, "user_id").await.map(Self)
    }
}

/// The vendor in a path: `/api/integrations/{vendor}`.
#[derive(Debug, Clone)]
pub(crate) struct VendorId(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for VendorId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        segment(parts, state, "vendor").await.map(Self)
    }
}

async fn segment<S: Send + Sync>(parts: &mut Parts, state: &S, name: &str) -> Result<String> {
    let undecodable = || Problem::field(name, "not valid: write it percent-encoded in UTF-8, without U+0000");
    let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| undecodable())?;
    let found = params.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
    found.filter(|text| !text.contains('\0')).ok_or_else(undecodable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read into")]
    struct List {
        vendor: Option<String>,
        #[serde(default)]
        limit: Limit,
        cursor: Option<Cursor>,
        full: Option<bool>,
    }

    fn read(query: &str) -> Result<List, String> {
        let form = Form::new(form_urlencoded(query));
        serde_path_to_error::deserialize(form).map_err(|error| {
            let field = error.path().to_string();
            refused(&field, &error.into_inner().to_string()).detail().to_owned()
        })
    }

    #[test]
    fn a_list_has_a_hundred_items_unless_told_and_a_thousand_at_most() {
        assert_eq!(read("").map(|list| list.limit), Ok(Limit(100)));
        assert_eq!(read("limit=1000&vendor=s3").map(|list| list.limit), Ok(Limit(1_000)));
        for limit in ["-1", "0", "1001", "ten", "1.5", "+1", "", "99999999999999999999", "%00"] {
            let error = read(&format!("limit={limit}")).expect_err("out of bounds");
            assert_eq!(error, "limit: give a whole number from 1 to 1000", "{limit}");
        }
    }

    #[test]
    fn a_refused_parameter_is_named_and_its_value_is_not() {
        assert!(read("vendr=s3").unwrap_err().starts_with("vendr: unknown parameter"));
        assert!(read("cursor=hunter2").unwrap_err().starts_with("cursor: not a cursor"));
        assert!(read("cursor=-4").unwrap_err().starts_with("cursor: not a cursor"));
        assert_eq!(read("full=hunter2").unwrap_err(), "full: not valid: see the description of this parameter");
        assert_eq!(read("limit=1&limit=2").unwrap_err(), "limit: given twice: give it once");
    }
}
