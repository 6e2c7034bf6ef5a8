//! One collection: its shape, its points, and what is nearest.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
};

use ::qdrant_client::qdrant::*;
use tonic::Status;
use uuid::Uuid;

use super::matching::{check, matches, values};

/// A point's id, in the order of scrolling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    Number(u64),
    Uuid(Uuid),
}

impl Key {
    pub(super) fn read(id: Option<PointId>) -> Result<Self, Status> {
        match id.and_then(|id| id.point_id_options) {
            Some(point_id::PointIdOptions::Num(number)) => Ok(Self::Number(number)),
            Some(point_id::PointIdOptions::Uuid(text)) => {
                let read = text.parse().map(Self::Uuid);
                read.map_err(|_| Status::invalid_argument(format!("Unable to parse UUID: {text}")))
            }
            None => Err(Status::invalid_argument("Empty ID is not allowed")),
        }
    }

    pub(super) fn write(self) -> PointId {
        match self {
            Self::Number(number) => number.into(),
            Self::Uuid(uuid) => uuid.to_string().into(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Uuid(uuid) => uuid.fmt(f),
        }
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Point {
    pub(super) payload: HashMap<String, Value>,
    pub(super) dense: HashMap<String, Vec<f32>>,
    pub(super) sparse: HashMap<String, BTreeMap<u32, f32>>,
}

#[derive(Debug)]
pub(super) struct Collection {
    made: CreateCollection,
    dense: HashMap<String, VectorParams>,
    sparse: HashMap<String, SparseVectorParams>,
    pub(super) indexes: HashMap<String, PayloadSchemaInfo>,
    pub(super) points: BTreeMap<Key, Point>,
}

/// How near a point is; `None`: it is not found at all.
type Score = Box<dyn Fn(&Point) -> Option<f32>>;

/// Dense and sparse vectors by name.
type ByName = (HashMap<String, Vec<f32>>, HashMap<String, BTreeMap<u32, f32>>);

impl Collection {
    pub(super) fn new(made: CreateCollection) -> Result<Self, Status> {
        let dense = match made.vectors_config.as_ref().and_then(|config| config.config.as_ref()) {
            Some(vectors_config::Config::ParamsMap(map)) => map.map.clone(),
            Some(vectors_config::Config::Params(params)) => HashMap::from([(String::new(), *params)]),
            None => HashMap::new(),
        };
        if dense.values().any(|params| params.size == 0) {
            return Err(Status::invalid_argument("Validation error: vector size must be larger than 0"));
        }
        let sparse = made.sparse_vectors_config.clone().unwrap_or_default().map;
        Ok(Self { made, dense, sparse, indexes: HashMap::new(), points: BTreeMap::new() })
    }

    pub(super) fn info(&self) -> CollectionInfo {
        let vectors = VectorParamsMap { map: self.dense.clone() };
        let params = CollectionParams {
            shard_number: self.made.shard_number.unwrap_or(1),
            vectors_config: Some(VectorsConfig { config: Some(vectors_config::Config::ParamsMap(vectors)) }),
            sparse_vectors_config: Some(SparseVectorConfig { map: self.sparse.clone() }),
            replication_factor: self.made.replication_factor,
            write_consistency_factor: self.made.write_consistency_factor,
            ..CollectionParams::default()
        };
        let config = CollectionConfig {
            params: Some(params),
            hnsw_config: self.made.hnsw_config,
            ..CollectionConfig::default()
        };
        CollectionInfo {
            status: CollectionStatus::Green as i32,
            config: Some(config),
            payload_schema: self.indexes.clone(),
            points_count: Some(self.points.len() as u64),
            ..CollectionInfo::default()
        }
    }

    pub(super) fn index(&mut self, asked: CreateFieldIndexCollection) -> Result<(), Status> {
        let wanted = FieldType::try_from(asked.field_type.unwrap_or_default())
            .map_err(|_| Status::invalid_argument("Malformed field type"))?;
        let data_type = match wanted {
            FieldType::Keyword => PayloadSchemaType::Keyword,
            FieldType::Integer => PayloadSchemaType::Integer,
            _ => return Err(Status::unimplemented("the double indexes keywords and integers")),
        };
        let info = PayloadSchemaInfo {
            data_type: data_type as i32,
            params: asked.field_index_params,
            points: Some(
                self.points.values().filter(|point| point.payload.contains_key(&asked.field_name)).count() as u64
            ),
        };
        self.indexes.insert(asked.field_name, info);
        Ok(())
    }

    /// Does nothing if the name is there, whatever it is of.
    pub(super) fn name_vector(&mut self, asked: CreateVectorNameRequest) -> Result<(), Status> {
        if self.known(&asked.vector_name).is_ok() {
            return Ok(());
        }
        match asked.vector_config {
            Some(create_vector_name_request::VectorConfig::DenseConfig(config)) if config.size > 0 => {
                let params = VectorParams { size: config.size, distance: config.distance, ..VectorParams::default() };
                self.dense.insert(asked.vector_name, params);
                Ok(())
            }
            _ => Err(Status::invalid_argument("Wrong input: a new vector wants dimensions")),
        }
    }

    pub(super) fn known(&self, name: &str) -> Result<(), Status> {
        if self.dense.contains_key(name) || self.sparse.contains_key(name) {
            return Ok(());
        }
        Err(Status::invalid_argument(format!("Wrong input: Not existing vector name error: {name}")))
    }

    pub(super) fn point(&self, point: PointStruct) -> Result<(Key, Point), Status> {
        let (dense, sparse) = self.vectors(point.vectors)?;
        Ok((Key::read(point.id)?, Point { payload: point.payload, dense, sparse }))
    }

    pub(super) fn vectors(&self, vectors: Option<Vectors>) -> Result<ByName, Status> {
        let named = match vectors.and_then(|vectors| vectors.vectors_options) {
            Some(vectors::VectorsOptions::Vectors(named)) => named.vectors,
            Some(vectors::VectorsOptions::Vector(_)) => self.known("").map(|()| HashMap::new())?,
            None => return Err(Status::invalid_argument("Expected some vectors")),
        };
        let (mut dense, mut sparse) = (HashMap::new(), HashMap::new());
        for (name, vector) in named {
            self.known(&name)?;
            match vector.vector {
                Some(vector::Vector::Dense(vector)) => {
                    let data = self.sized(&name, vector.data)?;
                    dense.insert(name, normal(data));
                }
                Some(vector::Vector::Sparse(vector)) if self.sparse.contains_key(&name) => {
                    sparse.insert(name, pairs(vector)?);
                }
                _ => return Err(Status::invalid_argument("Wrong input: Conversion between vector types failed")),
            }
        }
        Ok((dense, sparse))
    }

    fn sized(&self, name: &str, vector: Vec<f32>) -> Result<Vec<f32>, Status> {
        let size = self.dense.get(name).map_or(0, |params| params.size);
        if vector.len() as u64 == size {
            return Ok(vector);
        }
        let got = vector.len();
        Err(Status::invalid_argument(format!("Wrong input: Vector dimension error: expected dim: {size}, got {got}")))
    }

    pub(super) fn selected(&self, selector: Option<PointsSelector>) -> Result<Vec<Key>, Status> {
        match selector.and_then(|selector| selector.points_selector_one_of) {
            Some(points_selector::PointsSelectorOneOf::Points(list)) => {
                list.ids.into_iter().map(|id| Key::read(Some(id))).collect()
            }
            Some(points_selector::PointsSelectorOneOf::Filter(filter)) => {
                check(&filter, self)?;
                let passing = self.points.iter().filter(|(key, point)| matches(&filter, key, point));
                Ok(passing.map(|(key, _)| *key).collect())
            }
            None => Err(Status::invalid_argument("PointsSelector is missing")),
        }
    }

    /// Most first, equals by value.
    pub(super) fn facet(&self, key: &str, filter: &Filter, limit: u64) -> Result<Vec<FacetHit>, Status> {
        check(filter, self)?;
        if !self.indexes.contains_key(key) {
            let message = format!("Wrong input: Facets require an appropriate index on `{key}`");
            return Err(Status::invalid_argument(message));
        }
        let (mut texts, mut numbers): (BTreeMap<&str, u64>, BTreeMap<i64, u64>) = Default::default();
        for (_, point) in self.points.iter().filter(|(key, point)| matches(filter, key, point)) {
            for value in values(point.payload.get(key)) {
                match &value.kind {
                    Some(value::Kind::StringValue(text)) => *texts.entry(text).or_default() += 1,
                    Some(value::Kind::IntegerValue(number)) => *numbers.entry(*number).or_default() += 1,
                    _ => {}
                }
            }
        }
        let hit = |variant, count| FacetHit { value: Some(FacetValue { variant: Some(variant) }), count };
        let texts = texts.into_iter().map(|(text, count)| hit(facet_value::Variant::StringValue(text.into()), count));
        let numbers = numbers.into_iter().map(|(n, count)| hit(facet_value::Variant::IntegerValue(n), count));
        let mut hits: Vec<FacetHit> = texts.chain(numbers).collect();
        hits.sort_by_key(|hit| std::cmp::Reverse(hit.count));
        hits.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(hits)
    }

    /// The nearest points, nearest first.
    pub(super) fn query(&self, asked: QueryPoints) -> Result<Vec<(Key, f32)>, Status> {
        let plain = asked.prefetch.is_empty() && asked.offset.is_none() && asked.score_threshold.is_none();
        if !plain || asked.lookup_from.is_some() || asked.params.is_some() {
            return Err(Status::unimplemented("the double asks for the nearest alone"));
        }
        let filter = asked.filter.unwrap_or_default();
        check(&filter, self)?;
        let using = asked.using.unwrap_or_default();
        self.known(&using)?;
        let variant = match asked.query.and_then(|query| query.variant) {
            Some(query::Variant::Nearest(nearest)) => nearest.variant,
            _ => return Err(Status::unimplemented("the double asks for the nearest alone")),
        };
        let score: Score = match variant {
            Some(vector_input::Variant::Dense(vector)) => {
                let vector = normal(self.sized(&using, vector.data)?);
                Box::new(move |point| Some(dot(&vector, point.dense.get(&using)?)))
            }
            Some(vector_input::Variant::Sparse(vector)) if self.sparse.contains_key(&using) => {
                let weights = self.weighed(&using, pairs(vector)?);
                Box::new(move |point| {
                    let there = point.sparse.get(&using)?;
                    let shared = weights.iter().filter_map(|(index, weight)| Some(weight * there.get(index)?));
                    // What shares nothing is not found at all.
                    shared.reduce(|sum, one| sum + one)
                })
            }
            _ => return Err(Status::invalid_argument("Wrong input: Conversion between vector types failed")),
        };
        let passing = self.points.iter().filter(|(key, point)| matches(&filter, key, point));
        let mut found: Vec<(Key, f32)> = passing.filter_map(|(key, point)| Some((*key, score(point)?))).collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        found.truncate(usize::try_from(asked.limit.unwrap_or(10)).unwrap_or(usize::MAX));
        Ok(found)
    }

    /// A question's weights, with how rare each dimension is where the vector asks for that.
    fn weighed(&self, name: &str, mut question: BTreeMap<u32, f32>) -> BTreeMap<u32, f32> {
        if self.sparse.get(name).is_some_and(|params| params.modifier == Some(Modifier::Idf as i32)) {
            let all: Vec<_> = self.points.values().filter_map(|point| point.sparse.get(name)).collect();
            for (index, weight) in &mut question {
                let having = all.iter().filter(|vector| vector.contains_key(index)).count() as f32;
                *weight *= ((all.len() as f32 - having + 0.5) / (having + 0.5) + 1.0).ln();
            }
        }
        question
    }
}

fn pairs(vector: SparseVector) -> Result<BTreeMap<u32, f32>, Status> {
    let distinct: HashSet<u32> = vector.indices.iter().copied().collect();
    if vector.indices.len() != vector.values.len() || distinct.len() != vector.indices.len() {
        return Err(Status::invalid_argument("Validation error: [indices: must be unique, one for each value]"));
    }
    Ok(vector.indices.into_iter().zip(vector.values).collect())
}

/// As a cosine collection stores it: of length one, or nothing at all.
fn normal(vector: Vec<f32>) -> Vec<f32> {
    let length = dot(&vector, &vector).sqrt();
    if length < f32::EPSILON { vector } else { vector.iter().map(|x| x / length).collect() }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
