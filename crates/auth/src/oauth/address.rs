//! Addresses of a vendor: templates filled in with settings, and moved to another origin.

use catchment_client::Url;
use catchment_core::{Error, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// What may stand in an address as it is (RFC 3986, section 2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where a program's addresses are instead of where the vendor says.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    origin: String,
    /// Hosts that are a path there.
    installed: &'static [(&'static str, &'static str)],
}

impl Origin {
    /// `https://host` or `https://host:port`, and nothing behind it.
    pub(super) fn parse(text: &str, installed: &'static [(&'static str, &'static str)]) -> Result<Self> {
        let bad = || Error::config("origin", "give scheme and host, like https://github.example.com, and no path");
        let url = Url::parse(text.trim()).map_err(|_| bad())?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let open = url.username().is_empty() && url.password().is_none();
        let http = matches!(url.scheme(), "http" | "https");
        if !(bare && open && http) {
            return Err(bad());
        }
        Ok(Self { origin: url.origin().ascii_serialization(), installed })
    }
}

/// The address of a template: `{name}` is the setting of that name, `{name|default}` one that may
/// be missing. What is filled in is escaped, so that it changes no host and leaves no path.
pub(super) fn address(template: &str, origin: Option<&Origin>, settings: &Value) -> Result<String> {
    let filled = fill(template, settings)?;
    let url = Url::parse(&filled).map_err(|_| Error::internal("an address of the vendor cannot be read"))?;
    Ok(match origin {
        None => url.into(),
        Some(Origin { origin, installed }) => {
            let below = installed.iter().find(|(host, _)| url.host_str() == Some(host)).map_or("", |(_, path)| path);
            let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
            format!("{origin}{below}{}{query}", url.path())
        }
    })
}

fn fill(template: &str, settings: &Value) -> Result<String> {
    let (mut out, mut rest) = (String::new(), template);
    while let Some((before, opened)) = rest.split_once('{') {
        let (inside, after) =
            opened.split_once('}').ok_or_else(|| Error::internal("an address of the vendor lacks a bracket"))?;
        let (name, default) = inside.split_once('|').map_or((inside, None), |(name, default)| (name, Some(default)));
        out += before;
        match (text(settings.get(name)), default) {
            // It would be another path.
            (Some(value), _) if value.bytes().all(|byte| byte == b'.') => {
                return Err(Error::config(name, "this cannot stand in an address: correct it"));
            }
            (Some(value), _) => out.extend(utf8_percent_encode(&value, ESCAPED)),
            (None, Some(default)) => out += default,
            (None, None) => return Err(Error::config(name, "it stands in the vendor's address: fill it in")),
        }
        rest = after;
    }
    Ok(out + rest)
}

/// A setting as text; `None` where it is missing or empty.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEMPLATE: &str = "https://login.vendor.test/{tenant|common}/v2/token?x={number}";

    fn filled(settings: Value) -> Result<String> {
        address(TEMPLATE, None, &settings)
    }

    #[test]
    fn settings_fill_in_addresses() {
        let with = |tenant: Value| filled(json!({ "tenant": tenant, "number": 7 })).unwrap();
        assert_eq!(with(json!("acme.test")), "https://login.vendor.test/acme.test/v2/token?x=7");
        for missing in [json!(null), json!(""), json!("  "), json!(true)] {
            assert_eq!(with(missing), "https://login.vendor.test/common/v2/token?x=7");
        }
        let error = filled(json!({ "tenant": "acme" })).unwrap_err();
        assert_eq!(error.get("field"), Some("number"));
    }

    #[test]
    fn no_setting_changes_the_host_or_leaves_its_segment() {
        for hostile in [
            "evil.test/",
            "@evil.test",
            "..",
            ".",
            "../..",
            "a/../../b",
            "?x=y",
            "#f",
            "%2e%2e",
            "%2f",
            "\\evil.test",
            ":80",
            "a b",
            "é",
            "\n",
            "//evil.test",
        ] {
            for template in [TEMPLATE, "https://login.vendor.test/{tenant}/v2/token?x={number}"] {
                let Ok(filled) = address(template, None, &json!({ "tenant": hostile, "number": 7 })) else { continue };
                let url = Url::parse(&filled).unwrap();
                assert_eq!(url.host_str(), Some("login.vendor.test"), "{hostile}");
                assert_eq!((url.port(), url.query(), url.fragment()), (None, Some("x=7"), None), "{hostile}");
                let segments: Vec<_> = url.path_segments().unwrap().collect();
                assert_eq!((segments.len(), &segments[1..]), (3, &["v2", "token"][..]), "{hostile}");
            }
            let host = address("https://{tenant}.vendor.test/token", None, &json!({ "tenant": hostile }));
            let stays = |url: String| Url::parse(&url).unwrap().host_str().unwrap().ends_with(".vendor.test");
            assert!(host.is_err() || host.is_ok_and(stays), "{hostile}");
        }
    }

    #[test]
    fn another_origin_takes_the_place_of_the_vendor_s() {
        let moved = |origin: &str| {
            address(TEMPLATE, Some(&Origin::parse(origin, &[]).unwrap()), &json!({ "number": 7 })).unwrap()
        };
        assert_eq!(moved("http://127.0.0.1:8080"), "http://127.0.0.1:8080/common/v2/token?x=7");
        assert_eq!(moved(" https://ghe.acme.test/ "), "https://ghe.acme.test/common/v2/token?x=7");
        let below = Origin::parse("https://ghe.acme.test", &[("login.vendor.test", "/api/v3")]).unwrap();
        let installed = |template| address(template, Some(&below), &json!({ "number": 7 })).unwrap();
        assert_eq!(installed(TEMPLATE), "https://ghe.acme.test/api/v3/common/v2/token?x=7");
        assert_eq!(installed("https://vendor.test/token"), "https://ghe.acme.test/token");
        for bad in ["", "ghe", "https://h/path", "https://u:p@h", "https://h/?q", "ftp://h", "https://h/#f"] {
            assert_eq!(Origin::parse(bad, &[]).unwrap_err().get("field"), Some("origin"), "{bad}");
        }
    }
}
