//! Servers: what they are composed of, and how they start and stop.

use std::{fmt, future::Future, net::SocketAddr, sync::Arc};

use axum::Router;
use catchment_auth::Callers;
use catchment_core::{Error, ErrorKind, Ingestor, LanguageModel, Registry, Result};
use catchment_engine::{Options, Parse};
use catchment_index::Index;
use catchment_store::Store;
use tokio::{
    net::TcpListener,
    sync::{Notify, Semaphore},
};
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    config::Config, guard::Guard, kept::Kept, listen, metrics::Metrics, oauth::Grants, router::router, state::App,
    worker,
};

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
    callers: Callers,
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
            callers: Callers::Local,
            routes: OpenApiRouter::new(),
        }
    }

    /// Where it listens. Of use when the settings left the port to the system.
    pub fn address(&self) -> Result<SocketAddr> {
        self.listener.local_addr().map_err(|error| Error::internal("the listener has no address").source(error))
    }

    /// Serves until `stop` completes, then lets what is on its way end within the grace.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send) -> Result<()> {
        let app = self.app.clone();
        let answers = async {
            let served = listen::serve(self.listener, self.router, self.app, stop).await;
            app.stopping.cancel();
            served
        };
        let (served, ()) = tokio::join!(answers, worker::run(app.clone()));
        served
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

    /// How callers are told apart. Unless this is called, everybody is the person at the machine.
    #[must_use]
    pub fn callers(mut self, callers: Callers) -> Self {
        self.callers = callers;
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
        let guard = match &self.callers {
            Callers::Local => Guard::local(&config)?,
            Callers::Jwt(_) => Guard::Tokens,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(|error| {
            let remedy = "the server cannot listen there: stop what does, or give another address";
            Error::new(ErrorKind::Unavailable, remedy).with("listen", config.listen).source(error)
        })?;
        let app = Arc::new(App {
            registry: self.registry,
            grants: Grants::new(&self.store),
            store: self.store,
            ingestor: self.ingestor.unwrap_or_else(|| self.index.clone()),
            index: self.index,
            parser: self.parser,
            imports: shared(self.imports),
            model: self.model,
            callers: self.callers,
            guard,
            config,
            metrics: Metrics::new(),
            stopping: CancellationToken::new(),
            submitted: Notify::new(),
            lists: Kept::new(),
            board: Arc::default(),
        });
        let router = router(&app, self.routes.with_state(()))?;
        Ok(Server { listener, router, app })
    }
}

/// All imports of a server share one budget: so many files at once, and one more for each import.
fn shared(options: Options) -> Options {
    let budget = options.budget.clone().unwrap_or_else(|| Arc::new(Semaphore::new(2 * options.concurrency)));
    Options { budget: Some(budget), ..options }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("registry", &self.registry).finish_non_exhaustive()
    }
}
