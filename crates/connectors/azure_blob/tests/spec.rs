//! The service's own description (`spec/`, a cut of version 2021-10-04) against what is sent to it,
//! what is read from it, and what the stand-in of these tests answers.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use catchment_azure_blob::AzureBlob;
use catchment_core::{ByteRange, Connector, Context, PageRequest, PageToken, Registry};
use quick_xml::{Reader, events::Event};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// Documented for every call, and not in the description, which leaves signing to its readers;
/// `Range` is documented for Get Blob beside `x-ms-range`.
const BESIDE: [&str; 3] = ["authorization", "x-ms-date", "range"];

/// What HTTP itself has.
const HTTP: [&str; 4] = ["host", "accept", "accept-encoding", "user-agent"];

const LIST: &str = r#"<?xml version="1.0" encoding="utf-8"?><EnumerationResults
ServiceEndpoint="http://127.0.0.1/minutes" ContainerName="docs"><Prefix>prefix/</Prefix><Marker></Marker><MaxResults>7</MaxResults>
<Delimiter>/</Delimiter><Blobs><BlobPrefix><Name>prefix/folder/</Name></BlobPrefix><Blob><Name>prefix/a</Name><Deleted>false</Deleted>
<VersionId>2026-01-02T03:04:05.0000000Z</VersionId><IsCurrentVersion>true</IsCurrentVersion><Properties>
<Creation-Time>Fri, 02 Jan 2026 03:04:05 GMT</Creation-Time><Last-Modified>Fri, 02 Jan 2026 03:04:05 GMT</Last-Modified>
<Etag>0x8D</Etag><Content-Length>1</Content-Length><Content-Type>text/plain</Content-Type><Content-MD5>bQ==</Content-MD5>
<BlobType>BlockBlob</BlobType><AccessTier>Archive</AccessTier><ArchiveStatus>rehydrate-pending-to-cool</ArchiveStatus>
<CustomerProvidedKeySha256>aw==</CustomerProvidedKeySha256></Properties><Metadata><hdi_isfolder>false</hdi_isfolder></Metadata>
</Blob></Blobs><NextMarker>more</NextMarker></EnumerationResults>"#;

/// A request, as it came in.
#[derive(Debug, Clone, Default)]
struct Request {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
}

struct Description(Value);

impl Description {
    fn read() -> Self {
        let text = include_str!("../spec/blob-storage.2021-10-04.json");
        Self(serde_json::from_str(text).expect("a description"))
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(at) => self.0.pointer(at.trim_start_matches('#')).expect("a reference to something"),
            None => value,
        }
    }

    /// The parameters of the operation that a request is.
    fn parameters(&self, request: &Request) -> Vec<&Value> {
        let has = |name: &str| request.query.iter().any(|(given, _)| given == name);
        let path = match (has("comp"), has("delimiter")) {
            (true, true) => "/{containerName}?restype=container&comp=list&hierarchy",
            (true, false) => "/{containerName}?restype=container&comp=list&flat",
            (false, _) => "/{containerName}/{blob}",
        };
        let path = &self.0["x-ms-paths"][path];
        let operation = &path[request.method.to_ascii_lowercase()];
        assert!(operation.is_object(), "no operation is {request:?}");
        let lists = [&path["parameters"], &operation["parameters"]];
        lists.into_iter().flat_map(|list| list.as_array().expect("parameters")).map(|one| self.resolved(one)).collect()
    }

    /// That a request is one the service describes.
    fn holds(&self, request: &Request) {
        let parameters = self.parameters(request);
        let of = |place: &str, name: &str| {
            let same = |one: &&&Value| {
                one["in"] == place && one["name"].as_str().is_some_and(|it| it.eq_ignore_ascii_case(name))
            };
            parameters.iter().find(same)
        };
        for (place, given) in [("query", &request.query), ("header", &request.headers)] {
            for (name, value) in given {
                if place == "header" && (BESIDE.contains(&name.as_str()) || HTTP.contains(&name.as_str())) {
                    continue;
                }
                let parameter =
                    of(place, name).unwrap_or_else(|| panic!("{place} `{name}` is not described: {request:?}"));
                fits(parameter, value);
            }
            for parameter in parameters.iter().filter(|one| one["in"] == place && one["required"] == true) {
                let name = parameter["name"].as_str().expect("a name");
                let is_there = given.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
                assert!(is_there, "{place} `{name}` is required: {request:?}");
            }
        }
        assert!(request.headers.iter().any(|(name, _)| name == "x-ms-version"), "{request:?}");
        assert!(request.headers.iter().any(|(name, _)| name == "x-ms-client-request-id"), "{request:?}");
    }

    /// That an element and all in it are described; collects their names.
    fn holds_element(&self, definition: &str, name: &str, node: &Node, seen: &mut BTreeSet<String>) {
        let definition = &self.0["definitions"][definition];
        let described = definition["properties"].as_object().expect("properties");
        // Wrapped elements are called by the name that their definition has in XML.
        let called = |key: &str, one: &Value| {
            let inner = self.resolved(if one["type"] == "array" { &one["items"] } else { one });
            let plain = if one["type"] == "array" && key.starts_with("BlobPrefix") { "BlobPrefix" } else { key };
            inner["xml"]["name"].as_str().unwrap_or(plain).to_owned()
        };
        for child in &node.children {
            seen.insert(child.name.clone());
            let found = described.iter().find(|(key, one)| called(key, one) == child.name);
            let Some((_, one)) = found else {
                assert!(definition["additionalProperties"].is_object(), "`{}` is not described in {name}", child.name);
                continue;
            };
            let target = if one["type"] == "array" { &one["items"] } else { one };
            match target["$ref"].as_str() {
                Some(at) if self.resolved(target)["properties"].is_object() => {
                    self.holds_element(at.rsplit('/').next().expect("a name"), &child.name, child, seen);
                }
                _ => fits(self.resolved(target), &child.text),
            }
        }
        for required in definition["required"].as_array().into_iter().flatten() {
            let key = required.as_str().expect("a name");
            let wanted = called(key, &described[key]);
            let is_there = node.children.iter().any(|child| child.name == wanted) || node.attributes.contains(&wanted);
            assert!(is_there, "`{wanted}` is required in {name}");
        }
    }
}

/// That a value is of the type, one of the list, and not too small.
fn fits(described: &Value, value: &str) {
    let items = if described["type"] == "array" { &described["items"] } else { described };
    let values: Vec<_> = if described["type"] == "array" { value.split(',').collect() } else { vec![value] };
    for value in values {
        if let Some(allowed) = items["enum"].as_array() {
            assert!(allowed.iter().any(|one| one == value), "`{value}` is none of {allowed:?}");
        }
        if items["type"] == "integer" {
            let number: i64 = value.parse().unwrap_or_else(|_| panic!("`{value}` is no number"));
            assert!(items["minimum"].as_i64().is_none_or(|least| number >= least), "{number} is too small");
        }
        if items["type"] == "boolean" {
            assert!(matches!(value, "true" | "false"), "`{value}` is neither true nor false");
        }
        if items["format"] == "date-time-rfc1123" {
            httpdate::parse_http_date(value).unwrap_or_else(|_| panic!("`{value}` is no time"));
        }
    }
}

#[derive(Debug, Default)]
struct Node {
    name: String,
    text: String,
    attributes: Vec<String>,
    children: Vec<Node>,
}

fn parse(xml: &str) -> Node {
    let mut reader = Reader::from_str(xml);
    let mut open = vec![Node::default()];
    loop {
        match reader.read_event().expect("XML") {
            Event::Start(start) => {
                let attributes =
                    start.attributes().map(|one| one.expect("an attribute").key.as_ref().to_owned()).collect();
                open.push(Node { name: start.name().as_ref().to_owned(), attributes, ..Node::default() });
            }
            Event::Text(text) => open.last_mut().expect("open").text.push_str(text.trim()),
            Event::End(_) => {
                let node = open.pop().expect("open");
                open.last_mut().expect("a parent").children.push(node);
            }
            Event::Eof => return open.remove(0).children.remove(0),
            _ => {}
        }
    }
}

async fn recorder() -> (SocketAddr, Arc<Mutex<Vec<Request>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let requests = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let request = answer(stream).await;
            keep.lock().expect("not poisoned").push(request);
        }
    });
    (address, requests)
}

async fn answer(stream: TcpStream) -> Request {
    let mut stream = BufReader::new(stream);
    let mut start = String::new();
    stream.read_line(&mut start).await.expect("a request");
    let mut words = start.split(' ');
    let (method, target) = (words.next().expect("a method").to_owned(), words.next().expect("a target"));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let mut request = Request { method, path: path.to_owned(), query, ..Request::default() };
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.expect("a header");
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        request.headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let is_list = !request.query.is_empty();
    let ranged = request.headers.iter().any(|(name, _)| name == "range");
    let (status, body) = if is_list {
        (200, LIST)
    } else if ranged {
        (206, "x")
    } else {
        (200, "xx")
    };
    let length = body.len();
    let body = if request.method == "HEAD" { "" } else { body };
    let range = if ranged { "content-range: bytes 1-1/2\r\n" } else { "" };
    let head = format!(
        "HTTP/1.1 {status} X\r\nconnection: close\r\n{range}content-length: {length}\r\netag: \"0x8D\"\r\n\
         x-ms-blob-type: BlockBlob\r\n\r\n{body}"
    );
    let _ = stream.write_all(head.as_bytes()).await;
    request
}

#[tokio::test]
async fn every_request_is_one_that_the_service_describes() {
    let description = Description::read();
    let key = "c2VjcmV0";
    for credential in [json!({ "account_key": key }), json!({ "anonymous": true })] {
        let (address, requests) = recorder().await;
        let mut settings = credential;
        settings["url"] = format!("http://{address}/minutes").into();
        settings["allow_http"] = true.into();
        settings["folder_path"] = "docs/prefix".into();
        let connector = Registry::new().with::<AzureBlob>();
        let connector: Arc<dyn Connector> =
            connector.connect("azure_blob", settings, Context::local()).expect("good settings");
        connector.check().await.expect("checked");
        let browse = connector.need_browse().expect("browse");
        let root = browse.lookup("").await.expect("a root").id;
        let next = PageRequest::at(PageToken::new("a marker")).limit(7);
        browse.children(&root, next.clone()).await.expect("a page");
        browse.flat().expect("flat").descendants(&root, next).await.expect("a page");
        let entry = browse.lookup("a b").await.expect("a blob");
        let download = connector.need_download().expect("download");
        download.open(&entry, None).await.expect("opened").collect(9).await.expect("read");
        download.open(&entry, Some(ByteRange::new(1, 1))).await.expect("opened").collect(9).await.expect("read");
        let requests = requests.lock().expect("not poisoned").clone();
        assert_eq!(requests.len(), 6, "{requests:?}");
        assert!(requests.iter().all(|request| request.path.starts_with("/minutes/docs")), "{requests:?}");
        for request in &requests {
            description.holds(request);
        }
    }
}

#[test]
fn what_is_read_from_a_list_is_what_the_service_describes() {
    let mut seen = BTreeSet::new();
    Description::read().holds_element("ListBlobsHierarchySegmentResponse", "the list", &rooted(), &mut seen);
    for name in [
        "NextMarker",
        "BlobPrefix",
        "Blob",
        "Name",
        "Deleted",
        "IsCurrentVersion",
        "Creation-Time",
        "Last-Modified",
        "Etag",
        "Content-Length",
        "Content-Type",
        "Content-MD5",
        "AccessTier",
        "ArchiveStatus",
        "CustomerProvidedKeySha256",
        "Metadata",
    ] {
        assert!(seen.contains(name), "{name} was not held against the description");
    }
}

fn rooted() -> Node {
    let root = parse(LIST);
    assert_eq!(root.name, "EnumerationResults");
    root
}

#[test]
#[should_panic(expected = "is not described")]
fn a_parameter_that_is_not_described_is_found() {
    let query = [("restype", "container"), ("comp", "list"), ("max-keys", "1")];
    let query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Description::read().holds(&Request { method: "GET".to_owned(), query, ..Request::default() });
}
