//! Grants: what persons consented to at vendors, and what this program is called there.

mod browser;
mod draft;
mod grants;
mod keeper;
mod leave;
mod scopes;
mod settings;

pub(crate) use browser::Browser;
pub(crate) use draft::Draft;
pub(crate) use grants::Grants;
pub(crate) use scopes::missing;
pub use settings::OAuth;
