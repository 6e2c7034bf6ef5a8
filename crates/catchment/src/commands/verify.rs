//! `catchment verify`: holds the ledger against the index, and the index against itself.

use catchment_core::Result;
use serde_json::json;

use crate::{
    app::App,
    exit::Exit,
    show::{self, plain},
};

pub(crate) async fn run(app: &App, repair: bool) -> Result<Exit> {
    let data = app.open().await?;
    let engine = app.engine(&data, None)?;
    data.index.integrity().await?;
    let tenant = app.tenant();
    let mut integrations: Vec<_> = data
        .store
        .integrations(&tenant)
        .await?
        .into_iter()
        .map(|integration| (integration.id, integration.name))
        .collect();
    // Documents of an integration that is in the index only are orphans, all of them.
    for id in data.index.integrations().await? {
        if !integrations.iter().any(|(known, _)| *known == id) {
            integrations.push((id, String::new()));
        }
    }
    let mut exit = Exit::Done;
    let mut table = show::table(&["Integration", "Checked", "Missing", "Orphans", "Damaged", "Unsettled", "Mended"]);
    let mut findings = Vec::new();
    for (id, name) in integrations {
        let report = engine.verify(id, repair).await?;
        if !report.is_clean() && !repair {
            exit = Exit::Damage;
        }
        if app.json {
            app.line(&json!({ "integration_id": id, "name": name, "clean": report.is_clean(), "report": report }))?;
            continue;
        }
        let counts = [
            report.checked,
            report.missing_in_index,
            report.orphans_in_index,
            report.mismatched,
            report.unsettled,
            report.repaired,
        ];
        table.add_row([format!("{id} {}", plain(&name))].into_iter().chain(counts.iter().map(u64::to_string)));
        findings.extend(report.findings);
    }
    if app.json {
        return Ok(exit);
    }
    println!("{table}");
    for finding in findings {
        let place = finding.path.unwrap_or_else(|| finding.entry.to_string());
        println!("  {:?}: {}", finding.problem, plain(&place));
    }
    match exit {
        Exit::Damage => println!("Ledger and index differ: `catchment verify --repair` mends it."),
        _ if repair => println!("What was missing or damaged comes back with the next import."),
        _ => println!("Ledger and index agree."),
    }
    Ok(exit)
}
