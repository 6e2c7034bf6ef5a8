//! The calls we make: each within its time, tried again while that can help, on our collection.

use std::{collections::HashMap, fmt, time::Duration};

use backon::{ExponentialBuilder, Retryable};
use catchment_core::{Error, Result};
use qdrant_client::{
    Qdrant, QdrantError,
    qdrant::{
        DeletePointVectors, DeletePoints, FacetCounts, Filter, GetPoints, HealthCheckReply, PointStruct,
        PointsOperationResponse, QueryBatchPoints, QueryPoints, ReadConsistency, ReadConsistencyType, RetrievedPoint,
        ScoredPoint, ScrollPoints, ScrollResponse, SetPayloadPoints, UpdatePointVectors, UpdateStatus, UpsertPoints,
        Value, VectorsSelector, WithPayloadSelector, WriteOrdering, WriteOrderingType, facet_value::Variant,
        read_consistency, with_payload_selector::SelectorOptions,
    },
};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::{
    Options,
    error::{passes, qdrant_error, timeout as late, wait},
    record::{point_id, read, uuid},
};

/// The first pause between two tries, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(3));

/// A server and our collection on it.
#[derive(Clone)]
pub(crate) struct Client {
    qdrant: Qdrant,
    pub(crate) collection: String,
    timeout: Duration,
    patience: Duration,
    replicated: bool,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the client below, which holds the key.
        f.debug_struct("Client").field("collection", &self.collection).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of checked options. Nothing is called yet.
    pub(crate) fn new(options: &Options) -> Result<Self> {
        let address = options.address()?;
        options.check()?;
        if address.scheme() == "https" && rustls::crypto::CryptoProvider::get_default().is_none() {
            // One provider in the whole program; whoever was first is as good.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        let mut config = Qdrant::from_url(address.as_str().trim_end_matches('/'))
            .timeout(options.timeout)
            .connect_timeout(options.timeout)
            // It prints; the version is asked for when the schema is looked at.
            .skip_compatibility_check();
        config.api_key = options.api_key.as_ref().map(|key| key.expose().to_owned());
        Ok(Self {
            qdrant: config.build().map_err(qdrant_error)?,
            collection: options.collection.clone(),
            timeout: options.timeout,
            patience: options.patience,
            replicated: options.replication > 1,
        })
    }

    /// Makes a call until it succeeds, fails for good, or patience ends. Every call here may be
    /// made twice: ids are derived, and what depends on a state names it. A failure that is an
    /// answer, `make` hands out as `Ok`.
    pub(crate) async fn call<T, Made>(&self, make: impl Fn(Qdrant) -> Made) -> Result<T>
    where
        Made: Future<Output = Result<T, QdrantError>>,
    {
        let end = Instant::now() + self.patience;
        let once = || async {
            // The client's own limit does not cover connecting and the handshake.
            match timeout(self.timeout, make(self.qdrant.clone())).await {
                Ok(answer) => answer.map_err(qdrant_error),
                Err(_) => Err(late()),
            }
        };
        let pauses = ExponentialBuilder::new()
            .with_min_delay(PAUSES.0)
            .with_max_delay(PAUSES.1)
            .with_jitter()
            .without_max_times();
        let answer = once
            .retry(pauses)
            .when(passes)
            .adjust(|error, pause| {
                wait(error, pause).filter(|pause| Instant::now().checked_add(*pause).is_some_and(|then| then < end))
            })
            .await;
        answer.map_err(|error| error.with("collection", &self.collection))
    }

    /// A call that changes points: it counts when it is applied, not when it is queued.
    pub(crate) async fn change<Made>(&self, make: impl Fn(Qdrant) -> Made) -> Result<()>
    where
        Made: Future<Output = Result<PointsOperationResponse, QdrantError>>,
    {
        self.change_unless(|_| false, make).await.map(drop)
    }

    /// The same; `false` if it failed for a reason that `expected` knows.
    pub(crate) async fn change_unless<Made>(
        &self,
        expected: impl Fn(&QdrantError) -> bool,
        make: impl Fn(Qdrant) -> Made,
    ) -> Result<bool>
    where
        Made: Future<Output = Result<PointsOperationResponse, QdrantError>>,
    {
        let expected = &expected;
        self.call(|qdrant| {
            let made = make(qdrant);
            async move {
                match made.await {
                    Ok(answer)
                        if answer.result.as_ref().is_some_and(|r| r.status == UpdateStatus::Completed as i32) =>
                    {
                        Ok(true)
                    }
                    Ok(_) => {
                        Err(tonic::Status::deadline_exceeded("the change was accepted and not yet applied").into())
                    }
                    Err(error) if expected(&error) => Ok(false),
                    Err(error) => Err(error),
                }
            }
        })
        .await
    }

    /// The server's version. Asked without the key by servers that have one as well.
    pub(crate) async fn version(&self) -> Result<String> {
        let reply: HealthCheckReply = self.call(|qdrant| async move { qdrant.health_check().await }).await?;
        Ok(reply.version)
    }

    /// Writes points. They are applied when this returns.
    pub(crate) async fn upsert(&self, points: Vec<PointStruct>) -> Result<()> {
        let request = UpsertPoints { points, ..self.upsert_request() };
        self.change(|qdrant| {
            let request = request.clone();
            async move { qdrant.upsert_points(request).await }
        })
        .await
    }

    /// An upsert of nothing, in order with all other changes of the same points.
    pub(crate) fn upsert_request(&self) -> UpsertPoints {
        UpsertPoints { collection_name: self.collection.clone(), wait: Some(true), ..UpsertPoints::default() }
    }

    /// Deletes the points a filter finds.
    pub(crate) async fn delete(&self, filter: Filter) -> Result<()> {
        let request = DeletePoints {
            collection_name: self.collection.clone(),
            wait: Some(true),
            points: Some(filter.into()),
            ordering: Some(strong()),
            ..DeletePoints::default()
        };
        self.change(|qdrant| {
            let request = request.clone();
            async move { qdrant.delete_points(request).await }
        })
        .await
    }

    /// Sets some keys of the points a filter finds.
    pub(crate) async fn set_payload(&self, filter: Filter, payload: HashMap<String, Value>) -> Result<()> {
        let request = SetPayloadPoints {
            collection_name: self.collection.clone(),
            wait: Some(true),
            payload,
            points_selector: Some(filter.into()),
            ordering: Some(strong()),
            ..SetPayloadPoints::default()
        };
        self.change(|qdrant| {
            let request = request.clone();
            async move { qdrant.set_payload(request).await }
        })
        .await
    }

    /// Gives points vectors besides those they have; `false` if one of the points is gone.
    pub(crate) async fn update_vectors(&self, request: UpdatePointVectors) -> Result<bool> {
        let request = UpdatePointVectors { collection_name: self.collection.clone(), wait: Some(true), ..request };
        self.change_unless(crate::error::is_missing_point, |qdrant| {
            let request = request.clone();
            async move { qdrant.update_vectors(request).await }
        })
        .await
    }

    /// Takes a vector from the points a filter finds.
    pub(crate) async fn delete_vectors(&self, filter: Filter, name: String) -> Result<()> {
        let request = DeletePointVectors {
            collection_name: self.collection.clone(),
            wait: Some(true),
            points_selector: Some(filter.into()),
            vectors: Some(VectorsSelector { names: vec![name] }),
            ..DeletePointVectors::default()
        };
        self.change(|qdrant| {
            let request = request.clone();
            async move { qdrant.delete_vectors(request).await }
        })
        .await
    }

    /// Points by id, those that are there, with these keys or all.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        ids: impl IntoIterator<Item = Uuid>,
        keys: Option<&[&str]>,
    ) -> Result<HashMap<Uuid, T>> {
        /// As many ids as one call asks for.
        const BATCH: usize = 1_000;
        let ids: Vec<_> = ids.into_iter().map(point_id).collect();
        let mut found = HashMap::with_capacity(ids.len());
        for part in ids.chunks(BATCH) {
            let request = GetPoints {
                collection_name: self.collection.clone(),
                ids: part.to_vec(),
                with_payload: Some(payload(keys)),
                read_consistency: self.consistency(),
                ..GetPoints::default()
            };
            let answer = self
                .call(|qdrant| {
                    let request = request.clone();
                    async move { qdrant.get_points(request).await }
                })
                .await?;
            for point in answer.result {
                found.insert(uuid(point.id.as_ref())?, read(point.payload)?);
            }
        }
        Ok(found)
    }

    /// One page of the points a filter finds, in the order of their ids.
    pub(crate) async fn scroll(
        &self,
        filter: Filter,
        keys: &[&str],
        offset: Option<qdrant_client::qdrant::PointId>,
        limit: u32,
    ) -> Result<ScrollResponse> {
        let request = ScrollPoints {
            collection_name: self.collection.clone(),
            filter: Some(filter),
            offset,
            limit: Some(limit),
            with_payload: Some(payload(Some(keys))),
            read_consistency: self.consistency(),
            ..ScrollPoints::default()
        };
        self.call(|qdrant| {
            let request = request.clone();
            async move { qdrant.scroll(request).await }
        })
        .await
    }

    /// Calls `each` with every page of the points a filter finds, until it says enough.
    pub(crate) async fn scan(
        &self,
        filter: &Filter,
        keys: &[&str],
        mut each: impl FnMut(Vec<RetrievedPoint>) -> Result<bool>,
    ) -> Result<()> {
        /// As many points as one page has.
        const PAGE: u32 = 2_000;
        let mut offset = None;
        loop {
            let page = self.scroll(filter.clone(), keys, offset, PAGE).await?;
            offset = page.next_page_offset;
            if !each(page.result)? || offset.is_none() {
                return Ok(());
            }
        }
    }

    /// Queries in one message, an answer each.
    pub(crate) async fn query(&self, queries: Vec<QueryPoints>) -> Result<Vec<Vec<ScoredPoint>>> {
        let asked = queries.len();
        let request = QueryBatchPoints {
            collection_name: self.collection.clone(),
            query_points: queries,
            read_consistency: self.consistency(),
            ..QueryBatchPoints::default()
        };
        let answer = self
            .call(|qdrant| {
                let request = request.clone();
                async move { qdrant.query_batch(request).await }
            })
            .await?;
        if answer.result.len() != asked {
            return Err(Error::protocol("qdrant answered another number of queries than was asked"));
        }
        Ok(answer.result.into_iter().map(|one| one.result).collect())
    }

    /// How many points have each value under a key: all values, however many, and exact.
    pub(crate) async fn facet(&self, key: &str, filter: Filter, guess: u64) -> Result<Vec<(Variant, u64)>> {
        let mut limit = guess.max(1);
        loop {
            let request = FacetCounts {
                collection_name: self.collection.clone(),
                key: key.to_owned(),
                filter: Some(filter.clone()),
                limit: Some(limit),
                exact: Some(true),
                read_consistency: self.consistency(),
                ..FacetCounts::default()
            };
            let answer = self
                .call(|qdrant| {
                    let request = request.clone();
                    async move { qdrant.facet(request).await }
                })
                .await?;
            if (answer.hits.len() as u64) < limit {
                let pair = |hit: qdrant_client::qdrant::FacetHit| Some((hit.value?.variant?, hit.count));
                return Ok(answer.hits.into_iter().filter_map(pair).collect());
            }
            limit *= 4;
        }
    }

    /// Read from most copies, where there are several: what was acknowledged is in most of them.
    fn consistency(&self) -> Option<ReadConsistency> {
        let value = read_consistency::Value::Type(ReadConsistencyType::Majority as i32);
        self.replicated.then_some(ReadConsistency { value: Some(value) })
    }
}

/// Changes of one point take one order, whichever server they come through.
pub(crate) fn strong() -> WriteOrdering {
    WriteOrdering { r#type: WriteOrderingType::Strong as i32 }
}

/// These keys of a payload, or all.
pub(crate) fn payload(keys: Option<&[&str]>) -> WithPayloadSelector {
    let options = match keys {
        Some(keys) => {
            let fields = keys.iter().map(|key| (*key).to_owned()).collect();
            SelectorOptions::Include(qdrant_client::qdrant::PayloadIncludeSelector { fields })
        }
        None => SelectorOptions::Enable(true),
    };
    WithPayloadSelector { selector_options: Some(options) }
}
