//! The description, and the pages that show it with the network cable out.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::Running;

#[tokio::test]
async fn every_operation_says_what_it_answers() {
    let server = Running::tokens().await;
    let api = server.client.get("/openapi.json").await;
    assert_eq!((api.status, api.header("content-type")), (200, Some("application/json")));
    let api = api.body();
    assert_eq!(api["openapi"], "3.1.0");
    let mut count = 0;
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(_, one)| one["responses"].is_object()) {
            count += 1;
            let place = format!("{method} {path}");
            assert!(operation["summary"].is_string() && operation["operationId"].is_string(), "{place}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with('2') || status == "302"), "{place}");
            assert!(!responses.contains_key("422"), "{place}");
            for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
                let problem = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(problem, "#/components/schemas/Problem", "{place} {status}");
            }
        }
    }
    assert!(count >= 10, "{count}");
    server.stop().await;
}

#[tokio::test]
async fn every_reference_in_the_description_leads_somewhere() {
    let server = Running::local().await;
    let api = server.client.get("/openapi.json").await.body();
    let mut references = BTreeSet::new();
    collect(&api, &mut references);
    assert!(references.len() >= 5, "{references:?}");
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} is elsewhere"));
        assert!(api.pointer(pointer).is_some(), "{reference}");
    }
    let text = api.to_string();
    assert!(!text.contains("planted") && !text.contains("hunter2"), "no secret in an example");
    server.stop().await;
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            references.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

#[tokio::test]
async fn the_pages_need_no_outside_host() {
    let server = Running::tokens().await;
    for page in ["/docs", "/redoc", "/docs/"] {
        let html = server.client.get(page).await;
        assert_eq!((html.status, html.header("content-type")), (200, Some("text/html; charset=utf-8")));
        let policy = html.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(!policy.contains("http") && !policy.contains("unsafe-eval"), "{policy}");
        let html = String::from_utf8(html.bytes.to_vec()).unwrap();
        assert!(!html.contains("http:") && !html.contains("https:") && !html.contains("//"), "{html}");
        let mut parts = 0;
        for part in html.split(['"']).filter(|part| part.starts_with('/')) {
            let file = server.client.get(part).await;
            assert_eq!(file.status, 200, "{part}");
            assert!(file.bytes.len() > 10, "{part}");
            parts += 1;
        }
        assert!(parts >= 3, "{html}");
    }
    let redoc = server.client.get("/redoc/redoc.standalone.js").await;
    let script = String::from_utf8_lossy(&redoc.bytes).into_owned();
    assert!(
        !script.contains("cdn.redoc") && !script.contains("fonts.googleapis"),
        "the vendored script was taken anew"
    );
    for absent in ["/docs/index.html", "/redoc/x.js", "/docs/..%2f..%2fetc%2fpasswd"] {
        assert_eq!(server.client.get(absent).await.status, 404, "{absent}");
    }
    server.stop().await;
}
