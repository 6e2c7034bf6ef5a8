//! Keeping secrets out of traces and errors.

use catchment_core::Secret;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

const HIDDEN: &str = "REDACTED";

/// Parts of names whose values are secret in one API or another.
const SECRET_PARTS: [&str; 12] = [
    "token",
    "secret",
    "password",
    "passwd",
    "signature",
    "credential",
    "apikey",
    "api_key",
    "api-key",
    "assertion",
    "session",
    "authorization",
];

/// Names that are secret as a whole; as parts they would hide too much.
const SECRET_NAMES: [&str; 14] = [
    "key",
    "sig",
    "code",
    "pwd",
    "pass",
    "auth",
    "jwt",
    "state",
    "hmac",
    "hash",
    "access",
    "policy",
    "tempauth",
    "code_verifier",
];

/// Whether the value of a query parameter of this name is kept out of traces.
fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("x-amz-")
        || name.starts_with("x-goog-")
        || SECRET_NAMES.contains(&name.as_str())
        || SECRET_PARTS.iter().any(|part| name.contains(part))
}

/// The path, with known secrets replaced: some vendors want the token there.
pub(crate) fn path(url: &Url, secrets: &[Secret]) -> String {
    hide(url.path().to_owned(), secrets)
}

/// The path and the query, with known secrets and the values of secret-looking names replaced.
pub(crate) fn path_and_query(url: &Url, secrets: &[Secret]) -> String {
    let mut out = url.path().to_owned();
    for (index, pair) in url.query().into_iter().flat_map(|query| query.split('&')).enumerate() {
        out.push(if index == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((name, _)) if is_secret_name(&decoded(name)) => {
                out.push_str(name);
                out.push('=');
                out.push_str(HIDDEN);
            }
            _ => out.push_str(pair),
        }
    }
    hide(out, secrets)
}

fn decoded(name: &str) -> String {
    percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned()
}

fn hide(mut text: String, secrets: &[Secret]) -> String {
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        let encoded = utf8_percent_encode(secret.expose(), NON_ALPHANUMERIC).to_string();
        let in_path = crate::client::segment(secret.expose());
        for form in [secret.expose(), &encoded, &in_path] {
            text = text.replace(form, HIDDEN);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_looking_query_values_are_replaced_and_the_others_stay() {
        let url: Url = "https://h/p?page=2&access_token=AAA&sig=BBB&X-Amz-Signature=CCC&X-Amz-Credential=DDD&code=EEE\
            &client%5Fsecret=FFF&X-Goog-Signature=GGG&$skiptoken=HHH&flag&name=report"
            .parse()
            .unwrap();
        let text = path_and_query(&url, &[]);
        for secret in ["AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.starts_with("/p?page=2&access_token=REDACTED&") && text.ends_with("&flag&name=report"), "{text}");
    }

    #[test]
    fn a_registered_secret_is_replaced_in_the_path_in_any_encoding() {
        let secrets = [Secret::new("12:a/b c")];
        for address in ["https://h/bot12:a%2Fb%20c/getMe", "https://h/bot12%3Aa%2Fb%20c/getMe"] {
            assert_eq!(path(&address.parse().unwrap(), &secrets), "/botREDACTED/getMe", "{address}");
        }
    }
}
