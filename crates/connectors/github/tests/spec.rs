//! GitHub's own description (`spec/`) against what is sent to it, and what the stand-in answers.

mod fake;

use catchment_testkit::openapi::{Description, Request};
use fake::Fake;

/// Documented for every call, and not in the description:
/// <https://docs.github.com/rest/about-the-rest-api/api-versions>.
const BESIDE: [&str; 1] = ["x-github-api-version"];

fn description() -> Description {
    Description::read(include_str!("../spec/github-rest.json")).expect("a description")
}

#[tokio::test]
async fn every_request_and_every_answer_is_one_that_github_describes() {
    let description = description();
    for (email, scopes) in
        [(Some("ada@example.com"), None), (None, Some("user")), (None, Some("user:email")), (None, None)]
    {
        let fake = Fake::new().await;
        fake.person().email = email;
        fake.person().scopes = scopes;
        let _ = fake.connector().check().await;
        let person = fake.person();
        assert!(!person.asked.is_empty());
        for (asked, (status, body)) in person.asked.iter().zip(&person.answered) {
            description.request(asked, &BESIDE).unwrap_or_else(|how| panic!("{how}: {asked:?}"));
            assert!(asked.headers.iter().any(|(name, _)| name == BESIDE[0]), "{asked:?}");
            let answer = description.answer(&asked.method, &asked.path, *status, body);
            answer.unwrap_or_else(|how| panic!("{how}: {}", String::from_utf8_lossy(body)));
        }
    }
}

#[test]
fn a_request_that_is_not_described_is_found() {
    let request = |path: &str, query: &str| Request {
        method: "GET".to_owned(),
        path: path.to_owned(),
        query: vec![(query.to_owned(), "1".to_owned())],
        ..Request::default()
    };
    assert!(description().request(&request("/user/emails", "per_page"), &[]).is_ok());
    assert!(description().request(&request("/user/emails", "limit"), &[]).is_err());
    assert!(description().request(&request("/user/mails", "per_page"), &[]).is_err());
}
