//! The methods of the three services, and who answers them.

use std::{future::Future, pin::Pin, sync::Arc};

use ::qdrant_client::qdrant::{collections_server::Collections, points_server::Points, qdrant_server::Qdrant, *};
use tonic::{Request, Response, Status};

use super::{State, store::Store};

/// All three services on one state.
#[derive(Debug, Clone)]
pub(super) struct Service(pub(super) Arc<State>);

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<Response<T>, Status>> + Send + 'a>>;

/// Writes the methods of a trait, each answered by a function of the store or not implemented.
macro_rules! methods {
    ($service:literal: $($name:ident($asked:ty) -> $said:ty $(= $run:expr)?;)*) => {
        $(
            fn $name<'life0, 'async_trait>(&'life0 self, request: Request<$asked>) -> Answer<'async_trait, $said>
            where
                'life0: 'async_trait,
                Self: 'async_trait,
            {
                methods!(@ self, request, concat!($service, ".", stringify!($name)) $(, $run)?)
            }
        )*
    };
    (@ $self:ident, $request:ident, $name:expr, $run:expr) => {
        Box::pin($self.0.answer($name, $request, $run))
    };
    (@ $self:ident, $request:ident, $name:expr) => {{
        drop($request);
        Box::pin(std::future::ready(Err(Status::unimplemented(concat!("the double has no ", $name)))))
    }};
}

#[tonic::async_trait]
impl Qdrant for Service {
    async fn health_check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckReply>, Status> {
        Ok(Response::new(HealthCheckReply {
            title: "qdrant - vector search engine".into(),
            version: self.0.version(),
            commit: None,
        }))
    }
}

impl Collections for Service {
    methods! { "collections":
        get(GetCollectionInfoRequest) -> GetCollectionInfoResponse = Store::info;
        list(ListCollectionsRequest) -> ListCollectionsResponse;
        create(CreateCollection) -> CollectionOperationResponse = Store::create;
        update(UpdateCollection) -> CollectionOperationResponse;
        delete(DeleteCollection) -> CollectionOperationResponse = Store::drop_collection;
        update_aliases(ChangeAliases) -> CollectionOperationResponse;
        list_collection_aliases(ListCollectionAliasesRequest) -> ListAliasesResponse;
        list_aliases(ListAliasesRequest) -> ListAliasesResponse;
        collection_cluster_info(CollectionClusterInfoRequest) -> CollectionClusterInfoResponse;
        collection_exists(CollectionExistsRequest) -> CollectionExistsResponse = Store::exists;
        update_collection_cluster_setup(UpdateCollectionClusterSetupRequest) -> UpdateCollectionClusterSetupResponse;
        create_shard_key(CreateShardKeyRequest) -> CreateShardKeyResponse;
        delete_shard_key(DeleteShardKeyRequest) -> DeleteShardKeyResponse;
        list_shard_keys(ListShardKeysRequest) -> ListShardKeysResponse;
    }
}

impl Points for Service {
    methods! { "points":
        upsert(UpsertPoints) -> PointsOperationResponse = Store::upsert;
        delete(DeletePoints) -> PointsOperationResponse = Store::delete;
        get(GetPoints) -> GetResponse = Store::get;
        update_vectors(UpdatePointVectors) -> PointsOperationResponse = Store::update_vectors;
        delete_vectors(DeletePointVectors) -> PointsOperationResponse = Store::delete_vectors;
        set_payload(SetPayloadPoints) -> PointsOperationResponse = Store::set_payload;
        overwrite_payload(SetPayloadPoints) -> PointsOperationResponse;
        delete_payload(DeletePayloadPoints) -> PointsOperationResponse;
        clear_payload(ClearPayloadPoints) -> PointsOperationResponse;
        create_field_index(CreateFieldIndexCollection) -> PointsOperationResponse = Store::create_field_index;
        delete_field_index(DeleteFieldIndexCollection) -> PointsOperationResponse;
        create_vector_name(CreateVectorNameRequest) -> PointsOperationResponse = Store::create_vector_name;
        delete_vector_name(DeleteVectorNameRequest) -> PointsOperationResponse;
        search(SearchPoints) -> SearchResponse;
        search_batch(SearchBatchPoints) -> SearchBatchResponse;
        search_groups(SearchPointGroups) -> SearchGroupsResponse;
        scroll(ScrollPoints) -> ScrollResponse = Store::scroll;
        recommend(RecommendPoints) -> RecommendResponse;
        recommend_batch(RecommendBatchPoints) -> RecommendBatchResponse;
        recommend_groups(RecommendPointGroups) -> RecommendGroupsResponse;
        discover(DiscoverPoints) -> DiscoverResponse;
        discover_batch(DiscoverBatchPoints) -> DiscoverBatchResponse;
        count(CountPoints) -> CountResponse;
        update_batch(UpdateBatchPoints) -> UpdateBatchResponse;
        query(QueryPoints) -> QueryResponse = Store::query;
        query_batch(QueryBatchPoints) -> QueryBatchResponse = Store::query_batch;
        query_groups(QueryPointGroups) -> QueryGroupsResponse;
        facet(FacetCounts) -> FacetResponse = Store::facet;
        search_matrix_pairs(SearchMatrixPoints) -> SearchMatrixPairsResponse;
        search_matrix_offsets(SearchMatrixPoints) -> SearchMatrixOffsetsResponse;
    }
}
