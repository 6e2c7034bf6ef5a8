//! Field masks: an answer holds what was asked for, and nothing else.

use serde_json::{Map, Value};

/// A part of a mask: a field, and what of it.
#[derive(Debug, Clone)]
struct Field {
    name: String,
    below: Vec<Field>,
}

/// What of `value` a mask such as `nextPageToken,files(id,capabilities/canDownload)` asks for.
pub(crate) fn masked(value: &Value, mask: &str) -> Value {
    if mask == "*" {
        return value.clone();
    }
    let mut rest = mask;
    let fields = fields(&mut rest);
    assert!(rest.is_empty(), "the field mask cannot be read: {mask}");
    pick(value, &fields)
}

fn fields(rest: &mut &str) -> Vec<Field> {
    let mut all = Vec::new();
    loop {
        all.push(field(rest));
        match rest.strip_prefix(',') {
            Some(next) => *rest = next,
            None => return all,
        }
    }
}

fn field(rest: &mut &str) -> Field {
    let end = rest.find([',', '(', ')', '/']).unwrap_or(rest.len());
    let name = rest[..end].to_owned();
    assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !name.is_empty(), "a field `{name}`");
    *rest = &rest[end..];
    let mut below = Vec::new();
    if let Some(inner) = rest.strip_prefix('(') {
        *rest = inner;
        below = fields(rest);
        *rest = rest.strip_prefix(')').expect("a closing parenthesis");
    } else if let Some(inner) = rest.strip_prefix('/') {
        *rest = inner;
        below = vec![field(rest)];
    }
    Field { name, below }
}

fn pick(value: &Value, fields: &[Field]) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| pick(item, fields)).collect(),
        Value::Object(object) => {
            let mut picked = Map::new();
            for field in fields {
                if let Some(inner) = object.get(&field.name) {
                    let inner = if field.below.is_empty() { inner.clone() } else { pick(inner, &field.below) };
                    picked.insert(field.name.clone(), inner);
                }
            }
            Value::Object(picked)
        }
        other => other.clone(),
    }
}
