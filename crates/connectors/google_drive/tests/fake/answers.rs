//! Answers, and which call gets which.

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use serde_json::{Value, json};

use super::{Call, OWNER, Shared, mask::masked};

/// What is answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    pub(crate) json: Option<Value>,
    /// The JSON before a field mask took most of it away.
    pub(crate) whole: Option<Value>,
}

impl Answer {
    pub(crate) fn json(json: Value) -> Self {
        Self { status: 200, headers: Vec::new(), body: Bytes::new(), json: Some(json), whole: None }
    }

    pub(crate) fn bytes(mime: &str, body: Bytes) -> Self {
        Self { status: 200, headers: vec![("content-type", mime.to_owned())], body, json: None, whole: None }
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self { status: 302, headers: vec![("location", to.to_owned())], body: Bytes::new(), json: None, whole: None }
    }

    pub(crate) fn with(mut self, status: u16, name: &'static str, value: String) -> Self {
        self.status = status;
        self.headers.push((name, value));
        self
    }

    /// An error as Google's APIs write it.
    pub(crate) fn error(status: u16, reason: &str) -> Self {
        Self::error_about(status, reason, None)
    }

    pub(crate) fn error_about(status: u16, reason: &str, parameter: Option<&str>) -> Self {
        let message = format!("planted words: {reason}");
        let mut one = json!({ "domain": "global", "reason": reason, "message": message });
        if let Some(parameter) = parameter {
            one["locationType"] = "parameter".into();
            one["location"] = parameter.into();
        }
        let json = json!({ "error": { "code": status, "message": message, "errors": [one] } });
        Self { status, ..Self::json(json) }
    }

    /// An error of the token endpoint.
    pub(crate) fn refusal(code: &str) -> Self {
        Self { status: 400, ..Self::json(json!({ "error": code, "error_description": "planted words" })) }
    }

    /// Where it sends the browser.
    pub(crate) fn location(&self) -> Option<String> {
        self.headers.iter().find(|(name, _)| *name == "location").map(|(_, to)| to.clone())
    }

    pub(crate) fn into_response(self) -> Response {
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(*name, value);
        }
        let body = match &self.json {
            Some(json) => {
                response = response.header("content-type", "application/json; charset=UTF-8");
                Bytes::from(json.to_string())
            }
            None => self.body,
        };
        response.body(Body::from(body)).expect("a response")
    }
}

impl Shared {
    pub(crate) fn answer(&mut self, call: &Call) -> Answer {
        match (call.method.as_str(), call.path.as_str()) {
            ("POST", "/token") => return self.issue(call),
            ("POST", "/revoke") => return self.revoke(call),
            ("GET", "/o/oauth2/v2/auth") => return self.consent(call),
            _ => {}
        }
        if self.down_until.is_some_and(|until| tokio::time::Instant::now() < until) {
            return Answer::error(503, "backendError");
        }
        let Some(token) = call.header("authorization").and_then(|header| self.tokens.get(header)).cloned() else {
            return Answer::error(401, "authError");
        };
        if !token.reads_names() {
            return Answer::error(403, "insufficientPermissions");
        }
        if call.path == "/docs/export" {
            return self.linked_export(call);
        }
        let Some(path) = call.path.strip_prefix("/drive/v3/") else { return Answer::error(404, "notFound") };
        let parts: Vec<&str> = path.split('/').collect();
        assert_eq!(call.method, "GET", "nothing is written");
        let is_content = call.get("alt") == Some("media") || parts.last() == Some(&"export");
        if is_content && !token.reads_content() {
            return Answer::error(403, "insufficientPermissions");
        }
        let answer = match parts.as_slice() {
            ["about"] if call.get("fields").is_none() => Answer::error_about(400, "required", Some("fields")),
            ["about"] => Answer::json(about()),
            ["files"] => self.list(call),
            ["files", id, "export"] => self.export(call, id),
            ["files", id, "permissions"] => self.permissions(call, id),
            ["files", id] if call.get("alt") == Some("media") => self.media(call, id),
            ["files", id] => self.file(call, id),
            ["drives"] => self.drives(call),
            ["drives", id] => self.drive(id),
            ["changes", "startPageToken"] => self.start_token(call),
            ["changes"] => self.changes(call),
            _ => Answer::error(404, "notFound"),
        };
        answer.masked(call.get("fields"))
    }
}

impl Answer {
    /// Without a mask the service leaves nearly everything out.
    fn masked(self, mask: Option<&str>) -> Self {
        match self.json {
            Some(json) if self.status == 200 => {
                let few = "kind,nextPageToken,newStartPageToken,startPageToken,incompleteSearch,id,name,mimeType,\
                           files(kind,id,name,mimeType),drives(kind,id,name),permissions(kind,id,type,role),\
                           changes(kind,type,changeType,time,removed,fileId,driveId,file(kind,id,name,mimeType))";
                Self { json: Some(masked(&json, mask.unwrap_or(few))), whole: Some(json), ..self }
            }
            json => Self { json, ..self },
        }
    }
}

fn about() -> Value {
    let user = json!({
        "kind": "drive#user", "displayName": "Ada", "emailAddress": OWNER, "permissionId": "04711", "me": true,
        "photoLink": "https://lh3.googleusercontent.com/a/ada"
    });
    json!({ "kind": "drive#about", "user": user, "storageQuota": { "usage": "7" } })
}
