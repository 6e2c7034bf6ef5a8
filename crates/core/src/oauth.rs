//! OAuth 2.0 as a vendor speaks it: the dialect, as data. The flows are in `catchment-auth`.

use std::time::Duration;

/// How a person consents at a vendor, and how tokens are got there.
///
/// Start from [`OAuth::STANDARD`], and say what is different:
///
/// ```
/// use catchment_core::oauth::{OAuth, Revocation};
///
/// const OAUTH: OAuth = OAuth {
///     authorize: "https://vendor.example/{tenant_id|common}/authorize",
///     token: "https://vendor.example/{tenant_id|common}/token",
///     revocation: Revocation::Form("https://vendor.example/revoke"),
///     scopes: &["files.read"],
///     ..OAuth::STANDARD
/// };
/// assert!(OAUTH.wanted(|_| false));
/// ```
///
/// In an address `{name}` stands for a setting of the integration and `{name|default}` for one
/// that may be missing. It is escaped: it can fill a segment of a path, and change no host.
///
/// The settings `client_id` and `client_secret` are the integration's own registration at the
/// vendor, where its `Config` has them; an operator's registration stands in for those who leave
/// them out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OAuth {
    /// The page where the person consents.
    pub authorize: &'static str,
    /// Where codes and refresh tokens are exchanged.
    pub token: &'static str,
    /// Where a device asks for a code (RFC 8628).
    pub device: Option<&'static str>,
    /// How a grant is given back.
    pub revocation: Revocation,
    /// How the program says who it is at the token endpoint.
    pub client: ClientAuth,
    /// Whether the vendor knows PKCE. S256 is all that is used.
    pub pkce: bool,
    /// The scopes to ask for: the fewest with which the connector works.
    pub scopes: &'static [&'static str],
    /// What stands between scopes.
    pub separator: &'static str,
    /// What else the vendor wants to see on the way to the consent page.
    pub extra: &'static [(&'static str, &'static str)],
    /// Where in an answer tokens are looked for, as JSON pointers: the first place that has an
    /// access token counts.
    pub answers: &'static [&'static str],
    /// What the vendor adds to the callback, and the setting that keeps it.
    pub callback: &'static [(&'static str, &'static str)],
    /// Settings that sign in by themselves: with one of them, nobody needs to consent.
    pub unless: &'static [&'static str],
    /// A refresh token that nobody uses for so long lapses.
    pub idle: Option<Duration>,
    /// Which of the vendor's hosts are a path where people run the vendor's software on one host of their
    /// own: the host, and that path.
    pub installed: &'static [(&'static str, &'static str)],
}

/// How a grant is given back to the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// It cannot be: the person takes it back on the vendor's pages.
    None,
    /// RFC 7009: `POST` of the token as a form, with the program's own credentials.
    Form(&'static str),
    /// `POST` with the access token as the bearer.
    Bearer(&'static str),
    /// `DELETE` with the program's own credentials and `{"access_token": ..}`; `{client_id}` in
    /// the address stands for the program's id.
    Delete(&'static str),
}

/// How the program says who it is (RFC 6749, section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// Id and secret in the form.
    Body,
    /// Id and secret in the header `Authorization`.
    Basic,
}

impl OAuth {
    /// RFC 6749 and 7636 to the letter, with addresses to fill in.
    pub const STANDARD: Self = Self {
        authorize: "",
        token: "",
        device: None,
        revocation: Revocation::None,
        client: ClientAuth::Body,
        pkce: true,
        scopes: &[],
        separator: " ",
        extra: &[],
        answers: &[""],
        callback: &[],
        unless: &[],
        idle: None,
        installed: &[],
    };

    /// Whether somebody has to consent, given which settings an integration has.
    pub fn wanted(&self, has: impl Fn(&str) -> bool) -> bool {
        !self.unless.iter().any(|name| has(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_signs_in_otherwise_needs_no_consent() {
        let oauth = OAuth { unless: &["service_account"], ..OAuth::STANDARD };
        assert!(oauth.wanted(|name| name == "folder_path"));
        assert!(!oauth.wanted(|name| name == "service_account"));
    }
}
