//! Options: from the settings to OpenDAL's operator, with errors that name the option.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use catchment_core::{Context, Error, Result, Secret};
use opendal::Operator;
use serde_json::Value;

use crate::{
    address::Uri,
    config::Settings,
    service::{Reach, Service},
};

/// The options of a service, checked, and what of them is secret.
#[derive(Debug)]
pub(crate) struct Options {
    plain: BTreeMap<String, String>,
    secret: BTreeMap<String, Secret>,
}

impl Options {
    /// # Errors
    /// `Config`, naming the field: an option that is unknown, missing, misplaced, of the wrong kind,
    /// or not to be used by this context.
    pub(crate) fn new(settings: &Settings, uri: &Uri, service: &Service, cx: &Context) -> Result<Self> {
        let mut plain = settings.options.clone();
        if let (Some(place), Some((option, before))) = (&uri.place, service.place) {
            // An endpoint given in full (another port, http://) stands above the host in the address.
            plain.entry(option.to_owned()).or_insert_with(|| format!("{before}{place}"));
        }
        for (option, value) in service.preset {
            plain.entry((*option).to_owned()).or_insert_with(|| (*value).to_owned());
        }
        let mut options = Self { plain, secret: secrets(settings.secret_options.as_ref())? };
        options.check_names(service)?;
        if service.scheme == "gcs" {
            options.google_key(cx)?;
        }
        options.check_reach(service, cx)?;
        for name in service.required {
            if !options.has(name) {
                let field = options.field(name, service);
                return Err(Error::config(field, "missing: give this option of the service"));
            }
        }
        options.check_values(service)?;
        options.check_endpoint(settings.allow_http)?;
        Ok(options)
    }

    /// OpenDAL's operator. Reaches for nothing.
    pub(crate) fn operator(&self, service: &Service) -> Result<Operator> {
        let secret = self.secret.iter().map(|(name, value)| (name.clone(), value.expose().to_owned()));
        let all = self.plain.clone().into_iter().chain(secret).collect();
        (service.make)(all).map_err(|_| {
            let remedy = "the service cannot be set up with these options: compare them with those OpenDAL documents";
            Error::config("options", remedy).with("service", service.scheme)
        })
    }

    /// The secrets, so that nothing shows them.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.secret.values()
    }

    /// The value of an option that is not secret.
    pub(crate) fn plain(&self, name: &str) -> Option<&str> {
        self.plain.get(name).map(String::as_str)
    }

    fn check_names(&self, service: &Service) -> Result<()> {
        let known = service.known();
        let named = |name: &str| known.iter().any(|known| known == name);
        for name in self.plain.keys() {
            if name == "root" {
                return Err(Error::config("options.root", "give the folder in uri or folder_path"));
            }
            if service.secret.contains(&name.as_str()) {
                return Err(Error::config(format!("options.{name}"), "this is secret: give it in secret_options"));
            }
            if !named(name) {
                return Err(unknown("options", name, &known));
            }
        }
        for name in self.secret.keys() {
            if !named(name) || name == "root" {
                return Err(unknown("secret_options", name, &known));
            }
            if self.plain.contains_key(name) {
                return Err(Error::config(
                    format!("options.{name}"),
                    "this stands in secret_options, too: give it once",
                ));
            }
        }
        Ok(())
    }

    /// What belongs to the host is used only where that is allowed.
    fn check_reach(&mut self, service: &Service, cx: &Context) -> Result<()> {
        match service.reach {
            Reach::Connections if !cx.private_network => {
                return Err(Error::config(
                    "uri",
                    "this service makes connections that are not guarded against private networks: it is for programs \
                     that may reach those",
                ));
            }
            Reach::Host if !cx.host_access => {
                return Err(Error::config("uri", "this service belongs to the host, which cannot be used here"));
            }
            _ => {}
        }
        if cx.host_access {
            return Ok(());
        }
        if let Some(name) = service.local.iter().find(|name| self.has(name)) {
            let remedy = "this makes use of the host, which is not allowed here: give the credential itself";
            return Err(Error::config(self.field(name, service), remedy));
        }
        if !service.credential.is_empty() && !service.credential.iter().any(|name| self.is_set(name)) {
            let field = self.field(service.credential[0], service);
            return Err(Error::config(field, "give a credential: those of the host are not used here"));
        }
        for name in service.shared {
            self.plain.insert((*name).to_owned(), "true".to_owned());
        }
        Ok(())
    }

    /// OpenDAL takes a key file of Google in base64; people have it as JSON. Other kinds of
    /// credentials in that format can name files and programs of the host.
    fn google_key(&mut self, cx: &Context) -> Result<()> {
        let Some(key) = self.secret.get("credential") else { return Ok(()) };
        let wrong = |remedy: &'static str| Error::config("secret_options.credential", remedy);
        let text = if key.expose().trim_start().starts_with('{') {
            key.expose().as_bytes().to_vec()
        } else {
            let decoded = BASE64_STANDARD.decode(key.expose().trim());
            decoded.map_err(|_| wrong("give the key file of a service account as it is, from { to }"))?
        };
        let json: Value = serde_json::from_slice(&text)
            .map_err(|_| wrong("this is not the key file of a service account: give it whole, from { to }"))?;
        if json["type"] != "service_account" && !cx.host_access {
            return Err(wrong("only the key of a service account can be used here"));
        }
        let encoded = Secret::new(BASE64_STANDARD.encode(text));
        self.secret.insert("credential".to_owned(), encoded);
        Ok(())
    }

    /// OpenDAL's own errors quote the value, so each is tried by itself to find out which it was.
    fn check_values(&self, service: &Service) -> Result<()> {
        let plain = self.plain.iter().map(|(name, value)| (name, value.as_str()));
        let secret = self.secret.iter().map(|(name, value)| (name, value.expose()));
        for (name, value) in plain.chain(secret) {
            if !service.can_be(name, value) {
                let remedy = "of the wrong kind: numbers are written plainly, switches are true or false";
                return Err(Error::config(self.field(name, service), remedy));
            }
        }
        Ok(())
    }

    /// An endpoint is shown to people, and is kept in the clear.
    fn check_endpoint(&self, allow_http: bool) -> Result<()> {
        let Some(endpoint) = self.plain("endpoint") else { return Ok(()) };
        let wrong = |remedy: &'static str| Err(Error::config("options.endpoint", remedy));
        let (scheme, rest) = endpoint.split_once("://").unwrap_or(("", endpoint));
        if rest.split('/').next().is_some_and(|host| host.contains('@')) {
            return wrong("give the address without user name and password: they are options of their own");
        }
        if rest.contains(['?', '#']) {
            return wrong("give the address without the part after the question mark");
        }
        if scheme.eq_ignore_ascii_case("http") && !allow_http {
            return wrong("http:// sends data in the clear: give https://, or set allow_http");
        }
        Ok(())
    }

    /// Host and port of the endpoint, if one is given.
    pub(crate) fn host(&self) -> Option<&str> {
        let endpoint = self.plain("endpoint")?;
        let rest = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
        Some(rest.trim_end_matches('/'))
    }

    fn has(&self, name: &str) -> bool {
        self.plain.get(name).is_some_and(|value| !value.is_empty())
            || self.secret.get(name).is_some_and(|value| !value.is_empty())
    }

    /// Given, and not a switch that is off.
    fn is_set(&self, name: &str) -> bool {
        self.has(name) && !self.plain(name).is_some_and(|value| matches!(value, "false" | "off"))
    }

    fn field(&self, name: &str, service: &Service) -> String {
        let place =
            if service.secret.contains(&name) || self.secret.contains_key(name) { "secret_options" } else { "options" };
        format!("{place}.{name}")
    }
}

fn unknown(place: &str, name: &str, known: &[String]) -> Error {
    let known: Vec<_> = known.iter().map(String::as_str).filter(|known| *known != "root").collect();
    Error::config(format!("{place}.{name}"), "unknown option: check its spelling").with("known", known.join(", "))
}

fn secrets(text: Option<&Secret>) -> Result<BTreeMap<String, Secret>> {
    let Some(text) = text.filter(|text| !text.expose().trim().is_empty()) else { return Ok(BTreeMap::new()) };
    serde_json::from_str(text.expose()).map_err(|_| {
        let remedy = "give the text of a JSON object of strings, like {\"password\": \"...\"}";
        Error::config("secret_options", remedy)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::service;

    fn options(settings: Value, cx: &Context) -> Result<(Options, Service)> {
        let settings: Settings = catchment_core::config::parse(settings)?;
        let uri = Uri::parse(&settings.uri)?;
        let service = service::find(&uri.scheme).expect("a service");
        Ok((Options::new(&settings, &uri, &service, cx)?, service))
    }

    fn shared() -> Context {
        Context { host_access: false, private_network: false, ..Context::local() }
    }

    fn refused(settings: Value, cx: &Context) -> String {
        let error = options(settings.clone(), cx).map(|_| ()).expect_err("must be refused");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{settings}: {error:?}");
        error.get("field").unwrap_or_default().to_owned()
    }

    #[test]
    fn an_error_names_the_option_and_repeats_no_value() {
        let cx = Context::local();
        for (settings, field) in [
            (json!({"uri": "webdav://h", "options": {"usrname": "hunter2"}}), "options.usrname"),
            (json!({"uri": "webdav://h", "options": {"password": "hunter2"}}), "options.password"),
            (json!({"uri": "webdav://h", "options": {"root": "/a"}}), "options.root"),
            (json!({"uri": "webdav://h", "secret_options": "{\"pass\": \"hunter2\"}"}), "secret_options.pass"),
            (json!({"uri": "webdav://h", "secret_options": "hunter2"}), "secret_options"),
            (json!({"uri": "webdav://h", "secret_options": "{\"password\": 7}"}), "secret_options"),
            (json!({"uri": "webdav://"}), "options.endpoint"),
            (json!({"uri": "webdav://", "options": {"endpoint": "https://ann:hunter2@h"}}), "options.endpoint"),
            (json!({"uri": "webdav://", "options": {"endpoint": "https://h/?sig=hunter2"}}), "options.endpoint"),
            (json!({"uri": "webdav://", "options": {"endpoint": "http://h"}}), "options.endpoint"),
            (json!({"uri": "gcs://b", "options": {"skip_signature": "hunter2"}}), "options.skip_signature"),
            (json!({"uri": "gcs://b", "secret_options": "{\"credential\": \"hunter2\"}"}), "secret_options.credential"),
            (json!({"uri": "oss://b", "options": {"endpoint": "https://h"}}), "secret_options.access_key_secret"),
        ] {
            let cx = if settings["uri"] == "oss://b" { &shared() } else { &cx };
            assert_eq!(refused(settings.clone(), cx), field, "{settings}");
        }
    }

    #[test]
    fn the_hosts_credentials_stay_with_the_host() {
        let (options, _) = options(json!({"uri": "gcs://b"}), &shared()).expect("public data");
        assert_eq!(options.plain("disable_config_load"), Some("true"));
        assert_eq!(options.plain("disable_vm_metadata"), Some("true"));
        let file = json!({"uri": "gcs://b", "options": {"credential_path": "/etc/key.json"}});
        assert_eq!(refused(file.clone(), &shared()), "options.credential_path");
        assert!(self::options(file, &Context::local()).is_ok());
        let program =
            r#"{"credential": "{\"type\": \"external_account\", \"credential_source\": {\"file\": \"/etc/x\"}}"}"#;
        let program = json!({"uri": "gcs://b", "secret_options": program});
        assert_eq!(refused(program, &shared()), "secret_options.credential");
        for scheme in ["azdls", "azfile", "cos", "obs", "oss", "tos"] {
            let settings = json!({"uri": format!("{scheme}://b"), "options": {"endpoint": "https://h"}});
            assert!(refused(settings, &shared()).starts_with("secret_options."), "{scheme}");
        }
    }

    #[test]
    fn connections_that_nothing_guards_are_for_private_networks() {
        let ftp = json!({"uri": "ftp://files.example.com"});
        assert_eq!(refused(ftp.clone(), &shared()), "uri");
        assert!(options(ftp, &Context { private_network: true, ..shared() }).is_ok());
    }

    #[test]
    fn every_service_that_is_built_in_says_what_its_options_are() {
        for scheme in service::schemes() {
            let service = service::find(scheme).expect("a service");
            let known = service.known();
            let lists = [service.required, service.secret, service.local, service.credential, service.shared];
            for name in lists.into_iter().flatten().copied().chain(service.place.map(|place| place.0)) {
                assert!(known.iter().any(|known| known == name), "{scheme} has no option {name}: {known:?}");
            }
            // What looks like a secret is one.
            for name in &known {
                let words =
                    ["account_key", "password", "secret", "token", "credential", "delegation", "application_key"];
                let looks = words.iter().any(|word| name.contains(word));
                let harmless = ["credential_path", "oidc_token_file", "application_key_id"].contains(&name.as_str());
                let is = service.secret.contains(&name.as_str());
                assert!(is || !looks || harmless, "{scheme}: {name} looks secret");
            }
        }
    }

    #[test]
    fn the_key_file_is_taken_as_people_have_it() {
        let key = r#"{"type": "service_account", "client_email": "a@b", "private_key": "hunter2"}"#;
        let secret = json!({"credential": key}).to_string();
        let (options, service) =
            options(json!({"uri": "gcs://b", "secret_options": secret}), &shared()).expect("a key");
        let encoded = options.secret["credential"].expose();
        assert_eq!(BASE64_STANDARD.decode(encoded).expect("base64"), key.as_bytes());
        assert!(options.operator(&service).is_ok());
        assert!(!format!("{options:?}").contains("hunter2"));
    }
}
