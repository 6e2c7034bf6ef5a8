//! A vendor with a feed: the second import asks what changed, and lists nothing but what is new.

// The one that the connector's own tests hold against Dropbox's description.
#[path = "../../../connectors/dropbox/tests/fake/mod.rs"]
mod dropbox;

use catchment_testkit::world::{Key, Op};
use serde_json::Value;

use self::dropbox::{Fake, ROOT, TOKEN};
use crate::support::Machine;

/// Imports the folder of the account, and gives the summary.
fn import(machine: &Machine, account: &Fake, further: &[&str]) -> Value {
    let settings = [
        format!("access_token={TOKEN}"),
        "folder_path=/Root".into(),
        format!("url=http://{}", account.address),
        "allow_http=true".into(),
    ];
    let settings = settings.iter().flat_map(|setting| ["--set", setting]);
    let command = ["import", "dropbox", "--json"].into_iter().chain(settings).chain(further.iter().copied());
    account.account().calls.clear();
    machine.run(command).exits(0).event("summary")
}

/// Which folders below the one that is imported were listed, and whether with all below. The check
/// before an import asks for one entry.
fn listed(account: &Fake) -> Vec<(String, bool)> {
    let account = account.account();
    let lists = account.calls.iter().filter(|call| call.route == "files/list_folder" && call.argument["limit"] != 1);
    let below = |path: &Value| path.as_str().and_then(|path| path.strip_prefix(ROOT)).expect("below").to_owned();
    lists.map(|call| (below(&call.argument["path"]), call.argument["recursive"] == true)).collect()
}

/// The file that answers a question.
fn source(machine: &Machine, question: &str) -> String {
    let answer = machine.run(["ask", question, "--json"]).exits(0).json().remove(0);
    answer["citations"][0]["file_path"].as_str().expect("a source").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_import_of_an_account_asks_its_feed_and_lists_nothing() {
    let fake = Fake::new().await;
    let machine = Machine::new();
    {
        let world = &mut fake.account().drive.world;
        for (path, text) in [
            ("Rules.md", "The gate closes at nine."),
            ("Old/Plans/Lamp.txt", "The lamp is green."),
            ("Old/Bridge.txt", "The bridge is made of oak."),
            ("Notice.txt", "The heron stands in the reeds."),
            ("Closed/Boat.txt", "The boat sank in April."),
        ] {
            world.put(Key::ROOT, path, text).expect("put");
        }
        world.put_folder(Key::ROOT, "New").expect("put");
    }
    let everything = || vec![(String::new(), true)];
    let first = import(&machine, &fake, &[]);
    assert_eq!((&first["followed"], &first["ingested"]), (&Value::Null, &5.into()), "{first:#}");
    assert_eq!(listed(&fake), everything());

    let second = import(&machine, &fake, &[]);
    assert_eq!((&second["followed"], &second["total_files"]), (&0.into(), &0.into()), "{second:#}");
    assert_eq!((listed(&fake), fake.count("files/list_folder/continue")), (vec![], 1));

    {
        let world = &mut fake.account().drive.world;
        world.put(Key::ROOT, "Rules.md", "The gate closes at ten.").expect("put");
        let (key, parent) =
            (world.find(Key::ROOT, "Old").expect("there"), world.find(Key::ROOT, "New").expect("there"));
        world.apply(Op::Move { key, parent }).expect("moved");
        world.remove(Key::ROOT, "Notice.txt").expect("removed");
        world.remove(Key::ROOT, "Closed").expect("removed");
    }
    let third = import(&machine, &fake, &[]);
    assert!(third["followed"].as_u64().is_some_and(|changes| changes > 0), "{third:#}");
    // An id is a path here: what moved is read again.
    assert_eq!((&third["ingested"], &third["removed"]), (&3.into(), &4.into()), "{third:#}");
    assert_eq!(listed(&fake), [("/new/old".to_owned(), false), ("/new/old/plans".to_owned(), false)]);
    assert_eq!(source(&machine, "What colour is the lamp?"), "New/Old/Plans/Lamp.txt");
    assert_eq!(source(&machine, "What is the bridge made of?"), "New/Old/Bridge.txt");
    assert_eq!(source(&machine, "When does the gate close?"), "Rules.md");
    for gone in ["Where does the heron stand?", "When did the boat sink?"] {
        machine.run(["ask", gone]).exits(6);
    }
    machine.run(["verify"]).exits(0);

    let full = import(&machine, &fake, &["--full"]);
    assert_eq!((&full["followed"], &full["ingested"]), (&Value::Null, &3.into()), "{full:#}");
    assert_eq!(listed(&fake), everything());
}
