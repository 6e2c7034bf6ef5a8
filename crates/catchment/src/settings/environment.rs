//! The environment: `CATCHMENT_NAME`, and `CATCHMENT_NAME_FILE` for secrets.

use std::{collections::BTreeSet, env, fs};

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
            let name = setting(name.as_str());
            !NO_SETTINGS.contains(&name.as_str()) && !is_secret(name.strip_suffix("_file").unwrap_or(&name))
        })
        .split("__")
}

/// The secrets over everything else.
pub(super) fn secrets(mut figment: Figment) -> Result<Figment> {
    let fixed = SECRETS.iter().map(|setting| (*setting).to_owned());
    for setting in fixed.chain(registrations()) {
        let name = format!("{PREFIX}{}", setting.replace('.', "__").to_ascii_uppercase());
        if let Some(secret) = secret(&setting, &name)? {
            figment = figment.merge(Serialized::default(&setting, secret.as_str()));
        }
    }
    Ok(figment)
}

/// The secrets of registrations at vendors, `oauth.<vendor>.client_secret`, that the environment has.
fn registrations() -> BTreeSet<String> {
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let settings = names.filter_map(|name| name.strip_prefix(PREFIX).map(setting));
    settings
        .map(|setting| setting.strip_suffix("_file").map(str::to_owned).unwrap_or(setting))
        .filter(|setting| setting.starts_with("oauth.") && is_secret(setting))
        .collect()
}

/// `OAUTH__GITHUB__CLIENT_ID` is `oauth.github.client_id`.
fn setting(name: &str) -> String {
    name.to_ascii_lowercase().replace("__", ".")
}

fn is_secret(setting: &str) -> bool {
    SECRETS.contains(&setting) || (setting.starts_with("oauth.") && setting.ends_with(".client_secret"))
}

fn secret(setting: &str, name: &str) -> Result<Option<Zeroizing<String>>> {
    let in_file = format!("{name}_FILE");
    match (env::var(name), env::var_os(&in_file)) {
        (Ok(_), Some(_)) => Err(Error::config(setting.to_owned(), format!("given twice: unset {name} or {in_file}"))),
        (Ok(secret), None) => Ok(Some(Zeroizing::new(secret))),
        (Err(env::VarError::NotUnicode(_)), None) => {
            Err(Error::config(setting.to_owned(), format!("{name} is not text: set it again")))
        }
        (Err(_), None) => Ok(None),
        (Err(_), Some(file)) => {
            let text = fs::read_to_string(&file).map(Zeroizing::new).map_err(|error| {
                Error::config(
                    setting.to_owned(),
                    format!("the file that {in_file} names cannot be read: check the path"),
                )
                .with("path", file.display())
                .source(error)
            })?;
            Ok(Some(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())))
        }
    }
}
