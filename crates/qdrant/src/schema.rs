//! The shape of the collection: made if it is missing, looked at if it is there.

use std::collections::HashMap;

use catchment_core::{Error, Result};
use catchment_index::backend::Space;
use qdrant_client::qdrant::{
    CollectionInfo, CreateCollection, CreateFieldIndexCollection, CreateVectorNameRequest, DenseVectorCreationConfig,
    Distance, FieldType, HnswConfigDiff, IntegerIndexParams, KeywordIndexParams, Modifier, PayloadIndexParams,
    PayloadSchemaInfo, PayloadSchemaType, SparseVectorConfig, SparseVectorParams, UpdateMode, UpsertPoints,
    VectorParams, VectorParamsMap, VectorsConfig, create_vector_name_request::VectorConfig,
    payload_index_params::IndexParams, vectors_config,
};

use crate::{
    Options,
    client::{Client, strong},
    error::exists_already,
    filter,
    record::{self, SpaceRecord, WORDS, key, read},
};

/// The oldest server that has what we need: vectors that are named later came with it. An older
/// one would take our conditional writes for unconditional ones and say nothing.
const OLDEST: (u32, u32) = (1, 18);

/// An index on a key of the payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Indexed {
    /// Points of one value are kept together and get a graph of their own.
    Tenant,
    /// Narrows searches.
    Narrowing,
    /// Counts, looks up, deletes: no search asks for it.
    Bookkeeping,
    /// A number that is looked up and counted.
    Number,
    /// A number that is compared as well.
    Range,
}

const INDEXES: [(&str, Indexed); 12] = [
    (key::ORGANIZATION, Indexed::Tenant),
    (key::USER, Indexed::Narrowing),
    (key::PORTFOLIO, Indexed::Narrowing),
    (key::READERS, Indexed::Narrowing),
    (key::KIND, Indexed::Bookkeeping),
    (key::LANGUAGE, Indexed::Bookkeeping),
    (key::SPACE, Indexed::Bookkeeping),
    (key::DOCUMENT, Indexed::Bookkeeping),
    (key::GENERATION, Indexed::Bookkeeping),
    (key::INTEGRATION, Indexed::Number),
    (key::CHUNKS, Indexed::Range),
    (key::WRITTEN, Indexed::Range),
];

impl Indexed {
    fn field_type(self) -> FieldType {
        match self {
            Self::Tenant | Self::Narrowing | Self::Bookkeeping => FieldType::Keyword,
            Self::Number | Self::Range => FieldType::Integer,
        }
    }

    fn params(self) -> PayloadIndexParams {
        let params = match self {
            Self::Tenant | Self::Narrowing | Self::Bookkeeping => IndexParams::KeywordIndexParams(KeywordIndexParams {
                is_tenant: Some(self == Self::Tenant),
                enable_hnsw: (self == Self::Bookkeeping).then_some(false),
                ..KeywordIndexParams::default()
            }),
            Self::Number | Self::Range => IndexParams::IntegerIndexParams(IntegerIndexParams {
                lookup: Some(true),
                range: Some(self == Self::Range),
                enable_hnsw: (self == Self::Range).then_some(false),
                ..IntegerIndexParams::default()
            }),
        };
        PayloadIndexParams { index_params: Some(params) }
    }

    /// Whether an index that is there will do.
    fn is(self, there: &PayloadSchemaInfo) -> bool {
        let index = there.params.as_ref().and_then(|params| params.index_params.as_ref());
        match (self, index) {
            (Self::Tenant, Some(IndexParams::KeywordIndexParams(keyword))) => keyword.is_tenant == Some(true),
            (Self::Narrowing | Self::Bookkeeping, _) => there.data_type == PayloadSchemaType::Keyword as i32,
            // What is not said is on.
            (Self::Number, Some(IndexParams::IntegerIndexParams(integer))) => integer.lookup != Some(false),
            (Self::Range, Some(IndexParams::IntegerIndexParams(integer))) => {
                integer.lookup != Some(false) && integer.range != Some(false)
            }
            (Self::Number | Self::Range, None) => there.data_type == PayloadSchemaType::Integer as i32,
            _ => false,
        }
    }
}

/// Sees to it that the collection is there and has our shape.
pub(crate) async fn prepare(client: &Client, options: &Options) -> Result<()> {
    let version = client.version().await?;
    let mut numbers = version.split(['.', '-']).map(|part| part.parse::<u32>().ok());
    if let (Some(Some(major)), Some(Some(minor))) = (numbers.next(), numbers.next())
        && (major, minor) < OLDEST
    {
        return Err(Error::config("url", "this qdrant is too old: update it to 1.18 or later").with("version", version));
    }
    if !exists(client).await? {
        create(client, options).await?;
    }
    let there = info(client).await?;
    if !has_words(&there) {
        return Err(another_shape("words"));
    }
    for (key, indexed) in INDEXES {
        match there.payload_schema.get(key) {
            Some(index) if indexed.is(index) => {}
            Some(_) => return Err(another_shape(key)),
            // Made just now, or by one that was stopped before it came to this.
            None => index(client, key, indexed).await?,
        }
    }
    Ok(())
}

async fn exists(client: &Client) -> Result<bool> {
    client.call(|qdrant| async move { qdrant.collection_exists(client.collection.clone()).await }).await
}

/// What the server says of the collection.
pub(crate) async fn info(client: &Client) -> Result<CollectionInfo> {
    let answer = client.call(|qdrant| async move { qdrant.collection_info(client.collection.clone()).await }).await?;
    answer.result.ok_or_else(|| Error::protocol("qdrant says nothing about the collection"))
}

async fn create(client: &Client, options: &Options) -> Result<()> {
    let words = SparseVectorParams { modifier: Some(Modifier::Idf as i32), ..SparseVectorParams::default() };
    let request = CreateCollection {
        collection_name: client.collection.clone(),
        // Vectors of embedders get their names when the embedders come.
        vectors_config: Some(VectorsConfig {
            config: Some(vectors_config::Config::ParamsMap(VectorParamsMap::default())),
        }),
        sparse_vectors_config: Some(SparseVectorConfig { map: HashMap::from([(WORDS.to_owned(), words)]) }),
        // A graph for each tenant and none over all: nobody searches across tenants.
        hnsw_config: Some(HnswConfigDiff { m: Some(0), payload_m: Some(16), ..HnswConfigDiff::default() }),
        shard_number: options.shards,
        replication_factor: Some(options.replication),
        write_consistency_factor: Some(options.replication / 2 + 1),
        ..CreateCollection::default()
    };
    client
        .call(|qdrant| {
            let request = request.clone();
            async move {
                match qdrant.create_collection(request).await {
                    // Another server was first.
                    Err(error) if exists_already(&error) => Ok(()),
                    answer => answer.map(drop),
                }
            }
        })
        .await
}

async fn index(client: &Client, key: &str, indexed: Indexed) -> Result<()> {
    let request = CreateFieldIndexCollection {
        collection_name: client.collection.clone(),
        wait: Some(true),
        field_name: key.to_owned(),
        field_type: Some(indexed.field_type() as i32),
        field_index_params: Some(indexed.params()),
        ..CreateFieldIndexCollection::default()
    };
    client
        .call(|qdrant| {
            let request = request.clone();
            async move { qdrant.create_field_index(request).await.map(drop) }
        })
        .await
}

fn has_words(there: &CollectionInfo) -> bool {
    let sparse = there.config.as_ref().and_then(|config| config.params.as_ref()?.sparse_vectors_config.as_ref());
    sparse.and_then(|sparse| sparse.map.get(WORDS)).is_some_and(|words| words.modifier == Some(Modifier::Idf as i32))
}

fn dense<'a>(there: &'a CollectionInfo, name: &str) -> Option<&'a VectorParams> {
    match there.config.as_ref()?.params.as_ref()?.vectors_config.as_ref()?.config.as_ref()? {
        vectors_config::Config::ParamsMap(map) => map.map.get(name),
        vectors_config::Config::Params(_) => None,
    }
}

/// The collection is not one of ours.
fn another_shape(what: &str) -> Error {
    Error::config("collection", "the collection has another shape: name one that is not there yet, or delete this one")
        .with("differs", what)
}

/// Makes room for the vectors of a space. Safe to be done by several at once: the collection
/// itself decides which dimensions an embedder has.
pub(crate) async fn open_space(client: &Client, space: &Space) -> Result<()> {
    let name = record::vector_name(&space.embedder);
    if dense(&info(client).await?, &name).is_none() {
        let config = DenseVectorCreationConfig {
            size: space.dimensions as u64,
            distance: Distance::Cosine as i32,
            ..DenseVectorCreationConfig::default()
        };
        let request = CreateVectorNameRequest {
            collection_name: client.collection.clone(),
            wait: Some(true),
            vector_name: name.clone(),
            vector_config: Some(VectorConfig::DenseConfig(config)),
            ordering: Some(strong()),
            ..CreateVectorNameRequest::default()
        };
        // Whether it is done is seen below.
        client
            .call(|qdrant| {
                let request = request.clone();
                async move {
                    match qdrant.create_vector_name(request).await {
                        Err(error) if exists_already(&error) => Ok(()),
                        answer => answer.map(drop),
                    }
                }
            })
            .await?;
    }
    let there = info(client).await?;
    let params = dense(&there, &name).ok_or_else(|| another_shape("vectors"))?;
    if params.size != space.dimensions as u64 {
        return Err(Error::config(
            "embedder",
            "the embedder has other dimensions than before: give the changed model a name of its own",
        )
        .with("before", params.size)
        .with("now", space.dimensions));
    }
    if params.distance != Distance::Cosine as i32 {
        return Err(another_shape("distance"));
    }
    let request = UpsertPoints {
        points: vec![record::of_space(space)?],
        update_mode: Some(UpdateMode::InsertOnly as i32),
        ..client.upsert_request()
    };
    client
        .change(|qdrant| {
            let request = request.clone();
            async move { qdrant.upsert_points(request).await }
        })
        .await
}

/// The spaces that were opened, in order of their embedders.
pub(crate) async fn spaces(client: &Client) -> Result<Vec<Space>> {
    let mut found = Vec::new();
    let filter = qdrant_client::qdrant::Filter::must([filter::kind(record::SPACE)]);
    client
        .scan(&filter, &["kind", "embedder", "dimensions"], |page| {
            for point in page {
                found.push(read::<SpaceRecord>(point.payload)?.space());
            }
            Ok(true)
        })
        .await?;
    found.sort_by(|a, b| a.embedder.cmp(&b.embedder));
    Ok(found)
}
