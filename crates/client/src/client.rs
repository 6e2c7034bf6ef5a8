//! The client of one connector, and how it is set up.

use std::{fmt, sync::Arc, time::Duration};

use catchment_core::{Authorize, Error, Result, Secret};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use url::Url;

use crate::{
    budget::{Budget, Meter},
    call::Call,
    classify::Classifier,
    egress::Egress,
    response::ResponseHead,
    retry::Patience,
};

/// Buffered bodies may be this large unless a client or a call says otherwise.
const CAP: usize = 16 * 1024 * 1024;

/// The HTTP client of one connector for one tenant. Clones are cheap and share everything.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) vendor: String,
    pub(crate) tenant: String,
    base: Option<Url>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) classify: Option<Classifier>,
    pub(crate) egress: Egress,
    pub(crate) authorize: Option<Arc<dyn Authorize>>,
    pub(crate) headers: HeaderMap,
    trusted: Vec<String>,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) patience: Patience,
    pub(crate) cap: usize,
}

/// Sets up a [`Client`]. Everything but the vendor has a default.
#[must_use]
pub struct ClientBuilder {
    vendor: String,
    tenant: String,
    base: Option<String>,
    budget: Budget,
    classify: Option<Classifier>,
    egress: Egress,
    authorize: Option<Arc<dyn Authorize>>,
    headers: Vec<(String, Secret, bool)>,
    trusted: Vec<String>,
    secrets: Vec<Secret>,
    patience: Patience,
    cap: usize,
}

impl Client {
    /// Starts to set up a client for the vendor of this id.
    pub fn builder(vendor: impl Into<String>) -> ClientBuilder {
        ClientBuilder {
            vendor: vendor.into(),
            tenant: String::new(),
            base: None,
            budget: Budget::unlimited(),
            classify: None,
            egress: Egress::public_only(),
            authorize: None,
            headers: Vec::new(),
            trusted: Vec::new(),
            secrets: Vec::new(),
            patience: Patience::default(),
            cap: CAP,
        }
    }

    /// A GET of a path below the base, or of a whole URL.
    pub fn get(&self, target: impl AsRef<str>) -> Call {
        self.call(Method::GET, target)
    }

    /// A HEAD of a path below the base, or of a whole URL.
    pub fn head(&self, target: impl AsRef<str>) -> Call {
        self.call(Method::HEAD, target)
    }

    /// A POST; not repeated when its outcome is unknown, unless [`Call::idempotent`] says so.
    pub fn post(&self, target: impl AsRef<str>) -> Call {
        self.call(Method::POST, target)
    }

    /// A PUT of a path below the base, or of a whole URL.
    pub fn put(&self, target: impl AsRef<str>) -> Call {
        self.call(Method::PUT, target)
    }

    /// A PATCH; not repeated when its outcome is unknown, unless [`Call::idempotent`] says so.
    pub fn patch(&self, target: impl AsRef<str>) -> Call {
        self.call(Method::PATCH, target)
    }

    /// A DELETE of a path below the base, or of a whole URL.
    pub fn delete(&self, target: impl AsRef<str>) -> Call {
        self.call(Method::DELETE, target)
    }

    /// A call of any method. The path is taken as it stands: names that people chose go through
    /// [`segment`] first. A query may follow.
    pub fn call(&self, method: Method, target: impl AsRef<str>) -> Call {
        Call::new(self.clone(), method, self.resolve(target.as_ref()))
    }

    /// Whether credentials of this client may go to `url`: the base's own origin, or a trusted
    /// host over the base's scheme.
    pub(crate) fn trusts(&self, url: &Url) -> bool {
        let Some(base) = &self.inner.base else { return false };
        let host = url.host_str().unwrap_or_default();
        url.origin() == base.origin()
            || (url.scheme() == base.scheme() && self.inner.trusted.iter().any(|trusted| trusted == host))
    }

    fn resolve(&self, target: &str) -> Result<Url> {
        let lower = target.get(..8).unwrap_or(target).to_ascii_lowercase();
        if lower.starts_with("https://") || lower.starts_with("http://") {
            return Url::parse(target).map_err(|_| Error::config("url", "this address cannot be read: correct it"));
        }
        let base = self.inner.base.as_ref().ok_or_else(|| {
            Error::internal("a relative path needs a client with a base address").with("vendor", &self.inner.vendor)
        })?;
        // Joined as text, so that no path can name another host; and without dot segments, so
        // that none can leave the base.
        let path = target.split(['?', '#']).next().unwrap_or_default();
        if path.split(['/', '\\']).any(is_dot_segment) {
            return Err(Error::config("path", "a path must not hold . or .. as a part: use another name"));
        }
        let text = format!("{}/{}", base.as_str().trim_end_matches('/'), target.trim_start_matches('/'));
        Url::parse(&text).map_err(|_| Error::config("path", "this path cannot be put into an address"))
    }
}

impl ClientBuilder {
    /// On whose behalf: budgets are kept apart by it.
    pub fn tenant(mut self, tenant: impl fmt::Display) -> Self {
        self.tenant = tenant.to_string();
        self
    }

    /// The address that paths are below, for example `https://api.example.com/v2`.
    pub fn base(mut self, url: impl AsRef<str>) -> Self {
        self.base = Some(url.as_ref().to_owned());
        self
    }

    /// How fast to call. See [`Budget`].
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// Looks at every answer before its status does. See [`Classifier`].
    pub fn classify<F>(mut self, classifier: F) -> Self
    where
        F: Fn(&ResponseHead, &[u8]) -> Option<Error> + Send + Sync + 'static,
    {
        self.classify = Some(Arc::new(classifier));
        self
    }

    /// Which addresses may be connected to; public ones alone unless given.
    pub fn egress(mut self, egress: Egress) -> Self {
        self.egress = egress;
        self
    }

    /// Where the `Authorization` header comes from.
    ///
    /// A 401, or a classifier's `Unauthenticated`, leads to exactly one [`Authorize::rejected`]
    /// and one more attempt, whether the call is idempotent or not: a vendor that did not accept
    /// the credential did nothing. The header goes to the base host and to trusted hosts only,
    /// and never along with a redirect to another host.
    pub fn authorize(mut self, authorize: Arc<dyn Authorize>) -> Self {
        self.authorize = Some(authorize);
        self
    }

    /// A header on every call.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), Secret::new(value), false));
        self
    }

    /// A header with a secret value on every call to the base or a trusted host. It is shown
    /// nowhere and does not follow a redirect to another host.
    pub fn secret_header(mut self, name: impl Into<String>, value: &Secret) -> Self {
        self.secrets.push(value.clone());
        self.headers.push((name.into(), value.clone(), true));
        self
    }

    /// Another host of the same vendor: it gets credentials, and next-page addresses may name it.
    pub fn trusted_host(mut self, host: impl Into<String>) -> Self {
        self.trusted.push(host.into().to_ascii_lowercase());
        self
    }

    /// A secret that stands in a path or query, as some vendors want it: traces and errors show
    /// a placeholder.
    pub fn redact(mut self, secret: &Secret) -> Self {
        self.secrets.push(secret.clone());
        self
    }

    /// For a call as a whole: waiting for the budget, all attempts and all pauses. For a stream,
    /// until its head is there. 2 minutes unless given.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.patience.deadline = deadline;
        self
    }

    /// For the head of one answer. 30 seconds unless given.
    pub fn answer_within(mut self, timeout: Duration) -> Self {
        self.patience.answer = timeout;
        self
    }

    /// Between two chunks of a body. 30 seconds unless given.
    pub fn idle(mut self, timeout: Duration) -> Self {
        self.patience.idle = timeout;
        self
    }

    /// How often a call is tried at the most. 6 times unless given.
    pub fn attempts(mut self, attempts: usize) -> Self {
        self.patience.attempts = attempts.max(1);
        self
    }

    /// How large a buffered body may be. 16 MiB unless given.
    pub fn cap(mut self, bytes: usize) -> Self {
        self.cap = bytes;
        self
    }

    /// The client.
    ///
    /// # Errors
    /// `Config` when the base is not an HTTP address, is not permitted or carries a credential,
    /// or when a header cannot be sent.
    pub fn build(self) -> Result<Client> {
        let base = self.base.as_deref().map(|base| base_url(base, &self.egress)).transpose()?;
        let mut headers = HeaderMap::new();
        for (name, value, secret) in &self.headers {
            let (name, value) = header(name, value.expose(), *secret)?;
            headers.insert(name, value);
        }
        let meter = Meter::shared(&self.vendor, &self.tenant, &self.budget);
        Ok(Client {
            inner: Arc::new(Inner {
                vendor: self.vendor,
                tenant: self.tenant,
                base,
                meter,
                classify: self.classify,
                egress: self.egress,
                authorize: self.authorize,
                headers,
                trusted: self.trusted,
                secrets: self.secrets,
                patience: self.patience,
                cap: self.cap,
            }),
        })
    }
}

/// A name made fit for one segment of a path: everything a URL could misread is encoded.
pub fn segment(name: &str) -> String {
    const UNSAFE: &AsciiSet = &CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'#')
        .add(b'%')
        .add(b'/')
        .add(b'<')
        .add(b'>')
        .add(b'?')
        .add(b'[')
        .add(b'\\')
        .add(b']')
        .add(b'^')
        .add(b'`')
        .add(b'{')
        .add(b'|')
        .add(b'}')
        .add(b'+')
        .add(b'&')
        .add(b';');
    utf8_percent_encode(name, UNSAFE).to_string()
}

/// A header, checked; a secret one is marked so that nothing shows it.
pub(crate) fn header(name: &str, value: &str, secret: bool) -> Result<(HeaderName, HeaderValue)> {
    let name =
        HeaderName::try_from(name).map_err(|_| Error::internal("this is no header name").with("header", name))?;
    let mut value = HeaderValue::try_from(value).map_err(|_| {
        let remedy = "a line break or another control character stands in the value: paste it again";
        Error::config(name.as_str(), remedy)
    })?;
    value.set_sensitive(secret);
    Ok((name, value))
}

fn base_url(text: &str, egress: &Egress) -> Result<Url> {
    let bad = |remedy: &'static str| Error::config("url", remedy);
    let mut url = Url::parse(text.trim()).map_err(|_| bad("give an address that starts with https://"))?;
    egress.check(&url)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("give the address without user name and password, they have fields of their own"));
    }
    if url.query().is_some() {
        return Err(bad("give the address without the part after the question mark"));
    }
    url.set_fragment(None);
    Ok(url)
}

fn is_dot_segment(part: &str) -> bool {
    matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("vendor", &self.inner.vendor)
            .field("tenant", &self.inner.tenant)
            .field("host", &self.inner.base.as_ref().and_then(Url::host_str))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("vendor", &self.vendor).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(base: &str, path: &str) -> Result<String> {
        Client::builder("client-test").base(base).build()?.resolve(path).map(String::from)
    }

    #[test]
    fn a_path_stays_below_the_base() {
        assert_eq!(resolved("https://h/v2", "a/b?x=1").unwrap(), "https://h/v2/a/b?x=1");
        assert_eq!(resolved("https://h/v2/", "/a").unwrap(), "https://h/v2/a");
        assert_eq!(resolved("https://h", "//evil.test/x").unwrap(), "https://h/evil.test/x");
        assert_eq!(resolved("https://h", "@evil.test").unwrap(), "https://h/@evil.test");
        assert_eq!(resolved("https://h/v2", "f?path=../x").unwrap(), "https://h/v2/f?path=../x");
        for leaves in ["a/../../b", "..", "a/%2e%2E/b", "a\\..\\b", "./x"] {
            assert!(resolved("https://h/v2", leaves).is_err(), "{leaves}");
        }
    }

    #[test]
    fn a_name_becomes_one_segment() {
        assert_eq!(segment("a/b?c#d%e+f é\\"), "a%2Fb%3Fc%23d%25e%2Bf%20%C3%A9%5C");
    }

    #[test]
    fn a_bad_base_says_what_to_do() {
        for base in ["", "h/v2", "ftp://h/", "https://u:p@h/", "https://h/?sig=x", "http://10.0.0.1/"] {
            let error = resolved(base, "x").unwrap_err();
            assert_eq!((error.kind(), error.get("field")), (catchment_core::ErrorKind::Config, Some("url")), "{base}");
        }
    }

    #[test]
    fn a_secret_with_a_line_break_is_refused_without_being_shown() {
        let secret = Secret::new("s3cr3t\r\nX-Evil: 1");
        let error = Client::builder("client-test").secret_header("x-key", &secret).build().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cr3t"), "{error:?}");
    }
}
