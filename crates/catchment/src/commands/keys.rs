//! `catchment keys`: the keys that credentials are sealed under.

use catchment_core::{Error, Result};
use catchment_vault::KeyRing;
use serde_json::json;

use crate::{
    app::App,
    cli::{Keys, Rotate},
    exit::Exit,
};

/// How many secrets are sealed anew in one go.
const BATCH: u32 = 500;

pub(crate) async fn run(app: &App, keys: &Keys) -> Result<Exit> {
    match keys {
        Keys::Rotate(rotate) => self::rotate(app, rotate).await,
    }
}

/// Seals everything under the current key. Servers go on meanwhile; interrupted, it is run again.
async fn rotate(app: &App, rotate: &Rotate) -> Result<Exit> {
    let store = app.sealed_store(app.store().await?).await?;
    if rotate.new_key {
        if app.settings.encryption_key.is_some() || app.settings.kms.is_some() || store.is_shared() {
            return Err(Error::config(
                "encryption_key",
                "the keys are not in a key file: put a new key in front of CATCHMENT_ENCRYPTION_KEY (`new,old`), \
                 restart the servers, and rotate without --new-key",
            ));
        }
        let id = KeyRing::add_to_file(app.key_file())?;
        say(app, &json!({ "event": "key", "key": id }), || format!("Key {id} is new, and current from now on."))?;
    }
    let mut resealed = 0;
    loop {
        let done = store.rotate(BATCH).await?;
        resealed += done.resealed;
        if done.resealed == 0 {
            store.close().await;
            if done.left > 0 {
                say(app, &json!({ "event": "rotated", "resealed": resealed, "unreadable": done.left }), || {
                    format!("{resealed} sealed anew; {} cannot be opened with the keys that are here.", done.left)
                })?;
                return Ok(Exit::Partial);
            }
            say(app, &json!({ "event": "rotated", "resealed": resealed, "unreadable": 0 }), || {
                format!("{resealed} sealed anew. Nothing is sealed under an older key any more.")
            })?;
            return Ok(Exit::Done);
        }
        if !app.json && done.left > 0 {
            eprintln!("{resealed} sealed anew, {} to go", done.left);
        }
    }
}

fn say(app: &App, line: &serde_json::Value, sentence: impl FnOnce() -> String) -> Result<()> {
    if app.json {
        return app.line(line);
    }
    println!("{}", sentence());
    Ok(())
}
