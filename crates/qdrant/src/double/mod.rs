//! A stand-in for a Qdrant server: the same messages over real gRPC, on a loopback port, with the
//! points in memory.
//!
//! It does what the backend uses and refuses the rest as not implemented. It is stricter than a
//! server: a filter on a key without an index is refused, and so is a vector of an unknown name or
//! another length. Its answers are held against Qdrant's own engine by the tests of this crate.
//!
//! A test can make any call fail in the ways in which calls fail; see [`Fault`].

mod collection;
mod matching;
mod service;
mod store;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use prost::Message;
use qdrant_client::qdrant::{
    collections_server::CollectionsServer, points_server::PointsServer, qdrant_server::QdrantServer,
};
use tokio::{net::TcpListener, task::JoinHandle};
use tonic::{
    Code, Request, Response, Status,
    transport::{Server, server::TcpIncoming},
};

use store::Store;

/// How a double is.
#[derive(Debug, Clone)]
pub struct Traits {
    /// The key it asks for.
    pub api_key: Option<String>,
    /// The version it says it is.
    pub version: String,
    /// The longest message it takes, in bytes.
    pub message_limit: usize,
}

impl Default for Traits {
    fn default() -> Self {
        Self { api_key: None, version: "1.20.0".into(), message_limit: 64 << 20 }
    }
}

/// A call as it was on the wire.
#[derive(Debug, Clone)]
pub struct Traced {
    /// The method.
    pub name: &'static str,
    /// The bytes of the request.
    pub asked: Vec<u8>,
    /// The bytes of the answer.
    pub said: Vec<u8>,
}

/// How a call fails.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// It is refused with this code, and nothing is done.
    Refuse(Code),
    /// It is done, and the answer is lost.
    Lose,
    /// Nothing is done, and there is never an answer.
    Hang,
    /// It is done after this time.
    Delay(Duration),
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct Double {
    address: SocketAddr,
    server: JoinHandle<()>,
    state: Arc<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    traits: Traits,
    store: Mutex<Store>,
    calls: Mutex<Calls>,
}

#[derive(Debug, Default)]
struct Calls {
    made: Vec<&'static str>,
    largest: usize,
    fault: Option<(std::ops::Range<usize>, Fault)>,
    trace: Option<Vec<Traced>>,
}

impl Double {
    /// Starts one on a free port of this machine.
    pub async fn start(traits: Traits) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let limit = traits.message_limit;
        let state = Arc::new(State { traits, store: Mutex::default(), calls: Mutex::default() });
        let service = service::Service(state.clone());
        let serving = Server::builder()
            .add_service(QdrantServer::new(service.clone()))
            .add_service(CollectionsServer::new(service.clone()).max_decoding_message_size(limit))
            .add_service(PointsServer::new(service).max_decoding_message_size(limit))
            .serve_with_incoming(TcpIncoming::from(listener));
        let server = tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the double ended");
            }
        });
        Ok(Self { address, server, state })
    }

    /// Where it is: `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on, the calls of these numbers fail, counted from 0 at this moment. Health checks
    /// do not count.
    pub fn break_calls(&self, numbers: std::ops::Range<usize>, fault: Fault) {
        let mut calls = self.state.calls();
        calls.made.clear();
        calls.fault = Some((numbers, fault));
    }

    /// No call fails any more, and counting starts again.
    pub fn mend(&self) {
        *self.state.calls() = Calls::default();
    }

    /// The calls since the last [`Double::mend`] or [`Double::break_calls`].
    pub fn calls(&self) -> Vec<&'static str> {
        self.state.calls().made.clone()
    }

    /// The bytes of the longest message since the last [`Double::mend`].
    pub fn largest(&self) -> usize {
        self.state.calls().largest
    }

    /// From now on, calls that succeed are kept for [`Double::trace`].
    pub fn record(&self) {
        self.state.calls().trace = Some(Vec::new());
    }

    /// What was recorded.
    pub fn trace(&self) -> Vec<Traced> {
        self.state.calls().trace.clone().unwrap_or_default()
    }

    /// How many points a collection has, of whatever kind.
    pub fn points(&self, collection: &str) -> usize {
        self.state.store().points(collection)
    }

    /// Deletes, behind everybody's back, the points of a collection that have this text somewhere
    /// in their payload, and says how many those were.
    pub fn damage(&self, collection: &str, text: &str) -> usize {
        self.state.store().damage(collection, text)
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl State {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a call, unless it is to fail.
    pub(crate) async fn answer<Asked, Said>(
        &self,
        name: &'static str,
        request: Request<Asked>,
        run: fn(&mut Store, Asked) -> Result<Said, Status>,
    ) -> Result<Response<Said>, Status>
    where
        Asked: Message,
        Said: Message,
    {
        if let Some(key) = &self.traits.api_key {
            let given = request.metadata().get("api-key").and_then(|given| given.to_str().ok());
            match given {
                None => {
                    return Err(Status::unauthenticated("Must provide an API key or an Authorization bearer token"));
                }
                Some(given) if given != key => return Err(Status::unauthenticated("Invalid API key or JWT")),
                Some(_) => {}
            }
        }
        let request = request.into_inner();
        let fault = self.count(name, request.encoded_len());
        match fault {
            Some(Fault::Refuse(code)) => return Err(Status::new(code, "this call was to fail")),
            Some(Fault::Hang) => std::future::pending::<()>().await,
            Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
            Some(Fault::Lose) | None => {}
        }
        let asked = request.encode_to_vec();
        let answer = {
            // One lock for both, so that the record has the order of what was done.
            let mut store = self.store();
            let answer = run(&mut store, request)?;
            if let Some(trace) = &mut self.calls().trace {
                trace.push(Traced { name, asked, said: answer.encode_to_vec() });
            }
            answer
        };
        match fault {
            Some(Fault::Lose) => Err(Status::unavailable("the answer was to be lost")),
            _ => Ok(Response::new(answer)),
        }
    }

    fn count(&self, name: &'static str, bytes: usize) -> Option<Fault> {
        let mut calls = self.calls();
        let number = calls.made.len();
        calls.made.push(name);
        calls.largest = calls.largest.max(bytes);
        calls.fault.as_ref().filter(|(numbers, _)| numbers.contains(&number)).map(|(_, fault)| *fault)
    }

    pub(crate) fn version(&self) -> String {
        self.traits.version.clone()
    }
}
