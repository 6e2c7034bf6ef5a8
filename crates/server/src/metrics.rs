//! What is counted, for Prometheus.

use std::{sync::Arc, time::Duration};

use catchment_store::QueueStats;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

/// Up to 1 ms for what the database answers, up to a minute for what a vendor does.
const BUCKETS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0];

/// Counters, gauges and histograms. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    connections: Gauge,
    checks: Family<CheckLabels, Counter>,
    jobs_ended: Family<JobLabels, Counter>,
    jobs: Family<StateLabels, Gauge>,
    secrets: Family<SecretLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: String,
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CheckLabels {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobLabels {
    kind: String,
    state: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SecretLabels {
    operation: &'static str,
}

/// Takes one off a gauge when it is dropped.
#[derive(Debug)]
pub(crate) struct Held(Gauge);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// Everything at zero.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("catchment");
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let metrics = Self {
            registry: Arc::default(),
            requests: Family::default(),
            durations: Family::new_with_constructor(histogram),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            checks: Family::default(),
            jobs_ended: Family::default(),
            jobs: Family::default(),
            secrets: Family::default(),
        };
        registry.register("http_requests", "Requests answered", metrics.requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time until the answer began",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        registry.register("http_requests_in_flight", "Requests being answered", metrics.in_flight.clone());
        registry.register("http_connections", "Open connections", metrics.connections.clone());
        registry.register("connection_checks", "Connections tried by the monitor", metrics.checks.clone());
        registry.register("jobs_ended", "Jobs that ended on this server", metrics.jobs_ended.clone());
        registry.register("jobs", "Jobs in the database", metrics.jobs.clone());
        registry.register("secret_operations", "Secrets sealed and opened", metrics.secrets.clone());
        Self { registry: Arc::new(registry), ..metrics }
    }

    /// A request was answered. `route` is the pattern it matched, so that there are few.
    pub(crate) fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        let labels = RouteLabels { method: method.to_owned(), route: route.to_owned() };
        self.durations.get_or_create(&labels).observe(took.as_secs_f64());
        let labels = RequestLabels { method: labels.method, route: labels.route, status };
        self.requests.get_or_create(&labels).inc();
    }

    /// Counts a request that is being answered until the guard is dropped.
    pub(crate) fn request(&self) -> Held {
        self.in_flight.inc();
        Held(self.in_flight.clone())
    }

    /// Counts a connection until the guard is dropped.
    pub(crate) fn connection(&self) -> Held {
        self.connections.inc();
        Held(self.connections.clone())
    }

    /// The monitor tried a connection.
    pub(crate) fn connection_checked(&self, works: bool) {
        let outcome = if works { "works" } else { "fails" };
        self.checks.get_or_create(&CheckLabels { outcome }).inc();
    }

    /// A job ended here: `state` is how.
    pub(crate) fn job_ended(&self, kind: &str, state: &str) {
        self.jobs_ended.get_or_create(&JobLabels { kind: kind.to_owned(), state: state.to_owned() }).inc();
    }

    /// Secrets were opened for a connector.
    pub(crate) fn secrets_opened(&self, count: usize) {
        self.secrets.get_or_create(&SecretLabels { operation: "open" }).inc_by(count as u64);
    }

    /// Secrets were sealed for the database.
    pub(crate) fn secrets_sealed(&self, count: usize) {
        self.secrets.get_or_create(&SecretLabels { operation: "seal" }).inc_by(count as u64);
    }

    /// Everything in Prometheus' text format. The queue is looked at when it is asked for.
    pub(crate) fn render(&self, queue: Option<&QueueStats>) -> String {
        self.jobs.clear();
        for (state, count) in queue.into_iter().flat_map(|queue| {
            [
                ("queued", queue.queued),
                ("running", queue.running),
                ("succeeded", queue.succeeded),
                ("failed", queue.failed),
                ("cancelled", queue.cancelled),
            ]
        }) {
            self.jobs.get_or_create(&StateLabels { state }).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let mut out = String::new();
        // A string takes whatever is written to it.
        let _ = encode(&mut out, &self.registry);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_in_the_text() {
        let metrics = Metrics::new();
        metrics.answered("GET", "/integrations/{id}", 200, Duration::from_millis(2));
        metrics.secrets_opened(3);
        let held = metrics.request();
        let text = metrics.render(Some(&QueueStats { queued: 4, ..QueueStats::default() }));
        for line in [
            r#"catchment_http_requests_total{method="GET",route="/integrations/{id}",status="200"} 1"#,
            r#"catchment_http_request_duration_seconds_count{method="GET",route="/integrations/{id}"} 1"#,
            r#"catchment_secret_operations_total{operation="open"} 3"#,
            r#"catchment_jobs{state="queued"} 4"#,
            "catchment_http_requests_in_flight 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        drop(held);
        assert!(metrics.render(None).contains("catchment_http_requests_in_flight 0"));
        assert!(!metrics.render(None).contains("catchment_jobs{"), "an unknown queue is not said to be empty");
    }
}
