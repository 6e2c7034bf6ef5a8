//! Settings that come in one piece: connection strings, and the variables of the host.

use catchment_core::{Error, Result, Secret};

use crate::config::Settings;

/// Fills in what the host's variables say, if the settings name no way to sign in. They are the
/// ones that the vendor's own tools read.
pub(crate) fn from_host(settings: &mut Settings, variable: impl Fn(&str) -> Option<String>) {
    let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let signs_in = settings.account_key.is_some()
        || settings.sas_token.is_some()
        || settings.connection_string.is_some()
        || settings.client_secret.is_some()
        || settings.anonymous;
    if signs_in {
        return;
    }
    let account = variable("AZURE_STORAGE_ACCOUNT");
    let is_ours = match (&account, &settings.account_name) {
        (Some(theirs), Some(ours)) => theirs == ours,
        _ => true,
    };
    if is_ours {
        settings.account_key = variable("AZURE_STORAGE_KEY").map(Secret::new);
        if settings.account_key.is_none() {
            settings.sas_token = variable("AZURE_STORAGE_SAS_TOKEN").map(Secret::new);
        }
        if settings.account_name.is_none() && settings.url.is_none() {
            settings.account_name = account;
        }
    }
    if settings.account_key.is_some() || settings.sas_token.is_some() {
        return;
    }
    if let Some(string) = variable("AZURE_STORAGE_CONNECTION_STRING")
        && settings.account_name.as_deref().is_none_or(|ours| field(&string, "AccountName").is_none_or(|it| it == ours))
    {
        settings.connection_string = Some(Secret::new(string));
        return;
    }
    settings.client_secret = variable("AZURE_CLIENT_SECRET").map(Secret::new);
    if settings.client_secret.is_some() {
        settings.tenant_id = settings.tenant_id.take().or_else(|| variable("AZURE_TENANT_ID"));
        settings.client_id = settings.client_id.take().or_else(|| variable("AZURE_CLIENT_ID"));
        settings.authority_url = settings.authority_url.take().or_else(|| variable("AZURE_AUTHORITY_HOST"));
    }
}

/// Puts the parts of a connection string into the fields they belong to.
///
/// # Errors
/// `Config` if it says something else than the fields, or nothing.
pub(crate) fn spread(settings: &mut Settings) -> Result<()> {
    let Some(string) = settings.connection_string.take().filter(|string| !string.expose().trim().is_empty()) else {
        return Ok(());
    };
    let string = string.expose().trim();
    let wrong = |remedy: &'static str| Error::config("connection_string", remedy);
    if settings.account_key.is_some() || settings.sas_token.is_some() || settings.client_secret.is_some() {
        return Err(wrong("give either the connection string or one of the other ways to sign in"));
    }
    let part = |name: &str| field(string, name).filter(|value| !value.is_empty()).map(str::to_owned);
    settings.account_key = part("AccountKey").map(Secret::new);
    settings.sas_token = part("SharedAccessSignature").map(Secret::new);
    if settings.account_key.is_none() && settings.sas_token.is_none() {
        return Err(wrong("no AccountKey and no SharedAccessSignature is in it: paste it again, with all its parts"));
    }
    if let Some(account) = part("AccountName") {
        if settings.account_name.as_ref().is_some_and(|given| *given != account) {
            return Err(wrong("it is of another account than account_name: correct one of the two"));
        }
        settings.account_name = Some(account);
    }
    if settings.url.is_none() {
        let suffix = part("EndpointSuffix").filter(|suffix| suffix != "core.windows.net");
        settings.url = part("BlobEndpoint").or_else(|| {
            let protocol = part("DefaultEndpointsProtocol").unwrap_or_else(|| "https".to_owned());
            Some(format!("{protocol}://{}.blob.{}", settings.account_name.as_ref()?, suffix?))
        });
    }
    Ok(())
}

/// The value of a part. A key ends in `=`, so only the first one separates.
fn field<'a>(string: &'a str, name: &str) -> Option<&'a str> {
    string.split(';').filter_map(|part| part.split_once('=')).find_map(|(key, value)| {
        let same = key.trim().eq_ignore_ascii_case(name);
        same.then_some(value.trim())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn settings(given: Value) -> Settings {
        catchment_core::config::parse(given).unwrap()
    }

    fn exposed(secret: &Option<Secret>) -> Option<&str> {
        secret.as_ref().map(Secret::expose)
    }

    #[test]
    fn a_connection_string_is_taken_apart() {
        let string =
            "DefaultEndpointsProtocol=https;AccountName=minutes;AccountKey=a+b/c==;EndpointSuffix=core.windows.net";
        let mut with_key = settings(json!({ "connection_string": string }));
        spread(&mut with_key).unwrap();
        assert_eq!(
            (with_key.account_name.as_deref(), exposed(&with_key.account_key)),
            (Some("minutes"), Some("a+b/c=="))
        );
        assert_eq!(with_key.url, None);
        let string = "BlobEndpoint=http://127.0.0.1:1/a;SharedAccessSignature=sv=1&sig=b%3D";
        let mut with_sas = settings(json!({ "connection_string": string }));
        spread(&mut with_sas).unwrap();
        assert_eq!(
            (with_sas.url.as_deref(), exposed(&with_sas.sas_token)),
            (Some("http://127.0.0.1:1/a"), Some("sv=1&sig=b%3D"))
        );
        let string = "AccountName=m;AccountKey=k;EndpointSuffix=core.chinacloudapi.cn";
        let mut elsewhere = settings(json!({ "connection_string": string }));
        spread(&mut elsewhere).unwrap();
        assert_eq!(elsewhere.url.as_deref(), Some("https://m.blob.core.chinacloudapi.cn"));
    }

    #[test]
    fn a_connection_string_does_not_contradict_the_fields() {
        for given in [
            json!({ "connection_string": "AccountName=a;AccountKey=k", "account_name": "b" }),
            json!({ "connection_string": "AccountName=a;AccountKey=k", "account_key": "k" }),
            json!({ "connection_string": "hunter2" }),
        ] {
            let error = spread(&mut settings(given)).unwrap_err();
            assert_eq!(error.get("field"), Some("connection_string"));
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn the_variables_of_the_host_fill_in_what_is_missing() {
        let host = |pairs: &'static [(&str, &str)]| {
            move |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        let keys = host(&[("AZURE_STORAGE_ACCOUNT", "a"), ("AZURE_STORAGE_KEY", "k"), ("AZURE_CLIENT_SECRET", "s")]);
        let mut ours = settings(json!({ "account_name": "a" }));
        from_host(&mut ours, keys);
        assert_eq!((exposed(&ours.account_key), exposed(&ours.client_secret)), (Some("k"), None));
        let mut other = settings(json!({ "account_name": "b" }));
        from_host(&mut other, keys);
        assert_eq!(
            (exposed(&other.account_key), exposed(&other.client_secret)),
            (None, Some("s")),
            "the key is another's"
        );
        let mut given = settings(json!({ "account_name": "a", "sas_token": "sig=x" }));
        from_host(&mut given, keys);
        assert!(given.account_key.is_none() && given.client_secret.is_none());
        let mut public = settings(json!({ "account_name": "a", "anonymous": true }));
        from_host(&mut public, keys);
        assert!(public.account_key.is_none());
    }
}
