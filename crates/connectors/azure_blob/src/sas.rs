//! Shared access signatures: a query that opens what is said in it, for as long as is said in it.

use catchment_core::{Error, Result, Secret};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use percent_encoding::{percent_decode_str, utf8_percent_encode};

use crate::endpoint::STRICT;

/// A shared access signature, and what it says about itself.
#[derive(Debug, Clone)]
pub(crate) struct Sas {
    /// Encoded, as it is put behind a query.
    query: Secret,
    signature: Secret,
    /// Everything but the signature.
    fields: Vec<(String, String)>,
}

impl Sas {
    /// As a person pastes it: alone, behind a question mark, or with the whole address before it;
    /// its values encoded or not.
    pub(crate) fn parse(text: &Secret) -> Result<Self> {
        let wrong = |remedy: &'static str| Error::config("sas_token", remedy);
        let text = text.expose().trim();
        let text = text.split_once('?').map_or(text, |(_, query)| query);
        let mut fields = Vec::new();
        let mut signature = None;
        let mut query = String::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or_else(|| wrong("a part has no value: paste it again"))?;
            // A plus is a plus here: it stands in signatures that were not encoded.
            let value = percent_decode_str(value.trim()).decode_utf8().map_err(|_| wrong("paste it again"))?;
            if !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return Err(wrong("an odd part is in it: paste it again, as it was made and not as HTML"));
            }
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(name);
            query.push('=');
            query.extend(utf8_percent_encode(&value, STRICT));
            match name {
                "sig" => signature = Some(Secret::new(value)),
                _ => fields.push((name.to_owned(), value.into_owned())),
            }
        }
        let signature = signature.filter(|signature| !signature.is_empty());
        let signature = signature.ok_or_else(|| wrong("the part sig= is missing: paste all of it"))?;
        let sas = Self { query: Secret::new(query), signature, fields };
        if sas.field("sr").is_some_and(|resource| matches!(resource, "b" | "bs" | "bv")) {
            return Err(wrong("it opens one blob and cannot list: make one for the container or the account"));
        }
        Ok(sas)
    }

    pub(crate) fn query(&self) -> &Secret {
        &self.query
    }

    pub(crate) fn signature(&self) -> &Secret {
        &self.signature
    }

    /// When it lapses, if it says so itself; a stored policy may say it instead.
    pub(crate) fn expires(&self) -> Option<DateTime<Utc>> {
        time(self.field("se")?)
    }

    /// When it begins to be good.
    pub(crate) fn starts(&self) -> Option<DateTime<Utc>> {
        time(self.field("st")?)
    }

    /// The end of it as it stands there, for a person.
    pub(crate) fn expiry_text(&self) -> Option<&str> {
        self.field("se")
    }

    /// Which of the permissions it needs are not in it. Nothing if a stored policy says.
    pub(crate) fn lacking(&self) -> Option<&'static str> {
        let given = self.field("sp")?;
        match (given.contains('r'), given.contains('l')) {
            (true, true) => None,
            (true, false) => Some("list"),
            (false, true) => Some("read"),
            (false, false) => Some("read and list"),
        }
    }

    /// Whether it is an account's and leaves out the blob service, or its containers and blobs.
    pub(crate) fn is_too_narrow(&self) -> bool {
        let lacks = |name: &str, letters: &str| {
            self.field(name).is_some_and(|given| !letters.chars().all(|letter| given.contains(letter)))
        };
        lacks("ss", "b") || lacks("srt", "co")
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A time in any of the forms that signatures have: with seconds, without, or a day alone.
fn time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    let minutes = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%MZ");
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    minutes.ok().or_else(day).map(|time| time.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Sas> {
        Sas::parse(&text.into())
    }

    #[test]
    fn a_signature_is_taken_however_it_was_pasted() {
        let wanted = "sv=2021-10-04&sp=rl&sig=a%2Bb%2Fc%3D";
        for text in [
            "sv=2021-10-04&sp=rl&sig=a%2Bb%2Fc%3D",
            "?sv=2021-10-04&sp=rl&sig=a%2Bb%2Fc%3D\n",
            " sv=2021-10-04&sp=rl&sig=a+b/c=",
            "https://a.blob.core.windows.net/c?sv=2021-10-04&sp=rl&sig=a%2bb%2fc%3d",
        ] {
            let sas = parse(text).unwrap();
            assert_eq!(sas.query().expose(), wanted, "{text}");
            assert_eq!(sas.signature().expose(), "a+b/c=");
        }
    }

    #[test]
    fn what_is_no_signature_is_refused_and_not_repeated() {
        for text in ["", "hunter2", "sv=2021&sp=rl", "sv=2021&amp;sig=hunter2", "sr=b&sig=hunter2", "sig="] {
            let error = parse(text).expect_err(text);
            assert_eq!(error.get("field"), Some("sas_token"), "{text}");
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }

    #[test]
    fn its_times_and_rights_are_read() {
        for se in ["2026-01-02T03:04:00Z", "2026-01-02T03:04Z"] {
            let sas = parse(&format!("se={se}&sig=x")).unwrap();
            assert_eq!(sas.expires().unwrap().to_rfc3339(), "2026-01-02T03:04:00+00:00", "{se}");
        }
        assert_eq!(parse("se=2026-01-02&sig=x").unwrap().expires().unwrap().to_rfc3339(), "2026-01-02T00:00:00+00:00");
        for (sp, lacking) in
            [("rl", None), ("racwdl", None), ("r", Some("list")), ("l", Some("read")), ("w", Some("read and list"))]
        {
            assert_eq!(parse(&format!("sp={sp}&sig=x")).unwrap().lacking(), lacking, "{sp}");
        }
        assert_eq!(parse("si=policy&sig=x").unwrap().lacking(), None);
        assert!(parse("ss=qt&srt=sco&sig=x").unwrap().is_too_narrow());
        assert!(parse("ss=b&srt=so&sig=x").unwrap().is_too_narrow());
        assert!(!parse("ss=bf&srt=co&sig=x").unwrap().is_too_narrow());
        assert!(!parse("sr=c&sp=rl&sig=x").unwrap().is_too_narrow());
    }

    #[test]
    fn nothing_shows_it() {
        let shown = format!("{:?}", parse("sv=1&sig=hunter2").unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
