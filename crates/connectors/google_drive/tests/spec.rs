//! Google's own discovery document (`spec/`, a cut of revision 20261106) against every request that is
//! sent, every field that is asked for, and every answer of the stand-in that these tests run on.

mod fake;

use std::collections::BTreeSet;

use catchment_core::{ByteRange, Change, Connector, Entry, PageRequest, Principal, walk};
use catchment_testkit::world::{Key, Op};
use fake::{DRIVE, Exchange, FOLDER, Fake, MINE, THEIRS, share};
use futures::TryStreamExt;
use serde_json::{Value, json};

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// What HTTP itself has, and what Google documents beside the description, for keys of links:
/// <https://developers.google.com/workspace/drive/api/guides/resource-keys>.
const HEADERS: [&str; 7] =
    ["host", "accept", "accept-encoding", "authorization", "range", "user-agent", "x-goog-drive-resource-keys"];

/// The one scope that is asked for.
const SCOPE: &str = "https://www.googleapis.com/auth/drive.readonly";

struct Description(Value);

impl Description {
    fn read() -> Self {
        Self(serde_json::from_str(include_str!("../spec/drive.v3.json")).expect("a description"))
    }

    /// The method that a call is, and the values in its path.
    fn method(&self, call: &Exchange) -> &Value {
        let path = call.path.strip_prefix("/drive/v3/").unwrap_or_else(|| panic!("another service: {}", call.path));
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |method: &&Value| {
            let template: Vec<&str> = method["path"].as_str().expect("a path").split('/').collect();
            let same = |(one, other): (&&str, &&str)| one.starts_with('{') || one == other;
            method["httpMethod"] == call.method.as_str()
                && template.len() == parts.len()
                && template.iter().zip(&parts).all(same)
        };
        // `changes/startPageToken` fits no template with a parameter in this cut.
        let methods = self.0["methods"].as_object().expect("methods").values();
        methods.into_iter().find(fits).unwrap_or_else(|| panic!("no method is {} {}", call.method, call.path))
    }

    /// That a call is one that Google describes, and its answer, too.
    fn holds(&self, call: &Exchange) {
        let method = self.method(call);
        let id = method["id"].as_str().expect("an id");
        let scopes = method["scopes"].as_array().expect("scopes");
        assert!(scopes.iter().any(|scope| scope == SCOPE), "{id} is not opened by the scope");
        let given = |name: &str| call.query.iter().any(|(given, _)| given == name);
        for (name, value) in &call.query {
            let own = &method["parameters"][name];
            let described = if own.is_object() { own } else { &self.0["parameters"][name] };
            assert!(described.is_object(), "{id}: the parameter `{name}` is not described");
            if own.is_object() {
                assert_eq!(own["location"], "query", "{id}: `{name}`");
            }
            fits(described, &Value::String(value.clone()), &format!("{id}: {name}"));
        }
        for (name, one) in method["parameters"].as_object().into_iter().flatten() {
            let wanted = one["required"] == true && one["location"] == "query";
            assert!(!wanted || given(name), "{id}: the parameter `{name}` is required");
        }
        for (name, _) in &call.headers {
            assert!(HEADERS.contains(&name.as_str()), "{id}: the header `{name}`");
        }
        let schema = &method["response"]["$ref"];
        let is_content = call.query.iter().any(|(name, value)| name == "alt" && value == "media");
        if let (Some(schema), Some(answer)) = (schema.as_str(), &call.answer) {
            self.holds_value(&self.0["schemas"][schema], answer, id);
        }
        // Shared drives are left out for whoever does not say that it knows of them.
        if method["parameters"]["supportsAllDrives"].is_object() {
            assert!(given("supportsAllDrives"), "{id} leaves shared drives out");
        }
        if method["parameters"]["includeItemsFromAllDrives"].is_object() {
            assert!(given("includeItemsFromAllDrives"), "{id} leaves shared drives out");
        }
        if let Some(schema) = schema.as_str().filter(|_| !is_content) {
            let mask = call.query.iter().find(|(name, _)| name == "fields");
            let (_, mask) = mask.unwrap_or_else(|| panic!("{id} asks for no fields, and would get few"));
            let mut rest = mask.as_str();
            self.holds_mask(&self.0["schemas"][schema], &mut rest, id);
            assert!(rest.is_empty(), "{id}: the mask {mask} is not whole");
        }
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let schema = if schema["type"] == "array" { &schema["items"] } else { schema };
        schema["$ref"].as_str().map_or(schema, |name| &self.0["schemas"][name])
    }

    /// That every field of a mask is one of the schema's.
    fn holds_mask(&self, schema: &Value, rest: &mut &str, id: &str) {
        let schema = self.resolved(schema);
        loop {
            let end = rest.find([',', '(', ')', '/']).unwrap_or(rest.len());
            let (name, more) = rest.split_at(end);
            let field = &schema["properties"][name];
            assert!(field.is_object(), "{id}: the field `{name}` is not described");
            *rest = more;
            if let Some(inner) = rest.strip_prefix('(') {
                *rest = inner;
                self.holds_mask(field, rest, id);
                *rest = rest.strip_prefix(')').expect("a closing parenthesis");
            } else if let Some(inner) = rest.strip_prefix('/') {
                let end = inner.find([',', ')']).unwrap_or(inner.len());
                let (mut one, more) = inner.split_at(end);
                self.holds_mask(field, &mut one, id);
                *rest = more;
            }
            match rest.strip_prefix(',') {
                Some(next) => *rest = next,
                None => return,
            }
        }
    }

    /// That a value and all in it are described.
    fn holds_value(&self, schema: &Value, value: &Value, place: &str) {
        if let Some(items) = value.as_array() {
            assert_eq!(schema["type"], "array", "{place} is a list");
            for item in items {
                self.holds_value(&schema["items"], item, place);
            }
            return;
        }
        let schema = self.resolved(schema);
        let Some(object) = value.as_object() else { return fits(schema, value, place) };
        assert_eq!(schema["type"], "object", "{place} is an object");
        for (name, inner) in object {
            let described = &schema["properties"][name];
            let described = if described.is_object() { described } else { &schema["additionalProperties"] };
            assert!(described.is_object(), "{place}: `{name}` is not described");
            self.holds_value(described, inner, &format!("{place}.{name}"));
        }
    }
}

/// That a value is of the type, of the format, one of the list, and within the bounds.
fn fits(schema: &Value, value: &Value, place: &str) {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if let Some(allowed) = schema["enum"].as_array() {
        assert!(allowed.iter().any(|one| *one == text.as_str()), "{place}: `{text}` is none of {allowed:?}");
    }
    let is_text = value.is_string();
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("boolean"), _) => assert!(matches!(text.as_str(), "true" | "false"), "{place}: `{text}`"),
        (Some("integer"), _) | (Some("string"), Some("int64")) => {
            let number: i64 = text.parse().unwrap_or_else(|_| panic!("{place}: `{text}` is no number"));
            let bound = |name: &str| schema[name].as_str().and_then(|bound| bound.parse::<i64>().ok());
            assert!(bound("minimum").is_none_or(|least| number >= least), "{place}: {number} is too small");
            assert!(bound("maximum").is_none_or(|most| number <= most), "{place}: {number} is too large");
        }
        (Some("string"), Some("date-time")) => {
            chrono::DateTime::parse_from_rfc3339(&text).unwrap_or_else(|_| panic!("{place}: `{text}` is no time"));
        }
        (Some("string"), _) => assert!(is_text, "{place}: `{text}` is no text"),
        (kind, _) => panic!("{place}: `{text}` is no {kind:?}"),
    }
}

/// Does everything that a connector can, and gives the entries that were met.
async fn use_all(connector: &dyn Connector) -> Vec<Entry> {
    connector.check().await.expect("checked");
    let browse = connector.need_browse().expect("browse");
    let root = browse.lookup("").await.expect("a root");
    let cursor = connector.changes().expect("changes").now().await.expect("a cursor");
    let mut met: Vec<Entry> = Vec::new();
    let mut left = vec![root.clone()];
    while let Some(folder) = left.pop() {
        let list = catchment_core::page::items(PageRequest::first().limit(2), |page| browse.children(&folder.id, page));
        let entries: Vec<Entry> = list.try_collect().await.expect("a list");
        left.extend(entries.iter().filter(|entry| entry.is_container()).cloned());
        met.extend(entries);
    }
    for entry in &met {
        browse.lookup(&entry.path).await.expect("looked up");
        connector.permissions().expect("permissions").grants(entry).await.expect("readers");
        if entry.is_file() {
            let download = connector.need_download().expect("download");
            download.open(entry, None).await.expect("opened").collect(99).await.expect("read");
            download.open(entry, Some(ByteRange::new(0, 1))).await.expect("opened").collect(9).await.expect("read");
        }
    }
    let found: Vec<Entry> = walk::search(browse, "plan", root).try_collect().await.expect("found");
    assert!(!found.is_empty(), "nothing was found");
    connector.changes().expect("changes").changes(&cursor).await.expect("a page");
    met
}

#[tokio::test]
async fn every_request_and_every_answer_is_one_that_google_describes() {
    let description = Description::read();
    let drive = Fake::start().await;
    drive.lock().longest_page = 2;
    let folder = drive.make(MINE, Key::ROOT, "folder", None);
    let file = drive.make(MINE, folder, "plan.txt", Some(b"the plan"));
    drive.patch(MINE, file, json!({ "resourceKey": "0-key" }));
    drive.native("Plan", "document", json!({ "_exports": { DOCX: "x" } }));
    drive.shortcut("shortcut", &drive.id(file), "text/plain");
    drive.shortcut("shortcut to a folder", &drive.id(folder), FOLDER);
    for with in [Principal::Anyone, Principal::Domain("example.com".into()), Principal::Group("staff".into())] {
        drive.world(|world| world.apply(Op::Share { key: file, with }).map(|_| ()).expect("shared"));
    }
    drive.make(DRIVE, Key::ROOT, "plan.txt", Some(b"x"));
    let theirs = drive.make(THEIRS, Key::ROOT, "their plan.txt", Some(b"x"));
    share(&mut drive.lock().corpora[THEIRS], theirs);
    for folder in [drive.id(Key::ROOT), "Shared drives".to_owned(), "Shared with me".to_owned()] {
        assert!(!use_all(drive.connect_to(&folder).as_ref()).await.is_empty(), "{folder}");
    }
    let connector = drive.connect_to("Shared drives");
    let cursor = connector.changes().expect("changes").now().await.expect("a cursor");
    drive.join(&drive.id_in(DRIVE + 1, Key::DRIVE), false);
    drive.join(&drive.id_in(DRIVE + 1, Key::DRIVE), true);
    let page = connector.changes().expect("changes").changes(&cursor).await.expect("a page");
    assert!(page.changes.iter().any(|change| matches!(change, Change::Upsert(_))), "{page:?}");

    let mut methods = BTreeSet::new();
    let exchanges = drive.lock().exchanges.clone();
    for call in exchanges.iter().filter(|call| call.path != "/token") {
        assert!(call.status < 400, "{call:?}");
        methods.insert(description.method(call)["id"].as_str().expect("an id").to_owned());
        description.holds(call);
    }
    let described: BTreeSet<_> = description.0["methods"]
        .as_object()
        .expect("methods")
        .values()
        .map(|one| one["id"].as_str().expect("an id").to_owned())
        .collect();
    assert_eq!(methods, described, "every method of the cut was called");
}

fn about(query: &[(&str, &str)], answer: Value) -> Exchange {
    Exchange {
        method: "GET".to_owned(),
        path: "/drive/v3/about".to_owned(),
        query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        headers: Vec::new(),
        status: 200,
        answer: Some(answer),
    }
}

#[test]
#[should_panic(expected = "`maxResults` is not described")]
fn a_parameter_that_is_not_described_is_found() {
    Description::read().holds(&about(&[("maxResults", "1")], json!({})));
}

#[test]
#[should_panic(expected = "`mail` is not described")]
fn a_field_that_is_not_described_is_found() {
    Description::read().holds(&about(&[("fields", "user")], json!({ "user": { "mail": "x" } })));
}

#[test]
#[should_panic(expected = "the field `users` is not described")]
fn a_mask_that_asks_for_nothing_that_is_there_is_found() {
    Description::read().holds(&about(&[("fields", "users")], json!({})));
}
