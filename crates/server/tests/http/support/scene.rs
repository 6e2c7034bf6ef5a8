//! A server that knows the library, a person, and the way to the library and back.

use catchment_server::{Config, OAuth};
use serde_json::{Value, json};

use super::{Answer, Pages, Running, Start};

/// A server that knows the library, and the library.
pub(crate) struct Scene {
    pub(crate) server: Running,
    pub(crate) pages: Pages,
    pub(crate) ada: String,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let pages = Pages::open().await;
        let oauth = OAuth {
            registrations: [("library".to_owned(), pages.registration())].into(),
            public_url: Some("https://catchment.example.com".into()),
            return_to: vec!["https://app.example.com".into()],
        };
        let access = catchment_server::Access { private_network: Some(true), ..Default::default() };
        let config = Config { oauth, access, ..Start::default().config };
        let server = Running::start(Start { tokens: true, config, ..Start::default() }).await;
        let ada = server.token("acme", "ada");
        Self { server, pages, ada }
    }

    pub(crate) fn form(&self) -> Value {
        json!({"integration_type": "library", "credentials": {"url": self.pages.base}})
    }

    pub(crate) async fn connect(&self, token: &str, body: &Value) -> Answer {
        self.server.client.post("/api/integrations/connect").token(token).json(body).await
    }

    /// Asks for a consent, and gives the vendor's page.
    pub(crate) async fn begin(&self, body: &Value) -> String {
        let begun = self.connect(&self.ada, body).await;
        assert_eq!(begun.status, 200, "{begun:?}");
        begun.body()["oauth_url"].as_str().unwrap().to_owned()
    }

    /// The browser comes back; gives where it is sent on to.
    pub(crate) async fn back(&self, path: &str) -> String {
        let answer = self.server.client.get(path).await;
        assert_eq!(answer.status, 302, "{answer:?}");
        answer.header("location").unwrap().to_owned()
    }

    pub(crate) async fn connected(&self) -> Value {
        let begun = self.begin(&self.form()).await;
        let on = self.back(&self.pages.consent(&begun, "ada", None)).await;
        assert_eq!(on, "/integrations?success=true&provider=library");
        self.mine().await
    }

    /// The catalogue's word on the library.
    pub(crate) async fn mine(&self) -> Value {
        self.server.client.get("/api/integrations/library").token(self.ada.as_str()).await.body()
    }

    pub(crate) async fn post(&self, path: &str) -> Answer {
        self.server.client.post(path).token(self.ada.as_str()).await
    }

    pub(crate) async fn stop(self) {
        self.server.stop().await;
    }
}
