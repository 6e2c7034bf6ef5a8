//! The application: what the commands share.

mod grants;
mod keys;
mod places;

use std::{io::IsTerminal, path::PathBuf, sync::Arc};

use catchment_ask::Ask;
use catchment_core::{Embedder, Error, LanguageModel, Registry, Result, Secret, Tenant};
use catchment_documents::Parser;
use catchment_engine::Engine;
use catchment_index::Index;
use catchment_models::{local, openai};
use catchment_store::{Scoped, Store};
use serde::Serialize;
use serde_json::json;

use crate::{cli::Common, registry, settings, settings::Settings};

/// What the commands share: the vendors, the settings, and how to speak.
pub(crate) struct App {
    pub(crate) registry: Registry,
    pub(crate) json: bool,
    pub(crate) progress: bool,
    pub(crate) data_dir: PathBuf,
    pub(crate) settings: Settings,
}

/// What is kept: opened.
pub(crate) struct Data {
    pub(crate) store: Store,
    pub(crate) index: Arc<Index>,
}

impl Data {
    /// The store, as whoever sits at the command line sees it.
    pub(crate) fn own(&self) -> Scoped {
        self.store.scoped(Tenant::local())
    }
}

impl App {
    pub(crate) fn new(common: &Common) -> Result<Self> {
        let data_dir = settings::data_dir(common.data_dir.as_deref())?;
        let settings = Settings::load(common.config.as_deref(), &data_dir)?;
        let progress = !common.json && !common.quiet && std::io::stderr().is_terminal();
        Ok(Self { registry: registry::registry(), json: common.json, progress, data_dir, settings })
    }

    /// On whose behalf a command line works.
    pub(crate) fn tenant(&self) -> Tenant {
        Tenant::local()
    }

    /// An engine that works for one tenant.
    pub(crate) fn engine(&self, data: &Data, tenant: &Tenant, concurrency: Option<usize>) -> Result<Engine> {
        let parser = Parser::isolated(self.settings.limits.clone())?;
        let mut options = catchment_engine::Options::default();
        if let Some(concurrency) = concurrency {
            options.concurrency = concurrency.max(1);
        }
        let ledger = Arc::new(data.store.scoped(tenant));
        Ok(Engine::new(ledger, data.index.clone(), parser, options))
    }

    /// Something that answers questions.
    pub(crate) fn ask(&self, data: &Data) -> Result<Ask> {
        let ask = Ask::new(data.index.clone(), Arc::new(data.own()));
        Ok(match self.language_model()? {
            Some(model) => ask.with_model(model),
            None => ask,
        })
    }

    /// What writes answers, if anything does.
    pub(crate) fn language_model(&self) -> Result<Option<Arc<dyn LanguageModel>>> {
        let Some(endpoint) = &self.settings.language_model else { return Ok(None) };
        Ok(Some(Arc::new(openai::Chat::new(&self.endpoint(endpoint), &endpoint.model)?)))
    }

    async fn embedder(&self) -> Result<Option<Arc<dyn Embedder>>> {
        Ok(match &self.settings.embedder {
            None => None,
            Some(settings::Embedder::Local(local)) => Some(Arc::new(local::Model::load(&local.directory).await?)),
            Some(settings::Embedder::Endpoint(endpoint)) => {
                Some(Arc::new(openai::Embeddings::connect(&self.endpoint(endpoint), &endpoint.model).await?))
            }
        })
    }

    fn endpoint(&self, endpoint: &settings::Endpoint) -> openai::Endpoint {
        let reached = openai::Endpoint::new(&endpoint.url);
        match &endpoint.key {
            Some(key) => reached.key(key.clone()),
            None => reached,
        }
    }

    /// Prints one JSON object on a line of its own.
    pub(crate) fn line(&self, value: &impl Serialize) -> Result<()> {
        let line = serde_json::to_string(value)
            .map_err(|error| Error::internal("a result cannot be written as JSON").source(error))?;
        println!("{line}");
        Ok(())
    }

    /// Says on standard error what went wrong.
    pub(crate) fn report(error: &Error, json: bool) {
        if json {
            let context: serde_json::Map<String, serde_json::Value> =
                error.context().map(|(name, value)| (name.to_owned(), value.into())).collect();
            eprintln!(
                "{}",
                json!({ "error": { "kind": error.kind(), "message": error.message(), "context": context } })
            );
        } else {
            eprintln!("error: {}", crate::show::plain(&error.to_string()));
        }
    }
}

/// The value of a setting that may be a secret: as given, or out of a file.
pub(crate) fn secret_value(value: &str) -> Result<Secret> {
    let Some(file) = value.strip_prefix('@') else { return Ok(Secret::new(value)) };
    let text = std::fs::read_to_string(file).map_err(|error| {
        Error::config("set", "the file behind @ cannot be read: check the path").with("path", file).source(error)
    })?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}
