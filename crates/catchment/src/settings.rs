//! Settings of the installation: a TOML file, and over it the environment.

use std::path::{Path, PathBuf};

use catchment_core::{Error, Result, Secret};
use catchment_documents::Limits;
use etcetera::BaseStrategy;
use figment::{
    Figment,
    providers::{Env, Format, Toml},
};
use serde::Deserialize;

/// `catchment.toml`. Each value can also be given in the environment: `CATCHMENT_EMBEDDER__MODEL`
/// for `model` in `[embedder]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// Turns passages into vectors, so that a question is found by meaning as well. Without it the
    /// search is by words alone.
    pub(crate) embedder: Option<Embedder>,
    /// Writes the answers. Without it an answer is the sentence of the document itself.
    pub(crate) language_model: Option<Endpoint>,
    /// What one document may cost.
    pub(crate) limits: Limits,
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
        // Variables that are options of the command line are not settings of the file.
        let environment = Env::prefixed("CATCHMENT_").ignore(&["data_dir", "config", "backends", "log"]).split("__");
        Figment::new().merge(Toml::file(&path)).merge(environment).extract().map_err(|error| {
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
