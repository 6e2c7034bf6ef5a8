//! Shortcuts by path, for fixtures and tests that think in paths.

use bytes::Bytes;

use crate::world::{Key, Op, Refused, World};

impl World {
    /// Makes or rewrites a file at a path below `top`, and the folders on the way.
    pub fn put(&mut self, top: Key, path: &str, content: impl Into<Bytes>) -> Result<Key, Refused> {
        let content = content.into();
        if let Some(key) = self.find(top, path) {
            self.apply(Op::Write { key, content })?;
            return Ok(key);
        }
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let parent = self.put_folder(top, folder)?;
        self.create(parent, name, Some(content))
    }

    /// Makes the folders of a path below `top` that are not there, and gives the last.
    pub fn put_folder(&mut self, top: Key, path: &str) -> Result<Key, Refused> {
        let mut folder = top;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            folder = match self.child(folder, name) {
                Some(there) => there,
                None => self.create(folder, name, None)?,
            };
        }
        Ok(folder)
    }

    /// Deletes what lies at a path below `top`, and gives its key.
    pub fn remove(&mut self, top: Key, path: &str) -> Result<Key, Refused> {
        let key = self.find(top, path).ok_or(Refused::Missing)?;
        self.apply(Op::Delete { key })?;
        Ok(key)
    }

    /// Makes a file or, without content, a folder, and gives its key.
    pub fn create(&mut self, parent: Key, name: &str, content: Option<Bytes>) -> Result<Key, Refused> {
        let key = Key(self.next);
        self.apply(Op::Create { parent, name: name.to_owned(), content })?;
        Ok(key)
    }
}
