//! Addresses: `azure://account/container/prefix`, and the ones that the vendor itself shows.

use catchment_core::{Error, Location, Result};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use url::Url;

/// The settings that an address stands for. What follows the container is a path to look up, a
/// blob or a prefix; with a `/` at its end it is the prefix that is connected to.
pub(crate) fn locate(address: &str) -> Option<Result<Location>> {
    let (scheme, rest) = address.split_once("://")?;
    match scheme.to_ascii_lowercase().as_str() {
        "azure" | "az" => Some(ours(rest)),
        "https" => of_the_vendor(address),
        _ => None,
    }
}

fn ours(rest: &str) -> Result<Location> {
    // A name may hold a question mark; it begins the options only if all that follows is options.
    let (place, settings) = match rest.rsplit_once('?').map(|(place, query)| (place, options(query))) {
        Some((place, Some(options))) => (place, options?),
        _ => (rest, Map::new()),
    };
    let (account, path) = place.split_once('/').unwrap_or((place, ""));
    if account.is_empty() {
        return Err(Error::config("account_name", "give the account, like azure://account/container/prefix"));
    }
    location(account, path, settings)
}

/// `https://account.blob.core.windows.net/container/prefix`, in any of the clouds.
fn of_the_vendor(address: &str) -> Option<Result<Location>> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str()?.replacen(".dfs.core.", ".blob.core.", 1);
    let (account, suffix) = host.split_once(".blob.core.")?;
    if url.query().is_some() {
        let remedy = "an address is no place for a signature: set AZURE_STORAGE_SAS_TOKEN to what follows the \
                      question mark, and leave it out here";
        return Some(Err(Error::config("sas_token", remedy)));
    }
    let mut settings = Map::new();
    if suffix != "windows.net" {
        settings.insert("url".to_owned(), format!("https://{host}").into());
    }
    let path = percent_decode_str(url.path().strip_prefix('/')?).decode_utf8();
    let path = path.map_err(|_| Error::config("folder_path", "the path in this address is not valid UTF-8"));
    Some(path.and_then(|path| location(account, &path, settings)))
}

fn location(account: &str, path: &str, mut settings: Map<String, Value>) -> Result<Location> {
    let (container, path) = path.split_once('/').unwrap_or((path, ""));
    if container.is_empty() {
        return Err(Error::config("folder_path", "give the container, like azure://account/container/prefix"));
    }
    settings.insert("account_name".to_owned(), account.into());
    let (folder, path) =
        if path.ends_with('/') { (format!("{container}/{path}"), "") } else { (container.to_owned(), path) };
    settings.insert("folder_path".to_owned(), folder.into());
    Ok(Location { settings: settings.into(), path: path.to_owned() })
}

/// The settings in a query; `None` if it is not one of ours.
fn options(query: &str) -> Option<Result<Map<String, Value>>> {
    let mut settings = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let field = match &*name {
            "endpoint" | "url" => "url",
            "authority" | "authority_url" => "authority_url",
            "tenant_id" => "tenant_id",
            "client_id" => "client_id",
            "anonymous" => "anonymous",
            "allow_http" => "allow_http",
            "sig" | "account_key" | "sas_token" | "client_secret" | "connection_string" => {
                let remedy = "an address is no place for keys: set AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN or \
                              AZURE_CLIENT_SECRET instead";
                return Some(Err(Error::config(name, remedy)));
            }
            _ => return None,
        };
        let value = match (field, &*value) {
            ("anonymous" | "allow_http", "true" | "1" | "") => json!(true),
            ("anonymous" | "allow_http", "false" | "0") => json!(false),
            ("anonymous" | "allow_http", _) => return Some(Err(Error::config(field, "give true or false"))),
            (_, text) => json!(text),
        };
        // Whoever writes http:// on a command line has seen that it is not https://.
        if field.ends_with("url") && value.as_str().is_some_and(|url| url.starts_with("http://")) {
            settings.insert("allow_http".to_owned(), json!(true));
        }
        settings.insert(field.to_owned(), value);
    }
    (!settings.is_empty()).then_some(Ok(settings))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(address: &str) -> Location {
        locate(address).expect("ours").expect("a good address")
    }

    #[test]
    fn an_address_names_an_account_a_container_and_what_to_look_at() {
        let root = Location::root(json!({ "account_name": "a", "folder_path": "docs" }));
        assert_eq!(located("azure://a/docs"), root);
        assert_eq!(located("AZ://a/docs"), root);
        assert_eq!(located("https://a.blob.core.windows.net/docs"), root);
        assert_eq!(located("https://a.dfs.core.windows.net/docs"), root);
        assert_eq!(located("azure://a/docs/a b/100%.pdf").path, "a b/100%.pdf");
        assert_eq!(located("https://a.blob.core.windows.net/docs/a%20b/100%25.pdf").path, "a b/100%.pdf");
        let prefix = located("azure://a/docs/x/y/");
        assert_eq!((prefix.path.as_str(), &prefix.settings["folder_path"]), ("", &json!("docs/x/y/")));
        let cloud = located("https://a.blob.core.chinacloudapi.cn/docs/");
        assert_eq!(cloud.settings["url"], json!("https://a.blob.core.chinacloudapi.cn"));
        for other in ["./azure", "s3://b", "https://example.com/a", "https://a.queue.core.windows.net/q"] {
            assert!(locate(other).is_none(), "{other}");
        }
        for wrong in ["azure://", "azure://a", "azure:///docs", "https://a.blob.core.windows.net/"] {
            assert!(locate(wrong).expect("ours").is_err(), "{wrong}");
        }
    }

    #[test]
    fn options_follow_a_question_mark() {
        let location = located("azure://dev/docs/k?endpoint=http%3A%2F%2F127.0.0.1:10000&anonymous");
        assert_eq!(
            location.settings,
            json!({
                "account_name": "dev", "folder_path": "docs", "url": "http://127.0.0.1:10000", "allow_http": true,
                "anonymous": true,
            })
        );
        assert_eq!(located("azure://a/docs/why?.txt").path, "why?.txt");
    }

    #[test]
    fn a_key_in_an_address_is_refused_and_not_repeated() {
        for address in ["azure://a/docs?account_key=hunter2", "https://a.blob.core.windows.net/docs?sv=1&sig=hunter2"] {
            let error = locate(address).expect("ours").expect_err("refused");
            assert!(!error.to_string().contains("hunter2"));
        }
    }
}
