//! The registry: what a program was composed with, found by id and by address.

use catchment_core::{
    Account, AuthMethod, Capabilities, Connector, Context, ErrorKind, Location, Registry, Result, Secret, Vendor,
    async_trait,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

struct Shed;

#[derive(Debug)]
struct Shelf(Settings);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    shelf: String,
    key: Option<Secret>,
}

impl Vendor for Shed {
    const ID: &'static str = "shed";
    const NAME: &'static str = "Shed";
    const DESCRIPTION: &'static str = "Things on shelves";
    const ICON: &'static str = "<svg/>";
    const AUTH: &'static [AuthMethod] = &[AuthMethod::Keys];
    const CAPABILITIES: Capabilities = Capabilities::NONE;
    type Config = Settings;

    fn connect(config: Settings, _: Context) -> Result<impl Connector> {
        Ok(Shelf(config))
    }

    fn locate(address: &str) -> Option<Result<Location>> {
        address.strip_prefix("shed://").map(|shelf| Ok(Location::root(json!({ "shelf": shelf }))))
    }
}

#[async_trait]
impl Connector for Shelf {
    async fn check(&self) -> Result<Account> {
        let name = self.0.shelf.clone();
        let details = vec![("signed".to_owned(), self.0.key.is_some().to_string())];
        Ok(Account { name, details, ..Account::default() })
    }
}

#[test]
fn an_address_leads_to_a_connector() {
    let registry = Registry::new().with::<Shed>();
    let (vendor, location) = registry.locate("shed://top").expect("known");
    let connector = registry.connect(vendor, location.settings, Context::local()).expect("good settings");
    let account = futures::executor::block_on(connector.check()).expect("no call to fail");
    assert_eq!(account.name, "top");
    assert_eq!(Capabilities::of(connector.as_ref()), registry.manifest("shed").expect("known").capabilities);
    assert_eq!(registry.locate("ftp://x").expect_err("nobody's").kind(), ErrorKind::Config);
}

#[test]
fn an_unknown_vendor_is_told_the_known_ones() {
    let error = Registry::new().with::<Shed>().schema("sched").expect_err("mistyped");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(error.get("known"), Some("shed"));
}

#[test]
fn a_secret_given_to_a_connector_is_in_no_debug_output() {
    let registry = Registry::new().with::<Shed>();
    let settings = json!({ "shelf": "top", "key": "hunter2" });
    let connector = registry.connect("shed", settings, Context::local()).expect("good settings");
    assert!(!format!("{connector:?}").contains("hunter2"));
}

#[test]
#[should_panic(expected = "registered twice")]
fn a_vendor_cannot_be_registered_twice() {
    let _ = Registry::new().with::<Shed>().with::<Shed>();
}
