//! Grants: what persons consented to at vendors, and what this program is called there.

mod browser;
mod draft;
mod grants;
mod keeper;
mod leave;
mod settings;

pub(crate) use browser::Browser;
pub(crate) use catchment_auth::oauth::missing;
pub(crate) use draft::Draft;
pub(crate) use grants::Grants;
pub use settings::OAuth;
