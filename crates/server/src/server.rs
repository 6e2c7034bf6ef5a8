//! Servers: what they are composed of, and how they start and stop.

use std::{fmt, future::Future, net::SocketAddr, sync::Arc};

use axum::Router;
use catchment_core::{Error, ErrorKind, Ingestor, LanguageModel, Registry, Result};
use catchment_engine::{Options, Parse};
use catchment_index::Index;
use catchment_store::Store;
use tokio::{net::TcpListener, sync::Notify};
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

use crate::{config::Config, guard::Guard, listen, metrics::Metrics, router::router, state::App};

/// A server, before it listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    router: Router,
    app: Arc<App>,
}

/// What a server is composed of; see [`Server::builder`].
pub struct Builder {
    registry: Registry,
    store: Store,
    index: Arc<Index>,
    parser: Arc<dyn Parse>,
    ingestor: Option<Arc<dyn Ingestor>>,
    imports: Options,
    model: Option<Arc<dyn LanguageModel>>,
    routes: OpenApiRouter,
}

impl Server {
    /// A server of these vendors, on this database and this index.
    pub fn builder(registry: Registry, store: Store, index: Arc<Index>, parser: impl Parse + 'static) -> Builder {
        Builder {
            registry,
            store,
            index,
            parser: Arc::new(parser),
            ingestor: None,
            imports: Options::default(),
            model: None,
            routes: OpenApiRouter::new(),
        }
    }

    /// Where it listens. Of use when the settings left the port to the system.
    pub fn address(&self) -> Result<SocketAddr> {
        self.listener.local_addr().map_err(|error| Error::internal("the listener has no address").source(error))
    }

    /// Serves until `stop` completes, then lets what is on its way end within the grace.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send) -> Result<()> {
        listen::serve(self.listener, self.router, self.app, stop).await
    }
}

impl Builder {
    /// Where documents land, instead of the index.
    #[must_use]
    pub fn ingestor(mut self, ingestor: Arc<dyn Ingestor>) -> Self {
        self.ingestor = Some(ingestor);
        self
    }

    /// How imports go.
    #[must_use]
    pub fn imports(mut self, options: Options) -> Self {
        self.imports = options;
        self
    }

    /// What writes answers. Without it they are sentences of the documents.
    #[must_use]
    pub fn model(mut self, model: Arc<dyn LanguageModel>) -> Self {
        self.model = Some(model);
        self
    }

    /// Routes of one's own, on the same floor: whoever calls them has been identified, and a
    /// handler learns who it is from [`Caller`](crate::Caller). Takes an `axum::Router` as well.
    #[must_use]
    pub fn routes(mut self, routes: impl Into<OpenApiRouter>) -> Self {
        self.routes = self.routes.merge(routes.into());
        self
    }

    /// Takes the address. From here on clients can connect; they are answered once the server
    /// [serves](Server::serve).
    ///
    /// # Errors
    /// `Config` when everybody would be let in on an address that others reach; `Unavailable`
    /// when the address is taken.
    pub async fn bind(self, config: Config) -> Result<Server> {
        let guard = Guard::local(&config)?;
        let listener = TcpListener::bind(config.listen).await.map_err(|error| {
            let remedy = "the server cannot listen there: stop what does, or give another address";
            Error::new(ErrorKind::Unavailable, remedy).with("listen", config.listen).source(error)
        })?;
        let app = Arc::new(App {
            registry: self.registry,
            store: self.store,
            ingestor: self.ingestor.unwrap_or_else(|| self.index.clone()),
            index: self.index,
            parser: self.parser,
            imports: self.imports,
            model: self.model,
            guard,
            config,
            metrics: Metrics::new(),
            stopping: CancellationToken::new(),
            submitted: Notify::new(),
        });
        let router = router(&app, self.routes.with_state(()))?;
        Ok(Server { listener, router, app })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("registry", &self.registry).finish_non_exhaustive()
    }
}
