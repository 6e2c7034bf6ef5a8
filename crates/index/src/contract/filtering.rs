//! Who finds what.
#![expect(missing_docs, reason = "the names are the promises")]

use catchment_core::{Ingestor, Principal};

use super::*;
use crate::Access;

const MODES: [Mode; 3] = [Mode::Lexical, Mode::Dense, Mode::Auto];

async fn found(index: &Index, filter: &Filter) -> Vec<String> {
    let mut each = Vec::new();
    for mode in MODES {
        let query = Query::new("heron", filter.clone()).mode(mode).limit(100);
        let mut entries = entries(&index.search(&query).await.unwrap());
        entries.sort_unstable();
        each.push(entries);
    }
    assert!(each.windows(2).all(|pair| pair[0] == pair[1]), "words and meaning differ: {each:?}");
    each.swap_remove(0)
}

fn of(entry: &str, tenant: Tenant) -> Document {
    Document { tenant, ..document(entry, "heron") }
}

fn readers(entry: &str, principals: &[Principal]) -> Document {
    Document { readers: Readers::Only(principals.iter().cloned().collect()), ..document(entry, "heron") }
}

fn user(name: &str) -> Principal {
    Principal::User(name.into())
}

fn group(name: &str) -> Principal {
    Principal::Group(name.into())
}

pub async fn tenants_do_not_find_each_others_documents(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    let tenants = [("acme", "ann"), ("acme", "bob"), ("other", "ann"), ("acmea", "nn"), ("", "")];
    for (organization, user) in tenants {
        put(&index, [of(&format!("{organization}/{user}"), Tenant::new(organization, user))]).await;
    }
    for (organization, user) in tenants {
        let filter = Filter::owner(&Tenant::new(organization, user));
        assert_eq!(found(&index, &filter).await, [format!("{organization}/{user}")]);
    }
    assert!(found(&index, &Filter::owner(&Tenant::new("acme", "ANN"))).await.is_empty());
}

pub async fn an_organization_is_searched_as_a_whole_on_request(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    put(&index, [of("1", ann()), of("2", Tenant::new("acme", "bob")), of("3", Tenant::new("other", "ann"))]).await;
    assert_eq!(found(&index, &Filter { user: None, ..mine() }).await, ["1", "2"]);
}

pub async fn integrations_narrow(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    for id in [1, 2, 3, -1] {
        let mut one = document(&format!("of {id}"), "heron");
        one.key.integration = IntegrationId(id);
        put(&index, [one]).await;
    }
    assert_eq!(found(&index, &mine().integrations([IntegrationId(2)])).await, ["of 2"]);
    assert_eq!(found(&index, &mine().integrations([IntegrationId(3), IntegrationId(-1)])).await, ["of -1", "of 3"]);
    assert!(found(&index, &mine().integrations([IntegrationId(12)])).await.is_empty());
    assert!(found(&index, &mine().integrations([])).await.is_empty());
    assert_eq!(found(&index, &mine()).await.len(), 4);
}

pub async fn many_integrations_narrow(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    for id in 0..40 {
        let mut one = document(&format!("of {id:02}"), "heron");
        one.key.integration = IntegrationId(id);
        put(&index, [one]).await;
    }
    let even = mine().integrations((0..40).step_by(2).map(IntegrationId));
    let expected: Vec<String> = (0..40).step_by(2).map(|id| format!("of {id:02}")).collect();
    assert_eq!(found(&index, &even).await, expected);
}

pub async fn portfolios_narrow(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    for portfolio in [None, Some(""), Some("north"), Some("North")] {
        let portfolio = portfolio.map(str::to_owned);
        put(&index, [Document { portfolio: portfolio.clone(), ..document(&format!("{portfolio:?}"), "heron") }]).await;
    }
    assert_eq!(found(&index, &mine().portfolio("north")).await, ["Some(\"north\")"]);
    assert_eq!(found(&index, &mine().portfolio("")).await, ["Some(\"\")"]);
    assert!(found(&index, &mine().portfolio("south")).await.is_empty());
    assert_eq!(found(&index, &mine()).await.len(), 4);
}

pub async fn only_readers_find_what_they_may_read(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    put(
        &index,
        [
            readers("of bob", &[user("bob@acme.com")]),
            readers("of staff", &[group("staff"), user("eve@acme.com")]),
            readers("of the domain", &[Principal::Domain("acme.com".into())]),
            readers("of anyone", &[Principal::Anyone]),
            readers("of a group called bob", &[group("bob@acme.com")]),
            Document { tenant: Tenant::new("other", "ann"), ..readers("elsewhere", &[Principal::Anyone]) },
        ],
    )
    .await;
    let bob = [user("bob@acme.com"), group("staff"), Principal::Domain("acme.com".into()), Principal::Anyone];
    let filter = Filter::readable_by("acme", bob.clone());
    assert_eq!(found(&index, &filter).await, ["of anyone", "of bob", "of staff", "of the domain"]);
    assert_eq!(found(&index, &Filter { user: Some("ann".into()), ..filter.clone() }).await.len(), 4);
    assert!(found(&index, &Filter { user: Some("bob".into()), ..filter.clone() }).await.is_empty());
    assert_eq!(found(&index, &Filter::readable_by("acme", [Principal::Anyone])).await, ["of anyone"]);
    assert!(found(&index, &filter.integrations([IntegrationId(5)])).await.is_empty());
    assert_eq!(found(&index, &mine()).await.len(), 5, "the owner finds all");
}

pub async fn missing_permissions_mean_nobody(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    put(&index, [document("unknown", "heron"), readers("nobody", &[]), readers("anyone", &[Principal::Anyone])]).await;
    let everyone = [Principal::Anyone, user("ann"), group(""), Principal::Domain(String::new())];
    assert_eq!(found(&index, &Filter::readable_by("acme", everyone)).await, ["anyone"]);
    let nobody = Filter { access: Access::As(std::collections::BTreeSet::new()), ..mine() };
    assert!(found(&index, &nobody).await.is_empty());
}

pub async fn readers_change_with_the_document(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    put(&index, [readers("a", &[user("bob")]), readers("a", &[user("eve")])]).await;
    assert!(found(&index, &Filter::readable_by("acme", [user("bob")])).await.is_empty());
    assert_eq!(found(&index, &Filter::readable_by("acme", [user("eve")])).await, ["a"]);
    index.remove(&[document("a", "").key]).await.unwrap();
    put(&index, [document("b", "heron")]).await;
    assert!(found(&index, &Filter::readable_by("acme", [user("eve")])).await.is_empty());
}

pub async fn a_moved_document_leaves_its_old_tenant(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    let bob = Tenant::new("acme", "bob");
    put(&index, [Document { portfolio: Some("p".into()), ..of("a", ann()) }, of("a", bob.clone())]).await;
    assert!(found(&index, &mine()).await.is_empty());
    assert_eq!(found(&index, &Filter::owner(&bob)).await, ["a"]);
    assert!(found(&index, &Filter::owner(&bob).portfolio("p")).await.is_empty());
}

/// Many better documents of somebody else, of another integration and of another portfolio.
pub async fn a_filter_does_not_starve_the_answer(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    let mut wanted = document("wanted", "a heron is mentioned here among many other birds and beasts and plants");
    wanted.key.integration = IntegrationId(2);
    wanted.portfolio = Some("p".into());
    put(&index, [wanted]).await;
    put(&index, (0..150).map(|n| of(&format!("{n}"), Tenant::new("acme", "bob")))).await;
    put(&index, (0..150).map(|n| document(&format!("mine {n}"), "heron"))).await;
    for filter in [mine().portfolio("p"), mine().integrations([IntegrationId(2)])] {
        for mode in MODES {
            let query = Query::new("heron", filter.clone()).mode(mode).limit(1);
            assert_eq!(entries(&index.search(&query).await.unwrap()), ["wanted"], "{mode:?}");
        }
    }
}

pub async fn permissions_do_not_starve_the_answer(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    let text = "a heron is mentioned here among many other birds and beasts and plants";
    put(&index, [Document { text: pages(&[text]), ..readers("wanted", &[user("bob")]) }]).await;
    put(&index, (0..300).map(|n| readers(&format!("{n}"), &[user("eve"), group("staff")]))).await;
    for mode in MODES {
        let query = Query::new("heron", Filter::readable_by("acme", [user("bob")])).mode(mode).limit(1);
        assert_eq!(entries(&index.search(&query).await.unwrap()), ["wanted"], "{mode:?}");
    }
}
