//! Integrations: the stored connections of a tenant.

mod change;
mod checks;
mod connect;
mod create;
mod read;
mod recall;
mod secrets;
mod types;

use catchment_core::{Error, ErrorKind, IntegrationId};
use serde_json::Value as Json;

pub use recall::Past;
pub use types::{Connected, GrantInfo, Integration, IntegrationChange, List, Mark, NewIntegration, Status, Success};

/// The condition that a row with `integration` belongs to the integration `$3`, and that to the
/// scope `$1`, `$2`.
macro_rules! of_mine {
    () => {
        concat!(
            "integration = $3 AND EXISTS (SELECT id FROM integrations WHERE ",
            $crate::scope::mine!(),
            " AND id = $3)"
        )
    };
}

pub(crate) use of_mine;

pub(crate) fn no_integration(id: IntegrationId) -> Error {
    Error::new(ErrorKind::NotFound, "no such integration: list the integrations to see their ids")
        .with("integration", id)
}

/// The same value with the fields of all objects in order. Whether a map keeps the order in which
/// it was filled is a feature of `serde_json` that any crate of a program may switch on.
fn canonical(value: &Json) -> Json {
    match value {
        Json::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().map(|(name, value)| (name.clone(), canonical(value))).collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Json::Object(fields.into_iter().collect())
        }
        Json::Array(items) => items.iter().map(canonical).collect(),
        other => other.clone(),
    }
}
