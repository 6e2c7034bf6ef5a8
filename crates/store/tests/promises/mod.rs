//! The promises, one function each.

pub(crate) mod authorizations;
pub(crate) mod checks;
pub(crate) mod grants;
pub(crate) mod integrations;
pub(crate) mod jobs;
pub(crate) mod rest;
pub(crate) mod secrets;
