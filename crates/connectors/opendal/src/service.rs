//! Services: what is known of one beyond what OpenDAL says, and adding one's own.

use std::{
    collections::BTreeMap,
    sync::{OnceLock, PoisonError, RwLock},
};

use opendal::{Builder, Configurator, Operator};
use serde_json::Value;

use crate::services;

/// How a service reaches what it stores, which decides who may use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// By HTTP alone, through OpenDAL's transport: private addresses are guarded, calls are
    /// retried.
    Http,
    /// By connections of its own, which nothing guards: only where private networks are allowed.
    Connections,
    /// What belongs to the host: only where that may be used.
    Host,
}

/// A service of OpenDAL, and what this crate has to know of it.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct Service {
    pub(crate) scheme: &'static str,
    pub(crate) reach: Reach,
    /// The option that the place in an address is, and what is put before it.
    pub(crate) place: Option<(&'static str, &'static str)>,
    pub(crate) required: &'static [&'static str],
    pub(crate) secret: &'static [&'static str],
    /// Options that name something of the host.
    pub(crate) local: &'static [&'static str],
    /// One of these has to be given where the host's own credentials are not to be used: without
    /// it, OpenDAL looks for them.
    pub(crate) credential: &'static [&'static str],
    /// Switches that are set where the host's own credentials are not to be used.
    pub(crate) shared: &'static [&'static str],
    /// Stands in every list that is one.
    pub(crate) list_mark: &'static str,
    /// Whether a range cannot be relied on.
    pub(crate) from_start: bool,
    /// Whether lists give an MD5 where a look at one file gives its entity tag.
    pub(crate) sum_is_tag: bool,
    /// Whether a look at one file says of it what a list does not.
    pub(crate) bare_lists: bool,
    /// Whether a look at one file may be told of another, and a list is needed to know better.
    pub(crate) looks_by_front: bool,
    /// Whether folders are listed with a slash too many.
    pub(crate) two_slashes: bool,
    /// Options that have this value unless they are given.
    pub(crate) preset: &'static [(&'static str, &'static str)],
    pub(crate) make: fn(BTreeMap<String, String>) -> opendal::Result<Operator>,
    read: fn(BTreeMap<String, String>) -> opendal::Result<()>,
    known: fn(BTreeMap<String, String>) -> Vec<String>,
}

impl Service {
    /// The service that `B` builds, under the scheme that stands in its addresses.
    pub const fn of<B: Builder>(scheme: &'static str, reach: Reach) -> Self {
        Self {
            scheme,
            reach,
            place: None,
            required: &[],
            secret: &[],
            local: &[],
            credential: &[],
            shared: &[],
            list_mark: "",
            from_start: false,
            sum_is_tag: false,
            bare_lists: false,
            looks_by_front: false,
            two_slashes: false,
            preset: &[],
            make: make::<B::Config>,
            read: read::<B::Config>,
            known: known::<B::Config>,
        }
    }

    /// The option that the place in an address is: with `("bucket", "")`, `x://minutes` means the
    /// bucket `minutes`; with `("endpoint", "https://")`, the host.
    pub const fn place(mut self, option: &'static str, before: &'static str) -> Self {
        self.place = Some((option, before));
        self
    }

    /// The options that must be given.
    pub const fn required(mut self, options: &'static [&'static str]) -> Self {
        self.required = options;
        self
    }

    /// The options that are secret: they are taken from `secret_options` and from nowhere else.
    pub const fn secret(mut self, options: &'static [&'static str]) -> Self {
        self.secret = options;
        self
    }

    /// The options that name something of the host: only with
    /// [`host_access`](catchment_core::Context::host_access).
    pub const fn local(mut self, options: &'static [&'static str]) -> Self {
        self.local = options;
        self
    }

    /// One of these has to be given where the host's own credentials are not to be used.
    pub const fn credential(mut self, options: &'static [&'static str]) -> Self {
        self.credential = options;
        self
    }

    /// Switches that keep OpenDAL from looking for the host's own credentials.
    pub const fn shared(mut self, options: &'static [&'static str]) -> Self {
        self.shared = options;
        self
    }

    /// Ranges cannot be relied on: files are read from their first byte, whatever part is wanted.
    pub const fn from_start(mut self) -> Self {
        self.from_start = true;
        self
    }

    /// Lists give the MD5 of the content where a look at one file gives its entity tag, and the tag of a
    /// file that is stored in one piece is that MD5.
    pub const fn sum_is_tag(mut self) -> Self {
        self.sum_is_tag = true;
        self
    }

    /// Lists hold nothing by which a file can be told from its next version: each is looked at by itself.
    pub const fn bare_lists(mut self) -> Self {
        self.bare_lists = true;
        self
    }

    /// A look at one file takes the first whose name begins like it.
    pub const fn looks_by_front(mut self) -> Self {
        self.looks_by_front = true;
        self
    }

    /// OpenDAL lists folders with a slash too many.
    pub const fn two_slashes(mut self) -> Self {
        self.two_slashes = true;
        self
    }

    /// Options that have a value of their own unless they are given.
    pub const fn preset(mut self, options: &'static [(&'static str, &'static str)]) -> Self {
        self.preset = options;
        self
    }

    /// The names of the options: those of a configuration with what none can do without.
    pub(crate) fn known(&self) -> Vec<String> {
        (self.known)(self.least())
    }

    /// Whether this option can have this value.
    pub(crate) fn can_be(&self, name: &str, value: &str) -> bool {
        let mut options = self.least();
        options.insert(name.to_owned(), value.to_owned());
        (self.read)(options).is_ok()
    }

    /// The options that must be given, each with some value.
    fn least(&self) -> BTreeMap<String, String> {
        self.required.iter().map(|name| ((*name).to_owned(), "a".to_owned())).collect()
    }

    /// Text that stands in every list of the service: an answer without it is none.
    pub const fn list_mark(mut self, mark: &'static str) -> Self {
        self.list_mark = mark;
        self
    }
}

fn make<C: Configurator>(options: BTreeMap<String, String>) -> opendal::Result<Operator> {
    Operator::from_config(C::from_iter(options)?)
}

fn read<C: Configurator>(options: BTreeMap<String, String>) -> opendal::Result<()> {
    C::from_iter(options).map(|_| ())
}

fn known<C: Configurator>(options: BTreeMap<String, String>) -> Vec<String> {
    let config = C::from_iter(options).ok().and_then(|config| serde_json::to_value(config).ok());
    match config {
        Some(Value::Object(fields)) => fields.into_iter().map(|(name, _)| name).collect(),
        _ => Vec::new(),
    }
}

fn added() -> &'static RwLock<Vec<Service>> {
    static ADDED: OnceLock<RwLock<Vec<Service>>> = OnceLock::new();
    ADDED.get_or_init(RwLock::default)
}

/// Adds a service for this process, or replaces the one of the same scheme. Call it before the
/// first connection: a program that enables more of OpenDAL's `services-*` features does this for
/// each.
///
/// ```
/// use catchment_opendal::{Reach, Service, add};
/// add(Service::of::<opendal::services::Memory>("memory", Reach::Host));
/// ```
pub fn add(service: Service) {
    let mut added = added().write().unwrap_or_else(PoisonError::into_inner);
    added.retain(|other| other.scheme != service.scheme);
    added.push(service);
}

/// The service of a scheme.
pub(crate) fn find(scheme: &str) -> Option<Service> {
    let added = added().read().unwrap_or_else(PoisonError::into_inner);
    added.iter().chain(services::BUILT_IN).find(|service| service.scheme == scheme).copied()
}

/// All schemes there are, in order.
pub(crate) fn schemes() -> Vec<&'static str> {
    let added = added().read().unwrap_or_else(PoisonError::into_inner);
    let mut all: Vec<_> = added.iter().chain(services::BUILT_IN).map(|service| service.scheme).collect();
    all.sort_unstable();
    all.dedup();
    all
}
