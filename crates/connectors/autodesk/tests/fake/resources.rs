//! Hubs, projects, folders and items, as the Data Management API writes them.

use catchment_testkit::world::{Key, Node};
use serde_json::{Value, json};

use super::{
    Answer, Ask, HUB, PROJECT,
    objects::object_urn,
    state::{Account, folder_id, folder_key, item_id, item_key, version_id},
};

pub(crate) fn hubs(account: &Account) -> Answer {
    let hub = json!({
        "type": "hubs", "id": HUB, "links": { "self": { "href": "/project/v1/hubs/x" } },
        "attributes": { "name": "Acme", "region": "EMEA", "extension": extension("hubs:autodesk.bim360:Account") },
    });
    let mut answer = list(if account.provisioned { vec![hub] } else { Vec::new() }, Vec::new(), None);
    let warned = account.warned.or((!account.provisioned).then_some("403"));
    if let Some(status) = warned {
        answer["meta"] = json!({ "warnings": [{
            "Id": null, "HttpStatusCode": status, "ErrorCode": "BIM360DM_ERROR", "AboutLink": null, "Source": null,
            "Title": "Unable to get hubs from BIM360DM APAC.", "Detail": "planted detail", "meta": null,
        }] });
    }
    Answer::json(200, &answer)
}

/// Two, of which one has a slash in its name.
fn all_projects() -> Vec<Value> {
    let project = |id: &str, name: &str| {
        json!({
            "type": "projects", "id": id, "links": { "self": { "href": "/project/v1/x" } },
            "attributes": {
                "name": name, "scopes": ["b360project.x"], "extension": extension("projects:autodesk.bim360:Project"),
            },
        })
    };
    vec![project("b.2a6c-other", "Road / North"), project(PROJECT, "Bridge")]
}

pub(crate) fn projects(account: &Account, ask: &Ask) -> Answer {
    let (data, next) = page(account, ask, all_projects());
    Answer::json(200, &list(data, Vec::new(), next))
}

pub(crate) fn project(id: &str) -> Answer {
    match all_projects().into_iter().find(|project| project["id"] == id) {
        Some(project) => Answer::json(200, &one(project, Vec::new())),
        None => Answer::refused(404, "NOT_FOUND"),
    }
}

/// The other project is empty.
pub(crate) fn top_folders(account: &Account, project: &str) -> Answer {
    let top = account.world.children(Key::DRIVE).filter(|_| project == PROJECT);
    let data = top.map(|node| folder_of(account, node)).collect();
    Answer::json(200, &list(data, Vec::new(), None))
}

pub(crate) fn folder(account: &Account, id: &str) -> Answer {
    match folder_key(id).and_then(|key| account.ever(key)).filter(|node| node.is_folder()) {
        Some(node) => Answer::json(200, &one(folder_of(account, node), Vec::new())),
        None => Answer::refused(404, "NOT_FOUND"),
    }
}

pub(crate) fn contents(account: &Account, ask: &Ask, id: &str) -> Answer {
    let found = folder_key(id).and_then(|key| account.world.get(key)).filter(|node| node.is_folder());
    let Some(folder) = found else { return Answer::refused(404, "NOT_FOUND") };
    let children: Vec<&Node> = account.world.children(folder.key).collect();
    let is_empty = children.is_empty();
    let (children, next) = page(account, ask, children);
    let tips = children.iter().filter(|node| !node.is_folder()).map(|node| version(account, node)).collect();
    let mut answer = list(children.iter().map(|node| resource(account, node)).collect(), tips, next);
    // An empty folder has no list at all.
    if let Some(answer) = answer.as_object_mut().filter(|_| is_empty) {
        answer.remove("data");
    }
    Answer::json(200, &answer)
}

pub(crate) fn search(account: &Account, ask: &Ask, id: &str) -> Answer {
    if ask.is_app() {
        return Answer::refused(403, "C4R");
    }
    let Some(folder) = folder_key(id) else { return Answer::refused(404, "NOT_FOUND") };
    let words = ask.query.get("filter[attributes.displayName]-contains").cloned().unwrap_or_default();
    let below = account.world.below(folder);
    let nodes = below.iter().filter_map(|key| account.world.get(*key));
    let found = nodes.filter(|node| !node.is_folder() && node.name.contains(&words)).collect();
    let (found, next) = page(account, ask, found);
    let items = found.iter().map(|node| resource(account, node)).collect();
    Answer::json(200, &list(found.iter().map(|node| version(account, node)).collect(), items, next))
}

/// An item keeps its id when it is deleted, and says so.
pub(crate) fn item(account: &Account, id: &str) -> Answer {
    match item_key(id).and_then(|key| account.ever(key)).filter(|node| !node.is_folder()) {
        Some(node) => Answer::json(200, &one(resource(account, node), vec![version(account, node)])),
        None => Answer::refused(404, "NOT_FOUND"),
    }
}

/// One page of a list, and the address of the next.
fn page<T>(account: &Account, ask: &Ask, all: Vec<T>) -> (Vec<T>, Option<String>) {
    let number = |name: &str| ask.query.get(name).and_then(|text| text.parse::<usize>().ok());
    let (at, limit) = (number("page[number]").unwrap_or_default(), number("page[limit]").unwrap_or(200));
    let total = all.len();
    let empty = account.empty_pages.contains(&at);
    // A page that comes empty moves those behind it.
    let before = at - account.empty_pages.range(..at).count();
    let items = all.into_iter().skip(before * limit).take(if empty { 0 } else { limit }).collect();
    let more = (before + usize::from(!empty)) * limit < total;
    let host = account.links_at.as_deref().map(|host| format!("http://{host}")).unwrap_or_default();
    let mut kept = url::form_urlencoded::Serializer::new(String::new());
    kept.extend_pairs(ask.query.iter().filter(|(name, _)| *name != "page[number]"));
    let next = format!("{host}{}?{}&page%5Bnumber%5D={}", ask.path, kept.finish(), number_behind(account, at));
    (items, (more || account.circle.is_some()).then_some(next))
}

fn number_behind(account: &Account, at: usize) -> usize {
    if account.circle == Some(at + 1) { 0 } else { at + 1 }
}

fn list(data: Vec<Value>, included: Vec<Value>, next: Option<String>) -> Value {
    let mut answer = one(data.into(), included);
    if let Some(next) = next {
        answer["links"]["next"] = json!({ "href": next });
    }
    answer
}

fn one(data: Value, included: Vec<Value>) -> Value {
    let mut answer = json!({ "jsonapi": { "version": "1.0" }, "links": { "self": { "href": "/x" } }, "data": data });
    if !included.is_empty() {
        answer["included"] = included.into();
    }
    answer
}

fn extension(kind: &str) -> Value {
    let schema = format!("https://developer.api.autodesk.com/schema/v1/versions/{kind}-1.0");
    json!({ "type": kind, "version": "1.0", "schema": { "href": schema }, "data": {} })
}

fn to(kind: &str, id: &str) -> Value {
    json!({ "data": { "type": kind, "id": id }, "links": { "related": { "href": "/x" } } })
}

fn links() -> Value {
    json!({ "self": { "href": "/x" }, "webView": { "href": "https://acc.autodesk.com/docs/files" } })
}

/// Relationships that everything has.
fn related(mut more: Value) -> Value {
    more["refs"] = json!({ "links": { "self": { "href": "/x" }, "related": { "href": "/x" } } });
    more["links"] = json!({ "links": { "self": { "href": "/x" } } });
    more
}

/// Made and changed by somebody at some time.
fn signed(node: &Node, mut attributes: Value) -> Value {
    for (who, when) in [("create", node.created), ("lastModified", node.modified)] {
        attributes[format!("{who}Time")] = when.to_rfc3339().into();
        attributes[format!("{who}UserId")] = "A1".into();
        attributes[format!("{who}UserName")] = "Ada".into();
    }
    attributes
}

fn resource(account: &Account, node: &Node) -> Value {
    if node.is_folder() { folder_of(account, node) } else { item_of(account, node) }
}

fn is_deleted(account: &Account, node: &Node) -> bool {
    account.world.get(node.key).is_none()
}

fn folder_of(account: &Account, node: &Node) -> Value {
    let rollup =
        account.world.below(node.key).into_iter().filter_map(|key| account.world.get(key)).map(|node| node.modified);
    let rollup = rollup.max().unwrap_or(node.modified).to_rfc3339();
    let attributes = signed(
        node,
        json!({
            "name": node.name, "displayName": node.name, "objectCount": account.world.children(node.key).count(),
            "hidden": is_deleted(account, node), "lastModifiedTimeRollup": rollup,
            "extension": extension("folders:autodesk.bim360:Folder"),
        }),
    );
    let relationships = related(json!({
        "parent": to("folders", &folder_id(node.parent.unwrap_or(Key::DRIVE))),
        "contents": { "links": { "related": { "href": "/x" } } },
    }));
    let id = folder_id(node.key);
    json!({ "type": "folders", "id": id, "attributes": attributes, "links": links(), "relationships": relationships })
}

fn item_of(account: &Account, node: &Node) -> Value {
    let attributes = signed(
        node,
        json!({
            "displayName": node.name, "hidden": is_deleted(account, node), "reserved": false,
            "extension": extension("items:autodesk.bim360:File"),
        }),
    );
    let relationships = related(json!({
        "parent": to("folders", &folder_id(node.parent.unwrap_or(Key::DRIVE))),
        "tip": to("versions", &version_id(node)), "versions": { "links": { "related": { "href": "/x" } } },
    }));
    let id = item_id(node.key);
    json!({ "type": "items", "id": id, "attributes": attributes, "links": links(), "relationships": relationships })
}

/// The tip version of an item.
fn version(account: &Account, node: &Node) -> Value {
    let deleted = is_deleted(account, node);
    let kind = if deleted { "versions:autodesk.core:Deleted" } else { "versions:autodesk.bim360:File" };
    let mut attributes = signed(
        node,
        json!({
            "name": node.name, "displayName": node.name, "versionNumber": node.edition, "extension": extension(kind),
        }),
    );
    let mut relationships = related(json!({ "item": to("items", &item_id(node.key)) }));
    if !deleted && !account.unpublished.contains(&node.key) {
        attributes["storageSize"] = node.size().into();
        attributes["mimeType"] = "application/pdf".into();
        let data = json!({ "type": "objects", "id": object_urn(node) });
        relationships["storage"] = json!({ "data": data, "meta": { "link": { "href": "/x" } } });
    }
    let id = version_id(node);
    json!({ "type": "versions", "id": id, "attributes": attributes, "links": links(), "relationships": relationships })
}
