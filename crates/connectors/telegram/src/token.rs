//! The bot's token, which stands in the path of every call.

use catchment_core::{Error, Result, Secret};

/// A token as @BotFather writes it: the bot's number, a colon, and at least so much more.
const LEAST: usize = 30;

/// The token without what was pasted around it.
///
/// # Errors
/// `Config` when it is no token. In a path, what is no token would be another path.
pub(crate) fn checked(pasted: &Secret) -> Result<Secret> {
    let token = pasted.expose().trim();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let good = token.split_once(':').is_some_and(|(bot, rest)| {
        !bot.is_empty()
            && bot.bytes().all(|byte| byte.is_ascii_digit())
            && rest.len() >= LEAST
            && rest.bytes().all(plain)
    });
    if !good {
        return Err(Error::config(
            "bot_token",
            "paste the token as BotFather shows it: a number, a colon, and 35 letters, digits, _ and -",
        ));
    }
    Ok(Secret::new(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_lead_to_another_path_is_no_token() {
        let rest = "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";
        let good = checked(&Secret::new(format!(" 110201543:{rest}\n"))).expect("a token");
        assert_eq!(good.expose(), format!("110201543:{rest}"));
        for wrong in
            ["", ":", rest, "1:short", &format!("x:{rest}"), &format!("1:{rest}/../getUpdates"), &format!("1:{rest}?x")]
        {
            let error = checked(&Secret::new(wrong)).expect_err(wrong);
            assert_eq!(error.get("field"), Some("bot_token"));
            assert!(!error.to_string().contains(rest), "{error}");
        }
    }
}
