//! Settings of the installation: a TOML file, and over it the environment.

mod environment;
mod server;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use catchment_auth::{Claims, oauth};
use catchment_core::{Error, Registry, Result, Secret};
use catchment_documents::Limits;
use etcetera::BaseStrategy;
use figment::{
    Figment,
    providers::{Format, Toml},
};
use serde::Deserialize;

pub(crate) use server::{AuthMode, Server};

/// `catchment.toml`. Each value can also be given in the environment: `CATCHMENT_EMBEDDER__MODEL`
/// for `model` in `[embedder]`. A secret can be in a file that the environment names:
/// `CATCHMENT_DATABASE_URL_FILE`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// A Postgres database, `postgres://user:password@host/name`, that several servers may share.
    /// Without one, everything is in one SQLite file in the data directory.
    pub(crate) database_url: Option<Secret>,
    /// The keys that credentials are sealed under: 64 hex digits, or `id:hex,id:hex` with the
    /// current one first. Without one, a key file in the data directory.
    pub(crate) encryption_key: Option<Secret>,
    /// A key service that keeps the key instead.
    pub(crate) kms: Option<Kms>,
    /// Who may call the server. Without it: nobody but this machine.
    pub(crate) auth: AuthMode,
    /// What callers' tokens are signed with (HS256), at least 32 bytes.
    pub(crate) jwt_secret: Option<Secret>,
    /// Where the keys are that callers' tokens are signed with (RS256, ES256, EdDSA).
    pub(crate) jwks_url: Option<String>,
    /// Whether `jwks_url` may be http://, where somebody in between can replace the keys.
    pub(crate) jwks_allow_http: bool,
    /// Who must have issued a caller's token.
    pub(crate) jwt_issuer: Option<String>,
    /// Whom a caller's token must be meant for.
    pub(crate) jwt_audience: Option<String>,
    /// A Qdrant server or cluster that keeps the index, `http://host:6334`. Without one, the index
    /// is in the data directory.
    pub(crate) qdrant_url: Option<String>,
    /// Its key, if it wants one.
    pub(crate) qdrant_api_key: Option<Secret>,
    /// The name of the collection there.
    pub(crate) qdrant_collection: Option<String>,
    /// This program's registrations at vendors, `[oauth.google_drive]` and so on.
    pub(crate) oauth: BTreeMap<String, Registration>,
    /// How the server listens, and what it lets pass.
    pub(crate) server: Server,
    /// Turns passages into vectors, so that a question is found by meaning as well. Without it the
    /// search is by words alone.
    pub(crate) embedder: Option<Embedder>,
    /// Writes the answers. Without it an answer is the sentence of the document itself.
    pub(crate) language_model: Option<Endpoint>,
    /// What one document may cost.
    pub(crate) limits: Limits,
}

/// What this program is called at a vendor, where persons consent to what it may read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registration {
    /// Its id there.
    pub(crate) client_id: String,
    /// Its secret, if it has one.
    pub(crate) client_secret: Option<Secret>,
    /// Where the vendor's pages are, if not at the vendor's own host: `https://github.example.com`
    /// for a GitHub of one's own.
    pub(crate) origin: Option<String>,
}

/// A key of AWS KMS. The credentials are those of the host.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kms {
    /// The key: an id, an ARN or `alias/...`.
    pub(crate) key_id: String,
    /// Keys that open what was sealed under them, and seal no more.
    #[serde(default)]
    pub(crate) older_key_ids: Vec<String>,
    /// Its region. Not needed where the key is an ARN.
    pub(crate) region: Option<String>,
    /// Another address of the service, for example of a VPC endpoint.
    pub(crate) url: Option<String>,
}

/// Where vectors come from.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Embedder {
    /// A model on this machine.
    Local(Local),
    /// An endpoint that speaks OpenAI's protocol.
    Endpoint(Endpoint),
}

/// A model directory as Hugging Face lays it out: `model.onnx` (or `onnx/model.onnx`) and
/// `tokenizer.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Local {
    pub(crate) directory: PathBuf,
}

/// An endpoint that speaks OpenAI's protocol.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Endpoint {
    /// The base, for example `http://127.0.0.1:11434/v1`.
    pub(crate) url: String,
    /// The model's name there.
    pub(crate) model: String,
    /// The key, if the endpoint wants one.
    pub(crate) key: Option<Secret>,
}

impl Settings {
    /// This program's registrations, by the vendor's id.
    ///
    /// # Errors
    /// `Config` for one at a vendor that is not here.
    pub(crate) fn registrations(&self, registry: &Registry) -> Result<BTreeMap<String, oauth::App>> {
        let mut registrations = BTreeMap::new();
        for (vendor, given) in &self.oauth {
            if registry.manifest(vendor).ok().and_then(|manifest| manifest.oauth).is_none() {
                return Err(Error::config(
                    format!("oauth.{vendor}"),
                    "no vendor here that persons consent at has this id: `catchment connectors` lists them",
                ));
            }
            let app = oauth::App {
                id: given.client_id.clone(),
                secret: given.client_secret.clone(),
                key: None,
                origin: given.origin.clone(),
            };
            registrations.insert(vendor.clone(), app);
        }
        Ok(registrations)
    }

    /// What a caller's token must say.
    pub(crate) fn claims(&self) -> Claims {
        Claims { issuer: self.jwt_issuer.clone(), audience: self.jwt_audience.clone(), ..Claims::default() }
    }

    /// Reads `file`, which must exist if it was named; else `catchment.toml` in the data
    /// directory, which need not.
    pub(crate) fn load(file: Option<&Path>, data_dir: &Path) -> Result<Self> {
        let path = match file {
            Some(file) if !file.is_file() => {
                return Err(
                    Error::config("config", "there is no such file: check the path").with("path", file.display())
                );
            }
            Some(file) => file.to_owned(),
            None => data_dir.join("catchment.toml"),
        };
        let figment = Figment::new().merge(Toml::file(&path)).merge(environment::plain());
        environment::secrets(figment)?.extract().map_err(|error| {
            // figment's own sentence quotes the value, which may be a key.
            let field = error.path.join(".");
            let field = if field.is_empty() { "config".to_owned() } else { field };
            Error::config(field, "not a setting, or of the wrong type: see the README for the settings")
                .with("file", path.display())
        })
    }
}

/// The data directory: as given, else the platform's place for data.
pub(crate) fn data_dir(given: Option<&Path>) -> Result<PathBuf> {
    match given {
        Some(given) => Ok(given.to_owned()),
        None => etcetera::choose_base_strategy().map(|places| places.data_dir().join("catchment")).map_err(|error| {
            Error::config("data_dir", "there is no home directory: name a data directory with --data-dir").source(error)
        }),
    }
}
