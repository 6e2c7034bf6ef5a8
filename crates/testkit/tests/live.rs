//! What is tried on real accounts, tried on the models.

use catchment_testkit::{
    Fixture,
    live::{Outcome, promises},
    model::{DriveFixture, ModelFixture},
};

async fn outcomes(fixture: &impl Fixture) -> Vec<(&'static str, Outcome)> {
    fixture.put("folder/one.txt", b"one").await;
    fixture.put("two.txt", b"and two").await;
    promises(|| fixture.connect(fixture.settings())).await
}

#[tokio::test]
async fn everything_is_tried_where_the_connector_has_everything() {
    let all = outcomes(&DriveFixture::new().await).await;
    assert!(all.iter().all(|(_, outcome)| matches!(outcome, Outcome::Kept)), "{all:?}");
}

#[tokio::test]
async fn what_a_connector_does_not_have_is_not_tried() {
    let all = outcomes(&ModelFixture::new().await).await;
    let not: Vec<_> = all.iter().filter(|(_, outcome)| matches!(outcome, Outcome::NotTried(_))).collect();
    assert_eq!(not.len(), 3, "{all:?}");
    assert!(!all.iter().any(|(_, outcome)| matches!(outcome, Outcome::Broken(_))), "{all:?}");
}

#[tokio::test]
async fn a_broken_promise_is_told() {
    for (broken, told) in [
        ("check_names_the_account", "the account has a name"),
        ("a_file_comes_byte_for_byte", "a file comes whole, and in parts"),
        ("a_page_token_resumes_on_a_fresh_connector", "a listing has each entry once"),
    ] {
        let fixture = ModelFixture::breaking(Some(broken)).await;
        for number in 0..120 {
            fixture.put(&format!("file {number}.txt"), b"lines\r\nand lines").await;
        }
        let all = outcomes(&fixture).await;
        let first = all.iter().find(|(_, outcome)| matches!(outcome, Outcome::Broken(_))).map(|(name, _)| *name);
        assert_eq!(first, Some(told), "{broken}: {all:?}");
    }
}
