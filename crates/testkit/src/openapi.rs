//! A vendor's published OpenAPI description, held against what a connector sends and against what
//! a stand-in answers.
//!
//! It understands as much of OpenAPI 3.0 and of its schemas as descriptions of vendors use: types,
//! lists, enumerations, `nullable`, `oneOf`, `anyOf`, `allOf`, references. A property that is not
//! described is an error, since a stand-in that invents one would prove a connector that needs it.

use std::collections::BTreeMap;

use serde_json::Value;

/// What every request has, whatever the vendor describes.
const HTTP: [&str; 8] = [
    "host",
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "user-agent",
];

/// Deeper than any schema that does not refer to itself.
const DEPTH: usize = 32;

/// A description.
#[derive(Debug)]
pub struct Description(Value);

/// A request as it came in.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `GET`.
    pub method: String,
    /// As it was sent, still encoded.
    pub path: String,
    /// Names and values, decoded.
    pub query: Vec<(String, String)>,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Description {
    /// A description as JSON.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn read(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text).map(Self)
    }

    /// That a request is one of those described. `beside` names headers that are documented
    /// elsewhere.
    ///
    /// # Errors
    /// What is not as described.
    pub fn request(&self, request: &Request, beside: &[&str]) -> Result<(), String> {
        let (template, path, operation) = self.operation(&request.method, &request.path)?;
        let parameters: Vec<&Value> =
            [path, operation].iter().flat_map(|of| items(&of["parameters"])).map(|one| self.resolved(one)).collect();
        let is = |one: &Value, place: &str, name: &str| {
            let same = |described: &str| match described.split_once('*') {
                // `filter[*]` is every filter there is.
                Some((start, _)) => place == "query" && name.starts_with(start),
                None => described.eq_ignore_ascii_case(name),
            };
            one["in"] == place && one["name"].as_str().is_some_and(same)
        };
        for (place, given) in [("query", &request.query), ("header", &request.headers)] {
            for (name, value) in given {
                let known = place == "header" && (HTTP.contains(&name.as_str()) || beside.contains(&name.as_str()));
                if known {
                    continue;
                }
                let described = parameters.iter().find(|one| is(one, place, name));
                let described = described.ok_or_else(|| format!("{place} `{name}` is not described for {template}"))?;
                self.text(&described["schema"], value).map_err(|how| format!("{place} `{name}`: {how}"))?;
            }
            for one in parameters.iter().filter(|one| one["in"] == place && one["required"] == true) {
                let name = one["name"].as_str().unwrap_or_default();
                if !HTTP.contains(&name.to_ascii_lowercase().as_str())
                    && !given.iter().any(|(given, _)| given.eq_ignore_ascii_case(name))
                {
                    return Err(format!("{place} `{name}` is required for {template}"));
                }
            }
        }
        Ok(())
    }

    /// That an answer is one of those described for the call.
    ///
    /// # Errors
    /// What is not as described.
    pub fn answer(&self, method: &str, path: &str, status: u16, body: &[u8]) -> Result<(), String> {
        let (template, _, operation) = self.operation(method, path)?;
        let described = &operation["responses"][status.to_string()];
        if described.is_null() {
            return Err(format!("{template} is not described to answer {status}"));
        }
        let content = self.resolved(described)["content"].as_object();
        let Some((_, content)) = content.into_iter().flatten().find(|(media, _)| media.contains("json")) else {
            return Ok(());
        };
        let body: Value = serde_json::from_slice(body).map_err(|_| format!("{template} answers no JSON"))?;
        self.value(&content["schema"], &body, DEPTH).map_err(|how| format!("{template} answers {status}: {how}"))
    }

    /// The operation that a call is, and the path item it belongs to. Written-out segments are
    /// preferred to variable ones.
    fn operation(&self, method: &str, path: &str) -> Result<(&str, &Value, &Value), String> {
        let wanted: Vec<&str> = path.split('/').collect();
        let fits = |template: &str| {
            let segments: Vec<&str> = template.split('/').collect();
            let same =
                |(segment, given): (&&str, &&str)| (segment.starts_with('{') && !given.is_empty()) || segment == given;
            segments.len() == wanted.len() && segments.iter().zip(&wanted).all(same)
        };
        let method = method.to_ascii_lowercase();
        let paths = self.0["paths"].as_object().into_iter().flatten();
        let found = paths.filter(|(template, item)| fits(template) && item[&method].is_object());
        let found = found.min_by_key(|(template, _)| template.matches('{').count());
        let (template, item) = found.ok_or_else(|| format!("no operation is {method} {path}"))?;
        Ok((template, item, &item[&method]))
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(at) => self.0.pointer(at.trim_start_matches('#')).unwrap_or(&Value::Null),
            None => value,
        }
    }

    /// That a text, as it stands in a query or a header, is a value of the schema.
    fn text(&self, schema: &Value, text: &str) -> Result<(), String> {
        let schema = self.resolved(schema);
        let value = match schema["type"].as_str() {
            Some("integer" | "number") => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
            Some("boolean") => match text {
                "true" => true.into(),
                "false" => false.into(),
                other => other.into(),
            },
            Some("array") => text.split(',').map(Value::from).collect(),
            _ => Value::from(text),
        };
        self.value(schema, &value, DEPTH)
    }

    /// That a value is one of the schema.
    fn value(&self, schema: &Value, value: &Value, depth: usize) -> Result<(), String> {
        let schema = self.resolved(schema);
        if depth == 0 {
            return Err("the description goes too deep".to_owned());
        }
        for word in ["oneOf", "anyOf"] {
            let choices = items(&schema[word]);
            if !choices.is_empty() {
                let tried: Vec<_> = choices.iter().map(|one| self.value(one, value, depth - 1)).collect();
                return match tried.iter().any(Result::is_ok) {
                    true => Ok(()),
                    false => Err(tried.into_iter().filter_map(Result::err).collect::<Vec<_>>().join("; or ")),
                };
            }
        }
        if value.is_null() {
            let free = schema.get("type").is_none() && schema.get("properties").is_none();
            return if schema["nullable"] == true || free { Ok(()) } else { Err("null where none may be".to_owned()) };
        }
        if let Some(allowed) = schema["enum"].as_array()
            && !allowed.contains(value)
        {
            return Err(format!("{value} is none of {allowed:?}"));
        }
        let (mut described, mut required) = (BTreeMap::new(), Vec::new());
        self.properties(schema, &mut described, &mut required, depth);
        let kind = if described.is_empty() { schema["type"].as_str() } else { Some("object") };
        let fits = match kind {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            _ => true,
        };
        if !fits {
            return Err(format!("{value} is no {}", kind.unwrap_or_default()));
        }
        if schema["format"] == "date-time" && value.as_str().is_some_and(|text| !is_time(text)) {
            return Err(format!("{value} is no time"));
        }
        for (index, item) in items(value).iter().enumerate() {
            self.value(&schema["items"], item, depth - 1).map_err(|how| format!("[{index}] {how}"))?;
        }
        let Some(object) = value.as_object() else { return Ok(()) };
        if let Some(missing) = required.iter().find(|name| !object.contains_key(**name)) {
            return Err(format!("`{missing}` is required"));
        }
        let open = described.is_empty()
            || schema["additionalProperties"].is_object()
            || schema["additionalProperties"] == true;
        for (name, inner) in object {
            match described.get(name.as_str()) {
                Some(schema) => self.value(schema, inner, depth - 1).map_err(|how| format!(".{name} {how}"))?,
                None if open => {}
                None => return Err(format!("`{name}` is not described")),
            }
        }
        Ok(())
    }

    /// The properties of an object, with those of all it consists of.
    fn properties<'a>(
        &'a self,
        schema: &'a Value,
        described: &mut BTreeMap<&'a str, &'a Value>,
        required: &mut Vec<&'a str>,
        depth: usize,
    ) {
        let schema = self.resolved(schema);
        for part in items(&schema["allOf"]) {
            if depth > 0 {
                self.properties(part, described, required, depth - 1);
            }
        }
        described
            .extend(schema["properties"].as_object().into_iter().flatten().map(|(name, one)| (name.as_str(), one)));
        required.extend(items(&schema["required"]).iter().filter_map(Value::as_str));
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn is_time(text: &str) -> bool {
    chrono::DateTime::parse_from_rfc3339(text).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn description() -> Description {
        Description(json!({
            "paths": { "/pets/{id}": { "get": {
                "parameters": [
                    { "in": "path", "name": "id", "required": true },
                    { "in": "query", "name": "limit", "schema": { "type": "integer" } },
                    { "in": "query", "name": "kind", "required": true, "schema": { "enum": ["cat", "dog"] } },
                ],
                "responses": { "200": { "content": { "application/json": { "schema": { "$ref": "#/pet" } } } } },
            } } },
            "pet": { "allOf": [
                { "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } } },
                { "properties": { "born": { "type": "string", "format": "date-time", "nullable": true } } },
            ] },
        }))
    }

    fn asks(query: &[(&str, &str)]) -> Result<(), String> {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = Request { method: "GET".to_owned(), path: "/pets/7".to_owned(), query, ..Request::default() };
        description().request(&request, &[])
    }

    #[test]
    fn a_request_that_is_not_described_is_found() {
        assert_eq!(asks(&[("kind", "cat"), ("limit", "3")]), Ok(()));
        for wrong in [
            &[("limit", "3")][..],
            &[("kind", "cow")],
            &[("kind", "cat"), ("limit", "x")],
            &[("kind", "cat"), ("page", "1")],
        ] {
            assert!(asks(wrong).is_err(), "{wrong:?}");
        }
        let nowhere = Request { method: "GET".to_owned(), path: "/pets".to_owned(), ..Request::default() };
        assert!(description().request(&nowhere, &[]).is_err());
    }

    #[test]
    fn an_answer_that_is_not_described_is_found() {
        let answers = |status, body: &str| description().answer("GET", "/pets/7", status, body.as_bytes());
        assert_eq!(answers(200, r#"{"name":"Tom","born":null}"#), Ok(()));
        assert_eq!(answers(200, r#"{"name":"Tom","born":"2026-01-02T03:04:05Z"}"#), Ok(()));
        for wrong in [
            "[]",
            "{}",
            r#"{"name":7}"#,
            r#"{"name":null}"#,
            r#"{"name":"Tom","born":"long ago"}"#,
            r#"{"name":"Tom","legs":4}"#,
        ] {
            assert!(answers(200, wrong).is_err(), "{wrong}");
        }
        assert!(answers(404, "{}").is_err());
    }
}
