//! `GET /integrations`: where a browser lands when nobody said where else to go.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    http::{HeaderValue, header},
    response::{Html, IntoResponse, Response},
};
use serde::Deserialize;

use crate::state::App;

/// What the callback says.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Landed {
    success: Option<String>,
    provider: Option<String>,
    error: Option<String>,
}

/// A page that says whether a vendor is connected. It is for persons who have no other front end.
#[utoipa::path(
    get, path = "/integrations", tag = "vendors",
    params(
        ("success" = Option<String>, Query, description = "`true` if it is connected"),
        ("provider" = Option<String>, Query, description = "The vendor's id"),
        ("error" = Option<String>, Query, description = "Why it is not"),
    ),
    responses((status = 200, description = "The page", body = String, content_type = "text/html")),
)]
pub(crate) async fn landing(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Response {
    let landed: Landed = serde_urlencoded::from_str(query.as_deref().unwrap_or_default()).unwrap_or_default();
    let provider = landed.provider.as_deref().and_then(|id| app.registry.manifest(id).ok());
    let (title, text) = match (landed.success.as_deref(), provider) {
        (Some("true"), Some(provider)) => {
            ("Connected", format!("{} is connected. You can close this window.", provider.name))
        }
        (Some("false"), _) => {
            ("Not connected", landed.error.unwrap_or_else(|| "the vendor was not connected: try again".to_owned()))
        }
        _ => ("Catchment", "Integrations are listed by GET /api/integrations; /docs says the rest.".to_owned()),
    };
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title}</title><style>body{{font:16px/1.5 system-ui,sans-serif;\
         margin:20vh auto;max-width:32rem;padding:0 1rem;color:#1b2733}}h1{{font-size:1.4rem}}</style>\
         <h1>{title}</h1><p>{}</p></html>",
        escaped(&text)
    );
    let mut response = Html(page).into_response();
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().take(500) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_an_address_is_text_on_the_page_and_nothing_else() {
        assert_eq!(escaped("<script>'\"&\n"), "&lt;script&gt;&#39;&quot;&amp; ");
    }
}
