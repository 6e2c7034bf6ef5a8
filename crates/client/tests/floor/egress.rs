//! The egress guard where it matters: at the connection.

use catchment_client::{Client, Egress};
use catchment_core::{ErrorKind, Retry};

use crate::support::{Server, json};

async fn get(egress: Egress, url: &str) -> catchment_core::Result<catchment_client::Response> {
    Client::builder("egress").tenant(url).egress(egress).build()?.get(url).send().await
}

#[tokio::test]
async fn a_name_that_resolves_inside_is_refused_when_it_is_resolved() {
    let server = Server::always(json(200, "1")).await;
    let url = format!("http://localhost:{}/", server.port);
    // An open network elsewhere lets the name through the first check, so that only the resolver
    // stands between it and the connection.
    let error = get(Egress::public_only().allow_net("10.99.0.0/16").unwrap(), &url).await.unwrap_err();
    assert_eq!((error.kind(), error.retry(), server.count()), (ErrorKind::Config, Retry::Never, 0), "{error:?}");
    assert!(error.message().contains("private network"), "{error}");
    get(Egress::public_only().allow_host("localhost"), &url).await.unwrap();
    get(Egress::public_only().allow_net("127.0.0.0/8").unwrap().allow_net("::1").unwrap(), &url).await.unwrap();
    get(Egress::allow_private(), &url).await.unwrap();
    assert_eq!(server.count(), 3);
}

#[tokio::test]
async fn an_address_written_out_is_refused_before_the_connection() {
    let server = Server::always(json(200, "1")).await;
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "localhost", "127.0.0.1.", "0.0.0.0"] {
        let error = get(Egress::public_only(), &format!("http://{host}:{}/", server.port)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{host}: {error}");
    }
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn an_open_network_is_open_and_the_rest_is_not() {
    let server = Server::always(json(200, "1")).await;
    let egress = Egress::public_only().allow_net("127.0.0.2/32").unwrap();
    get(egress.clone(), &format!("http://127.0.0.2:{}/", server.port)).await.unwrap();
    get(egress, &format!("http://127.0.0.3:{}/", server.port)).await.unwrap_err();
    assert_eq!(server.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_does_not_exist_is_unavailable_and_not_a_private_address() {
    let client = Client::builder("egress").attempts(1).build().unwrap();
    let error = client.get("http://no-such-host.invalid/").send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
}

#[tokio::test]
async fn a_server_without_tls_is_named_as_one() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 1024]).await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    });
    let error = get(Egress::allow_private(), &url).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Config, Retry::Never), "{error:?}");
    assert!(error.message().contains("does not speak TLS"), "{error}");
}
