//! The connection: which bot it is.

use catchment_client::{Client, Egress, Url};
use catchment_core::{Account, Connector, Context, Error, ErrorKind, Result, async_trait};
use serde::Deserialize;

use crate::{config::Settings, errors, token};

/// Where Telegram's own server is.
const API: &str = "https://api.telegram.org";

/// A connection to one bot.
#[derive(Debug)]
pub(crate) struct Connection {
    client: Client,
    /// The address that a person gave.
    custom: Option<String>,
}

#[derive(Deserialize)]
struct Envelope<T> {
    result: T,
}

#[derive(Deserialize)]
struct Bot {
    /// Up to 52 bits, for bots as for people.
    id: i64,
    is_bot: bool,
    first_name: String,
    username: Option<String>,
    can_join_groups: Option<bool>,
    can_read_all_group_messages: Option<bool>,
}

impl Connection {
    pub(crate) fn new(settings: &Settings, cx: &Context) -> Result<Self> {
        let token = token::checked(&settings.bot_token)?;
        let custom = settings.url.as_deref().map(|url| server(url, settings.allow_http)).transpose()?;
        let egress = if cx.private_network { Egress::allow_private() } else { Egress::public_only() };
        let client = Client::builder("telegram")
            // Limits are kept for each bot.
            .tenant(format_args!("{} {}", cx.tenant, cx.integration))
            .base(format!("{}/bot{}", custom.as_deref().unwrap_or(API), token.expose()))
            .redact(&token)
            .egress(egress)
            .classify(errors::classify)
            .attempts(4)
            .build()?;
        Ok(Self { client, custom })
    }

    /// An error of the network names the setting that may be wrong.
    fn explained(&self, error: Error) -> Error {
        let network = matches!(
            error.kind(),
            ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Protocol | ErrorKind::NotFound
        );
        if network && self.custom.is_some() && error.get("code").is_none() && error.get("field").is_none() {
            return error.with("field", "url");
        }
        error
    }
}

#[async_trait]
impl Connector for Connection {
    /// One call proves the token and says which bot it is.
    async fn check(&self) -> Result<Account> {
        let response = self.client.get("getMe").send().await.map_err(|error| self.explained(error))?;
        let bot = response.json::<Envelope<Bot>>().map_err(|error| self.explained(error))?.result;
        if !bot.is_bot {
            return Err(Error::protocol("the token is not that of a bot: ask BotFather for one"));
        }
        let yes = |value: Option<bool>| value.map(|value| if value { "yes" } else { "no" }.to_owned());
        let details = [
            ("username", bot.username.clone()),
            ("page", bot.username.map(|name| format!("https://t.me/{name}"))),
            ("may join groups", yes(bot.can_join_groups)),
            ("reads all messages of groups", yes(bot.can_read_all_group_messages)),
            ("endpoint", self.custom.clone()),
        ];
        let details = details.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        Ok(Account { id: bot.id.to_string(), name: bot.first_name, details, ..Account::default() })
    }
}

/// An address that a person gave, without the slash at the end.
fn server(url: &str, allow_http: bool) -> Result<String> {
    let wrong = |remedy: &'static str| Error::config("url", remedy);
    let parsed = Url::parse(url.trim()).map_err(|_| wrong("give an address that starts with https://"))?;
    match parsed.scheme() {
        "https" => {}
        "http" if allow_http => {}
        _ => return Err(wrong("give an address that starts with https://: the token is not sent in the clear")),
    }
    // What follows would end up behind the token, or in front of it.
    if parsed.path() != "/" || parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(wrong("give the address of the server alone, without a path: the token goes into bot_token"));
    }
    Ok(parsed.as_str().trim_end_matches('/').to_owned())
}
