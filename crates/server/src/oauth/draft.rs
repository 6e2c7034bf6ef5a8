//! What is remembered while a person is at a vendor's page.

use catchment_core::{Error, Result, Secret};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A consent that was asked for. It is stored sealed: it holds what proves that an answer belongs
/// to this question, and what the person typed into the form.
#[derive(Serialize, Deserialize)]
pub(crate) struct Draft {
    /// The secret half of PKCE.
    pub(crate) verifier: String,
    /// Where the vendor sends the browser; said again when the code is exchanged.
    pub(crate) redirect_uri: String,
    /// Where the browser goes afterwards.
    pub(crate) return_to: Option<String>,
    /// What was asked for.
    pub(crate) scopes: Vec<String>,
    /// What the person calls the integration, if it will be a new one.
    pub(crate) name: Option<String>,
    /// The settings as they were given.
    pub(crate) fields: Map<String, Value>,
    /// The mark of the browser that began, if it has to be the same one that comes back.
    pub(crate) browser: Option<String>,
}

impl Draft {
    /// For the store.
    pub(crate) fn sealable(&self) -> Result<Secret> {
        let json = serde_json::to_string(self);
        json.map(Secret::new).map_err(|error| Error::internal("a draft cannot be written").source(error))
    }

    /// From the store.
    pub(crate) fn read(draft: &Secret) -> Result<Self> {
        // The error of serde quotes what it read.
        serde_json::from_str(draft.expose()).map_err(|_| Error::internal("a stored draft cannot be read"))
    }
}
