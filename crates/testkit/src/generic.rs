//! What every connector promises.

use catchment_core::{Capabilities, ErrorKind, Vendor};
use serde_json::Value;

use crate::{
    fixture::{Connected, Fixture},
    verdict::{Verdict, ensure, must_fail},
};

/// `check` says whose account it is.
pub async fn check_names_the_account<F: Fixture>(fixture: &F) -> Verdict {
    let account = fixture.connector()?.check().await?;
    ensure!(!account.id.is_empty() && !account.name.is_empty(), "the account has no id or no name: {account:?}");
    Ok(())
}

/// The manifest and the connector agree.
pub async fn the_manifest_says_what_the_connector_can<F: Fixture>(fixture: &F) -> Verdict {
    let can = Capabilities::of(fixture.connector()?.as_ref());
    let said = F::Vendor::CAPABILITIES;
    ensure!(can == said, "the manifest says {said:?}, the connector has {can:?}");
    let id = F::Vendor::ID;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    ensure!(!id.is_empty() && id.bytes().all(plain), "`{id}` is no id for the wire");
    ensure!(F::Vendor::ICON.starts_with("<svg"), "the icon is not SVG");
    Ok(())
}

/// What looks like a secret cannot be read back.
pub async fn secrets_are_write_only_in_the_schema<F: Fixture>(fixture: &F) -> Verdict {
    let schema = fixture.schema();
    let fields = schema["properties"].as_object();
    ensure!(fields.is_some_and(|fields| !fields.is_empty()), "the schema has no fields: {schema}");
    for (name, field) in fields.into_iter().flatten() {
        let secret = ["secret", "password", "token", "passphrase", "private_key", "api_key"];
        let looks_secret = secret.iter().any(|word| name.contains(word));
        ensure!(!looks_secret || field["writeOnly"] == true, "`{name}` is not writeOnly: make it a Secret");
    }
    Ok(())
}

/// A secret in the settings stays there.
pub async fn a_secret_is_in_no_debug_output_and_no_error<F: Fixture>(fixture: &F) -> Verdict {
    let planted = "planted-7f3a";
    let mut settings = fixture.settings();
    let mut secrets = 0;
    for (name, field) in fixture.schema()["properties"].as_object().into_iter().flatten() {
        if field["writeOnly"] == true && settings.get(name).is_some_and(Value::is_string) {
            settings[name] = format!("{planted}-{name}").into();
            secrets += 1;
        }
    }
    let signs_in = !fixture.wrong_credentials().is_empty();
    ensure!(secrets > 0 || !signs_in, "the connector signs in, but its settings hold no secret of the schema");
    let mut shown = String::new();
    match fixture.connect(settings) {
        Err(error) => shown += &trace(&error),
        Ok(connector) => {
            shown += &format!("{connector:?} {connector:#?}");
            if let Err(error) = connector.check().await {
                shown += &trace(&error);
            }
            if let Some(browse) = connector.browse()
                && let Err(error) = browse.lookup("planted").await
            {
                shown += &trace(&error);
            }
        }
    }
    ensure!(!shown.contains(planted), "a secret is shown: {shown}");
    Ok(())
}

/// A mistyped setting is found, and its name said.
pub async fn an_unknown_setting_is_named<F: Fixture>(fixture: &F) -> Verdict {
    let mut settings = fixture.settings();
    settings["no_such_setting"] = 1.into();
    let error = must_fail(fixture.connect(settings), "connecting with an unknown setting")?;
    ensure!(error.kind() == ErrorKind::Config, "an unknown setting is {}: {error}", error.kind());
    ensure!(error.get("field") == Some("no_such_setting"), "the error does not name the setting: {error}");
    Ok(())
}

/// All that an error and its causes show.
fn trace(error: &catchment_core::Error) -> String {
    let mut out = format!("{error} {error:?} {error:#?}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        out += &format!(" {error} {error:?}");
        cause = error.source();
    }
    out
}
