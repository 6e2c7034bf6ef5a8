//! Browsers: whoever comes back from a vendor is the one who was sent there.
//!
//! Without that, somebody could begin a consent, have another person finish it, and own the other
//! person's files. So a browser that begins gets a mark, and has to show it when it comes back.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use catchment_auth::oauth::{new_state, state_hash};
use catchment_core::Result;
use url::Url;

const COOKIE: &str = "catchment_oauth";

/// As long as a consent may take, in seconds.
const LIFE: u32 = 600;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The mark of a browser.
pub(crate) struct Browser(String);

impl Browser {
    /// The browser that made a request: it keeps the mark it has, so that two consents can be on
    /// their way at once.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self> {
        Self::shown(headers).map_or_else(new_state, Ok).map(Self)
    }

    /// Whether the answer to this request surely gets to the browser that will be sent to the
    /// vendor: a navigation, or a page of this server's own origin. What a page of another origin
    /// or a program of some kind does with cookies, nobody here knows.
    pub(crate) fn will_come_back(headers: &HeaderMap) -> bool {
        let site = headers.get(FETCH_SITE).and_then(|site| site.to_str().ok());
        let navigates = headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
        navigates || site == Some("same-origin")
    }

    /// What is remembered of it.
    pub(crate) fn mark(&self) -> String {
        state_hash(&self.0)
    }

    /// Whether a request comes from the browser with this mark.
    pub(crate) fn has(headers: &HeaderMap, mark: &str) -> bool {
        Self::shown(headers).is_some_and(|shown| state_hash(&shown) == mark)
    }

    /// The cookie. A browser sends it along when another site, the vendor's, leads back here.
    pub(crate) fn cookie(&self, public: &Url) -> Option<HeaderValue> {
        let secure = if public.scheme() == "https" { "; Secure" } else { "" };
        let path = public.path().trim_end_matches('/');
        let cookie = format!(
            "{COOKIE}={}; Path={path}/api/integrations; Max-Age={LIFE}; HttpOnly; SameSite=Lax{secure}",
            self.0
        );
        HeaderValue::try_from(cookie).ok()
    }

    fn shown(headers: &HeaderMap) -> Option<String> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
        let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let shown = pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value);
        let ours =
            |value: &&str| value.len() == 43 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        shown.filter(ours).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(cookie).unwrap())])
    }

    #[test]
    fn a_browser_is_known_by_its_cookie_among_others() {
        let browser = Browser::of(&HeaderMap::new()).unwrap();
        let mark = browser.mark();
        let set = browser.cookie(&Url::parse("https://c.example/base/").unwrap()).unwrap();
        let set = set.to_str().unwrap();
        assert!(set.contains("; Path=/base/api/integrations; ") && set.ends_with("; Secure"), "{set}");
        let pair = set.split(';').next().unwrap();
        let headers = with(&format!("theme=dark; {pair}; x=y"));
        assert!(Browser::has(&headers, &mark));
        assert_eq!(Browser::of(&headers).unwrap().mark(), mark, "it keeps its mark");
        for other in ["theme=dark", "catchment_oauth=", "catchment_oauth=short", "xcatchment_oauth=1"] {
            assert!(!Browser::has(&with(other), &mark), "{other}");
        }
        assert!(!Browser::has(&HeaderMap::new(), &mark));
    }

    #[test]
    fn a_cookie_that_is_not_ours_is_not_taken_over() {
        let foreign = with("catchment_oauth=fixed-by-somebody");
        assert_ne!(Browser::of(&foreign).unwrap().0, "fixed-by-somebody");
    }
}
