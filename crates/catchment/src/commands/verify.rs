//! `catchment verify`: holds the ledger against the index, and the index against itself.

use catchment_core::{IntegrationId, Result, Tenant};
use serde_json::json;

use crate::{
    app::{App, Data},
    exit::Exit,
    show::{self, plain},
};

/// How many integrations are read at once.
const PAGE: u32 = 1000;

pub(crate) async fn run(app: &App, repair: bool) -> Result<Exit> {
    let data = app.open().await?;
    data.index.integrity().await?;
    let integrations = everybodys(&data).await?;
    let mut exit = Exit::Done;
    let mut table = show::table(&["Integration", "Checked", "Missing", "Orphans", "Damaged", "Unsettled", "Mended"]);
    let mut findings = Vec::new();
    for (id, name, owner) in integrations {
        let report = app.engine(&data, &owner, None)?.verify(id, repair).await?;
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

/// Every integration with its name and its owner. Whose documents they are does not matter here:
/// to a ledger that sees one tenant alone, the documents of all others would be orphans.
async fn everybodys(data: &Data) -> Result<Vec<(IntegrationId, String, Tenant)>> {
    // First the index: what a server makes meanwhile is then in the list of integrations.
    let indexed = data.index.integrations().await?;
    let mut all: Vec<(IntegrationId, String, Tenant)> = Vec::new();
    loop {
        let after = all.last().map(|(id, _, _)| *id);
        let page = data.store.everybodys_integrations(after, PAGE).await?;
        if page.is_empty() {
            break;
        }
        all.extend(page.into_iter().map(|integration| (integration.id, integration.name, integration.tenant)));
    }
    // Documents of an integration that is in the index only are orphans, all of them.
    for id in indexed {
        if !all.iter().any(|(known, _, _)| *known == id) {
            all.push((id, String::new(), Tenant::local()));
        }
    }
    Ok(all)
}
