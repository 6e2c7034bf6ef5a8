//! As much of CSDL, the language of OData's metadata, as the cut of Graph's uses.

#![allow(unreachable_pub, reason = "a module of test programs")]

use std::collections::BTreeMap;

use quick_xml::{Reader, events::Event};
use serde_json::Value;

use crate::fake::Asked;

/// The parameters that every collection or object takes.
const OPTIONS: [&str; 4] = ["$select", "$top", "$skiptoken", "$filter"];

#[derive(Debug, Default)]
struct Type {
    base: Option<String>,
    /// Whether it may have properties beside those described.
    open: bool,
    properties: BTreeMap<String, String>,
    links: BTreeMap<String, String>,
    /// The values of an enumeration.
    members: Vec<String>,
}

/// Types by name, and what can be asked of them.
#[derive(Debug, Default)]
pub struct Metadata {
    types: BTreeMap<String, Type>,
    /// Entity sets, and the types in them.
    sets: BTreeMap<String, String>,
    /// Functions: name and the type they belong to, and what they give.
    functions: BTreeMap<(String, String), String>,
}

impl Metadata {
    pub fn read(text: &str) -> Self {
        let mut reader = Reader::from_str(text);
        let mut metadata = Self::default();
        let (mut current, mut function, mut bound) = (String::new(), None::<String>, None::<String>);
        loop {
            let event = reader.read_event().expect("XML");
            let (Event::Start(tag) | Event::Empty(tag)) = event else {
                match event {
                    Event::Eof => return metadata,
                    _ => continue,
                }
            };
            let of = |wanted: &str| {
                let all = tag.attributes().map(|one| one.expect("an attribute"));
                all.into_iter().find(|one| one.key.as_ref() == wanted).map(|one| one.value.to_string())
            };
            let name = of("Name").unwrap_or_default();
            match tag.local_name().as_ref() {
                "EntityType" | "ComplexType" | "EnumType" => {
                    current = format!("graph.{name}");
                    let open = of("OpenType").as_deref() == Some("true");
                    let kind = Type { base: of("BaseType"), open, ..Type::default() };
                    metadata.types.insert(current.clone(), kind);
                }
                "Property" => drop(metadata.of(&current).properties.insert(name, of("Type").expect("a type"))),
                "NavigationProperty" => drop(metadata.of(&current).links.insert(name, of("Type").expect("a type"))),
                "Member" => metadata.of(&current).members.push(name),
                "Function" => (function, bound) = (Some(name), None),
                "Parameter" => bound = bound.or(of("Type")),
                "ReturnType" => {
                    let key = (function.clone().expect("a function"), bound.clone().expect("what it is bound to"));
                    metadata.functions.insert(key, of("Type").expect("a type"));
                }
                "EntitySet" => {
                    let kind = of("EntityType").expect("a type").replace("microsoft.graph.", "graph.");
                    metadata.sets.insert(name, kind);
                }
                _ => {}
            }
        }
    }

    fn of(&mut self, name: &str) -> &mut Type {
        self.types.get_mut(name).expect("begun")
    }

    /// A type and those it is based on.
    fn line(&self, name: &str) -> impl Iterator<Item = &Type> {
        std::iter::successors(self.types.get(name), |kind| self.types.get(kind.base.as_deref()?))
    }

    /// What a request asks for, if it can be asked.
    pub fn request(&self, asked: &Asked) -> Result<String, String> {
        let mut parts = asked.path.strip_prefix("/v1.0/").ok_or("not of this version")?.split('/');
        let set = parts.next().unwrap_or_default();
        let mut kind = format!("Collection({})", self.sets.get(set).ok_or_else(|| format!("no set is {set}"))?);
        let mut function = "";
        while let Some(part) = parts.next() {
            if let Some(inner) = kind.strip_prefix("Collection(") {
                kind = inner.trim_end_matches(')').to_owned();
            } else {
                let name = part.trim_end_matches(':');
                let call = name.split('(').next().unwrap_or_default();
                let link = self.line(&kind).find_map(|one| one.links.get(name)).cloned();
                let given = self.functions.get(&(call.to_owned(), kind.clone())).cloned();
                function = if link.is_none() && given.is_some() { call } else { "" };
                kind = link.or(given).ok_or_else(|| format!("{kind} has no {part}"))?;
            }
            // What follows a colon is a path, of a site or of an item.
            if part.ends_with(':') {
                parts.by_ref().for_each(drop);
            }
        }
        let inner = kind.trim_start_matches("Collection(").trim_end_matches(')');
        for (name, value) in &asked.query {
            let documented = OPTIONS.contains(&name.as_str()) || (function == "delta" && name == "token");
            if !documented {
                return Err(format!("no parameter is {name}"));
            }
            let fields = value.split(',').filter(|_| name == "$select");
            for field in fields {
                let known = |one: &Type| one.properties.contains_key(field) || one.links.contains_key(field);
                if !self.line(inner).any(known) {
                    return Err(format!("{inner} has no {field}"));
                }
            }
        }
        Ok(kind)
    }

    /// That a value is of a type. What begins with `@` is about the value, not of it.
    pub fn value(&self, kind: &str, value: &Value) -> Result<(), String> {
        if let Some(inner) = kind.strip_prefix("Collection(") {
            let inner = inner.trim_end_matches(')');
            let all = value.get("value").unwrap_or(value).as_array().ok_or_else(|| format!("no list of {inner}"))?;
            return all.iter().try_for_each(|one| self.value(inner, one));
        }
        let fits = match kind {
            _ if value.is_null() => true,
            "Edm.String" | "Edm.Guid" => value.is_string(),
            "Edm.Boolean" => value.is_boolean(),
            "Edm.Int32" | "Edm.Int64" => value.is_i64() || value.is_u64(),
            "Edm.Double" => value.is_number(),
            "Edm.DateTimeOffset" => {
                value.as_str().is_some_and(|text| chrono::DateTime::parse_from_rfc3339(text).is_ok())
            }
            _ => return self.object(kind, value),
        };
        if fits { Ok(()) } else { Err(format!("{value} is no {kind}")) }
    }

    fn object(&self, kind: &str, value: &Value) -> Result<(), String> {
        let described = self.types.get(kind).ok_or_else(|| format!("{kind} is not described"))?;
        if !described.members.is_empty() {
            let known = value.as_str().is_some_and(|text| described.members.iter().any(|one| one == text));
            return if known { Ok(()) } else { Err(format!("{value} is no {kind}")) };
        }
        // Items are open to what apps add to them, and the stand-in adds nothing.
        let open = described.open && !kind.ends_with("driveItem");
        for (name, inner) in value.as_object().ok_or_else(|| format!("{value} is no {kind}"))? {
            if name.starts_with('@') {
                continue;
            }
            match self.line(kind).find_map(|one| one.properties.get(name).or(one.links.get(name))) {
                Some(kind) => self.value(kind, inner).map_err(|how| format!(".{name} {how}"))?,
                None if open => {}
                None => return Err(format!("{kind} has no {name}")),
            }
        }
        Ok(())
    }
}
