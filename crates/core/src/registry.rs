//! The registry: the vendors a program was composed with.

use std::{collections::BTreeMap, fmt, sync::Arc};

use schemars::Schema;
use serde::Serialize;
use serde_json::Value;

use crate::{
    config,
    connector::{Capabilities, Connector},
    error::{Error, Result},
    oauth::OAuth,
    vendor::{AuthMethod, Context, Location, Vendor},
    webhook::Webhooks,
};

/// The vendors a program was composed with, by id.
///
/// ```
/// let registry = catchment_core::Registry::new();
/// assert!(registry.manifest("nowhere").is_err());
/// ```
#[derive(Clone, Default)]
pub struct Registry {
    vendors: BTreeMap<&'static str, Erased>,
}

/// What a catalogue says of a vendor.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Manifest {
    /// The id on the wire.
    pub id: &'static str,
    /// What the vendor calls itself.
    pub name: &'static str,
    /// One sentence.
    pub description: &'static str,
    /// SVG markup.
    pub icon: &'static str,
    /// The ways to sign in.
    pub auth: &'static [AuthMethod],
    /// What its connectors can do.
    pub capabilities: Capabilities,
    /// How a person consents, if that is one of the ways.
    #[serde(skip)]
    pub oauth: Option<&'static OAuth>,
}

#[derive(Clone, Copy)]
struct Erased {
    manifest: Manifest,
    schema: fn() -> Schema,
    connect: fn(Value, Context) -> Result<Arc<dyn Connector>>,
    locate: fn(&str) -> Option<Result<Location>>,
    webhooks: fn() -> Option<&'static dyn Webhooks>,
}

impl Registry {
    /// No vendors yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a vendor.
    ///
    /// # Panics
    /// When a vendor of the same id is already there: a mistake in the program's own list.
    #[must_use]
    pub fn with<V: Vendor>(mut self) -> Self {
        let vendor = Erased {
            manifest: Manifest {
                id: V::ID,
                name: V::NAME,
                description: V::DESCRIPTION,
                icon: V::ICON,
                auth: V::AUTH,
                capabilities: V::CAPABILITIES,
                oauth: V::OAUTH,
            },
            schema: config::schema::<V::Config>,
            connect: |settings, cx| {
                let connector = V::connect(config::parse::<V::Config>(settings)?, cx)?;
                Ok(Arc::new(connector) as Arc<dyn Connector>)
            },
            locate: V::locate,
            webhooks: V::webhooks,
        };
        assert!(self.vendors.insert(V::ID, vendor).is_none(), "the vendor `{}` is registered twice", V::ID);
        self
    }

    /// What is said of every vendor, in the order of the ids.
    pub fn manifests(&self) -> impl Iterator<Item = &Manifest> {
        self.vendors.values().map(|vendor| &vendor.manifest)
    }

    /// What is said of one vendor.
    pub fn manifest(&self, vendor: &str) -> Result<&Manifest> {
        Ok(&self.vendor(vendor)?.manifest)
    }

    /// The JSON Schema of a vendor's settings; secrets are `writeOnly`.
    pub fn schema(&self, vendor: &str) -> Result<Schema> {
        Ok((self.vendor(vendor)?.schema)())
    }

    /// Makes a connector from settings that have the shape of the vendor's schema. An error names
    /// the field. Reaches for nothing: [`Connector::check`] does.
    pub fn connect(&self, vendor: &str, settings: Value, cx: Context) -> Result<Arc<dyn Connector>> {
        (self.vendor(vendor)?.connect)(settings, cx).map_err(|error| error.with("vendor", vendor))
    }

    /// The vendor whose address this is, and what it stands for.
    pub fn locate(&self, address: &str) -> Result<(&'static str, Location)> {
        for (id, vendor) in &self.vendors {
            if let Some(location) = (vendor.locate)(address) {
                return Ok((id, location.map_err(|error| error.with("vendor", id))?));
            }
        }
        Err(Error::config(
            "address",
            "no connector here knows such an address: give a path, or an address like s3://bucket/prefix",
        )
        .with("address", address))
    }

    /// The vendor's webhooks, if it has any.
    pub fn webhooks(&self, vendor: &str) -> Result<Option<&'static dyn Webhooks>> {
        Ok((self.vendor(vendor)?.webhooks)())
    }

    fn vendor(&self, id: &str) -> Result<&Erased> {
        self.vendors.get(id).ok_or_else(|| {
            let known: Vec<_> = self.vendors.keys().copied().collect();
            Error::config("vendor", "unknown vendor: give one of the known ones")
                .with("vendor", id)
                .with("known", known.join(", "))
        })
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.vendors.keys()).finish()
    }
}
