//! Settings that come in: `credentials`, `settings` and `url` become one object in the shape of
//! the vendor's schema.

use catchment_core::{Registry, Secret, config};
use schemars::Schema;
use serde_json::{Map, Value};

use crate::{
    problem::{Problem, Result},
    routes::integrations::view::MASK,
};

/// Fields of settings, as a client gives them.
pub(crate) type Fields = Map<String, Value>;

/// What a client changes: nothing that is not named here.
pub(crate) struct Given {
    schema: Schema,
    fields: Fields,
}

impl Given {
    /// Puts what a client gave in three places together.
    ///
    /// # Errors
    /// Names the field that stands in two places with two values, `url` where the vendor has
    /// none, and the vendor where there is no such.
    pub(crate) fn new(
        registry: &Registry,
        vendor: &str,
        url: Option<Value>,
        credentials: Option<Fields>,
        settings: Option<Fields>,
    ) -> Result<Self> {
        let schema = registry.schema(vendor)?;
        let mut fields = credentials.unwrap_or_default();
        let mut url_given = Fields::new();
        if let Some(url) = url {
            if !config::fields(&schema).any(|(name, _)| name == "url") {
                return Err(Problem::field(
                    "url",
                    format_args!("the vendor has no such setting: leave it out ({vendor})"),
                ));
            }
            url_given.insert("url".to_owned(), url);
        }
        for (name, value) in settings.into_iter().flatten().chain(url_given) {
            if fields.get(&name).is_some_and(|other| *other != value) {
                return Err(Problem::field(name, "given twice with two values: give it once"));
            }
            fields.insert(name, value);
        }
        Ok(Self { schema, fields })
    }

    /// What was given, all in one place.
    pub(crate) fn fields(&self) -> &Fields {
        &self.fields
    }

    /// For a new integration: settings and secrets, apart. A masked secret has nothing behind it.
    pub(crate) fn fresh(self) -> Result<(Value, Vec<(String, Secret)>)> {
        let masked = config::secret_fields(&self.schema).find(|name| is_masked(self.fields.get(*name)));
        if let Some(name) = masked {
            return Err(Problem::field(name, "a mask and no secret: give the secret itself"));
        }
        Ok(config::split(&self.schema, Value::Object(self.fields))?)
    }

    /// For an integration that is there: lays what was given over what is stored.
    pub(crate) fn over(self, settings: &Value, secrets: Vec<(String, Secret)>) -> Result<Merged> {
        let Value::Object(mut whole) = config::join(settings, secrets.iter().cloned()) else {
            return Err(catchment_core::Error::internal("stored settings are no object").into());
        };
        let secret: Vec<String> = config::secret_fields(&self.schema).map(str::to_owned).collect();
        for (name, value) in self.fields {
            if secret.contains(&name) && is_masked(Some(&value)) {
                if !secrets.iter().any(|(stored, _)| *stored == name) {
                    return Err(Problem::field(name, "a mask and no secret: give the secret itself"));
                }
            } else if value.is_null() {
                whole.remove(&name);
            } else {
                whole.insert(name, value);
            }
        }
        let (settings, kept) = config::split(&self.schema, Value::Object(whole.clone()))?;
        let stored = |name: &str| secrets.iter().find(|(stored, _)| stored == name).map(|(_, secret)| secret.expose());
        let erased = secrets.iter().filter(|(name, _)| !kept.iter().any(|(left, _)| left == name));
        let mut changed: Vec<(String, Option<Secret>)> = erased.map(|(name, _)| (name.clone(), None)).collect();
        changed.extend(
            kept.into_iter()
                .filter(|(name, secret)| stored(name) != Some(secret.expose()))
                .map(|(name, secret)| (name, Some(secret))),
        );
        Ok(Merged { whole: Value::Object(whole), settings, secrets: changed })
    }
}

/// Settings after a change.
pub(crate) struct Merged {
    /// All of them, secrets in the clear: for the vendor to look at, and nobody else.
    pub(crate) whole: Value,
    /// Those that are no secrets.
    pub(crate) settings: Value,
    /// The secrets that change, with nothing for one that goes.
    pub(crate) secrets: Vec<(String, Option<Secret>)>,
}

fn is_masked(value: Option<&Value>) -> bool {
    value.and_then(Value::as_str) == Some(MASK)
}

#[cfg(test)]
mod tests {
    use catchment_core::{Account, AuthMethod, Capabilities, Connector, Context, Vendor, async_trait};
    use serde_json::json;

    use super::*;

    struct Attic;

    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read into")]
    struct Settings {
        room: String,
        key: Option<Secret>,
        spare_key: Option<Secret>,
    }

    #[derive(Debug)]
    struct Door;

    #[async_trait]
    impl Connector for Door {
        async fn check(&self) -> catchment_core::Result<Account> {
            Ok(Account::default())
        }
    }

    impl Vendor for Attic {
        const ID: &'static str = "attic";
        const NAME: &'static str = "The attic";
        const DESCRIPTION: &'static str = "Boxes under the roof";
        const ICON: &'static str = "<svg/>";
        const AUTH: &'static [AuthMethod] = &[AuthMethod::Keys];
        const CAPABILITIES: Capabilities = Capabilities::NONE;
        type Config = Settings;

        fn connect(_: Settings, _: Context) -> catchment_core::Result<impl Connector> {
            Ok(Door)
        }
    }

    fn given(credentials: Value) -> Given {
        let registry = Registry::new().with::<Attic>();
        let Value::Object(credentials) = credentials else { panic!("no object") };
        Given::new(&registry, "attic", None, Some(credentials), None).expect("fits together")
    }

    #[test]
    fn a_mask_that_comes_back_leaves_the_secret_as_it_was() {
        let stored = || vec![("key".to_owned(), Secret::new("brass")), ("spare_key".to_owned(), Secret::new("iron"))];
        let merged = given(json!({"room": "east", "key": MASK})).over(&json!({"room": "west"}), stored());
        let merged = merged.expect("merges");
        assert_eq!(merged.settings, json!({"room": "east"}));
        assert_eq!(merged.whole, json!({"room": "east", "key": "brass", "spare_key": "iron"}));
        assert!(merged.secrets.is_empty(), "nothing is sealed anew");
    }

    #[test]
    fn null_takes_a_secret_away_and_a_new_one_replaces_it() {
        let stored = vec![("key".to_owned(), Secret::new("brass")), ("spare_key".to_owned(), Secret::new("iron"))];
        let merged = given(json!({"key": "steel", "spare_key": null})).over(&json!({"room": "west"}), stored);
        let merged = merged.expect("merges");
        let changed: Vec<_> =
            merged.secrets.iter().map(|(name, secret)| (name.as_str(), secret.as_ref().map(Secret::expose))).collect();
        assert_eq!(changed, [("spare_key", None), ("key", Some("steel"))]);
    }

    #[test]
    fn a_mask_with_nothing_behind_it_is_refused() {
        let error = given(json!({"key": MASK})).over(&json!({}), Vec::new()).err().expect("no secret");
        assert!(error.detail().starts_with("key: a mask"), "{error:?}");
        assert!(given(json!({"key": MASK})).fresh().is_err());
    }

    #[test]
    fn a_url_belongs_to_vendors_that_have_one() {
        let registry = Registry::new().with::<Attic>();
        let error = Given::new(&registry, "attic", Some("http://x".into()), None, None).err().expect("no url");
        assert!(error.detail().starts_with("url: "), "{error:?}");
        let unknown = Given::new(&registry, "cellar", None, None, None).err().expect("no such vendor");
        assert!(unknown.detail().starts_with("vendor: unknown vendor"), "{unknown:?}");
    }
}
