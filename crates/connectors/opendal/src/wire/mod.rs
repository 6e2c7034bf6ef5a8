//! The services that no server can be had for, each against a stand-in that answers as its vendor
//! describes. It proves that options, transport, lists and errors fit together; not that the vendor keeps
//! to its description.
//!
//! Each stand-in holds the folder `folder`: `a.txt`, `b.txt` and the folder `sub`, with `c.txt` in it.

mod azure;
mod buckets;
mod drives;
mod promises;
mod server;
mod trees;

use std::{collections::BTreeMap, net::SocketAddr};

use catchment_client::{Client, Egress};
use catchment_core::Context;
use opendal::{Buffer, HttpBody, HttpTransport, HttpTransporter, OperationContext};
use serde_json::{Value, json};
use server::Server;

use crate::{
    config::Settings,
    service,
    storage::Storage,
    transport::{CAP, Transport},
};

/// What each file holds.
const CONTENT: &[u8] = b"0123456789";

/// Its MD5.
const MD5: &str = "781e5e245d69b566979b86e28d23f2c7";

/// When each was stored, as RFC 3339 and as HTTP have it, and in seconds.
const TIME: (&str, &str, u64) = ("2026-05-04T03:02:01.000Z", "Mon, 04 May 2026 03:02:01 GMT", 1_777_863_721);

/// A vendor.
pub(super) struct Vendor {
    pub(super) scheme: &'static str,
    /// Place, options and secret options.
    pub(super) settings: fn() -> (&'static str, Value, Value),
    /// What the vendor answers where all is well.
    pub(super) answer: fn(&Ask) -> Answer,
    /// The body of a refusal.
    pub(super) refusal: fn(u16) -> String,
    /// With which status it refuses a credential.
    pub(super) refuses: u16,
    /// Whether it sends lists in pages.
    pub(super) pages: bool,
}

/// All of them.
pub(super) const VENDORS: &[&Vendor] = &[
    &azure::FILES,
    &azure::LAKE,
    &buckets::OSS,
    &buckets::COS,
    &buckets::OBS,
    &buckets::B2,
    &drives::SEAFILE,
    &drives::KOOFR,
    &drives::YANDEX_DISK,
    &trees::TOS,
    &trees::LAKEFS,
];

/// What a vendor is asked.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: String,
    /// The host that was meant.
    pub(super) host: String,
    /// Without percent signs.
    pub(super) path: String,
    pub(super) query: BTreeMap<String, String>,
    /// With the credential, as it comes.
    pub(super) headers: http::HeaderMap,
}

impl Ask {
    pub(super) fn query(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }
}

/// What a vendor answers.
#[derive(Debug)]
pub(super) enum Answer {
    /// A document.
    Text(String),
    /// A document, and what its headers say.
    With(String, Vec<(&'static str, String)>),
    /// The content of a file, with these headers; ranges are cut by the server.
    Content(Vec<(&'static str, String)>),
    /// A refusal that belongs to the vendor's wire.
    Refused(u16),
    /// A question that the vendor does not know: the test fails.
    Unknown,
}

/// A storage on the stand-in of a vendor.
fn storage(vendor: &Vendor, server: &Server) -> Storage {
    let (place, options, secret) = (vendor.settings)();
    let settings: Settings = catchment_core::config::parse(json!({
        "uri": format!("{}://{place}", vendor.scheme),
        "folder_path": "folder",
        "options": options,
        "secret_options": secret.to_string(),
        "timeout_seconds": 5,
    }))
    .expect("settings");
    let mut storage = Storage::new(settings, &Context::local()).expect(vendor.scheme);
    // Several vendors have one address that no option changes.
    let transport = HttpTransporter::new(Diverted::new(vendor, server.address));
    storage.operator = storage.operator.with_context(OperationContext::new().with_http_transport(transport));
    storage
}

/// The transport, to the stand-in instead of wherever a request was going.
#[derive(Debug)]
struct Diverted {
    inner: Transport,
    to: SocketAddr,
}

impl Diverted {
    fn new(vendor: &Vendor, to: SocketAddr) -> Self {
        // What one of them bears says nothing about another.
        let client = Client::builder("opendal")
            .tenant(format_args!("{to}"))
            .egress(Egress::allow_private())
            .cap(CAP)
            .build()
            .expect("a client");
        let list_mark = service::find(vendor.scheme).expect("a service").list_mark;
        Self { inner: Transport { client, allow_http: true, list_mark }, to }
    }
}

impl HttpTransport for Diverted {
    async fn fetch(&self, mut request: http::Request<Buffer>) -> opendal::Result<http::Response<HttpBody>> {
        assert_eq!(request.uri().scheme_str(), Some("https"), "in the clear: {}", request.uri());
        let host = request.uri().host().expect("a host").parse().expect("a header");
        request.headers_mut().insert("x-meant", host);
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = format!("http://{}{path}", self.to).parse().expect("an address");
        self.inner.fetch(request).await
    }
}
