//! FTP: servers that list what is not there, anybody's files, and TLS.

#[expect(dead_code, reason = "of the servers, those of FTP are used here")]
mod servers;

use std::{env, process::Command, sync::Arc};

use catchment_core::{ByteRange, Connector, Context, ErrorKind, PageRequest, Registry};
use catchment_opendal::OpenDal;
use catchment_testkit::backends::{TlsFileServer, pyftpdlib, pyftpdlib_lenient, pyftpdlib_tls};
use serde_json::Value;
use servers::Folder;

fn connect(settings: Value) -> Arc<dyn Connector> {
    Registry::new().with::<OpenDal>().connect("opendal", settings, Context::local()).expect("good settings")
}

#[tokio::test]
async fn a_server_that_lists_a_missing_folder_as_empty_is_not_believed() {
    let folder = Folder::of(pyftpdlib_lenient(), "ftp");
    folder.put_folder("empty");
    let connector = connect(folder.settings());
    let browse = connector.need_browse().expect("it lists");
    let page = browse.children(&"empty/".into(), PageRequest::first()).await.expect("an empty folder");
    assert_eq!((page.items, page.next), (Vec::new(), None));
    let error = browse.children(&"missing/".into(), PageRequest::first()).await.expect_err("no such folder");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");

    // A whole source that is not there would be taken for one where everything was deleted.
    let mut settings = folder.settings();
    settings["folder_path"] = "missing".into();
    let gone = connect(settings);
    let root = gone.need_browse().expect("it lists").children(&"".into(), PageRequest::first()).await;
    let error = root.expect_err("no such folder");
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("folder_path")), "{error}");
}

#[tokio::test]
async fn without_a_name_anybody_signs_in() {
    let folder = Folder::of(pyftpdlib(), "ftp");
    folder.put("file.txt", b"for everybody");
    let mut settings = folder.settings();
    settings["options"].as_object_mut().expect("options").remove("user");
    settings.as_object_mut().expect("settings").remove("secret_options");
    connect(settings).check().await.expect("anybody may read it");
}

/// Names the server to the program that this test starts: the certificates that are trusted are the
/// environment's, which belongs to the whole program.
const SERVER: &str = "CATCHMENT_TEST_FTPS";

#[test]
fn tls_is_spoken_from_sign_in_to_the_last_byte() {
    let tokio = || tokio::runtime::Runtime::new().expect("a runtime");
    if let Ok(server) = env::var(SERVER) {
        return tokio().block_on(over_tls(serde_json::from_str(&server).expect("a server")));
    }
    let server = pyftpdlib_tls();
    tokio().block_on(not_trusted(&server));
    let again = Command::new(env::current_exe().expect("this program"))
        .args(["--exact", "tls_is_spoken_from_sign_in_to_the_last_byte", "--nocapture"])
        .env("SSL_CERT_FILE", &server.certificate)
        .env(SERVER, serde_json::to_string(&server).expect("JSON"))
        .output()
        .expect("it starts");
    let told = String::from_utf8_lossy(&again.stdout) + String::from_utf8_lossy(&again.stderr);
    assert!(again.status.success() && told.contains("1 passed"), "{told}");
}

async fn over_tls(server: TlsFileServer) {
    // The server sends nothing in the clear.
    let folder = Folder::of(server.files, "ftps");
    let content: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    folder.put("large.bin", &content);
    let connector = connect(folder.settings());
    connector.check().await.expect("it signs in");
    let browse = connector.need_browse().expect("it lists");
    let file = browse.lookup("large.bin").await.expect("a file");
    let download = connector.need_download().expect("it reads");
    let whole = download.open(&file, None).await.expect("opened").collect(4 << 20).await.expect("whole");
    assert!(whole == content, "{} bytes", whole.len());
    let part = download.open(&file, Some(ByteRange::new(1_000_000, 7))).await.expect("opened");
    assert_eq!(part.collect(7).await.expect("a part"), content[1_000_000..1_000_007]);

    let mut settings = folder.settings();
    settings["secret_options"] = r#"{"password": "not its own"}"#.into();
    let error = connect(settings).check().await.expect_err("another password");
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
}

async fn not_trusted(server: &TlsFileServer) {
    let folder = Folder::of(server.files.clone(), "ftps");
    let error = connect(folder.settings()).check().await.expect_err("nobody vouches for it");
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("uri")), "{error}");

    // Asked in the clear, the server wants TLS: that is not a missing folder.
    let folder = Folder::of(server.files.clone(), "ftp");
    let error = connect(folder.settings()).check().await.expect_err("it wants TLS");
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("uri")), "{error}");
}
