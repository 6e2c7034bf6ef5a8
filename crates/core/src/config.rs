//! Settings: from JSON to a vendor's own type, with errors that name the field; and apart, what of
//! them is secret.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    error::{Error, Result},
    secret::Secret,
};

/// The JSON Schema (2020-12) of a vendor's settings, self-contained.
pub fn schema<C: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    SchemaGenerator::new(settings).into_root_schema_for::<C>()
}

/// Reads settings. An error names the field and says what was expected, without repeating the
/// value, which may be a secret in the wrong place.
pub fn parse<C: DeserializeOwned>(settings: Value) -> Result<C> {
    if !settings.is_object() {
        return Err(no_object());
    }
    serde_path_to_error::deserialize(&settings).map_err(|error| {
        let path = error.path().to_string();
        let (field, remedy) = explain(&error.into_inner().to_string(), &path);
        Error::config(field, remedy)
    })
}

/// The fields of a settings object, by name.
pub fn fields(schema: &Schema) -> impl Iterator<Item = (&str, &Value)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().map(|(name, field)| (name.as_str(), field))
}

/// The names of the fields that are secret. Only fields of the settings object itself can be:
/// a secret deeper inside would be stored, and shown, with the settings around it.
pub fn secret_fields(schema: &Schema) -> impl Iterator<Item = &str> {
    fields(schema).filter(|(_, field)| field["writeOnly"] == true).map(|(name, _)| name)
}

/// Takes the secrets out of settings, to be sealed on their own. A secret field that is `null` or
/// missing is in neither part.
///
/// # Errors
/// `Config`, naming the field, when the settings are no object or a secret is no string.
pub fn split(schema: &Schema, settings: Value) -> Result<(Value, Vec<(String, Secret)>)> {
    let Value::Object(mut settings) = settings else { return Err(no_object()) };
    let mut secrets = Vec::new();
    for name in secret_fields(schema) {
        match settings.remove(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(secret)) => secrets.push((name.to_owned(), Secret::new(secret))),
            Some(_) => return Err(Error::config(name, "of the wrong type: expected a string")),
        }
    }
    Ok((Value::Object(settings), secrets))
}

/// Puts settings and secrets together again, in the shape of the vendor's schema. The value holds
/// secrets in the clear: hand it to [`Registry::connect`](crate::Registry::connect) and to nobody else.
pub fn join(settings: &Value, secrets: impl IntoIterator<Item = (String, Secret)>) -> Value {
    let mut whole = settings.as_object().cloned().unwrap_or_else(Map::new);
    whole.extend(secrets.into_iter().map(|(name, secret)| (name, secret.expose().into())));
    Value::Object(whole)
}

fn no_object() -> Error {
    Error::config("credentials", "give the settings as an object of fields")
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
    fn secrets_come_apart_from_the_settings_and_back_together() {
        let schema = schema::<Settings>();
        assert_eq!(secret_fields(&schema).collect::<Vec<_>>(), ["secret_access_key"]);
        let whole = json!({"bucket_name": "b", "secret_access_key": "hunter2"});
        let (settings, secrets) = split(&schema, whole.clone()).expect("an object");
        assert_eq!(settings, json!({"bucket_name": "b"}));
        assert_eq!((secrets[0].0.as_str(), secrets[0].1.expose()), ("secret_access_key", "hunter2"));
        assert_eq!(join(&settings, secrets), whole);

        let (_, none) = split(&schema, json!({"bucket_name": "b", "secret_access_key": null})).expect("an object");
        assert!(none.is_empty());
        let error = split(&schema, json!({"secret_access_key": 4_711_123_u32})).expect_err("no string").to_string();
        assert!(error.contains("secret_access_key") && !error.contains("4711123"), "{error}");
        assert!(split(&schema, json!([])).is_err());
    }

    #[test]
    fn a_secret_is_write_only_in_the_schema() {
        let schema = serde_json::to_value(schema::<Settings>()).expect("a schema is JSON");
        let secret = &schema["properties"]["secret_access_key"];
        assert_eq!(secret["writeOnly"], true, "{schema:#}");
        assert_eq!(schema["required"], json!(["bucket_name"]));
    }
}
