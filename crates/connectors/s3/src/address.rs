//! Addresses: `s3://bucket/prefix?endpoint=..&region=..`.

use catchment_core::{Error, Location, Result};
use serde_json::{Map, Value, json};

/// The settings that an address stands for. What follows the bucket is a path to look up, an
/// object or a prefix; with a `/` at its end it is the prefix that is connected to.
pub(crate) fn locate(address: &str) -> Option<Result<Location>> {
    let (scheme, rest) = address.split_once("://")?;
    scheme.eq_ignore_ascii_case("s3").then(|| location(rest))
}

fn location(rest: &str) -> Result<Location> {
    // A key may hold a question mark; it begins the options only if all that follows is options.
    let (place, options) = match rest.rsplit_once('?').map(|(place, query)| (place, options(query))) {
        Some((place, Some(options))) => (place, options?),
        _ => (rest, Map::new()),
    };
    let (bucket, path) = place.split_once('/').unwrap_or((place, ""));
    if bucket.is_empty() {
        return Err(Error::config("bucket_name", "give the name of the bucket, like s3://bucket/prefix"));
    }
    let mut settings = options;
    settings.insert("bucket_name".to_owned(), bucket.into());
    let mut path = path.to_owned();
    if path.ends_with('/') {
        settings.insert("folder_path".to_owned(), std::mem::take(&mut path).into());
    }
    Ok(Location { settings: settings.into(), path })
}

/// The settings in a query; `None` if it is not one of ours.
fn options(query: &str) -> Option<Result<Map<String, Value>>> {
    let mut settings = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let field = match &*name {
            "endpoint" | "url" => "url",
            "path_style" | "force_path_style" => "force_path_style",
            "region" => "region",
            "anonymous" => "anonymous",
            "allow_http" => "allow_http",
            "requester_pays" => "requester_pays",
            "access_key_id" | "secret_access_key" | "session_token" => {
                let remedy = "an address is no place for keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead";
                return Some(Err(Error::config(name, remedy)));
            }
            _ => return None,
        };
        let value = match (field, &*value) {
            ("url" | "region", text) => json!(text),
            (_, "true" | "1" | "") => json!(true),
            (_, "false" | "0") => json!(false),
            _ => return Some(Err(Error::config(field, "give true or false"))),
        };
        // Whoever writes http:// on a command line has seen that it is not https://.
        if field == "url" && value.as_str().is_some_and(|url| url.starts_with("http://")) {
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
    fn an_address_names_a_bucket_and_what_to_look_at() {
        assert_eq!(located("s3://b"), Location::root(json!({ "bucket_name": "b" })));
        assert_eq!(located("S3://b/"), Location::root(json!({ "bucket_name": "b" })));
        assert_eq!(located("s3://b/a b/c.pdf").path, "a b/c.pdf");
        let prefix = located("s3://b/a/c/");
        assert_eq!((prefix.path.as_str(), &prefix.settings["folder_path"]), ("", &json!("a/c/")));
        assert!(locate("./s3").is_none() && locate("gs://b").is_none());
        assert!(locate("s3:///key").expect("ours").is_err());
    }

    #[test]
    fn options_follow_a_question_mark() {
        let location = located("s3://b/k?endpoint=http%3A%2F%2F127.0.0.1:9000&region=eu-west-1&anonymous");
        assert_eq!(
            location.settings,
            json!({
                "bucket_name": "b", "url": "http://127.0.0.1:9000", "allow_http": true, "region": "eu-west-1",
                "anonymous": true,
            })
        );
        assert_eq!(located("s3://b/why?.txt").path, "why?.txt");
        assert_eq!(located("s3://b/a?b=c").path, "a?b=c");
    }

    #[test]
    fn a_key_in_an_address_is_refused_and_not_repeated() {
        let error = locate("s3://b?secret_access_key=hunter2").expect("ours").expect_err("refused");
        assert!(!error.to_string().contains("hunter2"));
    }
}
