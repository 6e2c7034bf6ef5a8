//! Settings: from JSON to a vendor's own type, with errors that name the field.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Result};

/// The JSON Schema (2020-12) of a vendor's settings, self-contained.
pub fn schema<C: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    SchemaGenerator::new(settings).into_root_schema_for::<C>()
}

/// Reads settings. An error names the field and says what was expected, without repeating the
/// value, which may be a secret in the wrong place.
pub fn parse<C: DeserializeOwned>(settings: Value) -> Result<C> {
    if !settings.is_object() {
        return Err(Error::config("credentials", "give the settings as an object of fields"));
    }
    serde_path_to_error::deserialize(&settings).map_err(|error| {
        let path = error.path().to_string();
        let (field, remedy) = explain(&error.into_inner().to_string(), &path);
        Error::config(field, remedy)
    })
}

/// Turns serde's sentence into the field and a remedy. The sentence itself is not passed on: it
/// quotes values.
fn explain(sentence: &str, path: &str) -> (String, String) {
    let quoted = |prefix: &str| {
        let rest = sentence.strip_prefix(prefix)?.strip_prefix('`')?;
        rest.split_once('`').map(|(name, _)| name.to_owned())
    };
    let below = |name: String| if path == "." { name } else { format!("{path}.{name}") };
    if let Some(name) = quoted("missing field ") {
        return (below(name), "missing: give this field".to_owned());
    }
    if let Some(name) = quoted("unknown field ") {
        // serde's path already ends in the unknown field.
        let field = if path == name || path.ends_with(&format!(".{name}")) { path.to_owned() } else { below(name) };
        let known = sentence.split_once("expected ").map(|(_, known)| known.replace('`', "")).unwrap_or_default();
        return (field, format!("unknown field: check its spelling, expected {known}"));
    }
    if sentence.starts_with("unknown variant ") {
        let known = sentence.split_once("expected ").map(|(_, known)| known.replace('`', "")).unwrap_or_default();
        return (path.to_owned(), format!("not one of the choices: give {known}"));
    }
    if let Some((_, expected)) = sentence.rsplit_once("expected ") {
        return (path.to_owned(), format!("of the wrong type: expected {expected}"));
    }
    (path.to_owned(), "not valid: see the description of this field".to_owned())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::secret::Secret;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read into")]
    struct Settings {
        bucket_name: String,
        secret_access_key: Option<Secret>,
        #[serde(default)]
        mode: Mode,
        port: Option<u16>,
    }

    #[derive(Debug, Default, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Mode {
        #[default]
        Fast,
        Safe,
    }

    fn refused(settings: Value) -> (String, String) {
        let error = parse::<Settings>(settings).expect_err("must be refused");
        (error.get("field").unwrap_or_default().to_owned(), error.to_string())
    }

    #[test]
    fn an_error_names_the_field() {
        assert_eq!(refused(json!({})).0, "bucket_name");
        assert_eq!(refused(json!({"bucket_name": 7})).0, "bucket_name");
        assert_eq!(refused(json!({"bucket_name": "b", "buket": 1})).0, "buket");
        assert_eq!(refused(json!({"bucket_name": "b", "port": 70_000})).0, "port");
        assert_eq!(refused(json!({"bucket_name": "b", "mode": "slow"})).0, "mode");
        assert_eq!(refused(json!([])).0, "credentials");
    }

    #[test]
    fn an_error_repeats_no_value() {
        let planted = json!({"bucket_name": "b", "secret_access_key": 4_711_123_u32});
        assert!(!refused(planted).1.contains("4711123"));
        let misplaced = json!({"bucket_name": "b", "port": "hunter2"});
        assert!(!refused(misplaced).1.contains("hunter2"));
        let misplaced = json!({"bucket_name": "b", "mode": "hunter2"});
        assert!(!refused(misplaced).1.contains("hunter2"));
    }

    #[test]
    fn a_secret_is_write_only_in_the_schema() {
        let schema = serde_json::to_value(schema::<Settings>()).expect("a schema is JSON");
        let secret = &schema["properties"]["secret_access_key"];
        assert_eq!(secret["writeOnly"], true, "{schema:#}");
        assert_eq!(schema["required"], json!(["bucket_name"]));
    }
}
