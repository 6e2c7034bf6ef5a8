//! Dropbox's own description of its API, and whether JSON is what it describes.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::{Map, Value};

/// Described elsewhere, and not in the cut.
const LEFT_OUT: [&str; 2] = ["team_policies.", "secondary_emails."];

pub struct Description(Value);

impl Description {
    pub fn read() -> Self {
        let text = include_str!("../../spec/dropbox-api-v2.json");
        Self(serde_json::from_str(text).expect("a description"))
    }

    pub fn routes(&self) -> BTreeSet<&str> {
        self.0["routes"].as_object().expect("routes").keys().map(String::as_str).collect()
    }

    pub fn route(&self, name: &str) -> &Value {
        let route = &self.0["routes"][name];
        assert!(route.is_object(), "`{name}` is not described");
        route
    }

    /// That a value is of a type that has a name.
    pub fn holds_named(&self, name: &str, value: &Value) {
        self.holds(&serde_json::json!({ "ref": name }), value, name);
    }

    /// That a value is of a type.
    pub fn holds(&self, kind: &Value, value: &Value, at: &str) {
        if value.is_null() && (kind["optional"] == true || kind["is"] == "void") {
            return;
        }
        if let Some(name) = kind["ref"].as_str() {
            if LEFT_OUT.iter().any(|space| name.starts_with(space)) {
                return;
            }
            let named = &self.0["types"][name];
            assert!(named.is_object(), "{at}: the type {name} is not described");
            if named["alias"].is_object() {
                self.holds(&named["alias"], value, at);
            } else if named["tags"].is_object() {
                self.holds_choice(name, value, at);
            } else {
                self.holds_fields(name, value, at);
            }
        } else if kind["list"].is_object() {
            let items = value.as_array().unwrap_or_else(|| panic!("{at} is no list: {value}"));
            items.iter().for_each(|item| self.holds(&kind["list"], item, at));
        } else {
            plain(kind, value, at);
        }
    }

    /// A struct: all fields that are required, and none that are not described.
    fn holds_fields(&self, name: &str, value: &Value, at: &str) {
        let given = value.as_object().unwrap_or_else(|| panic!("{at} is no {name}: {value}"));
        let subtypes = &self.0["types"][name]["subtypes"];
        let name = match (subtypes.is_object(), given.get(".tag")) {
            (false, _) => name,
            (true, Some(tag)) => {
                let subtype = tag.as_str().and_then(|tag| subtypes[tag].as_str());
                subtype.unwrap_or_else(|| panic!("{at} is none of {subtypes}: {value}"))
            }
            (true, None) => panic!("{at} does not say which of {subtypes} it is: {value}"),
        };
        let fields = self.all(name, "fields");
        for (field, value) in given.iter().filter(|(field, _)| *field != ".tag") {
            let kind = fields.get(field).unwrap_or_else(|| panic!("{at}.{field} is not described in {name}"));
            self.holds(kind, value, &format!("{at}.{field}"));
        }
        for (field, kind) in &fields {
            let there = given.contains_key(field) || kind["optional"] == true || self.may_be_nothing(kind);
            assert!(there, "{at}.{field} is required in {name}: {value}");
        }
    }

    /// A union: one of its tags, and what belongs to that.
    fn holds_choice(&self, name: &str, value: &Value, at: &str) {
        let tag = value.as_str().or_else(|| value[".tag"].as_str());
        let tag = tag.unwrap_or_else(|| panic!("{at} is no {name}: {value}"));
        let tags = self.all(name, "tags");
        let kind = tags.get(tag).unwrap_or_else(|| panic!("{at}: `{tag}` is none of {name}"));
        let at = format!("{at}.{tag}");
        let mut rest = value.as_object().cloned().unwrap_or_default();
        rest.remove(".tag");
        // Fields of a struct stand beside the tag, unless it has a tag of its own.
        let named = kind["ref"].as_str().map(|name| &self.0["types"][name]);
        if named.is_some_and(|named| named["fields"].is_object() && !named["subtypes"].is_object()) {
            return self.holds(kind, &Value::Object(rest), &at);
        }
        let inner = rest.remove(tag).unwrap_or_default();
        assert!(rest.is_empty(), "{at} holds more than is described: {value}");
        match kind.is_null() {
            true => assert!(inner.is_null(), "{at} holds something: {value}"),
            false if inner.is_null() && self.may_be_nothing(kind) => {}
            false => self.holds(kind, &inner, &at),
        }
    }

    fn may_be_nothing(&self, kind: &Value) -> bool {
        let alias = kind["ref"].as_str().map(|name| &self.0["types"][name]["alias"]);
        kind["optional"] == true || alias.is_some_and(|alias| alias["optional"] == true)
    }

    /// The fields or tags of a type, and of those it extends.
    fn all(&self, name: &str, which: &str) -> Map<String, Value> {
        let named = &self.0["types"][name];
        let mut all = named["extends"].as_str().map(|above| self.all(above, which)).unwrap_or_default();
        all.extend(named[which].as_object().cloned().unwrap_or_default());
        all
    }
}

/// That a value is of a type without parts.
fn plain(kind: &Value, value: &Value, at: &str) {
    let is = kind["is"].as_str().expect("a type");
    let fits = match is {
        "string" | "timestamp" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        _ => false,
    };
    assert!(fits, "{at} is no {is}: {value}");
    let limit = |name: &str| kind[name].as_i64();
    if let Some(number) = value.as_i64() {
        assert!(limit("min_value").is_none_or(|least| number >= least), "{at} is too small: {value}");
        assert!(limit("max_value").is_none_or(|most| number <= most), "{at} is too large: {value}");
    }
    let Some(text) = value.as_str() else { return };
    let length = text.chars().count() as i64;
    assert!(limit("min_length").is_none_or(|least| length >= least), "{at} is too short: {value}");
    assert!(limit("max_length").is_none_or(|most| length <= most), "{at} is too long: {value}");
    if let Some(pattern) = kind["pattern"].as_str() {
        let pattern = Regex::new(&format!("^(?:{pattern})$")).expect("a pattern");
        assert!(pattern.is_match(text), "{at} does not match {pattern}: {value}");
    }
    if is == "timestamp" {
        let time = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%SZ");
        assert!(time.is_ok(), "{at} is no time: {value}");
    }
}
