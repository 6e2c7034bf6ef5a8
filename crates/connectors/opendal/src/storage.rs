//! The connector: a folder of a storage, and what the capabilities share.

use std::{fmt, time::Duration};

use catchment_client::{Client, Egress};
use catchment_core::{
    Account, Browse, ByteRange, Connector, Context, Download, Error, ErrorKind, PageRequest, Result, async_trait,
};
use opendal::{Capability, HttpTransporter, OperationContext, Operator, raw::Service as _};

use crate::{
    address::Uri,
    config::Settings,
    listings::Listings,
    look::Look,
    names::Root,
    options::Options,
    service::{self, Reach},
    transport::{self, Transport},
};

/// A folder of a storage.
pub(crate) struct Storage {
    pub(crate) operator: Operator,
    pub(crate) capability: Capability,
    /// Whether a folder is a thing of its own, and not only the front of names.
    pub(crate) real_folders: bool,
    /// Whether files are read from their first byte, whatever part is wanted.
    pub(crate) from_start: bool,
    /// Whether lists give an MD5 where a look at one file gives its entity tag.
    pub(crate) sum_is_tag: bool,
    /// Whether files are looked at one by one when they are listed.
    pub(crate) bare_lists: bool,
    /// Whether folders are listed with a slash too many.
    pub(crate) two_slashes: bool,
    /// Whether a list finds a file, and not a look at it.
    looks_by_front: bool,
    pub(crate) root: Root,
    /// For each answer, where the client does not look after that.
    pub(crate) patience: Option<Duration>,
    pub(crate) listings: Listings,
    /// Service, place and folder, for people.
    name: String,
    endpoint: Option<String>,
}

impl Storage {
    pub(crate) fn new(settings: Settings, cx: &Context) -> Result<Self> {
        if settings.timeout_seconds == 0 || settings.timeout_seconds > 600 {
            return Err(Error::config("timeout_seconds", "give a number from 1 to 600"));
        }
        let uri = Uri::parse(&settings.uri)?;
        let service = service::find(&uri.scheme).ok_or_else(|| Error::config("uri", "no such service here"))?;
        let folder = match (uri.folder.trim_matches('/'), settings.folder_path.trim_matches('/')) {
            (folder, "") | ("", folder) => folder,
            (one, other) if one == other => one,
            _ => return Err(Error::config("folder_path", "another folder stands in uri: give one of them")),
        };
        let root = Root::new(folder)?;
        let options = Options::new(&settings, &uri, &service, cx)?;
        let patience = Duration::from_secs(settings.timeout_seconds);
        let egress = if cx.private_network { Egress::allow_private() } else { Egress::public_only() };
        // A bucket, or where there is none, the host.
        let place = uri.place.or_else(|| options.host().map(str::to_owned)).unwrap_or_default();
        let name = format!("{}://{place}/{}", service.scheme, root.as_str());
        // What one storage bears says nothing about another.
        let tenant = format_args!("{} {}://{place}", cx.tenant, service.scheme);
        let mut client = Client::builder("opendal").tenant(tenant).egress(egress).cap(transport::CAP);
        for secret in options.secrets() {
            client = client.redact(secret);
        }
        let client = client.answer_within(patience).idle(patience).build()?;
        let transport = Transport { client, allow_http: settings.allow_http, list_mark: service.list_mark };
        if uri.scheme == "ftps" {
            choose_cryptography();
        }
        let context = OperationContext::new().with_http_transport(HttpTransporter::new(transport));
        let operator = options.operator(&service)?.with_context(context);
        let capability = operator.info().capability();
        if !capability.list || !capability.read || !capability.stat {
            return Err(Error::config(
                "uri",
                "this service cannot list and read files: nothing can be imported from it",
            ));
        }
        Ok(Self {
            real_folders: operator.base_service().capability().create_dir,
            operator,
            capability,
            from_start: service.from_start,
            sum_is_tag: service.sum_is_tag,
            bare_lists: service.bare_lists,
            looks_by_front: service.looks_by_front,
            two_slashes: service.two_slashes,
            patience: (service.reach != Reach::Http).then_some(patience),
            listings: Listings::default(),
            name,
            endpoint: options.plain("endpoint").map(str::to_owned),
            root,
        })
    }
}

/// rustls is built with two cryptographies here, and OpenDAL's FTP leaves it to the process which is
/// used; a process that has not chosen would panic.
fn choose_cryptography() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else who was faster has chosen.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }
}

#[async_trait]
impl Connector for Storage {
    /// One list proves address, credential, folder and the right to list; one byte of a file on it
    /// proves the right to read.
    async fn check(&self) -> Result<Account> {
        let page = self.children(&"".into(), PageRequest::first().limit(5)).await?;
        if let Some(file) = page.items.iter().find(|entry| entry.is_file() && entry.size != Some(0)) {
            match self.open(file, Some(ByteRange::new(0, 1))).await {
                Ok(_) => {}
                // Gone or changed in the meantime: that says nothing about rights.
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        let can = |can: bool| if can { "yes" } else { "no" }.to_owned();
        let mut details = vec![
            ("lists a whole tree at once".to_owned(), can(self.capability.list_with_recursive)),
            ("reads the version that was listed".to_owned(), can(self.capability.read_with_if_match)),
        ];
        details.extend(self.endpoint.clone().map(|endpoint| ("endpoint".to_owned(), endpoint)));
        Ok(Account { id: self.name.clone(), name: self.name.clone(), details, ..Account::default() })
    }

    fn browse(&self) -> Option<&dyn Browse> {
        Some(self)
    }

    fn download(&self) -> Option<&dyn Download> {
        Some(self)
    }
}

impl Storage {
    /// What the service says of a path.
    pub(crate) async fn stat(&self, full: &str, path: &str) -> Result<opendal::Metadata> {
        self.look().at(full, path).await
    }

    /// What looks at files.
    pub(crate) fn look(&self) -> Look {
        Look { operator: self.operator.clone(), patience: self.patience, by_front: self.looks_by_front }
    }
}

/// OpenDAL's own output may show options.
impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").field("name", &self.name).finish_non_exhaustive()
    }
}
