//! The workspace as `tidy` sees it: crates with their dependencies, and the text of its files.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;

use crate::shell::{Result, cargo, output};

/// What the rules look at.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    pub(super) crates: Vec<Crate>,
    pub(super) files: Vec<SourceFile>,
    /// Long files that may be long, with the reason.
    pub(super) long_files: BTreeMap<String, String>,
}

/// A member of the workspace.
#[derive(Debug, Clone)]
pub(super) struct Crate {
    pub(super) name: String,
    /// Its folder relative to the workspace, `crates/core`.
    pub(super) folder: String,
    pub(super) has_library: bool,
    pub(super) dependencies: Vec<Dependency>,
}

#[derive(Debug, Clone)]
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) is_dev: bool,
}

/// A text file, its path relative to the workspace.
#[derive(Debug)]
pub(super) struct SourceFile {
    pub(super) path: String,
    pub(super) text: String,
}

/// What a crate is, by the folder it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Room {
    /// `crates/<name>`.
    Layer(String),
    /// `crates/connectors/<id>`: a vendor.
    Vendor(String),
    /// `crates/connectors/<id>`: what the vendors of one family share.
    Family(String),
    /// The stock binary, examples, journeys and chores: they put things together.
    Root,
}

/// The crates under `crates/connectors` that are no vendors themselves.
const FAMILIES: &[&str] = &["google", "msgraph", "meta", "object_store"];

const TEXT: &[&str] = &["rs", "toml", "md", "sh", "py", "json", "yml", "yaml", "html", "sql"];

impl Workspace {
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut workspace = Self { crates: crates(root)?, ..Self::default() };
        collect(root, root, &mut workspace.files)?;
        let list = fs::read_to_string(root.join("xtask/tidy.toml"))?;
        workspace.long_files = toml::from_str::<Tidy>(&list)?.long_files;
        Ok(workspace)
    }

    pub(super) fn file(&self, path: &str) -> Option<&SourceFile> {
        self.files.iter().find(|file| file.path == path)
    }

    pub(super) fn rust_files(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    pub(super) fn vendors(&self) -> impl Iterator<Item = (&Crate, String)> {
        self.crates.iter().filter_map(|one| match one.room() {
            Room::Vendor(id) => Some((one, id)),
            _ => None,
        })
    }
}

impl Crate {
    pub(super) fn room(&self) -> Room {
        if let Some(id) = self.folder.strip_prefix("crates/connectors/") {
            return if FAMILIES.contains(&id) { Room::Family(id.into()) } else { Room::Vendor(id.into()) };
        }
        match self.folder.strip_prefix("crates/") {
            Some("catchment") | None => Room::Root,
            Some(name) => Room::Layer(name.into()),
        }
    }

    pub(super) fn manifest(&self) -> String {
        format!("{}/Cargo.toml", self.folder)
    }
}

#[derive(Deserialize)]
struct Tidy {
    long_files: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: String,
    dependencies: Vec<Declared>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Declared {
    name: String,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

fn crates(root: &Path) -> Result<Vec<Crate>> {
    let arguments = ["metadata", "--format-version", "1", "--no-deps", "--offline"];
    let metadata: Metadata = serde_json::from_str(&output(cargo().args(arguments).current_dir(root))?)?;
    let root = fs::canonicalize(root)?;
    let mut crates = Vec::new();
    for package in metadata.packages {
        let folder = Path::new(&package.manifest_path).parent().ok_or("a manifest without a folder")?;
        let folder = fs::canonicalize(folder)?.strip_prefix(&root)?.to_string_lossy().into_owned();
        let dependencies = package.dependencies.into_iter();
        crates.push(Crate {
            name: package.name,
            folder,
            has_library: package.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "lib")),
            dependencies: dependencies
                .map(|one| Dependency { name: one.name, is_dev: one.kind.as_deref() == Some("dev") })
                .collect(),
        });
    }
    Ok(crates)
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<SourceFile>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name();
        if entry.file_type()?.is_dir() {
            if ![".git", "target", "node_modules", "__pycache__"].iter().any(|skipped| name == *skipped) {
                collect(root, &path, files)?;
            }
            continue;
        }
        let is_text = path.extension().is_some_and(|end| TEXT.iter().any(|text| end == *text));
        if is_text || path.ends_with(".ci/run") {
            // Sample documents come in every encoding; what is not UTF-8 holds no rule to break.
            if let Ok(text) = fs::read_to_string(&path) {
                files.push(SourceFile { path: path.strip_prefix(root)?.to_string_lossy().into_owned(), text });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod seeds {
    //! Small workspaces with one thing wrong.

    use super::*;

    /// A crate in `folder` that depends on `dependencies`; a name that starts with `dev:` is a
    /// dev-dependency.
    pub(in super::super) fn crate_in(folder: &str, dependencies: &[&str]) -> Crate {
        let id = folder.rsplit('/').next().unwrap_or_default();
        Crate {
            name: if folder.starts_with("examples/") { format!("example-{id}") } else { name_of(id) },
            folder: folder.into(),
            has_library: folder != "crates/catchment" && folder.starts_with("crates/"),
            dependencies: dependencies
                .iter()
                .map(|name| Dependency {
                    name: name.trim_start_matches("dev:").into(),
                    is_dev: name.starts_with("dev:"),
                })
                .collect(),
        }
    }

    pub(in super::super) fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.into(), text: text.into() }
    }

    fn name_of(id: &str) -> String {
        if id == "catchment" { id.into() } else { format!("catchment-{}", id.replace('_', "-")) }
    }
}
