//! A person's consent: Google's page in the browser, and the way back to a port of this machine.

use std::sync::Arc;

use catchment_auth::oauth::{App, Authorizers, Begin, MemoryTokens, Provider, new_state};
use catchment_client::{Egress, Url};
use catchment_core::{Authorize, Error, ErrorKind, IntegrationId, Result, Secret, TokenStore, Vendor};
use catchment_google_drive::GoogleDrive;
use chrono::Utc;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

/// Asks, and gives tokens that are refreshed for as long as the program runs. They are kept in
/// memory: a program that runs again keeps them in a store of its own, or in sealed files.
pub(crate) async fn ask(id: String, secret: Option<String>, person: Option<String>) -> Result<Arc<dyn Authorize>> {
    let local = |error: std::io::Error| Error::internal("cannot listen on this machine").source(error);
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(local)?;
    let redirect_uri = format!("http://{}", listener.local_addr().map_err(local)?);

    let app = App { id, secret: secret.map(Secret::new), key: None, origin: None };
    let oauth = GoogleDrive::OAUTH.ok_or_else(|| Error::internal("Google Drive has no OAuth"))?;
    let provider = Arc::new(Provider::new(oauth, app, &serde_json::json!({}), Egress::public_only())?);
    let state = new_state()?;
    let begin =
        Begin { redirect_uri: redirect_uri.clone(), state: state.clone(), scopes: Vec::new(), login_hint: person };
    let started = provider.begin(&begin)?;
    println!("open this in a browser on this machine, and agree:\n\n{}\n", started.url);

    let code = came_back(&listener, &state).await?;
    let asked = Utc::now();
    let tokens = provider.finish(&code, &started.verifier, &redirect_uri).await?.into_tokens(asked);
    // A scope that was unticked is named by the connector's check.
    let (store, key) = (Arc::new(MemoryTokens::default()), IntegrationId(1));
    store.swap(key, None, &tokens).await?;
    Ok(Arc::new(Authorizers::new(store).of(key, provider)))
}

/// Waits for the browser, and gives the code that it brings. A browser may ask for other things,
/// such as an icon.
async fn came_back(listener: &TcpListener, state: &str) -> Result<Secret> {
    let lost = |error: std::io::Error| Error::internal("the browser went away").source(error);
    loop {
        let (stream, _) = listener.accept().await.map_err(lost)?;
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).await.map_err(lost)?;
        let target = line.split(' ').nth(1).unwrap_or_default();
        let url = Url::parse(&format!("http://127.0.0.1{target}"));
        let url = url.map_err(|_| Error::protocol("what came back is no address: begin anew"))?;
        let of = |name: &str| url.query_pairs().find(|(given, _)| given == name).map(|(_, value)| value.into_owned());
        let (code, denied) = (of("code"), of("error").is_some());
        // Somebody else's page could send a code of its own here.
        let is_ours = of("state").as_deref() == Some(state);
        let words = if is_ours { "Done. Go back to the program." } else { "This is not what was asked for." };
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{words}",
            words.len()
        );
        stream.write_all(answer.as_bytes()).await.map_err(lost)?;
        match code.filter(|_| is_ours) {
            Some(code) => return Ok(Secret::new(code)),
            None if denied && is_ours => {
                return Err(Error::new(ErrorKind::Forbidden, "the person did not agree: begin anew"));
            }
            None => {}
        }
    }
}
