//! Access: as a service account, or by the grant of a person.

use std::sync::Arc;

use catchment_auth::oauth::{Issued, ServiceAccount};
use catchment_client::{Authorize, Egress};
use catchment_core::{Context, Result, Secret};

/// How calls show who asks: with the key file of a service account as that account, or, with a
/// `subject`, as the person of this e-mail address; without one, by the grant of the person who
/// consented. Nothing is sent yet.
///
/// # Errors
/// `Config`, naming `service_account`, when it is no key file; `Unauthenticated` when there is
/// neither key file nor grant.
pub fn authorize(
    cx: &Context,
    scopes: &[&str],
    service_account: Option<&Secret>,
    subject: Option<&str>,
) -> Result<Arc<dyn Authorize>> {
    match service_account.filter(|file| !file.expose().trim().is_empty()) {
        Some(file) => {
            let account = ServiceAccount::from_json(file, scopes, subject, egress(cx))?;
            Ok(Arc::new(Issued::new(Arc::new(account))))
        }
        None => cx.need_grant(),
    }
}

/// Where calls may go.
pub(crate) fn egress(cx: &Context) -> Egress {
    if cx.private_network { Egress::allow_private() } else { Egress::public_only() }
}
