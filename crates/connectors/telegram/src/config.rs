//! The vendor: what it is called, what it needs to know, how to connect.

use catchment_core::{AuthMethod, Capabilities, Connector, Context, Result, Secret, Vendor};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::connection::Connection;

/// The vendor `telegram`: a bot at Telegram.
#[derive(Debug, Clone, Copy)]
pub struct Telegram;

/// The settings of a bot.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The token that @BotFather gave out, for example `110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw`.
    pub bot_token: Secret,
    /// The address of a Bot API server of one's own, if it is not `https://api.telegram.org`.
    pub url: Option<String>,
    /// Whether `url` may be http://, which sends the token in the clear.
    #[serde(default)]
    pub allow_http: bool,
}

impl Vendor for Telegram {
    const ID: &'static str = "telegram";
    const NAME: &'static str = "Telegram";
    const DESCRIPTION: &'static str = "A bot at Telegram.";
    const ICON: &'static str = concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#229ed9" "##,
        r##"stroke-width="2"><path d="M2 11 22 3l-4 18-6-5-3 3-1-6z"/><path d="m8 13 9-6"/></svg>"##
    );
    const AUTH: &'static [AuthMethod] = &[AuthMethod::Keys];
    const CAPABILITIES: Capabilities = Capabilities::NONE;

    type Config = Settings;

    fn connect(config: Settings, cx: Context) -> Result<impl Connector> {
        Connection::new(&config, &cx)
    }
}
