//! Secrets: strings that cannot be printed, serialized or left behind in memory.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use zeroize::Zeroizing;

/// A password, key or token.
///
/// It has no `Display` and no `Serialize`, its `Debug` shows nothing, and its memory is zeroed
/// when it is dropped. [`Secret::expose`] is the one way out, and easy to search for.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(Zeroizing::new(secret.into()))
    }

    /// The secret itself. Never log it, never put it into an error or a URL.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self::new(secret)
    }
}

impl From<&str> for Secret {
    fn from(secret: &str) -> Self {
        Self::new(secret)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(••••••••)")
    }
}

/// Takes a string. What stands there instead is never repeated in the error.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        macro_rules! refuse {
            ($($method:ident($type:ty)),*) => {
                $(fn $method<E: de::Error>(self, _: $type) -> Result<Secret, E> {
                    Err(E::custom("expected a string in quotes"))
                })*
            };
        }

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: de::Error>(self, secret: &str) -> Result<Secret, E> {
                Ok(Secret::new(secret))
            }

            fn visit_string<E: de::Error>(self, secret: String) -> Result<Secret, E> {
                Ok(Secret::new(secret))
            }

            refuse!(visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64), visit_bytes(&[u8]));
        }

        // Not `deserialize_string`: formats refuse a wrong type there themselves, quoting the value.
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "password", "writeOnly": true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_in_no_debug_output() {
        let secret = Secret::new("hunter2");
        assert!(!format!("{secret:?} {:#?}", Some(&secret)).contains("hunter2"));
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn a_mistyped_secret_is_not_repeated_in_the_error() {
        for json in ["4711123", "true", "-4711123", "4711123.5"] {
            let error = serde_json::from_str::<Secret>(json).expect_err("not a string").to_string();
            assert!(!error.contains(json) && error.contains("string"), "{error}");
        }
    }
}
