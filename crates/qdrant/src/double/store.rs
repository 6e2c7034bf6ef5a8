//! Collections by name: from messages to collections and back.

use std::collections::BTreeMap;

use ::qdrant_client::qdrant::*;
use tonic::Status;

use super::{
    collection::{Collection, Key, Point},
    matching::{check, matches},
};

#[derive(Debug, Default)]
pub(crate) struct Store(BTreeMap<String, Collection>);

/// What an operation on points says.
type Changed = Result<PointsOperationResponse, Status>;

impl Store {
    fn at(&mut self, name: &str) -> Result<&mut Collection, Status> {
        self.0.get_mut(name).ok_or_else(|| Status::not_found(format!("Not found: Collection `{name}` doesn't exist!")))
    }

    pub(super) fn points(&self, name: &str) -> usize {
        self.0.get(name).map_or(0, |collection| collection.points.len())
    }

    pub(super) fn damage(&mut self, name: &str, text: &str) -> usize {
        let Some(collection) = self.0.get_mut(name) else { return 0 };
        let before = collection.points.len();
        collection.points.retain(|_, point| !format!("{:?}", point.payload).contains(text));
        before - collection.points.len()
    }

    pub(super) fn exists(&mut self, asked: CollectionExistsRequest) -> Result<CollectionExistsResponse, Status> {
        let exists = self.0.contains_key(&asked.collection_name);
        Ok(CollectionExistsResponse { result: Some(CollectionExists { exists }), time: 0.0 })
    }

    pub(super) fn create(&mut self, asked: CreateCollection) -> Result<CollectionOperationResponse, Status> {
        let name = asked.collection_name.clone();
        if self.0.contains_key(&name) {
            return Err(Status::already_exists(format!("Wrong input: Collection `{name}` already exists!")));
        }
        self.0.insert(name, Collection::new(asked)?);
        Ok(CollectionOperationResponse { result: true, time: 0.0 })
    }

    pub(super) fn drop_collection(&mut self, asked: DeleteCollection) -> Result<CollectionOperationResponse, Status> {
        Ok(CollectionOperationResponse { result: self.0.remove(&asked.collection_name).is_some(), time: 0.0 })
    }

    pub(super) fn info(&mut self, asked: GetCollectionInfoRequest) -> Result<GetCollectionInfoResponse, Status> {
        Ok(GetCollectionInfoResponse { result: Some(self.at(&asked.collection_name)?.info()), time: 0.0 })
    }

    pub(super) fn create_field_index(&mut self, asked: CreateFieldIndexCollection) -> Changed {
        let collection = self.at(&asked.collection_name)?;
        let wait = asked.wait;
        collection.index(asked)?;
        Ok(changed(wait))
    }

    pub(super) fn create_vector_name(&mut self, asked: CreateVectorNameRequest) -> Changed {
        let collection = self.at(&asked.collection_name)?;
        let wait = asked.wait;
        collection.name_vector(asked)?;
        Ok(changed(wait))
    }

    pub(super) fn upsert(&mut self, asked: UpsertPoints) -> Changed {
        let collection = self.at(&asked.collection_name)?;
        if asked.points.is_empty() {
            return Err(Status::invalid_argument("Empty update request"));
        }
        if let Some(filter) = &asked.update_filter {
            check(filter, collection)?;
        }
        let mode = UpdateMode::try_from(asked.update_mode.unwrap_or_default())
            .map_err(|_| Status::invalid_argument("Malformed update mode"))?;
        let points: Vec<(Key, Point)> =
            asked.points.into_iter().map(|point| collection.point(point)).collect::<Result<_, _>>()?;
        for (key, point) in points {
            let apply = match collection.points.get(&key) {
                Some(there) => {
                    mode != UpdateMode::InsertOnly
                        && asked.update_filter.as_ref().is_none_or(|filter| matches(filter, &key, there))
                }
                None => mode != UpdateMode::UpdateOnly,
            };
            if apply {
                collection.points.insert(key, point);
            }
        }
        Ok(changed(asked.wait))
    }

    pub(super) fn delete(&mut self, asked: DeletePoints) -> Changed {
        let collection = self.at(&asked.collection_name)?;
        for key in collection.selected(asked.points)? {
            collection.points.remove(&key);
        }
        Ok(changed(asked.wait))
    }

    pub(super) fn set_payload(&mut self, asked: SetPayloadPoints) -> Changed {
        let collection = self.at(&asked.collection_name)?;
        if asked.key.is_some() {
            return Err(Status::unimplemented("the double sets keys at the top alone"));
        }
        for key in collection.selected(asked.points_selector)? {
            if let Some(point) = collection.points.get_mut(&key) {
                point.payload.extend(asked.payload.clone());
            }
        }
        Ok(changed(asked.wait))
    }

    pub(super) fn update_vectors(&mut self, asked: UpdatePointVectors) -> Changed {
        let collection = self.at(&asked.collection_name)?;
        if asked.update_filter.is_some() {
            return Err(Status::unimplemented("the double updates vectors without a condition alone"));
        }
        let mut read = Vec::with_capacity(asked.points.len());
        for point in asked.points {
            let key = Key::read(point.id)?;
            if !collection.points.contains_key(&key) {
                return Err(Status::not_found(format!("Not found: No point with id {key} found")));
            }
            read.push((key, collection.vectors(point.vectors)?));
        }
        for (key, (dense, sparse)) in read {
            if let Some(point) = collection.points.get_mut(&key) {
                point.dense.extend(dense);
                point.sparse.extend(sparse);
            }
        }
        Ok(changed(asked.wait))
    }

    pub(super) fn delete_vectors(&mut self, asked: DeletePointVectors) -> Changed {
        let collection = self.at(&asked.collection_name)?;
        let names = asked.vectors.unwrap_or_default().names;
        for name in &names {
            collection.known(name)?;
        }
        for key in collection.selected(asked.points_selector)? {
            if let Some(point) = collection.points.get_mut(&key) {
                point.dense.retain(|name, _| !names.contains(name));
                point.sparse.retain(|name, _| !names.contains(name));
            }
        }
        Ok(changed(asked.wait))
    }

    pub(super) fn get(&mut self, asked: GetPoints) -> Result<GetResponse, Status> {
        let collection = self.at(&asked.collection_name)?;
        let mut result = Vec::with_capacity(asked.ids.len());
        for id in asked.ids {
            let key = Key::read(Some(id))?;
            if let Some(point) = collection.points.get(&key) {
                result.push(retrieved(&key, point, asked.with_payload.as_ref())?);
            }
        }
        Ok(GetResponse { result, ..GetResponse::default() })
    }

    pub(super) fn scroll(&mut self, asked: ScrollPoints) -> Result<ScrollResponse, Status> {
        let collection = self.at(&asked.collection_name)?;
        if asked.order_by.is_some() {
            return Err(Status::unimplemented("the double orders by id alone"));
        }
        let filter = asked.filter.unwrap_or_default();
        check(&filter, collection)?;
        let start = asked.offset.map(|offset| Key::read(Some(offset))).transpose()?;
        let limit = asked.limit.unwrap_or(10) as usize;
        if limit == 0 {
            return Err(Status::invalid_argument("Validation error in body: [limit: value 0 invalid]"));
        }
        let mut rest = collection
            .points
            .iter()
            .filter(|(key, point)| start.is_none_or(|start| **key >= start) && matches(&filter, key, point));
        let mut result = Vec::new();
        for (key, point) in rest.by_ref().take(limit) {
            result.push(retrieved(key, point, asked.with_payload.as_ref())?);
        }
        let next_page_offset = rest.next().map(|(key, _)| key.write());
        Ok(ScrollResponse { next_page_offset, result, ..ScrollResponse::default() })
    }

    pub(super) fn facet(&mut self, asked: FacetCounts) -> Result<FacetResponse, Status> {
        let collection = self.at(&asked.collection_name)?;
        let hits = collection.facet(&asked.key, &asked.filter.unwrap_or_default(), asked.limit.unwrap_or(10))?;
        Ok(FacetResponse { hits, ..FacetResponse::default() })
    }

    pub(super) fn query(&mut self, asked: QueryPoints) -> Result<QueryResponse, Status> {
        let collection = self.at(&asked.collection_name)?;
        let mut result = Vec::new();
        let with_payload = asked.with_payload.clone();
        for (key, score) in collection.query(asked)? {
            let Some(point) = collection.points.get(&key) else { continue };
            let payload = selected_payload(point, with_payload.as_ref())?;
            result.push(ScoredPoint { id: Some(key.write()), payload, score, ..ScoredPoint::default() });
        }
        Ok(QueryResponse { result, ..QueryResponse::default() })
    }

    pub(super) fn query_batch(&mut self, asked: QueryBatchPoints) -> Result<QueryBatchResponse, Status> {
        let mut result = Vec::with_capacity(asked.query_points.len());
        for query in asked.query_points {
            result.push(BatchResult { result: self.query(query)?.result });
        }
        Ok(QueryBatchResponse { result, ..QueryBatchResponse::default() })
    }
}

/// Everything is applied at once; who does not wait is not told.
fn changed(wait: Option<bool>) -> PointsOperationResponse {
    let status = if wait == Some(true) { UpdateStatus::Completed } else { UpdateStatus::Acknowledged };
    let result = Some(UpdateResult { operation_id: Some(0), status: status as i32 });
    PointsOperationResponse { result, ..PointsOperationResponse::default() }
}

fn retrieved(key: &Key, point: &Point, wanted: Option<&WithPayloadSelector>) -> Result<RetrievedPoint, Status> {
    let payload = selected_payload(point, wanted)?;
    Ok(RetrievedPoint { id: Some(key.write()), payload, ..RetrievedPoint::default() })
}

fn selected_payload(
    point: &Point,
    wanted: Option<&WithPayloadSelector>,
) -> Result<std::collections::HashMap<String, Value>, Status> {
    use with_payload_selector::SelectorOptions;
    match wanted.and_then(|wanted| wanted.selector_options.as_ref()) {
        Some(SelectorOptions::Enable(true)) => Ok(point.payload.clone()),
        Some(SelectorOptions::Enable(false)) | None => Ok(std::collections::HashMap::new()),
        Some(SelectorOptions::Include(include)) => {
            let kept = point.payload.iter().filter(|(key, _)| include.fields.contains(key));
            Ok(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
        }
        Some(SelectorOptions::Exclude(_)) => Err(Status::unimplemented("the double excludes no keys")),
    }
}
