//! From a token to a bot's name: `TELEGRAM_BOT_TOKEN=... cargo run -p example-telegram`.
#![expect(clippy::print_stdout, reason = "a program prints")]

use catchment_core::{Context, Registry, Result};
use catchment_telegram::Telegram;
use clap::Parser;

/// Says which bot a token is for.
///
/// A token: in Telegram write /newbot to @BotFather, answer its two questions, and copy the token from
/// its answer. For a bot that is there already write /token.
#[derive(Parser)]
struct Arguments {
    /// The bot's token. Better set the variable: arguments can be seen by others.
    #[arg(long, env = "TELEGRAM_BOT_TOKEN", hide_env_values = true)]
    bot_token: String,
    /// The address of a Bot API server of one's own.
    #[arg(long)]
    url: Option<String>,
}

#[tokio::main]
async fn main() {
    if let Err(error) = run(Arguments::parse()).await {
        println!("error: {error}");
        std::process::exit(1);
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    // 1. Settings in the shape of the vendor's schema; what is no token is refused at once.
    let settings = serde_json::json!({ "bot_token": arguments.bot_token, "url": arguments.url });
    let connector = Registry::new().with::<Telegram>().connect("telegram", settings, Context::local())?;

    // 2. The check proves token and network, and says which is wrong.
    let bot = connector.check().await?;
    println!("connected to {} ({})", bot.name, bot.id);
    for (what, value) in &bot.details {
        println!("  {what}: {value}");
    }
    Ok(())
}
