//! Which request is answered by what.

use axum::{
    body::{Body, Bytes},
    http::request::Parts,
    response::Response,
};
use catchment_testkit::world::Key;
use serde_json::{Value, json};

use super::{Cloud, DRIVE, SECRET, SITE, feed, items, key, problem};

/// An answer on its way out.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Where the body breaks off.
    cut: Option<usize>,
}

/// A status and a code.
pub type Refused = (u16, &'static str);

impl Answer {
    fn json(body: &Value) -> Self {
        Self::of(200, body.to_string())
    }

    fn of(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json; odata.metadata=minimal".to_owned())];
        Self { status, headers, body: body.into(), cut: None }
    }

    pub fn into_response(self) -> Response {
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        let body = match self.cut {
            None => Body::from(self.body),
            Some(cut) => {
                response = response.header("content-length", self.body.len());
                let some = Bytes::from(self.body[..cut.min(self.body.len())].to_vec());
                // After the bytes have gone out the connection ends.
                let broken = std::io::Error::other("cut");
                let parts = [Ok(some), Err(broken)];
                Body::from_stream(futures::StreamExt::then(futures::stream::iter(parts), |part| async {
                    if part.is_err() {
                        tokio::task::yield_now().await;
                    }
                    part
                }))
            }
        };
        response.body(body).expect("an answer")
    }
}

pub fn query(head: &Parts) -> Vec<(String, String)> {
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8().expect("text").into_owned()
    };
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    };
    head.uri.query().unwrap_or_default().split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

fn header<'a>(head: &'a Parts, name: &str) -> &'a str {
    head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

pub fn answer(cloud: &mut Cloud, head: &Parts, body: &[u8]) -> Answer {
    let path = head.uri.path();
    if cloud.instead.front().is_some_and(|instead| path.contains(instead.path)) {
        let instead = cloud.instead.pop_front().expect("there");
        let mut answer = Answer::of(instead.status, instead.body);
        answer.headers.extend(instead.headers.into_iter().map(|(name, value)| (name.to_owned(), value)));
        return answer;
    }
    if cloud.down_until.is_some_and(|until| tokio::time::Instant::now() < until) {
        return Answer::of(503, problem("serviceNotAvailable"));
    }
    if let Some(ticket) = path.strip_prefix("/download/") {
        return bytes(cloud, head, ticket);
    }
    if path.ends_with("/oauth2/v2.0/token") {
        return token(cloud, body);
    }
    let bearer = header(head, "authorization").strip_prefix("Bearer token-").and_then(|token| token.parse().ok());
    let known = bearer.is_some_and(|token: usize| token <= cloud.issued) || bearer == Some(usize::MAX);
    if !known {
        return Answer::of(401, problem("InvalidAuthenticationToken"));
    }
    // SharePoint throttles those first that do not say who they are.
    assert!(header(head, "user-agent").starts_with("NONISV|"), "no user agent: {head:?}");
    let Some(path) = path.strip_prefix("/v1.0/") else { return Answer::of(404, problem("ResourceNotFound")) };
    let host = header(head, "host").to_owned();
    match graph(cloud, path, &query(head), &host) {
        Ok(body) => Answer::json(&body),
        Err((status, code)) => Answer::of(status, problem(code)),
    }
}

/// The directory. A certificate's assertion has to name it.
fn token(cloud: &mut Cloud, body: &[u8]) -> Answer {
    let form = String::from_utf8_lossy(body);
    let field = |name: &str| {
        let value = form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        percent_encoding::percent_decode_str(value.unwrap_or_default()).decode_utf8_lossy().into_owned()
    };
    let refused = |status: u16, error: &str, code: u32| {
        Answer::of(status, json!({ "error": error, "error_description": "x", "error_codes": [code] }).to_string())
    };
    if !field("scope").ends_with("/.default") || field("grant_type") != "client_credentials" {
        return refused(400, "invalid_request", 900_144);
    }
    let assertion = field("client_assertion");
    let signed = assertion.split('.').count() == 3 && field("client_assertion_type").ends_with("jwt-bearer");
    if field("client_secret") != SECRET && !signed {
        return refused(401, "invalid_client", 7_000_215);
    }
    cloud.issued += 1;
    let token = format!("token-{}", cloud.issued);
    Answer::json(&json!({ "token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": token }))
}

/// A host of bytes, which wants no credential but the address, for a while.
fn bytes(cloud: &mut Cloud, head: &Parts, ticket: &str) -> Answer {
    if !header(head, "authorization").is_empty() {
        cloud.leaked = true;
    }
    let Some((drive, key, left)) = cloud.tickets.get_mut(ticket) else { return Answer::of(404, "") };
    if *left == 0 {
        return Answer::of(401, r#"{"error":"the link has expired"}"#);
    }
    *left -= 1;
    let (drive, key) = (drive.clone(), *key);
    let Some(content) = cloud.drives[&drive].world.content(key).cloned() else { return Answer::of(404, "") };
    let mut content = content.to_vec();
    if cloud.damaged {
        content[0] ^= 1;
    }
    let size = content.len();
    let range = header(head, "range").strip_prefix("bytes=").and_then(|range| range.split_once('-'));
    let mut answer = Answer::of(200, Vec::new());
    answer.headers = vec![("content-type".to_owned(), "application/octet-stream".to_owned())];
    match range {
        None => answer.body = content,
        Some((first, last)) => {
            let first: usize = first.parse().expect("a number");
            let last = last.parse().unwrap_or(usize::MAX).min(size - 1);
            if first >= size {
                return Answer::of(416, "");
            }
            answer.status = 206;
            answer.headers.push(("content-range".to_owned(), format!("bytes {first}-{last}/{size}")));
            answer.body = content[first..=last].to_vec();
        }
    }
    answer.cut = cloud.cuts.pop_front().or(cloud.cut).filter(|cut| *cut < answer.body.len());
    answer
}

const MISSING: Refused = (404, "itemNotFound");

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().expect("text").into_owned()
}

fn graph(cloud: &mut Cloud, path: &str, query: &[(String, String)], host: &str) -> Result<Value, Refused> {
    let whole = format!("http://{host}/v1.0/{path}");
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["me"] => Ok(json!({
            "id": "u-1", "displayName": "Ada", "mail": null, "userPrincipalName": "ada@contoso.com",
        })),
        ["me", "drive"] | ["users", "ada%40contoso.com" | "ada@contoso.com", "drive"] => {
            Ok(items::drive(cloud, DRIVE, "business"))
        }
        ["users", _, "drive"] => Err((404, "ResourceNotFound")),
        ["users"] => {
            let of =
                |name: &str| json!({ "id": name, "mail": format!("{name}@contoso.com"), "userPrincipalName": name });
            Ok(json!({ "value": [of("ada"), of("anna")] }))
        }
        ["sites", "contoso.sharepoint.com:", "sites", "Team"] => Ok(json!({
            "id": SITE, "displayName": "Team", "webUrl": "https://contoso.sharepoint.com/sites/Team",
        })),
        ["sites", site, "drives"] if decoded(site) == SITE => {
            let ids: Vec<_> = cloud.drives.keys().cloned().collect();
            let drives: Vec<_> = ids.iter().map(|id| items::drive(cloud, id, "documentLibrary")).collect();
            Ok(json!({ "value": drives }))
        }
        ["sites", ..] => Err(MISSING),
        ["groups", id, "members"] => items::members(cloud, &decoded(id), query, &whole),
        ["drives", drive, rest @ ..] => {
            let drive = decoded(drive);
            if !cloud.drives.contains_key(&drive) {
                return Err(MISSING);
            }
            if cloud.closed.contains(&drive) {
                return Err((403, "accessDenied"));
            }
            in_drive(cloud, &drive, rest, query, &whole)
        }
        _ => Err((400, "invalidRequest")),
    }
}

fn in_drive(
    cloud: &mut Cloud,
    drive: &str,
    rest: &[&str],
    query: &[(String, String)],
    whole: &str,
) -> Result<Value, Refused> {
    let host = whole.split('/').nth(2).expect("a host").to_owned();
    let world = &cloud.drives[drive].world;
    // The top goes by a name as well.
    let known = |id: &str| if id == "root" { Some(Key::DRIVE) } else { key(id) };
    let there = |id: &str| known(id).filter(|key| world.get(*key).is_some()).ok_or(MISSING);
    match rest {
        ["root"] => Ok(items::selected(items::item(cloud, drive, Key::DRIVE, &host), query)),
        ["root", "delta"] => feed::delta(cloud, drive, query, whole),
        ["root:", names @ ..] => {
            let found = by_path(cloud, drive, Key::DRIVE, names)?;
            Ok(items::selected(items::item(cloud, drive, found, &host), query))
        }
        ["items", id] => {
            let key = there(id)?;
            Ok(items::selected(items::item(cloud, drive, key, &host), query))
        }
        ["items", id, "children"] => items::children(cloud, drive, there(id)?, query, whole),
        ["items", id, "permissions"] => Ok(items::permissions(cloud, drive, there(id)?)),
        ["items", id, search] if search.starts_with("search(q='") => {
            let words = decoded(search.trim_start_matches("search(q='").trim_end_matches("')")).replace("''", "'");
            Ok(items::search(cloud, drive, there(id)?, &words, query))
        }
        ["items", id, names @ ..] if id.ends_with(':') => {
            let found = by_path(cloud, drive, there(id.trim_end_matches(':'))?, names)?;
            Ok(items::selected(items::item(cloud, drive, found, &host), query))
        }
        _ => Err((400, "invalidRequest")),
    }
}

fn by_path(cloud: &Cloud, drive: &str, top: Key, names: &[&str]) -> Result<Key, Refused> {
    let names: Vec<_> = names.iter().map(|name| decoded(name)).collect();
    if names.join("/").chars().count() > 400 {
        return Err((400, "pathIsTooLong"));
    }
    cloud.drives[drive].world.find(top, &names.join("/")).ok_or(MISSING)
}
