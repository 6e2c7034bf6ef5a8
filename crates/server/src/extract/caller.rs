//! Who calls: identified before any handler runs.

use axum::{extract::FromRequestParts, http::request::Parts};
use catchment_core::Tenant;
use catchment_store::Scope;

use crate::{
    problem::{Problem, Result},
    request_id::RequestId,
};

/// Who calls, and through which request. Handlers of one's own take it as an argument, too.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who it is.
    pub tenant: Tenant,
    /// Whether they look after their whole organization.
    pub admin: bool,
    /// The request.
    pub request_id: RequestId,
}

impl Caller {
    /// What the caller may see: their own, or everything of the organization they look after.
    pub fn scope(&self) -> Scope {
        Scope {
            organization: self.tenant.organization.clone(),
            user: (!self.admin).then(|| self.tenant.user.clone()),
            actor: self.tenant.user.clone(),
            request_id: Some(self.request_id.as_str().to_owned()),
        }
    }

    /// What belongs to one user, named or the caller themselves.
    ///
    /// # Errors
    /// Not found, as if there were no such user, unless it is the caller or an administrator asks.
    pub fn scope_of(&self, user: Option<&str>) -> Result<Scope> {
        let user = user.unwrap_or(&self.tenant.user);
        if user != self.tenant.user && !self.admin {
            return Err(Problem::not_found("no such user: give your own user_id, or leave it out"));
        }
        Ok(Scope { user: Some(user.to_owned()), ..self.scope() })
    }

    /// Passes if `slug` is the caller's own organization, or none was named.
    ///
    /// # Errors
    /// Not found, as if there were no such organization.
    pub fn within(&self, slug: Option<&str>) -> Result<()> {
        match slug {
            Some(slug) if slug != self.tenant.organization => {
                Err(Problem::not_found("no such organization: give your own, or leave it out"))
            }
            _ => Ok(()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| catchment_core::Error::internal("a handler wants a caller on an open route").into())
    }
}
