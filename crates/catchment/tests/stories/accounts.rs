//! Accounts: connected on the server's pages and at the command line, moved in, prepared.

use std::io::{BufRead, BufReader};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    serving::Serving,
    support::Machine,
    vendors::{BOT_TOKEN, CLIENT_SECRET, Vendors},
};

const JWT_SECRET: &str = "a secret of at least thirty-two bytes, for tests";

/// A machine whose operator has registered a program at GitHub and at Google.
fn registered(vendors: &Vendors) -> Machine {
    Machine::new()
        .with("CATCHMENT_OAUTH__GOOGLE_DRIVE__CLIENT_ID", "catchment")
        .with("CATCHMENT_OAUTH__GOOGLE_DRIVE__CLIENT_SECRET", CLIENT_SECRET)
        .with("CATCHMENT_OAUTH__GOOGLE_DRIVE__ORIGIN", vendors.base())
        .with("CATCHMENT_OAUTH__GITHUB__CLIENT_ID", "catchment")
        .with("CATCHMENT_OAUTH__GITHUB__CLIENT_SECRET", CLIENT_SECRET)
        .with("CATCHMENT_OAUTH__GITHUB__ORIGIN", vendors.base())
}

fn secure(machine: Machine) -> Machine {
    machine
        .with("CATCHMENT_AUTH", "jwt")
        .with("CATCHMENT_JWT_SECRET", JWT_SECRET)
        .with("CATCHMENT_SERVER__PUBLIC_URL", "https://catchment.example.com")
        .with("CATCHMENT_SERVER__PRIVATE_NETWORK", "true")
}

async fn standing(server: &Serving, vendor: &str) -> Value {
    let all = server.get("/api/integrations").await.is(200);
    all.as_array().expect("a list").iter().find(|one| one["type"] == vendor).expect("it is listed")["status"].clone()
}

/// Log in, list, connect Telegram, list, test, ask for a consent, finish it, disconnect, list, test
/// what is disconnected, name what does not exist.
#[tokio::test]
async fn a_person_connects_their_accounts_in_eleven_steps() {
    let vendors = Vendors::open().await;
    let machine = secure(registered(&vendors));
    let token = machine.run(["token", "--user", "ada", "--organization", "acme"]).exits(0).out;
    let server = Serving::on(&machine).token(token.trim());
    let all = server.get("/api/integrations").await.is(200);
    assert!(all.as_array().is_some_and(|all| all.len() >= 4 && all.iter().all(|one| one["status"] == "disconnected")));

    let missing = server.post("/api/integrations/connect", json!({"integration_type": "telegram"})).await.is(400);
    assert_eq!(missing["detail"], "bot_token required for Telegram");
    let server_of_its_own = json!({"url": vendors.base(), "allow_http": true});
    let body = json!({"integration_type": "telegram", "bot_token": BOT_TOKEN, "credentials": server_of_its_own});
    let made = server.post("/api/integrations/connect", body).await.is(200);
    assert_eq!(made["message"], "telegram connected successfully");
    assert_eq!(standing(&server, "telegram").await, "connected");
    let tried = server.call(Method::POST, "/api/integrations/test?integration_type=telegram", None, &[]).await.is(200);
    assert_eq!((&tried["success"], &tried["message"]), (&json!(true), &json!("connected to Reed")), "{tried}");

    for (vendor, credentials, scope) in [
        ("github", server_of_its_own, "scope=read%3Auser+user%3Aemail"),
        ("google_drive", json!({"url": vendors.base()}), "drive.readonly&"),
    ] {
        let body = json!({"integration_type": vendor, "credentials": credentials, "return_to": "/settings"});
        let begun = server.post("/api/integrations/connect", body).await.is(200);
        let page = begun["oauth_url"].as_str().expect("a page");
        assert!(page.starts_with(vendors.base()) && page.contains(scope), "{page}");
        if vendor == "google_drive" {
            assert!(page.contains("access_type=offline") && page.contains("prompt=consent"), "{page}");
        }
        let back = vendors.consent(page);
        let back = back.strip_prefix("https://catchment.example.com").expect("this server's public address");
        let browser =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a browser");
        let sent_on = browser.get(format!("{}{back}", server.base())).send().await.expect("an answer");
        assert_eq!(sent_on.status(), 302);
        assert_eq!(sent_on.headers()["location"], format!("/settings?success=true&provider={vendor}").as_str());
        assert_eq!(standing(&server, vendor).await, "connected");
    }
    let drive = server.get("/api/integrations/google_drive").await.is(200);
    assert_eq!(drive["integration"]["account"]["email"], "ada@example.com", "{drive}");
    assert!(drive["integration"]["token_expiry"].is_string(), "{drive}");
    let one = server.get("/api/auth/github/status/ada").await.is(200);
    assert_eq!(
        (&one["connected"], &one["username"], &one["email"]),
        (&json!(true), &json!("ada"), &json!("ada@example.com"))
    );

    let off = "/api/integrations/disconnect?integration_type=github";
    let off = server.call(Method::POST, off, None, &[]).await.is(200);
    assert_eq!((&off["message"], vendors.revoked()), (&json!("github disconnected successfully"), 1));
    assert_eq!(standing(&server, "github").await, "disconnected");
    let tried = server.call(Method::POST, "/api/integrations/test?integration_type=github", None, &[]).await.is(404);
    assert_eq!(tried["detail"], "Integration not connected");
    let unknown = server.post("/api/integrations/connect", json!({"integration_type": "fax"})).await.is(400);
    assert_eq!(unknown["detail"], "Invalid integration type");
    server.stop();
}

/// Starts a login and gives the first thing it says.
fn login(machine: &Machine, vendors: &Vendors, more: &[&str]) -> (std::process::Child, Value) {
    let url = format!("url={}", vendors.base());
    let arguments = ["login", "github", "--json", "--set", &url, "--set", "allow_http=true"];
    let mut child = machine.start(arguments.into_iter().chain(more.iter().copied()));
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("its output")).read_line(&mut line).expect("a line");
    (child, serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_logs_in_at_the_command_line_and_stays_logged_in() {
    let vendors = Vendors::open().await;
    let machine = registered(&vendors);
    let (mut child, said) = login(&machine, &vendors, &[]);
    let page = said["url"].as_str().expect("a page").to_owned();
    let back = vendors.consent(&page);
    let forged = back.replace("state=", "state=x");
    assert_eq!(reqwest::get(forged).await.expect("an answer").status(), 404, "whoever has no state is sent away");
    let landed = reqwest::get(back).await.expect("an answer").text().await.expect("a page");
    assert!(landed.contains("You can close this window"), "{landed}");
    assert!(child.wait().expect("it ends").success());

    let tried = machine.run(["test", "github", "--json"]).exits(0).json();
    assert_eq!(tried[0]["account"]["name"], "Ada", "{tried:?}");
    let database = std::fs::read(machine.path("data/catchment.db")).expect("a database");
    assert!(!database.windows(11).any(|window| window == b"gho_planted"), "tokens are sealed");
    let server = Serving::on(&machine);
    assert_eq!(standing(&server, "github").await, "connected", "the server knows it, too");
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_logs_in_with_a_code_on_another_device() {
    let vendors = Vendors::open().await;
    let machine = registered(&vendors);
    let (mut child, said) = login(&machine, &vendors, &["--device"]);
    assert_eq!((&said["code"], &said["url"]), (&json!("WDJB-MJHT"), &json!("https://github.com/login/device")));
    vendors.consent_device();
    assert!(child.wait().expect("it ends").success());
    machine.run(["test", "github"]).exits(0);
}

#[tokio::test]
async fn a_login_that_cannot_be_says_what_is_missing() {
    let machine = Machine::new();
    let ended = machine.run(["login", "github"]).exits(4);
    assert!(ended.err.contains("CATCHMENT_OAUTH__GITHUB__CLIENT_ID"), "{ended:?}");
    let ended = machine.run(["login", "folder"]).exits(4);
    assert!(ended.err.contains("nobody consents"), "{ended:?}");
    let wrong = machine.with("CATCHMENT_OAUTH__FAX__CLIENT_ID", "x");
    assert!(wrong.run(["serve", "--listen", "127.0.0.1:0"]).exits(4).err.contains("oauth.fax"));
}

#[tokio::test]
async fn connections_move_in_once_and_work() {
    let vendors = Vendors::open().await;
    vendors.issued("gho_plantedold");
    let machine = secure(registered(&vendors));
    let settings = json!({"url": vendors.base(), "allowHttp": true});
    let documents = [
        json!({"_id": {"$oid": "65a1"}, "userId": "ada", "organizationId": "acme", "integrationType": "github",
               "isConnected": true, "connectedAt": {"$date": "2025-03-04T05:06:07Z"}, "accessToken": "gho_plantedold",
               "scope": "read:user,user:email", "externalId": "7", "externalUsername": "ada", "status": "active",
               "errorCount": 0, "settings": settings, "metadata": {"plan": "pro"}}),
        json!({"userId": "ada", "organizationId": "acme", "integrationType": "telegram", "isConnected": true,
               "accessToken": BOT_TOKEN, "settings": settings, "status": "error", "errorCount": 3,
               "lastError": "it did not answer"}),
        json!({"userId": "eve", "organizationId": "acme", "integrationType": "github", "isConnected": false,
               "accessToken": "gho_plantedgone"}),
        json!({"userId": "eve", "organizationId": "acme", "integrationType": "fax", "accessToken": "planted-fax"}),
        json!({"organizationId": "acme", "integrationType": "github"}),
        json!({"userId": "bob", "organizationId": "acme", "integrationType": "github", "connectedAt": "yesterday"}),
    ];
    let mut file: String = documents.iter().map(|document| format!("{document}\n")).collect();
    file.push_str("\nnot json with planted-secret\n");
    machine.write("old.ndjson", &file);

    let dry = machine.run(["import-connections", "old.ndjson", "--dry-run", "--json"]).exits(3);
    let summary = dry.event("summary");
    assert_eq!((&summary["moved"], &summary["failed"]), (&json!(3), &json!(4)), "{dry:#?}");
    let moved = machine.run(["import-connections", "old.ndjson", "--json"]).exits(3);
    assert_eq!(moved.event("summary")["moved"], 3, "a dry run stores nothing: {moved:#?}");
    let lines = moved.json();
    assert_eq!(lines[0]["left"], json!(["metadata.plan"]), "what has no place is named");
    assert_eq!(lines[2]["left"], json!(["accessToken"]), "who is disconnected has no token: {lines:#?}");
    let again = machine.run(["import-connections", "old.ndjson", "--json"]).exits(3);
    assert_eq!(
        (again.event("summary")["moved"].as_u64(), again.event("summary")["exists"].as_u64()),
        (Some(0), Some(3))
    );
    for ended in [&dry, &moved, &again] {
        assert!(!ended.out.contains("planted") && !ended.err.contains("planted"), "{ended:#?}");
    }
    let database = std::fs::read(machine.path("data/catchment.db")).expect("a database");
    assert!(!database.windows(7).any(|window| window == b"planted"), "tokens are sealed on the way in");

    let token = machine.run(["token", "--user", "ada", "--organization", "acme"]).exits(0).out;
    let server = Serving::on(&machine).token(token.trim());
    let github = server.get("/api/integrations/github").await.is(200);
    assert_eq!(
        (&github["status"], &github["integration"]["account"]["username"]),
        (&json!("connected"), &json!("ada"))
    );
    assert_eq!(github["integration"]["connected_at"], "2025-03-04T05:06:07Z", "{github}");
    let telegram = server.get("/api/integrations/telegram").await.is(200);
    assert_eq!(
        (&telegram["status"], &telegram["integration"]["error_count"]),
        (&json!("error"), &json!(3)),
        "{telegram}"
    );
    for vendor in ["github", "telegram"] {
        let path = format!("/api/integrations/test?integration_type={vendor}");
        let tried = server.call(Method::POST, &path, None, &[]).await.is(200);
        assert_eq!(tried["success"], true, "{vendor} {tried}");
    }
    assert_eq!(standing(&server, "telegram").await, "connected");
    server.stop();
}

#[tokio::test]
async fn prepared_integrations_are_made_once() {
    let machine = Machine::new();
    machine.write("secret.txt", "planted-secret\n");
    let file = r#"
        [[integration]]
        vendor = "s3"
        name = "Contracts"
        description = "What was signed"
        [integration.settings]
        bucket_name = "contracts"
        access_key_id = "AKIAIOSFODNN7EXAMPLE"
        secret_access_key = "@secret.txt"

        [[integration]]
        vendor = "github"
        name = "Code"
    "#;
    machine.write("templates.toml", file);
    let arguments = ["templates", "templates.toml", "--organization", "acme", "--user", "ada", "--json"];
    let made = machine.run(arguments).exits(0).json();
    assert_eq!((&made[0]["result"], &made[1]["result"]), (&json!("made"), &json!("made")), "{made:?}");
    let again = machine.run(arguments).exits(0).json();
    assert_eq!((&again[0]["result"], &again[0]["integration_id"]), (&json!("exists"), &made[0]["integration_id"]));

    for (wrong, said) in [
        ("[[integration]]\nvendor = \"s3\"\nname = \"x\"\n[integration.settings]\nbuket_name = \"b\"\n", "buket_name"),
        ("[[integration]]\nvendor = \"fax\"\nname = \"x\"\n", "vendor"),
        ("[[integration]]\nname = \"x\"\nsecret = \"planted-in-toml\"\n", "line"),
    ] {
        machine.write("wrong.toml", wrong);
        let ended = machine.run(["templates", "wrong.toml"]).exits(4);
        assert!(ended.err.contains(said) && !ended.err.contains("planted"), "{ended:?}");
    }
}
