//! Items, drives, permissions and groups as Graph writes them.

use base64::{Engine, engine::general_purpose::STANDARD};
use catchment_core::Principal;
use catchment_testkit::world::{Key, Node, World};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{Cloud, answers::Refused, item_id};

/// What Graph leaves as it is in the path of a parent.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'!');

/// The entity tag of an item at a version.
pub fn etag(node: &Node) -> String {
    format!("\"{{0AA0-{}}},{}\"", node.key, node.version)
}

/// The reference's algorithm, bit by bit.
pub fn quick_xor(bytes: &[u8]) -> String {
    let mut hash = [0u8; 20];
    for (at, byte) in bytes.iter().enumerate() {
        for bit in 0..8 {
            let place = (at * 11 + bit) % 160;
            hash[place / 8] ^= (byte >> bit & 1) << (place % 8);
        }
    }
    for (at, byte) in (bytes.len() as u64).to_le_bytes().into_iter().enumerate() {
        hash[12 + at] ^= byte;
    }
    STANDARD.encode(hash)
}

pub fn drive(cloud: &Cloud, id: &str, kind: &str) -> Value {
    let name = &cloud.drives[id].name;
    let address = if name == "Documents" { "Shared Documents" } else { name };
    let path = utf8_percent_encode(address, PATH);
    json!({
        "id": id, "name": name, "driveType": kind,
        "webUrl": format!("https://contoso.sharepoint.com/sites/Team/{path}"),
    })
}

/// An item as it is now, with an address of its bytes.
pub fn item(cloud: &mut Cloud, drive: &str, key: Key, host: &str) -> Value {
    let world = &cloud.drives[drive].world;
    let mut item = shape(world, drive, key);
    if world.content(key).is_some() {
        let ticket = format!("{}-{}", item_id(key), cloud.tickets.len());
        // Another host by name, at the same place.
        let elsewhere = match host.strip_prefix("127.0.0.1") {
            Some(port) => format!("localhost{port}"),
            None => host.replace("localhost", "127.0.0.1"),
        };
        item["@microsoft.graph.downloadUrl"] = format!("http://{elsewhere}/download/{ticket}?tempauth=x").into();
        cloud.tickets.insert(ticket, (drive.to_owned(), key, cloud.reads));
    }
    faceted(cloud, drive, key, item)
}

/// With what a test put on it.
pub fn faceted(cloud: &Cloud, drive: &str, key: Key, mut item: Value) -> Value {
    if let Some(more) = cloud.facets.get(&(drive.to_owned(), key)) {
        let item = item.as_object_mut().expect("an item");
        for (name, value) in more.as_object().expect("an object") {
            match value.is_null() {
                true => drop(item.remove(name)),
                false => drop(item.insert(name.clone(), value.clone())),
            }
        }
    }
    item
}

/// An item of a world.
pub fn shape(world: &World, drive: &str, key: Key) -> Value {
    let node = world.get(key).expect("there");
    let mut item = json!({
        "id": item_id(key), "name": node.name, "size": node.size(), "eTag": etag(node),
        "cTag": format!("\"c:{{0AA0-{}}},{}\"", node.key, node.edition),
        "createdDateTime": node.created.to_rfc3339(), "lastModifiedDateTime": node.modified.to_rfc3339(),
        "webUrl": format!("https://contoso.sharepoint.com/sites/Team/_layouts/15/Doc.aspx?id={key}"),
        "fileSystemInfo": { "createdDateTime": node.created.to_rfc3339() },
    });
    match &node.content {
        Some(content) => {
            item["file"] = json!({
                "mimeType": "application/octet-stream", "hashes": { "quickXorHash": quick_xor(content) },
            });
        }
        None => item["folder"] = json!({ "childCount": world.children(key).count() }),
    }
    item["parentReference"] = json!({ "driveId": drive, "driveType": "documentLibrary" });
    match node.parent {
        None => {
            item["name"] = "root".into();
            item["root"] = json!({});
        }
        Some(parent) => {
            let path = world.path_from(Key::DRIVE, parent).expect("a path");
            let path = utf8_percent_encode(&path, PATH).to_string();
            let slash = if path.is_empty() { "" } else { "/" };
            item["parentReference"]["id"] = item_id(parent).into();
            item["parentReference"]["path"] = format!("/drives/{drive}/root:{slash}{path}").into();
        }
    }
    item
}

/// What `$select` leaves of it.
pub fn selected(mut item: Value, query: &[(String, String)]) -> Value {
    let Some((_, fields)) = query.iter().find(|(name, _)| name == "$select") else { return item };
    let fields: Vec<_> = fields.split(',').collect();
    item.as_object_mut().expect("an item").retain(|name, _| fields.contains(&name.as_str()));
    item
}

fn number(query: &[(String, String)], wanted: &str) -> Option<u64> {
    query.iter().find(|(name, _)| name == wanted).and_then(|(_, value)| value.parse().ok())
}

pub fn children(
    cloud: &mut Cloud,
    drive: &str,
    folder: Key,
    query: &[(String, String)],
    whole: &str,
) -> Result<Value, Refused> {
    let host = whole.split('/').nth(2).expect("a host").to_owned();
    let top = number(query, "$top").unwrap_or(200).min(1000) as usize;
    let after = number(query, "$skiptoken").unwrap_or(0);
    let keys: Vec<_> =
        cloud.drives[drive].world.children(folder).map(|node| node.key).filter(|key| key.0 > after).collect();
    let mut page: Vec<Value> = Vec::new();
    for key in &keys[..top.min(keys.len())] {
        page.push(selected(item(cloud, drive, *key, &host), query));
    }
    let mut answer = json!({ "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#items", "value": page });
    if keys.len() > top {
        answer["@odata.nextLink"] = link(whole, query, &[("$skiptoken", keys[top - 1].0.to_string())]).into();
    }
    Ok(answer)
}

/// The same address with parameters set.
pub fn link(whole: &str, query: &[(String, String)], set: &[(&str, String)]) -> String {
    let kept = query.iter().filter(|(name, _)| set.iter().all(|(other, _)| name != other));
    let all = kept
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .chain(set.iter().map(|(name, value)| (*name, value.as_str())));
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<_> = all.map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    format!("{whole}?{}", pairs.join("&"))
}

/// Results name no path.
pub fn search(cloud: &Cloud, drive: &str, under: Key, words: &str, query: &[(String, String)]) -> Value {
    let world = &cloud.drives[drive].world;
    let found =
        world.below(under).into_iter().filter(|key| world.get(*key).is_some_and(|node| node.name.contains(words)));
    let hits: Vec<_> = found
        .map(|key| {
            let mut item = faceted(cloud, drive, key, shape(world, drive, key));
            item["parentReference"].as_object_mut().expect("a reference").remove("path");
            selected(item, query)
        })
        .collect();
    json!({ "value": hits })
}

/// Inherited grants come with the others, and nothing tells them apart.
pub fn permissions(cloud: &Cloud, drive: &str, key: Key) -> Value {
    let readers = cloud.drives[drive].world.readers(key);
    let grant = |(at, reader): (usize, &Principal)| {
        let id = at.to_string();
        Some(match reader {
            Principal::Anyone => json!({
                "id": id, "roles": ["read"], "link": { "scope": "anonymous", "type": "view", "webUrl": "https://x" },
            }),
            Principal::Group(group) => {
                json!({ "id": id, "roles": ["read"], "grantedToV2": { "group": { "id": group, "displayName": group } } })
            }
            Principal::User(user) => json!({
                "id": id, "roles": ["write"],
                "grantedToV2": { "user": { "id": format!("id of {user}"), "email": user, "displayName": user } },
            }),
            // There is no such thing here.
            Principal::Domain(_) => return None,
        })
    };
    let grants: Vec<_> = readers.iter().enumerate().filter_map(grant).collect();
    json!({ "value": grants })
}

pub fn members(cloud: &Cloud, group: &str, query: &[(String, String)], whole: &str) -> Result<Value, Refused> {
    let groups = cloud.drives.values().find_map(|drive| drive.world.groups().get(group));
    let all = groups.ok_or((404, "Request_ResourceNotFound"))?;
    let top = number(query, "$top").unwrap_or(100) as usize;
    let skip = number(query, "$skiptoken").unwrap_or(0) as usize;
    let members = all.iter().skip(skip).take(top).map(|member| match member {
        Principal::Group(id) => json!({ "@odata.type": "#microsoft.graph.group", "id": id }),
        Principal::User(email) => json!({
            "@odata.type": "#microsoft.graph.user", "id": email, "mail": null, "userPrincipalName": email.to_uppercase(),
        }),
        Principal::Anyone | Principal::Domain(_) => json!({ "@odata.type": "#microsoft.graph.device", "id": "d" }),
    });
    let mut answer = json!({ "value": members.collect::<Vec<_>>() });
    if skip + top < all.len() {
        answer["@odata.nextLink"] = link(whole, query, &[("$skiptoken", (skip + top).to_string())]).into();
    }
    Ok(answer)
}
