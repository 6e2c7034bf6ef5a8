//! Shared Key: the signature that the account's key puts on a request.
//!
//! See <https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key>.

use catchment_core::{Error, Result, Secret};
use percent_encoding::percent_decode_str;
use reqsign_core::hash::{base64_decode, base64_hmac_sha256};

/// The key of an account.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    account: String,
    key: Secret,
}

/// What of a request without a body is signed.
#[derive(Debug, Default)]
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a str,
    pub(crate) if_match: &'a str,
    /// As the header `Range` has it.
    pub(crate) range: &'a str,
    /// The headers that begin with `x-ms-`, names in lower case.
    pub(crate) headers: Vec<(&'static str, &'a str)>,
    /// Path and query, encoded as they are sent.
    pub(crate) target: &'a str,
}

impl Key {
    pub(crate) fn new(account: &str, key: &Secret) -> Result<Self> {
        // Pasted keys bring spaces and line ends along.
        let key = Secret::new(key.expose().trim());
        let decoded = base64_decode(key.expose()).unwrap_or_default();
        if decoded.is_empty() {
            return Err(Error::config(
                "account_key",
                "this is no key of an account, which is text in base64: paste it again",
            ));
        }
        Ok(Self { account: account.to_owned(), key })
    }

    /// The value of the header `Authorization`.
    pub(crate) fn sign(&self, signed: &Signed<'_>) -> Result<Secret> {
        let broken = |error| Error::internal("the key is not base64 any more").source(error);
        let key = base64_decode(self.key.expose()).map_err(broken)?;
        let signature = base64_hmac_sha256(&key, signed.text(&self.account).as_bytes());
        Ok(Secret::new(format!("SharedKey {}:{signature}", self.account)))
    }
}

impl Signed<'_> {
    /// The text that is signed. Lines that stay empty stand for headers that are never sent:
    /// those about a body, dates, and conditions other than `If-Match`.
    fn text(&self, account: &str) -> String {
        let Self { method, if_match, range, .. } = self;
        let mut text = format!("{method}\n\n\n\n\n\n\n\n{if_match}\n\n\n{range}\n");
        let mut headers = self.headers.clone();
        headers.sort_unstable();
        for (name, value) in headers {
            text.push_str(&format!("{name}:{}\n", value.trim()));
        }
        let (path, query) = self.target.split_once('?').unwrap_or((self.target, ""));
        text.push_str(&format!("/{account}{path}"));
        let mut parameters: Vec<_> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        parameters.sort_unstable();
        for (name, value) in parameters {
            text.push_str(&format!("\n{name}:{}", percent_decode_str(value).decode_utf8_lossy()));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The public key that every emulator has.
    const EMULATOR: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    #[test]
    fn a_list_is_signed_as_the_rules_say() {
        let signed = Signed {
            method: "GET",
            headers: vec![("x-ms-version", "2021-10-04"), ("x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT")],
            target: "/mycontainer?restype=container&comp=list&include=metadata&maxresults=2",
            ..Signed::default()
        };
        let wanted = "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2021-10-04\n\
            /devstoreaccount1/mycontainer\ncomp:list\ninclude:metadata\nmaxresults:2\nrestype:container";
        assert_eq!(signed.text("devstoreaccount1"), wanted);
        let key = Key::new("devstoreaccount1", &format!(" {EMULATOR}\n").into()).unwrap();
        let header = key.sign(&signed).unwrap();
        assert_eq!(header.expose(), "SharedKey devstoreaccount1:sBCjosnGuKJBOD7GizUWayEz2P95W/IGZjH2tsIPOKk=");
    }

    #[test]
    fn a_range_of_one_version_stands_in_its_lines() {
        let signed = Signed {
            method: "GET",
            if_match: "\"0x1\"",
            range: "bytes=5-9",
            target: "/c/a%20b?x=a%2Bb",
            ..Signed::default()
        };
        assert_eq!(signed.text("a"), "GET\n\n\n\n\n\n\n\n\"0x1\"\n\n\nbytes=5-9\n/a/c/a%20b\nx:a+b");
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_repeated() {
        for key in ["", "hunter2!", "ä"] {
            let error = Key::new("a", &key.into()).unwrap_err();
            assert_eq!(error.get("field"), Some("account_key"));
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }
}
