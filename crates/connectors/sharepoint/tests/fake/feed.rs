//! The feed of a drive: state, not a log. Items come in any order, some as they were before they come as they are.

use catchment_testkit::world::{Key, World};
use serde_json::{Value, json};

use super::{
    Cloud,
    answers::Refused,
    item_id,
    items::{faceted, link, selected, shape},
};

/// A token is where the feed was read to; within a round also where the round ends and how far it is.
fn parse(token: &str) -> Option<(u64, Option<(u64, usize)>)> {
    let mut parts = token.strip_prefix('v')?.split('.');
    let since = parts.next()?.parse().ok()?;
    let round = match (parts.next(), parts.next()) {
        (Some(upto), Some(offset)) => Some((upto.parse().ok()?, offset.parse().ok()?)),
        _ => None,
    };
    Some((since, round))
}

pub fn delta(cloud: &Cloud, drive: &str, query: &[(String, String)], whole: &str) -> Result<Value, Refused> {
    let world = &cloud.drives[drive].world;
    let token = query.iter().find(|(name, _)| name == "token").map(|(_, token)| token.as_str());
    let end = |number: u64| link(whole, query, &[("token", format!("v{number}"))]);
    if token == Some("latest") {
        return Ok(json!({ "value": [], "@odata.deltaLink": end(world.version()) }));
    }
    let (since, round) = match token {
        None => (0, None),
        Some(token) => parse(token).ok_or((400, "invalidRequest"))?,
    };
    if let Some((_, code)) = cloud.feed.forgotten.filter(|(before, _)| since < *before) {
        return Err((410, code));
    }
    if since > world.version() {
        return Err((410, "syncStateNotFound"));
    }
    let (upto, offset) = round.unwrap_or((world.version(), 0));
    let told = told(cloud, drive, since, upto);
    let page: Vec<_> =
        told.iter().skip(offset).take(cloud.feed.page).map(|item| selected(item.clone(), query)).collect();
    let mut answer = json!({ "value": page });
    if offset + cloud.feed.page < told.len() {
        let next = format!("v{since}.{upto}.{}", offset + cloud.feed.page);
        answer["@odata.nextLink"] = link(whole, query, &[("token", next)]).into();
    } else {
        answer["@odata.deltaLink"] = end(upto).into();
    }
    Ok(answer)
}

/// Everything that a round tells, page after page.
fn told(cloud: &Cloud, drive: &str, since: u64, upto: u64) -> Vec<Value> {
    let now = &cloud.drives[drive].world;
    let then = now.at(upto);
    let mut keys = then.touched_since(since);
    if cloud.feed.shuffled {
        keys.sort_by_key(|key| key.0.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    }
    let before = now.at(since + (upto - since) / 2);
    let stale = keys.iter().filter(|_| cloud.feed.repeated).filter(|key| before.get(**key).is_some());
    let stale: Vec<_> = stale.map(|key| told_of(cloud, &before, drive, *key)).collect();
    // The folders above come along, changed or not, and the drive's own top first of all.
    let mut items = vec![told_of(cloud, now, drive, Key::DRIVE)];
    items.extend([Key::ROOT, Key::OUTSIDE].map(|key| told_of(cloud, now, drive, key)));
    items.extend(stale);
    items.extend(keys.iter().map(|key| match now.get(*key) {
        Some(_) => told_of(cloud, now, drive, *key),
        None => json!({
            "id": item_id(*key), "deleted": { "state": "deleted" }, "parentReference": { "driveId": drive },
            "eTag": format!("\"{{0AA0-{key}}},{upto}\""),
        }),
    }));
    items
}

/// A feed of a business drive names neither path nor cTag.
fn told_of(cloud: &Cloud, world: &World, drive: &str, key: Key) -> Value {
    let mut item = faceted(cloud, drive, key, shape(world, drive, key));
    let fields = item.as_object_mut().expect("an item");
    fields.remove("cTag");
    fields["parentReference"].as_object_mut().expect("a reference").remove("path");
    item
}
