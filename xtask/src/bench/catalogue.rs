//! The catalogue: every vendor with the caller's own status, on SQLite and on Postgres.

use std::{
    net::SocketAddr,
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use serde_json::json;

use super::{
    http::{Load, Loaded, call},
    peers::{Peers, fresh},
    product::Product,
    report::Section,
    serve::{Running, create, micros, row},
};
use crate::{backends, shell::Result};

/// For this measurement alone.
const KEY: &str = "9f2c61d07be84a35c1f06d9e27b3480a5ce17f62d48b09a36e5f1c7d20b94e83";

const CATALOGUE: &str = "/api/integrations";
const INTEGRATIONS: usize = 20;
const RATE: u32 = 1_000;
/// As one user's integrations change when tokens are refreshed and imports end, and far more often.
const CHANGES: u32 = 20;

pub(super) fn measure(product: &Product, peers: &Peers) -> Result<Section> {
    let load = Load::build()?;
    let work = peers.folder.join("catalogue");
    fresh(&work)?;
    let (mut rows, mut targets) = (Vec::new(), Vec::new());
    let mut measured = |name: &str, settings: &[(&str, &str)]| -> Result<()> {
        let (still, moving) = on(product, &load, &work.join(name), settings)?;
        for (how, loaded) in [("nothing changes", &still), ("20 changes a second", &moving)] {
            rows.push(row(&format!("{name}, {how}"), loaded, String::new(), String::new()));
            let target = format!("{name}, {how}: below 2 ms at the 99th percentile: {}", micros(loaded.p99));
            targets.push((target, loaded.p99 < 2_000));
        }
        Ok(())
    };
    measured("SQLite", &[])?;
    let url = backends::postgres(&work)?;
    let on_postgres = measured("Postgres", &[("CATCHMENT_DATABASE_URL", &url), ("CATCHMENT_ENCRYPTION_KEY", KEY)]);
    backends::postgres_down(&work)?;
    on_postgres?;
    fresh(&work)?;
    Ok(Section {
        title: "Catalogue",
        method: format!(
            "`GET {CATALOGUE}` for a user with {INTEGRATIONS} integrations at {RATE} a second, 16 connections, server, \
             database and caller on the same cores; times are counted from when a call was due. Once while nothing \
             changes, and once while {CHANGES} integrations of the same user change each second, so that the catalogue \
             is written anew each time. No peer: nothing else has this route."
        ),
        columns: vec!["", "calls a second", "p50", "p99", "", ""],
        rows,
        targets,
    })
}

fn on(product: &Product, load: &Load, data: &Path, settings: &[(&str, &str)]) -> Result<(Loaded, Loaded)> {
    let server = Running::product(product, data, settings)?;
    for number in 0..INTEGRATIONS {
        create(server.address, number)?;
    }
    let still = load.run(server.address, CATALOGUE, 10, Some(RATE), None)?;
    let (done, changed) = (AtomicBool::new(false), AtomicUsize::new(0));
    let moving = thread::scope(|scope| {
        scope.spawn(|| change(server.address, &done, &changed));
        let moving = load.run(server.address, CATALOGUE, 10, Some(RATE), None);
        done.store(true, Ordering::Relaxed);
        moving
    })?;
    if changed.load(Ordering::Relaxed) < 100 {
        return Err("the integrations did not change".into());
    }
    Ok((still, moving))
}

fn change(address: SocketAddr, done: &AtomicBool, changed: &AtomicUsize) {
    while !done.load(Ordering::Relaxed) {
        let number = changed.load(Ordering::Relaxed);
        let body = json!({ "name": format!("Bucket {number}") });
        if let Ok((200, _)) = call(address, "PUT", &format!("/integrations/{}", number % INTEGRATIONS + 1), Some(&body))
        {
            changed.fetch_add(1, Ordering::Relaxed);
        }
        thread::sleep(Duration::from_secs(1) / CHANGES);
    }
}
