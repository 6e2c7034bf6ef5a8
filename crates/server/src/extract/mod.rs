//! What handlers take out of a request: who calls, bodies, queries, ids.

mod caller;
mod json;
mod query;

pub use caller::Caller;
pub(crate) use json::{Json, OptionalJson, read};
pub(crate) use query::{Cursor, Id, Limit, MOST, Query, UserId, VendorId};
