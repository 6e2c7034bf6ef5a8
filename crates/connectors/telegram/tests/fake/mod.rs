//! A stand-in for Telegram's server: one bot.

#![allow(dead_code, reason = "each test program uses a part")]
#![allow(unreachable_pub, reason = "a module of test programs")]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::Response,
};
use catchment_core::{Connector, Context, Registry, Result};
use catchment_telegram::Telegram;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// The token that is good.
pub const TOKEN: &str = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";

/// One that was replaced.
pub const OLD: &str = "110201543:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[derive(Debug, Default)]
pub struct Bot {
    /// What is answered instead: a status and a body.
    pub instead: Option<(u16, Value)>,
    /// Methods and targets.
    pub asked: Vec<(String, String)>,
    pub answered: Vec<(u16, Value)>,
}

/// Telegram on a port of this machine. It ends when it is dropped.
pub struct Fake {
    pub address: SocketAddr,
    bot: Arc<Mutex<Bot>>,
    task: JoinHandle<()>,
}

impl Fake {
    pub async fn new() -> Self {
        let bot = Arc::new(Mutex::new(Bot::default()));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let app = Router::new().fallback(answer).with_state(Arc::clone(&bot));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.expect("served") });
        Self { address, bot, task }
    }

    pub fn bot(&self) -> MutexGuard<'_, Bot> {
        self.bot.lock().expect("not poisoned")
    }

    pub fn settings(&self) -> Value {
        settings(self.address)
    }

    pub fn connector(&self) -> Arc<dyn Connector> {
        connect(self.settings()).expect("good settings")
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn settings(address: SocketAddr) -> Value {
    json!({ "bot_token": TOKEN, "url": format!("http://{address}"), "allow_http": true })
}

pub fn connect(settings: Value) -> Result<Arc<dyn Connector>> {
    Registry::new().with::<Telegram>().connect("telegram", settings, Context::local())
}

pub fn refusal(code: u16, description: &str) -> (u16, Value) {
    (code, json!({ "ok": false, "error_code": code, "description": description }))
}

async fn answer(State(bot): State<Arc<Mutex<Bot>>>, request: Request) -> Response<Body> {
    let mut bot = bot.lock().expect("not poisoned");
    let target = request.uri().to_string();
    let (status, body) = match (&bot.instead, target.strip_prefix("/bot").and_then(|rest| rest.split_once('/'))) {
        (Some(instead), _) => instead.clone(),
        (None, Some((TOKEN, "getMe"))) => (200, json!({ "ok": true, "result": me() })),
        (None, Some((TOKEN, _))) => refusal(404, "Not Found: method not found"),
        (None, Some((token, _))) if token.contains(':') => refusal(401, "Unauthorized"),
        _ => refusal(404, "Not Found"),
    };
    bot.asked.push((request.method().to_string(), target));
    bot.answered.push((status, body.clone()));
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(body.to_string().into()).expect("an answer")
}

fn me() -> Value {
    json!({
        "id": 110_201_543_i64, "is_bot": true, "first_name": "Minutes", "username": "minutes_bot",
        "can_join_groups": true, "can_read_all_group_messages": false, "supports_inline_queries": false,
        "can_connect_to_business": false, "has_main_web_app": false,
    })
}
