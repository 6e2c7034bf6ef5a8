//! The environment: `CATCHMENT_NAME`, and `CATCHMENT_NAME_FILE` for secrets.

use std::{env, fs};

use catchment_core::{Error, Result};
use figment::{
    Figment,
    providers::{Env, Serialized},
};
use zeroize::Zeroizing;

const PREFIX: &str = "CATCHMENT_";

/// Variables that are options of the command line, or read elsewhere, and no settings of the file.
const NO_SETTINGS: [&str; 5] = ["data_dir", "config", "backends", "log", "log_format"];

/// Settings that are secrets. Their values are taken as they are: a secret of nothing but digits
/// is no number.
const SECRETS: [&str; 6] =
    ["database_url", "encryption_key", "jwt_secret", "qdrant_api_key", "embedder.key", "language_model.key"];

/// Everything but secrets.
pub(super) fn plain() -> Env {
    Env::prefixed(PREFIX)
        .filter(|name| {
            let name = name.as_str().to_ascii_lowercase().replace("__", ".");
            let secret = name.strip_suffix("_file").unwrap_or(&name);
            !NO_SETTINGS.contains(&name.as_str()) && !SECRETS.contains(&secret)
        })
        .split("__")
}

/// The secrets over everything else.
pub(super) fn secrets(mut figment: Figment) -> Result<Figment> {
    for setting in SECRETS {
        let name = format!("{PREFIX}{}", setting.replace('.', "__").to_ascii_uppercase());
        if let Some(secret) = secret(setting, &name)? {
            figment = figment.merge(Serialized::default(setting, secret.as_str()));
        }
    }
    Ok(figment)
}

fn secret(setting: &'static str, name: &str) -> Result<Option<Zeroizing<String>>> {
    let in_file = format!("{name}_FILE");
    match (env::var(name), env::var_os(&in_file)) {
        (Ok(_), Some(_)) => Err(Error::config(setting, format!("given twice: unset {name} or {in_file}"))),
        (Ok(secret), None) => Ok(Some(Zeroizing::new(secret))),
        (Err(env::VarError::NotUnicode(_)), None) => {
            Err(Error::config(setting, format!("{name} is not text: set it again")))
        }
        (Err(_), None) => Ok(None),
        (Err(_), Some(file)) => {
            let text = fs::read_to_string(&file).map(Zeroizing::new).map_err(|error| {
                Error::config(setting, format!("the file that {in_file} names cannot be read: check the path"))
                    .with("path", file.display())
                    .source(error)
            })?;
            Ok(Some(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())))
        }
    }
}
