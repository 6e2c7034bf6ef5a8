//! What the handlers share.

use std::{fmt, sync::Arc};

use catchment_ask::Ask;
use catchment_auth::Callers;
use catchment_core::{Ingestor, LanguageModel, Registry};
use catchment_engine::{Engine, Options, Parse};
use catchment_index::Index;
use catchment_store::{Scoped, Store};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{config::Config, guard::Guard, kept::Kept, metrics::Metrics, oauth::Grants, worker::Board};

/// What the handlers and the worker share.
pub(crate) struct App {
    /// The vendors.
    pub(crate) registry: Registry,
    /// The database.
    pub(crate) store: Store,
    /// What questions are answered from.
    pub(crate) index: Arc<Index>,
    /// Where documents land: the index, unless the program brought its own.
    pub(crate) ingestor: Arc<dyn Ingestor>,
    /// What turns files into text.
    pub(crate) parser: Arc<dyn Parse>,
    /// How imports go.
    pub(crate) imports: Options,
    /// What writes answers; without it they are extractive.
    pub(crate) model: Option<Arc<dyn LanguageModel>>,
    /// How callers are told apart.
    pub(crate) callers: Callers,
    /// The settings.
    pub(crate) config: Config,
    /// Keeps foreign web pages away.
    pub(crate) guard: Guard,
    /// What is counted.
    pub(crate) metrics: Metrics,
    /// Cancelled when the server begins to stop: streams end, workers release their jobs.
    pub(crate) stopping: CancellationToken,
    /// Told when a job was submitted here, so that a worker of this server looks at once.
    pub(crate) submitted: Notify,
    /// Lists of integrations that were written before.
    pub(crate) lists: Kept,
    /// What persons consented to at vendors.
    pub(crate) grants: Grants,
    /// News of jobs, for those who follow them here.
    pub(crate) board: Arc<Board>,
}

impl App {
    /// An engine that works for one tenant.
    pub(crate) fn engine(&self, scoped: Scoped) -> Engine {
        Engine::new(Arc::new(scoped), self.ingestor.clone(), self.parser.clone(), self.imports.clone())
    }

    /// What answers one tenant's questions.
    pub(crate) fn ask(&self, scoped: Scoped) -> Ask {
        let ask = Ask::new(self.index.clone(), Arc::new(scoped));
        match &self.model {
            Some(model) => ask.with_model(model.clone()),
            None => ask,
        }
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("registry", &self.registry).field("store", &self.store).finish_non_exhaustive()
    }
}
