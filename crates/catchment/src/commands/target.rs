//! From an address and settings to a connector.

use std::sync::Arc;

use catchment_core::{
    Connector, Context, Error, Result,
    config::{fields, split},
};
use schemars::Schema;
use serde_json::{Map, Value};

use crate::{
    app::{App, secret_value},
    cli::Target,
};

/// What an address turned out to mean.
pub(crate) struct Resolved {
    pub(crate) vendor: &'static str,
    pub(crate) connector: Arc<dyn Connector>,
    /// A path below the root, when the address named a single file.
    pub(crate) path: String,
    /// The settings without the secrets, to be kept.
    pub(crate) settings: Value,
}

/// Finds the vendor of an address, lays the settings over it, and connects. Nothing is reached
/// for yet.
pub(crate) fn resolve(app: &App, target: &Target) -> Result<Resolved> {
    let by_name =
        app.registry.manifests().find(|manifest| manifest.id == target.address && !target.settings.is_empty());
    let (vendor, mut settings, path) = match by_name {
        Some(manifest) => (manifest.id, Value::Object(Map::new()), String::new()),
        None => {
            let (vendor, location) = app.registry.locate(&target.address)?;
            (vendor, location.settings, location.path)
        }
    };
    let schema = app.registry.schema(vendor)?;
    for setting in &target.settings {
        let (name, value) = setting.split_once('=').ok_or_else(|| {
            Error::config("set", "write a setting as NAME=VALUE")
                .with("given", setting.split(':').next().unwrap_or_default())
        })?;
        settings[name] = value_for(&schema, name, value)?;
    }
    let connector = app.registry.connect(vendor, settings.clone(), Context::local())?;
    let (settings, _) = split(&schema, settings)?;
    Ok(Resolved { vendor, connector, path, settings })
}

/// A value typed on the command line as the schema wants it: a string where it takes one, else
/// JSON. A name that the schema does not know is passed on, for the connector to refuse.
fn value_for(schema: &Schema, name: &str, value: &str) -> Result<Value> {
    let value = secret_value(value)?;
    let field = fields(schema).find(|(field, _)| *field == name).map(|(_, field)| field);
    let takes = |kind: &str| {
        field.is_none_or(|field| match &field["type"] {
            Value::String(one) => one == kind,
            Value::Array(many) => many.iter().any(|one| one == kind),
            _ => kind == "string",
        })
    };
    if takes("string") {
        return Ok(value.expose().into());
    }
    Ok(serde_json::from_str(value.expose()).unwrap_or_else(|_| value.expose().into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_typed_value_has_the_type_of_its_field() {
        let schema: Schema = json!({"properties": {
            "name": {"type": ["string", "null"]}, "port": {"type": "integer"}, "strict": {"type": "boolean"}
        }})
        .try_into()
        .expect("a schema");
        let value = |name, value| value_for(&schema, name, value).expect("no file");
        assert_eq!(value("name", "7"), json!("7"));
        assert_eq!(value("port", "7"), json!(7));
        assert_eq!(value("strict", "true"), json!(true));
        assert_eq!(value("port", "seven"), json!("seven"));
        assert_eq!(value("unknown", "7"), json!("7"));
    }
}
