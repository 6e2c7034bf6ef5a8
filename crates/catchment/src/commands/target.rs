//! From an address and settings to a connector.

use std::sync::Arc;

use catchment_core::{
    Connector, Context, Error, Result,
    config::{fields, split},
};
use catchment_store::Integration;
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
    /// The stored connection, if that is what was meant.
    pub(crate) stored: Option<Integration>,
}

/// Finds the vendor of an address, lays the settings over it, and connects. Nothing is reached
/// for yet. A vendor's id alone means the connection with it that is stored.
pub(crate) async fn resolve(app: &App, target: &Target) -> Result<Resolved> {
    let by_name = app.registry.manifests().find(|manifest| manifest.id == target.address);
    if let (Some(manifest), true) = (by_name, target.settings.is_empty())
        && let Some(resolved) = stored(app, manifest.id).await?
    {
        return Ok(resolved);
    }
    let (vendor, mut settings, path) = match by_name.filter(|_| !target.settings.is_empty()) {
        Some(manifest) => (manifest.id, Value::Object(Map::new()), String::new()),
        None => {
            let (vendor, location) = app.registry.locate(&target.address)?;
            (vendor, location.settings, location.path)
        }
    };
    let schema = app.registry.schema(vendor)?;
    for (name, value) in values(&schema, &target.settings)? {
        settings[name] = value;
    }
    let connector = app.registry.connect(vendor, settings.clone(), Context::local())?;
    let (settings, _) = split(&schema, settings)?;
    Ok(Resolved { vendor, connector, path, settings, stored: None })
}

/// The stored connection with a vendor, if there is one.
async fn stored(app: &App, vendor: &'static str) -> Result<Option<Resolved>> {
    let store = app.store().await?;
    let own = store.scoped(app.tenant());
    let Some(integration) = app.stored(&own, vendor).await? else { return Ok(None) };
    let own = app.sealed_store(store).await?.scoped(app.tenant());
    let connector = app.reconnect(&own, &integration).await?;
    let settings = integration.settings.clone();
    Ok(Some(Resolved { vendor, connector, path: String::new(), settings, stored: Some(integration) }))
}

/// The settings that were typed.
pub(crate) fn values(schema: &Schema, typed: &[String]) -> Result<Vec<(String, Value)>> {
    let one = |setting: &String| {
        let (name, value) = setting.split_once('=').ok_or_else(|| {
            Error::config("set", "write a setting as NAME=VALUE")
                .with("given", setting.split(':').next().unwrap_or_default())
        })?;
        Ok((name.to_owned(), value_for(schema, name, value)?))
    };
    typed.iter().map(one).collect()
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
