//! Who asks: keys, signatures, public containers; and which of them is wrong.

mod store;

use std::sync::Arc;

use catchment_azure_blob::AzureBlob;
use catchment_core::{Connector, Context, Error, ErrorKind, IntegrationId, Registry, Tenant};
use catchment_testkit::faults::Fault;
use serde_json::{Value, json};
use store::{Store, answer, behind, flat, read, sas};

async fn with_a_blob() -> Store {
    let store = Store::new().await;
    store.put("a", b"a").await;
    store
}

async fn refused(connector: Arc<dyn Connector>) -> Error {
    connector.check().await.expect_err("must be refused")
}

#[tokio::test]
async fn signatures_for_the_account_and_for_the_container_open_it() {
    let store = with_a_blob().await;
    let narrow = sas::Account { types: "co", ..sas::Account::default() };
    for signature in [
        store.sas(&sas::read_and_list()),
        store.sas_of(&sas::Account::default()),
        store.sas_of(&narrow),
        format!("http://{}/x?{}", store.server.address, store.sas(&sas::read_and_list())),
    ] {
        let connector = store.connect_with(&signature);
        let account = connector.check().await.expect("good");
        assert!(account.details.contains(&("lapses".to_owned(), "2999-01-01T00:00:00Z".to_owned())), "{account:?}");
        let all = flat(connector.as_ref(), 10).await.expect("a list");
        assert_eq!(read(connector.as_ref(), &all[0]).await.expect("readable"), b"a");
    }
    let string = format!(
        "BlobEndpoint=http://{}/{};SharedAccessSignature={}",
        store.server.address,
        store.server.account,
        store.sas(&sas::read_and_list())
    );
    let whole = json!({ "connection_string": string, "account_key": null, "account_name": null, "url": null });
    store.connect(whole).expect("good settings").check().await.expect("good");
}

#[tokio::test]
async fn a_signature_that_lapsed_says_when() {
    let store = with_a_blob().await;
    let end = "2020-01-01T00:00:00Z";
    for signature in [
        store.sas(&sas::Service { expiry: end, ..sas::read_and_list() }),
        store.sas_of(&sas::Account { expiry: end, ..sas::Account::default() }),
    ] {
        let error = refused(store.connect_with(&signature)).await;
        assert_eq!((error.kind(), error.get("lapsed")), (ErrorKind::Unauthenticated, Some(end)), "{error}");
    }
    let early = store.sas(&sas::Service { start: "2998-01-01T00:00:00Z", ..sas::read_and_list() });
    let error = refused(store.connect_with(&early)).await;
    assert!(error.kind() == ErrorKind::Unauthenticated && error.to_string().contains("not good yet"), "{error}");
}

#[tokio::test]
async fn a_signature_that_lacks_a_permission_says_which() {
    let store = with_a_blob().await;
    for (permissions, lacks) in [("r", "list"), ("l", "read"), ("w", "read and list")] {
        for signature in [
            store.sas(&sas::Service { permissions, ..sas::read_and_list() }),
            store.sas_of(&sas::Account { permissions, ..sas::Account::default() }),
        ] {
            let error = refused(store.connect_with(&signature)).await;
            assert_eq!((error.kind(), error.get("lacks")), (ErrorKind::Forbidden, Some(lacks)), "{error}");
            assert_eq!(error.get("field"), Some("sas_token"));
        }
    }
    for (services, types) in [("q", "sco"), ("b", "so"), ("b", "sc")] {
        let error =
            refused(store.connect_with(&store.sas_of(&sas::Account { services, types, ..sas::Account::default() })))
                .await;
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Forbidden, Some("sas_token")), "{error}");
    }
}

#[tokio::test]
async fn a_public_container_needs_no_key_and_another_says_so() {
    let store = with_a_blob().await;
    let unsigned = json!({ "anonymous": true, "account_key": null });
    let error = refused(store.connect(unsigned.clone()).expect("good settings")).await;
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Forbidden, Some("anonymous")), "{error}");
    let store = Store::public().await;
    store.put("a", b"a").await;
    let connector = store.connect(unsigned).expect("good settings");
    connector.check().await.expect("public");
    let entry = connector.need_browse().expect("browse").lookup("a").await.expect("public");
    assert_eq!(read(connector.as_ref(), &entry).await.expect("public"), b"a");
}

#[tokio::test]
async fn what_is_wrong_with_the_settings_is_named() {
    let store = with_a_blob().await;
    for (change, field) in [
        (json!({"folder_path": "there-is-no-such"}), "folder_path"),
        (json!({"folder_path": format!("{}/a", store.container)}), "folder_path"),
        (json!({"account_key": "d3Jvbmc="}), "account_key"),
        (json!({"account_name": "nobody"}), "account_name"),
    ] {
        let error = refused(store.connect(change.clone()).expect("plausible")).await;
        assert_eq!(error.get("field"), Some(field), "{change}: {error}");
    }
    for (change, field) in [
        (json!({"account_key": null}), "account_key"),
        (json!({"account_key": "hunter2!"}), "account_key"),
        (json!({"sas_token": "sig=x"}), "sas_token"),
        (json!({"account_key": null, "sas_token": "sv=1"}), "sas_token"),
        (json!({"anonymous": true}), "anonymous"),
        (json!({"account_key": null, "client_id": "c"}), "client_secret"),
        (json!({"account_key": null, "client_secret": "s"}), "tenant_id"),
        (json!({"account_key": null, "client_secret": "s", "tenant_id": "../t", "client_id": "c"}), "tenant_id"),
        (json!({"account_key": null, "client_secret": "s", "tenant_id": "t"}), "client_id"),
        (json!({"folder_path": "Documents"}), "folder_path"),
        (json!({"folder_path": "docs/../x"}), "folder_path"),
        (json!({"allow_http": false}), "url"),
        (json!({"bucket": "x"}), "bucket"),
    ] {
        let error = store.connect(change.clone()).expect_err("must be refused");
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some(field)), "{change}: {error}");
    }
}

#[tokio::test]
async fn each_code_says_who_has_to_act() {
    use ErrorKind::{Config, Forbidden, Unauthenticated};
    let store = with_a_blob().await;
    for (status, code, kind, field) in [
        (403, "AuthenticationFailed", Unauthenticated, "account_key"),
        (401, "NoAuthenticationInformation", Unauthenticated, "account_key"),
        (403, "AuthorizationProtocolMismatch", Forbidden, "url"),
        (403, "AuthorizationSourceIPMismatch", Forbidden, "sas_token"),
        (403, "KeyBasedAuthenticationNotPermitted", Forbidden, "account_key"),
        (403, "AccountIsDisabled", Forbidden, "account_name"),
        (409, "PublicAccessNotPermitted", Forbidden, "anonymous"),
        (404, "ContainerNotFound", Config, "folder_path"),
        (409, "ContainerBeingDeleted", Config, "folder_path"),
        (400, "InvalidResourceName", Config, "folder_path"),
    ] {
        let (_proxy, connector) = behind(&store, vec![answer(status, code)]).await;
        let error = refused(connector).await;
        assert_eq!((error.kind(), error.get("field")), (kind, Some(field)), "{code}: {error}");
        assert_eq!(error.get("code"), Some(code));
    }
    for (status, code, kind) in [
        (503, "ServerBusy", ErrorKind::RateLimited),
        (429, "TooManyRequests", ErrorKind::RateLimited),
        (500, "OperationTimedOut", ErrorKind::Unavailable),
        (500, "InternalError", ErrorKind::Unavailable),
    ] {
        let (proxy, connector) = behind(&store, Vec::new()).await;
        let body = format!("<Error><Code>{code}</Code></Error>");
        proxy.set(Fault::Status { status, retry_after: Some(7200), body });
        assert_eq!(refused(connector).await.kind(), kind, "{code}");
    }
}

#[tokio::test]
async fn a_clock_that_is_off_by_an_hour_is_named() {
    let store = with_a_blob().await;
    let hour = std::time::Duration::from_secs(3600);
    let now = std::time::SystemTime::now();
    for date in [now + hour, now - hour] {
        let body = "<Error><Code>AuthenticationFailed</Code></Error>";
        let date = httpdate::fmt_http_date(date);
        let raw = format!("HTTP/1.1 403 No\r\ndate: {date}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let (_proxy, connector) = behind(&store, vec![Fault::Raw(raw.into_bytes())]).await;
        let error = refused(connector).await;
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("clock")), "{error}");
    }
}

#[tokio::test]
async fn a_shared_server_lends_neither_its_keys_nor_its_network() {
    let store = with_a_blob().await;
    let cx = Context::shared(Tenant::new("acme", "ann"), IntegrationId(1));
    let registry = Registry::new().with::<AzureBlob>();
    let error = match registry.connect("azure_blob", store.settings(), cx.clone()) {
        Err(error) => error,
        Ok(connector) => refused(connector).await,
    };
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("url")), "{error}");
    let settings: Value = json!({ "account_name": "minutes" });
    let error = registry.connect("azure_blob", settings, cx).expect_err("no keys");
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("account_key")));
}

#[tokio::test]
async fn no_secret_is_in_any_error() {
    let store = with_a_blob().await;
    let signature = store.sas(&sas::read_and_list());
    let mark = signature.split("sig=").nth(1).expect("a signature")[..12].to_owned();
    for status in [400, 401, 403, 404, 500] {
        let (proxy, connector) = behind(&store, Vec::new()).await;
        let echo = format!("<Error><Code>Odd</Code><Message>{} {signature}</Message></Error>", store.server.key);
        proxy.set(Fault::Status { status, retry_after: Some(7200), body: echo.clone() });
        let with_key = refused(connector).await;
        let address =
            json!({ "url": format!("http://{}", proxy.address()), "account_key": null, "sas_token": signature });
        let with_signature = refused(store.connect(address).expect("good settings")).await;
        for error in [with_key, with_signature] {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains(&store.server.key) && !shown.contains(&mark), "{status}: {shown}");
        }
    }
}
