//! Connections: accepted, bounded in number and in patience, and ended in good order.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use axum::{Router, extract::Request};
use catchment_core::Result;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto::Builder,
        graceful::{GracefulShutdown, Watcher},
    },
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;
use tower::{Layer, util::ServiceExt};
use tower_http::normalize_path::NormalizePathLayer;

use crate::state::App;

/// How long to wait when the system has no more sockets to give.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// How many streams one HTTP/2 connection may have.
const STREAMS: u32 = 100;

/// Serves until `stop` completes, then lets what is on its way end within the grace.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    app: Arc<App>,
    stop: impl Future<Output = ()> + Send,
) -> Result<()> {
    let connections = Arc::new(Semaphore::new(app.config.max_connections));
    let graceful = GracefulShutdown::new();
    let cut = CancellationToken::new();
    let mut stop = pin!(stop);
    loop {
        // Before accepting: whoever is too many waits in the system's queue, at no cost here.
        let accepted = async {
            let permit = connections.clone().acquire_owned().await;
            (listener.accept().await, permit)
        };
        let (accepted, permit) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        match (accepted, permit) {
            (Ok((stream, _)), Ok(permit)) => {
                let conversation = converse(stream, router.clone(), app.clone(), graceful.watcher(), permit);
                tokio::spawn(cut.clone().run_until_cancelled_owned(conversation));
            }
            (Err(error), _) => {
                tracing::warn!(error = ?error, "a connection cannot be accepted");
                tokio::time::sleep(EXHAUSTED).await;
            }
            (_, Err(_)) => break,
        }
    }
    drop(listener);
    app.stopping.cancel();
    tracing::info!(connections = graceful.count(), "stopping");
    let mut ended = pin!(graceful.shutdown());
    if tokio::time::timeout(app.config.grace, &mut ended).await.is_err() {
        tracing::warn!("requests are cut off at the end of the grace");
        cut.cancel();
        ended.await;
    }
    Ok(())
}

async fn converse(stream: TcpStream, router: Router, app: Arc<App>, watcher: Watcher, _permit: OwnedSemaphorePermit) {
    let _counted = app.metrics.connection();
    // Small answers are to leave at once; a socket that refuses the option still works.
    let _ = stream.set_nodelay(true);
    let routes = NormalizePathLayer::trim_trailing_slash().layer(router);
    let service =
        TowerToHyperService::new(routes.map_request(|request: Request<_>| request.map(axum::body::Body::new)));
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(app.config.header_timeout);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(app.config.header_timeout)
        .keep_alive_timeout(app.config.header_timeout);
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(error = ?error, "a connection broke");
    }
}
