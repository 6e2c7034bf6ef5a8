//! `catchment import-connections`: moves connections in from elsewhere.

mod document;

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
    sync::Arc,
};

use catchment_auth::oauth::Missing;
use catchment_core::{Context, Error, IntegrationId, Result, config};
use catchment_store::{List, NewIntegration, Scoped, Status, Store};
use serde::Serialize;

use self::document::{Document, Moved};
use crate::{
    app::App,
    cli::ImportConnections,
    exit::Exit,
    show::{self, plain},
};

/// The longest line, in bytes.
const LONGEST: u64 = 1 << 20;

/// What became of a line.
#[derive(Debug, Serialize)]
struct Line {
    event: &'static str,
    line: usize,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    integration_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    /// Fields that have no place here. They are nowhere but in the file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// It is here now, or would be.
    Moved,
    /// The user has a connection with this vendor already: it is left as it is.
    Exists,
    /// It is not here; `error` says why.
    Failed,
}

pub(crate) async fn run(app: &App, import: &ImportConnections) -> Result<Exit> {
    let store = app.sealed_store(app.store().await?).await?;
    let mut counts = [0_u64; 3];
    let mut table = show::table(&["Line", "Result", "Vendor", "User", ""]);
    for (number, line) in lines(&import.file)?.enumerate() {
        let line = match line? {
            line if line.trim().is_empty() => continue,
            line => moved(app, &store, import, number + 1, &line).await?,
        };
        counts[line.outcome as usize] += 1;
        if app.json {
            app.line(&line)?;
        } else {
            table.add_row(line.row());
        }
    }
    store.close().await;
    let [moved, exists, failed] = counts;
    if app.json {
        let dry = import.dry_run;
        app.line(&serde_json::json!({
            "event": "summary", "moved": moved, "exists": exists, "failed": failed, "dry_run": dry,
        }))?;
    } else {
        println!("{table}");
        let would = if import.dry_run { " (nothing was stored)" } else { "" };
        println!("{moved} moved in, {exists} were here already, {failed} failed{would}.");
    }
    Ok(if failed > 0 { Exit::Partial } else { Exit::Done })
}

/// One connection. What is wrong with it is in the result; an error means that nothing goes on.
async fn moved(app: &App, store: &Store, import: &ImportConnections, line: usize, text: &str) -> Result<Line> {
    let failed = |error: Error| Line {
        event: "connection",
        line,
        outcome: Outcome::Failed,
        vendor: None,
        user: None,
        integration_id: None,
        status: None,
        left: Vec::new(),
        error: Some(error.to_string()),
    };
    let document = match Document::read(text) {
        Ok(document) => document,
        Err(error) => return Ok(failed(error)),
    };
    let moved = match document.translated(&app.registry, import.organization.as_deref()) {
        Ok(moved) => moved,
        Err(error) => return Ok(failed(error)),
    };
    let known = |outcome, id: Option<IntegrationId>, status, left| Line {
        outcome,
        vendor: Some(moved.vendor),
        user: Some(moved.tenant.to_string()),
        integration_id: id.map(|id| id.0),
        status: Some(status),
        left,
        error: None,
        ..failed(Error::internal("not an error"))
    };
    let scoped = store.scoped(&moved.tenant);
    if let Some((id, status)) = there(&scoped, moved.vendor).await? {
        return Ok(known(Outcome::Exists, Some(id), status, Vec::new()));
    }
    if let Err(error) = fits(app, &moved) {
        return Ok(Line {
            error: Some(error.to_string()),
            ..known(Outcome::Failed, None, moved.past.status, Vec::new())
        });
    }
    if import.dry_run {
        return Ok(known(Outcome::Moved, None, moved.past.status, moved.left.clone()));
    }
    let new = NewIntegration {
        vendor: moved.vendor.to_owned(),
        name: moved.name.clone(),
        description: None,
        settings: moved.settings.clone(),
        secrets: moved.secrets.clone(),
    };
    let made = scoped.create_connected(new, moved.tokens.clone(), moved.account.clone()).await?;
    let made = scoped.recall(made.id, &moved.past).await?;
    Ok(known(Outcome::Moved, Some(made.id), made.status, moved.left.clone()))
}

/// The user's integration with a vendor, if there is one.
async fn there(scoped: &Scoped, vendor: &str) -> Result<Option<(IntegrationId, Status)>> {
    let list = List { vendor: Some(vendor.to_owned()), limit: 1, ..List::default() };
    Ok(scoped.integrations(&list).await?.first().map(|found| (found.id, found.status)))
}

/// Whether the vendor takes the settings.
fn fits(app: &App, moved: &Moved) -> Result<()> {
    let whole = config::join(&moved.settings, moved.secrets.iter().cloned());
    // What may be reached is for the server to say that will use it.
    let cx = Context::local().with_grant(Arc::new(Missing));
    // A vendor that people consent at may want nothing else; one that is disconnected has no secrets.
    match app.registry.connect(moved.vendor, whole, cx) {
        Err(error) if moved.past.status != Status::Disconnected => Err(error),
        _ => Ok(()),
    }
}

fn lines(path: &Path) -> Result<impl Iterator<Item = Result<String>>> {
    let unreadable = |error: std::io::Error, path: &Path| {
        Error::config("file", "the file cannot be read: check the path, and that it is UTF-8")
            .with("path", path.display())
            .source(error)
    };
    let path = path.to_owned();
    let mut reader = BufReader::new(File::open(&path).map_err(|error| unreadable(error, &path))?);
    Ok(std::iter::from_fn(move || {
        let mut line = String::new();
        match reader.by_ref().take(LONGEST).read_line(&mut line) {
            Ok(0) => None,
            Ok(read) if read as u64 == LONGEST => {
                Some(Err(Error::config("file", "a line is longer than 1 MiB: is it one document a line?")))
            }
            Ok(_) => Some(Ok(line)),
            Err(error) => Some(Err(unreadable(error, &path))),
        }
    }))
}

impl Line {
    fn row(&self) -> [String; 5] {
        let result = match self.outcome {
            Outcome::Moved => self.status.map_or("moved", Status::as_str),
            Outcome::Exists => "was here",
            Outcome::Failed => "FAILED",
        };
        let more = match &self.error {
            Some(error) => plain(error),
            None if self.left.is_empty() => String::new(),
            None => format!("no place for {}", plain(&self.left.join(", "))),
        };
        let vendor = self.vendor.unwrap_or_default().to_owned();
        [self.line.to_string(), result.to_owned(), vendor, self.user.as_deref().map(plain).unwrap_or_default(), more]
    }
}
