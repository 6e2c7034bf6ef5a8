//! The pages of vendors that a person connects to: Telegram's Bot API, the consents of GitHub and
//! Google and what they show of an account.
//! They answer as the vendors do, as far as connecting goes; each vendor's own crate holds its
//! stand-in against the published description.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{any, delete, get, post},
};
use reqwest::Url;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// What bots and programs prove themselves with. Each stands nowhere but in a request.
pub(crate) const BOT_TOKEN: &str = "110201543:AAHplantedvCH1vGWJxfSeofSAs0K5PALDs";
pub(crate) const CLIENT_SECRET: &str = "planted-client-secret-7Kx0";

/// Servers that a person connects to, all on one address.
pub(crate) struct Vendors {
    base: String,
    books: Arc<Mutex<Books>>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Books {
    codes: Vec<String>,
    good: Vec<String>,
    revoked: usize,
}

impl Vendors {
    pub(crate) async fn open() -> Self {
        let books = Arc::<Mutex<Books>>::default();
        let router = Router::new()
            .route("/{bot}/getMe", any(bot))
            .route("/login/oauth/access_token", post(token))
            .route("/login/device/code", post(device))
            .route("/user", get(user))
            .route("/api/v3/applications/{client}/token", delete(revoke))
            .route("/token", post(google_token))
            .route("/revoke", post(google_revoke))
            .route("/drive/v3/{*path}", get(drive))
            .with_state(books.clone());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { base, books, serving }
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The person consents; gives the address the browser is sent back to.
    pub(crate) fn consent(&self, page: &str) -> String {
        let page = Url::parse(page).expect("an address");
        let said: HashMap<String, String> = page.query_pairs().into_owned().collect();
        let code = format!("planted-code-{}", said["code_challenge"]);
        self.books.lock().expect("no panic").codes.push(code.clone());
        let mut back = Url::parse(&said["redirect_uri"]).expect("an address");
        back.query_pairs_mut().append_pair("code", &code).append_pair("state", &said["state"]);
        back.into()
    }

    /// The person consents on another device.
    pub(crate) fn consent_device(&self) {
        self.books.lock().expect("no panic").codes.push("device-code".into());
    }

    /// A token that was issued before.
    pub(crate) fn issued(&self, token: &str) {
        self.books.lock().expect("no panic").good.push(token.to_owned());
    }

    /// How many grants were given back.
    pub(crate) fn revoked(&self) -> usize {
        self.books.lock().expect("no panic").revoked
    }
}

impl Drop for Vendors {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

type Shared = State<Arc<Mutex<Books>>>;

async fn bot(Path(bot): Path<String>) -> Response {
    if bot.strip_prefix("bot") != Some(BOT_TOKEN) {
        let said = json!({"ok": false, "error_code": 401, "description": "Unauthorized"});
        return (StatusCode::UNAUTHORIZED, Json(said)).into_response();
    }
    let me = json!({"id": 110_201_543, "is_bot": true, "first_name": "Reed", "username": "reed_bot"});
    Json(json!({"ok": true, "result": me})).into_response()
}

async fn token(State(books): Shared, body: Bytes) -> Json<Value> {
    let body = format!("http://x/?{}", String::from_utf8_lossy(&body));
    let said: HashMap<String, String> = Url::parse(&body).expect("a form").query_pairs().into_owned().collect();
    let mut books = books.lock().expect("no panic");
    if said.get("client_secret").map(String::as_str) != Some(CLIENT_SECRET) {
        return Json(json!({"error": "incorrect_client_credentials"}));
    }
    let code = said.get("code").or_else(|| said.get("device_code")).cloned().unwrap_or_default();
    let Some(place) = books.codes.iter().position(|known| *known == code) else {
        let error = if code == "device-code" { "authorization_pending" } else { "bad_verification_code" };
        return Json(json!({"error": error}));
    };
    books.codes.remove(place);
    let token = format!("gho_planted{}", books.good.len());
    books.good.push(token.clone());
    Json(json!({"access_token": token, "token_type": "bearer", "scope": "read:user,user:email"}))
}

async fn device() -> Json<Value> {
    Json(json!({
        "device_code": "device-code", "user_code": "WDJB-MJHT", "verification_uri": "https://github.com/login/device",
        "expires_in": 900, "interval": 1,
    }))
}

async fn user(State(books): Shared, headers: HeaderMap) -> Response {
    let token = headers.get("authorization").and_then(|it| it.to_str().ok()?.strip_prefix("Bearer "));
    if !token.is_some_and(|token| books.lock().expect("no panic").good.iter().any(|good| good == token)) {
        return (StatusCode::UNAUTHORIZED, Json(json!({"message": "Bad credentials"}))).into_response();
    }
    let user = json!({
        "login": "ada", "id": 7, "name": "Ada", "email": "ada@example.com", "html_url": "https://github.com/ada",
        "avatar_url": "https://avatars.githubusercontent.com/u/7",
    });
    ([("x-oauth-scopes", "read:user, user:email")], Json(user)).into_response()
}

async fn revoke(State(books): Shared, Json(said): Json<Value>) -> StatusCode {
    let mut books = books.lock().expect("no panic");
    books.good.retain(|good| Some(good.as_str()) != said["access_token"].as_str());
    books.revoked += 1;
    StatusCode::NO_CONTENT
}

async fn google_token(State(books): Shared, body: Bytes) -> Response {
    let body = format!("http://x/?{}", String::from_utf8_lossy(&body));
    let said: HashMap<String, String> = Url::parse(&body).expect("a form").query_pairs().into_owned().collect();
    let mut books = books.lock().expect("no panic");
    let code = said.get("code").cloned().unwrap_or_default();
    let known = books.codes.iter().position(|known| *known == code);
    let (Some(place), Some(CLIENT_SECRET)) = (known, said.get("client_secret").map(String::as_str)) else {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response();
    };
    books.codes.remove(place);
    let token = format!("ya29.planted{}", books.good.len());
    books.good.push(token.clone());
    Json(json!({
        "access_token": token, "refresh_token": "1//planted", "expires_in": 3599, "token_type": "Bearer",
        "scope": "https://www.googleapis.com/auth/drive.readonly",
    }))
    .into_response()
}

async fn google_revoke(State(books): Shared) -> StatusCode {
    books.lock().expect("no panic").revoked += 1;
    StatusCode::OK
}

async fn drive(State(books): Shared, Path(path): Path<String>, headers: HeaderMap) -> Response {
    let token = headers.get("authorization").and_then(|it| it.to_str().ok()?.strip_prefix("Bearer "));
    if !token.is_some_and(|token| books.lock().expect("no panic").good.iter().any(|good| good == token)) {
        return (StatusCode::UNAUTHORIZED, Json(json!({"error": {"code": 401, "message": "Invalid Credentials"}})))
            .into_response();
    }
    let folder = "application/vnd.google-apps.folder";
    Json(match path.as_str() {
        "about" => json!({"user": {
            "kind": "drive#user", "displayName": "Ada", "emailAddress": "ada@example.com", "permissionId": "0042", "me": true,
        }}),
        "files" => json!({"kind": "drive#fileList", "incompleteSearch": false, "files": []}),
        _ => json!({"kind": "drive#file", "id": "root-of-ada", "name": "My Drive", "mimeType": folder}),
    })
    .into_response()
}
