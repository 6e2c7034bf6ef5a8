//! A person with a browser: follows redirects, keeps cookies, fills in forms.

#![allow(dead_code, reason = "each test program uses a part")]

use std::collections::BTreeMap;

use catchment_client::Url;
use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Whoever sits before it is called Anna.
#[derive(Default)]
pub(crate) struct Browser {
    cookies: BTreeMap<String, String>,
}

/// Where a visit ended.
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) body: String,
}

impl Browser {
    /// Goes to the address and does what the pages ask for until they lead to `callback`, or to a
    /// page that asks for nothing; gives the address of that.
    pub(crate) async fn consent(&mut self, url: &str, callback: &str) -> Page {
        let mut page = self.visit(url, None, callback).await;
        while let Some((action, fields)) = form(&page.body).filter(|_| !page.url.as_str().starts_with(callback)) {
            page = self.visit(&action, Some(&fields), callback).await;
        }
        page
    }

    /// Goes to the address and says no.
    pub(crate) async fn deny(&mut self, url: &str, callback: &str) -> Page {
        let page = self.visit(url, None, callback).await;
        let cancel = after(&page.body, "<a href=\"").expect("a way out");
        self.visit(&cancel, None, callback).await
    }

    /// One page, after redirects. The callback is not visited.
    pub(crate) async fn visit(&mut self, url: &str, form: Option<&[(String, String)]>, callback: &str) -> Page {
        let mut url = Url::parse(url).expect("an address");
        let mut form =
            form.map(|fields| url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish());
        loop {
            if url.as_str().starts_with(callback) {
                return Page { url, body: String::new() };
            }
            let (location, body) = self.ask(&url, form.take()).await;
            match location {
                Some(location) => url = url.join(&location).expect("an address"),
                None => return Page { url, body },
            }
        }
    }

    async fn ask(&mut self, url: &Url, form: Option<String>) -> (Option<String>, String) {
        let host = format!("{}:{}", url.host_str().expect("a host"), url.port().expect("a port"));
        let stream = TcpStream::connect(&host).await.expect("a connection");
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
        tokio::spawn(connection);
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let request = Request::builder()
            .method(if form.is_some() { "POST" } else { "GET" })
            .uri(path)
            .header(header::HOST, host)
            .header(header::COOKIE, cookies.join("; "))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(form.unwrap_or_default())))
            .expect("a request");
        let (head, body) = sender.send_request(request).await.expect("an answer").into_parts();
        for cookie in head.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().expect("text").split(';').next().unwrap_or_default();
            let (name, value) = cookie.split_once('=').expect("a cookie");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        self.cookies.retain(|_, value| !value.is_empty());
        let body = String::from_utf8(body.collect().await.expect("a body").to_bytes().to_vec()).expect("text");
        let location = head.headers.get(header::LOCATION).map(|location| location.to_str().expect("text").to_owned());
        assert!(head.status.is_success() || location.is_some(), "{url}: {} {body}", head.status);
        (location, body)
    }
}

/// The form of a page: where it goes, and its fields with what Anna fills in.
fn form(page: &str) -> Option<(String, Vec<(String, String)>)> {
    let form = page.split_once("<form")?.1.split_once("</form>")?.0;
    let inputs = form.split("<input").skip(1).filter_map(|input| {
        let name = after(input, "name=\"")?;
        let value = after(input, "value=\"");
        Some((name, value.unwrap_or_else(|| "anna".into())))
    });
    Some((after(form, "action=\"")?, inputs.collect()))
}

/// What stands between this and the next quotation mark.
fn after(text: &str, start: &str) -> Option<String> {
    Some(text.split_once(start)?.1.split_once('"')?.0.to_owned())
}
