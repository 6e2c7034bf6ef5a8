//! `new-vendor`: a connector to start from, which compiles, is registered, and fails its suite.

use std::{fs, path::Path};

use crate::{
    shell::{Result, cargo, root, run as run_command},
    spec_check::package,
};

/// The files of a vendor: where they go and what is in them, both with names to be filled in.
const FILES: &[(&str, &str)] = &[
    ("crates/connectors/@id@/Cargo.toml", include_str!("templates/vendor.toml")),
    ("crates/connectors/@id@/README.md", include_str!("templates/README.md")),
    ("crates/connectors/@id@/src/lib.rs", include_str!("templates/lib.rs.txt")),
    ("crates/connectors/@id@/src/config.rs", include_str!("templates/config.rs.txt")),
    ("crates/connectors/@id@/src/connector.rs", include_str!("templates/connector.rs.txt")),
    ("crates/connectors/@id@/src/browse.rs", include_str!("templates/browse.rs.txt")),
    ("crates/connectors/@id@/src/download.rs", include_str!("templates/download.rs.txt")),
    ("crates/connectors/@id@/tests/conformance.rs", include_str!("templates/conformance.rs.txt")),
    ("examples/@id@/Cargo.toml", include_str!("templates/example.toml")),
    ("examples/@id@/src/main.rs", include_str!("templates/example.rs.txt")),
];

pub(crate) fn run(id: &str, name: &str) -> Result<()> {
    scaffold(&root(), id, name)?;
    // How long a line is depends on the names that were filled in.
    let example = format!("example-{}", id.replace('_', "-"));
    run_command(cargo().args(["fmt", "-p", "catchment", "-p", &package(id), "-p", &example]))?;
    println!(
        "made crates/connectors/{id} and examples/{id}, and registered {id} in crates/catchment\n\
         next: the settings in src/config.rs, a fixture in tests/conformance.rs, then one capability after the other\n\
         see: CONTRIBUTING.md, \"Adding a vendor\""
    );
    Ok(())
}

fn scaffold(root: &Path, id: &str, name: &str) -> Result<()> {
    check(root, id, name)?;
    // The edits are worked out before anything is written, so that a failure leaves nothing half done.
    let mut files = Vec::new();
    for (path, text) in FILES {
        files.push((path.replace("@id@", id), filled(text, id, name)));
    }
    for (path, edit) in registrations(id) {
        let old = fs::read_to_string(root.join(path)).map_err(|error| format!("cannot read {path}: {error}"))?;
        files.push((path.to_owned(), edit(&old).ok_or_else(|| format!("{path} has no place for a vendor"))?));
    }
    for (path, text) in files {
        let path = root.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text)?;
    }
    Ok(())
}

fn check(root: &Path, id: &str, name: &str) -> Result<()> {
    let words = id
        .split('_')
        .all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
    if !words || !id.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err(format!("`{id}` is no vendor id: lower-case letters and digits, words joined by `_`").into());
    }
    if name.trim().is_empty() || name.contains(['"', '\\', '\n']) {
        return Err("give the name as the vendor writes it, in one line without quotes".into());
    }
    for folder in ["crates/connectors", "examples"] {
        if root.join(folder).join(id).exists() {
            return Err(format!("{folder}/{id} is there already").into());
        }
    }
    Ok(())
}

fn filled(text: &str, id: &str, name: &str) -> String {
    let package = package(id);
    text.replace("@id@", id)
        .replace("@name@", name)
        .replace("@package@", &package)
        .replace("@module@", &package.replace('-', "_"))
        .replace("@example@", &format!("example-{}", id.replace('_', "-")))
        .replace("@Type@", &type_name(id))
}

/// `google_drive` is `GoogleDrive`.
fn type_name(id: &str) -> String {
    id.split('_').map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..])).collect()
}

type Edit = Box<dyn Fn(&str) -> Option<String>>;

/// Where the rest of the workspace learns of the vendor.
fn registrations(id: &str) -> [(&'static str, Edit); 4] {
    let package = package(id);
    let member = format!("{package} = {{ path = \"crates/connectors/{id}\" }}");
    let dependency = format!("{package} = {{ workspace = true }}");
    let live = dependency.clone();
    let registered = format!(".with::<{}::{}>()", package.replace('-', "_"), type_name(id));
    [
        (
            "Cargo.toml",
            Box::new(move |old| after_last(old, &member, |line| line.contains("path = \"crates/connectors/"))),
        ),
        (
            "crates/catchment/Cargo.toml",
            Box::new(move |old| {
                // The block of vendors follows its comment, up to the next empty line.
                let (start, rest) = old.split_once("# The vendors, one line each.\n")?;
                let (vendors, end) = rest.split_once("\n\n")?;
                let vendors = after_last(&format!("{vendors}\n"), &dependency, |line| !line.is_empty())?;
                Some(format!("{start}# The vendors, one line each.\n{vendors}\n{end}"))
            }),
        ),
        (
            // It has the stock binary's list of vendors, and so needs them all.
            "examples/live/Cargo.toml",
            Box::new(move |old| after_last(old, &live, |line| line.starts_with("catchment-"))),
        ),
        (
            "crates/catchment/src/registry.rs",
            Box::new(move |old| {
                let last = old.rfind(".with::<")?;
                let end = last + old[last..].find(">()")? + ">()".len();
                Some(format!("{}{registered}{}", &old[..end], &old[end..]))
            }),
        ),
    ]
}

/// The text with a line put in after the last of its kind.
fn after_last(text: &str, line: &str, kind: impl Fn(&str) -> bool) -> Option<String> {
    let lines: Vec<_> = text.lines().collect();
    let last = lines.iter().rposition(|line| kind(line))?;
    let mut out = lines[..=last].join("\n");
    out += &format!("\n{line}\n");
    for rest in &lines[last + 1..] {
        out += &format!("{rest}\n");
    }
    Some(out)
}

#[cfg(test)]
mod tests;
