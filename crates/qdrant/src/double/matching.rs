//! Filters: whether a point passes, and whether the filter may be asked.

use qdrant_client::qdrant::{
    Condition, FieldCondition, Filter, IntegerIndexParams, Match, PayloadSchemaType, Range, Value,
    condition::ConditionOneOf, r#match::MatchValue, payload_index_params::IndexParams, value::Kind,
};
use tonic::Status;

use super::collection::{Collection, Key, Point};

/// Refuses what the double cannot tell, and keys without an index that can.
pub(super) fn check(filter: &Filter, collection: &Collection) -> Result<(), Status> {
    let few = filter.min_should.iter().flat_map(|few| &few.conditions);
    for condition in filter.must.iter().chain(&filter.must_not).chain(&filter.should).chain(few) {
        match &condition.condition_one_of {
            Some(ConditionOneOf::Field(field)) => check_field(field, collection)?,
            Some(ConditionOneOf::Filter(inner)) => check(inner, collection)?,
            Some(ConditionOneOf::HasVector(vector)) => collection.known(&vector.has_vector)?,
            Some(ConditionOneOf::HasId(_)) => {}
            _ => return Err(Status::unimplemented("the double does not know this condition")),
        }
    }
    Ok(())
}

fn check_field(field: &FieldCondition, collection: &Collection) -> Result<(), Status> {
    let known = FieldCondition {
        key: field.key.clone(),
        r#match: field.r#match.clone(),
        range: field.range,
        ..FieldCondition::default()
    };
    if known != *field {
        return Err(Status::unimplemented("the double does not know this condition"));
    }
    let index = collection.indexes.get(&field.key);
    let number = |lookup: bool, range: bool| {
        index.is_some_and(|index| {
            let params = match index.params.as_ref().and_then(|params| params.index_params.as_ref()) {
                Some(IndexParams::IntegerIndexParams(params)) => params.clone(),
                _ => IntegerIndexParams::default(),
            };
            index.data_type == PayloadSchemaType::Integer as i32
                && (!lookup || params.lookup != Some(false))
                && (!range || params.range != Some(false))
        })
    };
    let wanted = match field.r#match.as_ref().and_then(|value| value.match_value.as_ref()) {
        Some(MatchValue::Keyword(_) | MatchValue::Keywords(_)) => {
            index.is_some_and(|index| index.data_type == PayloadSchemaType::Keyword as i32)
        }
        Some(MatchValue::Integer(_) | MatchValue::Integers(_)) => number(true, false),
        Some(_) => return Err(Status::unimplemented("the double does not know this kind of match")),
        None => true,
    };
    if !wanted || (field.range.is_some() && !number(false, true)) {
        let message = format!("Bad request: Index required but not found for \"{}\"", field.key);
        return Err(Status::invalid_argument(message));
    }
    Ok(())
}

/// Whether a point passes.
pub(super) fn matches(filter: &Filter, key: &Key, point: &Point) -> bool {
    let holds = |condition: &Condition| holds(condition, key, point);
    filter.must.iter().all(holds)
        && !filter.must_not.iter().any(holds)
        && (filter.should.is_empty() || filter.should.iter().any(holds))
        && filter.min_should.as_ref().is_none_or(|few| {
            few.conditions.iter().filter(|condition| holds(condition)).count() as u64 >= few.min_count
        })
}

fn holds(condition: &Condition, key: &Key, point: &Point) -> bool {
    match &condition.condition_one_of {
        Some(ConditionOneOf::Field(field)) => values(point.payload.get(&field.key)).any(|value| {
            field.r#match.as_ref().is_none_or(|wanted| is(wanted, value))
                && field.range.as_ref().is_none_or(|range| within(range, value))
        }),
        Some(ConditionOneOf::Filter(inner)) => matches(inner, key, point),
        Some(ConditionOneOf::HasId(ids)) => {
            ids.has_id.iter().any(|id| Key::read(Some(id.clone())).is_ok_and(|id| id == *key))
        }
        Some(ConditionOneOf::HasVector(vector)) => {
            point.dense.contains_key(&vector.has_vector) || point.sparse.contains_key(&vector.has_vector)
        }
        _ => false,
    }
}

/// A list stands for each of its values.
pub(super) fn values(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let list = match value.and_then(|value| value.kind.as_ref()) {
        Some(Kind::ListValue(list)) => list.values.as_slice(),
        _ => value.map_or(&[][..], std::slice::from_ref),
    };
    list.iter()
}

fn is(wanted: &Match, value: &Value) -> bool {
    match (&wanted.match_value, &value.kind) {
        (Some(MatchValue::Keyword(wanted)), Some(Kind::StringValue(text))) => wanted == text,
        (Some(MatchValue::Keywords(wanted)), Some(Kind::StringValue(text))) => wanted.strings.contains(text),
        (Some(MatchValue::Integer(wanted)), Some(Kind::IntegerValue(number))) => wanted == number,
        (Some(MatchValue::Integers(wanted)), Some(Kind::IntegerValue(number))) => wanted.integers.contains(number),
        _ => false,
    }
}

fn within(range: &Range, value: &Value) -> bool {
    let number = match value.kind {
        Some(Kind::IntegerValue(number)) => number as f64,
        Some(Kind::DoubleValue(number)) => number,
        _ => return false,
    };
    range.lt.is_none_or(|bound| number < bound)
        && range.lte.is_none_or(|bound| number <= bound)
        && range.gt.is_none_or(|bound| number > bound)
        && range.gte.is_none_or(|bound| number >= bound)
}
