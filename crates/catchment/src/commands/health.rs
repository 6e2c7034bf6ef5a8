//! `catchment health`: asks a server whether it is alive.

use std::time::Duration;

use catchment_client::{Client, Egress};
use catchment_core::Result;

use crate::exit::Exit;

/// Health checks of containers give up after a few seconds themselves.
const PATIENCE: Duration = Duration::from_secs(3);

pub(crate) async fn run(server: &str) -> Result<Exit> {
    let client = Client::builder("catchment")
        .base(server)
        .egress(Egress::allow_private())
        .attempts(1)
        .deadline(PATIENCE)
        .build()?;
    client.get("health").send().await?;
    Ok(Exit::Done)
}
