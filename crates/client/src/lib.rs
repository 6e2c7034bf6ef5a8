#![doc = include_str!("../README.md")]

mod body;
mod budget;
mod call;
mod classify;
mod client;
mod egress;
mod limits;
mod paging;
mod pool;
mod redact;
mod redirect;
mod response;
mod resume;
mod retry;
mod send;

pub use body::Download;
pub use budget::Budget;
pub use call::Call;
pub use catchment_core::Authorize;
pub use classify::{Classifier, classify_status};
pub use client::{Client, ClientBuilder, segment};
pub use egress::Egress;
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
pub use limits::Limits;
pub use paging::{Offset, by_cursor};
pub use response::{Response, ResponseHead};
pub use resume::resumed;
pub use retry::outcome_is_unknown;
pub use url::Url;
