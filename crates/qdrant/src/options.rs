//! Where the server is and how to treat it.

use std::time::Duration;

use catchment_core::{Error, Result, Secret};
use url::Url;

/// The port on which Qdrant speaks gRPC.
const GRPC_PORT: u16 = 6334;

/// Where the server is, and how a collection is made when there is none.
#[derive(Debug, Clone)]
pub struct Options {
    /// `http://host:6334` or `https://host:6334`: the gRPC port, not the one for REST. Without a
    /// port it is 6334.
    pub url: String,
    /// The key the server asks for. It travels in the clear over `http`.
    pub api_key: Option<Secret>,
    /// The collection: one for a deployment. Made if it is missing.
    pub collection: String,
    /// How long one call may take.
    pub timeout: Duration,
    /// For how long a call that failed for a reason that passes is tried again.
    pub patience: Duration,
    /// The bytes of points that one message carries, about; a single larger point goes alone.
    pub batch_bytes: usize,
    /// Shards of a collection that is made; `None`: as the server has it.
    pub shards: Option<u32>,
    /// Copies of each shard of a collection that is made. With more than one, a write is
    /// acknowledged by most of them and decisions are read from most of them.
    pub replication: u32,
}

impl Options {
    /// The collection `catchment` of this server, 10 seconds a call, half a minute of patience,
    /// messages of 4 MiB, one copy.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            api_key: None,
            collection: "catchment".into(),
            timeout: Duration::from_secs(10),
            patience: Duration::from_secs(30),
            batch_bytes: 4 << 20,
            shards: None,
            replication: 1,
        }
    }

    /// The address, checked. Nothing of it is quoted: it may hold a password by mistake.
    pub(crate) fn address(&self) -> Result<Url> {
        const REMEDY: &str = "write http://host:6334 or https://host:6334, the gRPC port of Qdrant";
        let mut url = Url::parse(self.url.trim()).map_err(|error| Error::config("url", REMEDY).source(error))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(Error::config("url", REMEDY));
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(Error::config(
                "url",
                "take user, password and query out of the address: a key goes into api_key",
            ));
        }
        if url.port().is_none() {
            url.set_port(Some(GRPC_PORT)).map_err(|()| Error::config("url", REMEDY))?;
        }
        Ok(url)
    }

    /// The rest, checked.
    pub(crate) fn check(&self) -> Result<()> {
        let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.collection.is_empty() || self.collection.len() > 200 || !self.collection.chars().all(sound) {
            return Err(Error::config("collection", "use 1 to 200 letters, digits, dots, dashes and underscores"));
        }
        // The client puts a key it cannot send into its error.
        let visible = |key: &Secret| !key.is_empty() && key.expose().bytes().all(|byte| byte.is_ascii_graphic());
        if self.api_key.as_ref().is_some_and(|key| !visible(key)) {
            return Err(Error::config("api_key", "copy the key again: it is empty or holds blanks or odd characters"));
        }
        if self.timeout.is_zero() {
            return Err(Error::config("timeout", "give a call more than no time"));
        }
        if self.replication == 0 || self.shards == Some(0) {
            return Err(Error::config("replication", "a collection has at least one shard and one copy of it"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_the_grpc_port() {
        let address =
            |url: &str| Options::new(url).address().map(|url| url.to_string()).map_err(|error| error.to_string());
        assert_eq!(address("http://qdrant").unwrap(), "http://qdrant:6334/");
        assert_eq!(address("https://q.example.com:443").unwrap(), "https://q.example.com:6334/");
        assert_eq!(address("http://[::1]:7000/").unwrap(), "http://[::1]:7000/");
        for wrong in ["", "qdrant:6334", "grpc://qdrant", "http://", "http://a:b@qdrant", "http://qdrant?key=1"] {
            assert!(!address(wrong).unwrap_err().contains("a:b"), "{wrong}");
        }
    }

    #[test]
    fn a_key_is_never_shown() {
        let mut options = Options { api_key: Some(Secret::new("s3cret\nkey")), ..Options::new("http://qdrant") };
        let refused = options.check().unwrap_err();
        assert!(!format!("{refused:?} {options:?}").contains("s3cret"));
        options.api_key = Some(Secret::new("s3cret-key"));
        options.check().unwrap();
        assert!(!format!("{options:?}").contains("s3cret"));
    }
}
