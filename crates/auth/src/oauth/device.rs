//! Consent on another device (RFC 8628): a program without a browser shows a code.

use std::{fmt, time::Duration};

use catchment_client::Url;
use catchment_core::{Actor, Error, ErrorKind, Result, Secret};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    answers::{EXPIRED, PENDING, SLOW_DOWN, seconds, secret},
    exchange::Granted,
    provider::Provider,
};

/// Between two questions, where the vendor does not say.
const INTERVAL: Duration = Duration::from_secs(5);

/// And the longest, however slow the vendor asks us to be.
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);

/// A code is good for so long, where the vendor does not say.
const LIFE: Duration = Duration::from_secs(15 * 60);

/// What to show a person.
#[derive(Clone)]
pub struct DeviceCode {
    /// What the person types.
    pub user_code: String,
    /// Where.
    pub verification_uri: String,
    /// The same page with the code filled in, where the vendor has one.
    pub verification_uri_complete: Option<String>,
    /// How long to wait between two questions.
    pub interval: Duration,
    /// How long the code is good, from when it was asked for.
    pub expires_in: Duration,
    code: Secret,
    until: Instant,
}

impl Provider {
    /// Asks for a code to show; for the vendor's usual scopes where none are named.
    ///
    /// # Errors
    /// `Unsupported` when the vendor has no such flow, `Config` when it does not let this program
    /// use it.
    pub async fn device(&self, scopes: &[String]) -> Result<DeviceCode> {
        let url = self.device.as_deref();
        let url = url.ok_or_else(|| Error::unsupported("this vendor does not let people consent on another device"))?;
        let scopes = self.scopes(scopes);
        let form: &[(&'static str, &str)] = if scopes.is_empty() { &[] } else { &[("scope", &scopes)] };
        let asked = Instant::now();
        // Two codes harm nobody.
        let answer = self.program.call(&self.client, url, form)?.idempotent(true).send().await?;
        let answer: Value = answer.json()?;
        let expires_in = answer.get("expires_in").and_then(seconds).unwrap_or(LIFE);
        let shown = || Error::protocol("the vendor gives no code that can be shown");
        Ok(DeviceCode {
            user_code: answer.get("user_code").and_then(shown_code).ok_or_else(shown)?,
            // Google's older name for it.
            verification_uri: (answer.get("verification_uri").or(answer.get("verification_url")))
                .and_then(page)
                .ok_or_else(shown)?,
            verification_uri_complete: answer.get("verification_uri_complete").and_then(page),
            interval: answer.get("interval").and_then(seconds).unwrap_or(INTERVAL).min(LONGEST_INTERVAL),
            expires_in,
            code: secret(answer.get("device_code")).ok_or_else(shown)?,
            until: asked + expires_in,
        })
    }

    /// Waits until the person has consented. Whoever drops it may ask again, unless the vendor
    /// has just answered.
    ///
    /// # Errors
    /// `Forbidden` when the person denied it, `Timeout` when nobody consented in time; else what
    /// makes asking again useless.
    pub async fn poll(&self, device: &DeviceCode) -> Result<Granted> {
        let grant_type = "urn:ietf:params:oauth:grant-type:device_code";
        let form = [("grant_type", grant_type), ("device_code", device.code.expose())];
        let mut interval = device.interval;
        loop {
            if Instant::now() + interval >= device.until {
                return Err(ended());
            }
            sleep(interval).await;
            let error = match self.ask(&form).await {
                Ok(granted) => return Ok(granted),
                Err(error) => error,
            };
            interval = match error.get("code") {
                Some(PENDING) => interval,
                Some(SLOW_DOWN) => interval + Duration::from_secs(5),
                Some(EXPIRED) => return Err(ended()),
                _ if error.kind().actor() == Actor::Time => interval * 2,
                _ => return Err(error),
            }
            .min(LONGEST_INTERVAL);
        }
    }
}

fn ended() -> Error {
    Error::new(ErrorKind::Timeout, "nobody consented in time: begin anew").never_retry()
}

/// A code that a terminal can be trusted with.
fn shown_code(value: &Value) -> Option<String> {
    let code = value.as_str()?;
    let plain = (1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    plain.then(|| code.to_owned())
}

/// An address that a person can be sent to.
fn page(value: &Value) -> Option<String> {
    let url = Url::parse(value.as_str()?).ok()?;
    matches!(url.scheme(), "https" | "http").then(|| url.into())
}

impl fmt::Debug for DeviceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceCode").field("verification_uri", &self.verification_uri).finish_non_exhaustive()
    }
}
