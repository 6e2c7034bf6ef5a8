//! Corpora: a world, as My Drive, as a shared drive, or as somebody else's that shared some of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use catchment_core::Principal;
use catchment_testkit::world::{Key, Node, Op, World};
use chrono::SecondsFormat;
use md5::{Digest, Md5};
use serde_json::{Value, json};

/// Whose files they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Mine,
    /// A shared drive of this name.
    Drive(String),
    /// Somebody else's: what is below these is shared with the account.
    Theirs(BTreeSet<Key>),
}

/// Files, and what the world does not know of them.
#[derive(Debug)]
pub(crate) struct Corpus {
    /// Ids of this corpus begin so.
    sign: char,
    pub(crate) kind: Kind,
    pub(crate) world: World,
    /// What is other than the world would say, by key.
    pub(crate) patches: BTreeMap<Key, Value>,
    /// Hashes of contents, by key and edition: lists would work them out again and again.
    hashes: Mutex<BTreeMap<(Key, u64), String>>,
}

pub(crate) const FOLDER: &str = "application/vnd.google-apps.folder";

impl Corpus {
    pub(crate) fn new(sign: char, kind: Kind) -> Self {
        Self { sign, kind, world: World::with_twins(), patches: BTreeMap::new(), hashes: Mutex::default() }
    }

    /// Ids of folders have 33 characters, those of shared drives 19.
    pub(crate) fn id(&self, key: Key) -> String {
        match (&self.kind, key) {
            (Kind::Drive(_), Key::DRIVE) => format!("0A{}{:016x}", self.sign, 0),
            _ => format!("1{}{:031x}", self.sign, key.0),
        }
    }

    pub(crate) fn key(&self, id: &str) -> Option<Key> {
        if self.kind == Kind::Mine && id == "root" {
            return Some(Key::DRIVE);
        }
        if self.id(Key::DRIVE) == id {
            return Some(Key::DRIVE);
        }
        let digits = id.strip_prefix(&format!("1{}", self.sign)).filter(|digits| digits.len() == 31)?;
        u64::from_str_radix(digits, 16).ok().map(Key)
    }

    pub(crate) fn drive_id(&self) -> Option<String> {
        matches!(self.kind, Kind::Drive(_)).then(|| self.id(Key::DRIVE))
    }

    /// What has this key: there, or in the trash. Every other deletion is for good.
    pub(crate) fn node(&self, key: Key) -> Option<(&Node, bool)> {
        if !self.sees(key) {
            return None;
        }
        if let Some(node) = self.world.get(key) {
            return Some((node, false));
        }
        let top = self.deleted_with(key)?;
        (top.0 % 2 == 0).then(|| self.world.gone(key)).flatten().map(|node| (node, true))
    }

    /// The topmost folder that was deleted along with it.
    fn deleted_with(&self, key: Key) -> Option<Key> {
        let with = |event: &&catchment_testkit::world::Event| {
            event.is_delete() && (event.key == Some(key) || event.below.contains(&key))
        };
        self.world.log().iter().rev().find(with)?.key
    }

    fn sees(&self, key: Key) -> bool {
        let Kind::Theirs(shared) = &self.kind else { return true };
        let any = |key: Key| self.world.get(key).or_else(|| self.world.gone(key));
        std::iter::successors(any(key), |node| any(node.parent?)).any(|node| shared.contains(&node.key))
    }

    /// The file as the service would tell of it, with every field.
    pub(crate) fn file(&self, key: Key) -> Option<Value> {
        let (node, trashed) = self.node(key)?;
        let id = self.id(key);
        let time = |time: chrono::DateTime<chrono::Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
        let name = match (&self.kind, key) {
            (Kind::Mine, Key::DRIVE) => "My Drive",
            (Kind::Drive(_), Key::DRIVE) => "Drive",
            _ => &node.name,
        };
        let mut file = json!({
            "kind": "drive#file", "id": id, "name": name, "createdTime": time(node.created),
            "modifiedTime": time(node.modified), "version": node.version.to_string(), "trashed": trashed,
            "webViewLink": format!("https://drive.google.com/file/d/{id}/view"), "ownedByMe": self.kind == Kind::Mine,
            "capabilities": { "canDownload": true, "canListChildren": node.is_folder() }, "starred": false,
        });
        if let Some(parent) = node.parent.filter(|parent| self.sees(*parent)) {
            file["parents"] = json!([self.id(parent)]);
        }
        if let Some(drive) = self.drive_id() {
            file["driveId"] = drive.into();
        }
        if let Kind::Theirs(shared) = &self.kind
            && shared.contains(&key)
        {
            file["sharedWithMeTime"] = time(node.created).into();
        }
        match &node.content {
            None => file["mimeType"] = FOLDER.into(),
            Some(content) => {
                file["mimeType"] = mime(&node.name).into();
                file["size"] = content.len().to_string().into();
                file["md5Checksum"] = self.hash(node, content).into();
                file["headRevisionId"] = format!("0B{:026x}", node.edition).into();
            }
        }
        let patch = self.patches.get(&key).and_then(Value::as_object);
        for (name, value) in patch.into_iter().flatten().filter(|(name, _)| !name.starts_with('_')) {
            file[name] = value.clone();
        }
        file.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
        Some(file)
    }

    fn hash(&self, node: &Node, content: &[u8]) -> String {
        let mut hashes = self.hashes.lock().expect("a lock");
        hashes.entry((node.key, node.edition)).or_insert_with(|| hex::encode(Md5::digest(content))).clone()
    }

    /// Something of a file that is only for this stand-in.
    pub(crate) fn own(&self, key: Key, name: &str) -> &Value {
        self.patches.get(&key).map_or(&Value::Null, |patch| &patch[name])
    }

    /// What changed after an event, each once, in the order of the last event of each: the key and
    /// the number. Nothing is told of what moved or went along with a folder.
    pub(crate) fn since(&self, number: u64) -> Vec<(u64, Key)> {
        let mut last = BTreeMap::new();
        for event in self.world.since(number) {
            if let Some(key) = event.key {
                last.insert(key, event.number);
            }
        }
        let mut all: Vec<_> = last.into_iter().map(|(key, number)| (number, key)).collect();
        all.sort_unstable();
        all
    }

    /// Who may do what, in the words of the service.
    pub(crate) fn permissions(&self, key: Key) -> Vec<Value> {
        let mut all = vec![json!({
            "kind": "drive#permission", "id": "0", "type": "user", "role": "owner", "emailAddress": super::OWNER,
            "displayName": "Ada", "deleted": false, "pendingOwner": false
        })];
        for (index, principal) in self.world.readers(key).into_iter().enumerate() {
            let mut one = json!({ "kind": "drive#permission", "id": (index + 1).to_string(), "role": "reader" });
            let more = match principal {
                Principal::Anyone => json!({ "type": "anyone", "allowFileDiscovery": true }),
                Principal::Domain(domain) => json!({ "type": "domain", "domain": domain, "allowFileDiscovery": true }),
                Principal::Group(group) => json!({ "type": "group", "emailAddress": group, "deleted": false }),
                Principal::User(user) => json!({ "type": "user", "emailAddress": user, "deleted": false }),
            };
            one.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            all.push(one);
        }
        all.extend(self.own(key, "_permissions").as_array().into_iter().flatten().cloned());
        all
    }

    pub(crate) fn apply(&mut self, op: Op) {
        self.world.apply(op).expect("possible");
    }
}

fn mime(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("txt") => "text/plain",
        Some("html") => "text/html",
        Some("pdf") => "application/pdf",
        _ => "application/octet-stream",
    }
}
