//! The local key ring: keys in a setting or in a file.

mod file;
mod key;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use catchment_core::{Error, ErrorKind, Result, Secret, async_trait};
use zeroize::Zeroizing;

use crate::{
    cipher::{KEY, NONCE, TAG, decrypt, encrypt, random},
    data_key::DataKey,
    place::Place,
    service::{KeyService, Wrapped},
    vault::refused,
};
use key::Key;

/// The name of the setting, for messages.
const SETTING: &str = "CATCHMENT_ENCRYPTION_KEY";

/// Keys of this process: one that seals, and others that open what was sealed before.
///
/// A ring from a file follows it: a key that another process adds seals from the next secret on,
/// and opens at once what was sealed under it.
#[derive(Clone)]
pub struct KeyRing {
    inner: Arc<Inner>,
}

struct Inner {
    file: Option<PathBuf>,
    keys: RwLock<Arc<Loaded>>,
}

/// The keys, the current one first; there is always one.
struct Loaded {
    keys: Vec<Key>,
    stamp: Option<file::Stamp>,
}

impl KeyRing {
    /// Keys from a setting: 64 hex digits, or `id:hex,id:hex` with the current one first.
    ///
    /// # Errors
    /// `Config`, saying which key is wrong and how, without quoting anything.
    pub fn parse(setting: &Secret) -> Result<Self> {
        let mut keys = Vec::new();
        for (index, text) in setting.expose().split(',').enumerate() {
            let wrong = |remedy: &'static str| Error::config(SETTING, remedy).with("key number", index + 1);
            if text.trim().is_empty() {
                return Err(wrong(
                    "there is no key here: give 64 hex digits, or id:hex,id:hex with the current one first",
                ));
            }
            add(&mut keys, Key::read(text.trim()).map_err(wrong)?).map_err(wrong)?;
        }
        Ok(Self::of(None, Loaded { keys, stamp: None }))
    }

    /// Keys from a file, which is made with a new random key if it is not there: readable by its
    /// owner alone, whole and durable before it can be seen. Of several processes that make it
    /// at once one does, and all have its key. Blocks on the disk: call it at start.
    ///
    /// # Errors
    /// `Config` when others may read the file (says what to run), or when it is not a key file
    /// (says which line); `Unavailable` when it cannot be read or made.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let loaded = match file::read(path)? {
            Some(loaded) => loaded,
            None => {
                file::create(path)?;
                file::read(path)?.ok_or_else(|| file::unavailable("vanished as soon as it was made", path))?
            }
        };
        Ok(Self::of(Some(path.to_owned()), loaded))
    }

    /// Adds a new random key to a file and makes it the current one; gives its id. The file is
    /// replaced in one step. The older keys stay, for what they have sealed. Blocks on the disk.
    ///
    /// # Errors
    /// As [`KeyRing::from_file`], and `Config` when there is no file.
    pub fn add_to_file(path: impl AsRef<Path>) -> Result<String> {
        file::add(path.as_ref())
    }

    /// The ids, the current one first.
    pub fn ids(&self) -> Vec<String> {
        self.loaded().keys.iter().map(|key| key.id.clone()).collect()
    }

    fn of(file: Option<PathBuf>, loaded: Loaded) -> Self {
        Self { inner: Arc::new(Inner { file, keys: RwLock::new(Arc::new(loaded)) }) }
    }

    fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.inner.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The keys, read again if the file is another than it was. One `stat` of a local file, which
    /// is no wait worth a thread. A file that has become unreadable leaves the keys as they are.
    fn fresh(&self) -> Arc<Loaded> {
        let loaded = self.loaded();
        let Some(path) = &self.inner.file else { return loaded };
        if file::stamp(path).is_none_or(|stamp| loaded.stamp == Some(stamp)) {
            return loaded;
        }
        let Ok(Some(again)) = file::read(path) else { return loaded };
        let again = Arc::new(again);
        *self.inner.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&again);
        again
    }

    /// The keys that are known, read again if none answers to `id`.
    fn with(&self, id: &str) -> Arc<Loaded> {
        let loaded = self.loaded();
        if loaded.find(id).is_some() { loaded } else { self.fresh() }
    }

    fn missing(&self, id: &str) -> Error {
        let error = |message: String| Error::new(ErrorKind::Config, message).with("key", id);
        match &self.inner.file {
            None => error(format!(
                "the key `{id}` that sealed this is not in the ring: add it to {SETTING} behind the current one"
            )),
            Some(path) => error(format!(
                "the key `{id}` that sealed this is not in the key file: restore the file from a copy, \
                 or append the line with this key"
            ))
            .with("file", path.display()),
        }
    }
}

impl Loaded {
    fn find(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.answers_to(id))
    }
}

/// Adds a key unless it, or its id, is there.
fn add(keys: &mut Vec<Key>, key: Key) -> Result<(), &'static str> {
    if keys.iter().any(|other| other.derived == key.derived) {
        return Err("the same key stands here twice: leave one of them out");
    }
    if keys.iter().any(|other| other.id == key.id) {
        return Err("two keys have the same id: give each an id of its own");
    }
    keys.push(key);
    Ok(())
}

/// Nonce, encrypted data key, tag.
#[async_trait]
impl KeyService for KeyRing {
    fn current(&self) -> String {
        self.fresh().keys[0].id.clone()
    }

    fn holds(&self, key: &str) -> bool {
        self.with(key).find(key).is_some()
    }

    async fn wrap(&self, place: &Place<'_>, data_key: &DataKey) -> Result<Wrapped> {
        let loaded = self.fresh();
        let key = &loaded.keys[0];
        let mut nonce = [0; NONCE];
        random(&mut nonce)?;
        let mut bytes = Vec::with_capacity(NONCE + KEY + TAG);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(data_key.expose());
        encrypt(&key.cipher, &nonce, &place.of_data_key(&key.id), &mut bytes, NONCE)?;
        Ok(Wrapped { key: key.id.clone(), bytes })
    }

    async fn unwrap(&self, place: &Place<'_>, key: &str, wrapped: &[u8]) -> Result<DataKey> {
        let loaded = self.with(key);
        let found = loaded.find(key).ok_or_else(|| self.missing(key))?;
        let open = || {
            let (nonce, rest) = wrapped.split_first_chunk::<NONCE>()?;
            let mut bytes = Zeroizing::new(rest.to_vec());
            decrypt(&found.cipher, nonce, &place.of_data_key(key), &mut bytes)?;
            DataKey::from_slice(&bytes)
        };
        open().ok_or_else(|| refused(place))
    }
}

/// The ids alone.
impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("keys", &self.loaded().keys).field("file", &self.inner.file).finish()
    }
}
