//! The description of the Bot API (`spec/`) against what is asked, and what the stand-in answers.

mod fake;

use fake::{Fake, TOKEN, refusal};
use serde_json::{Value, json};

fn description() -> Value {
    serde_json::from_str(include_str!("../spec/bot-api.json")).expect("a description")
}

/// That a value is one of the named type: nothing is missing, nothing is of another type, and
/// nothing is there that is not described.
fn holds(kind: &str, value: &Value) -> Result<(), String> {
    let description = description();
    let fields = description["types"][kind]["fields"].as_array().ok_or(format!("{kind} is not described"))?;
    let given = value.as_object().ok_or(format!("{kind} is no object"))?;
    for (name, value) in given {
        let field = fields.iter().find(|field| field["name"] == name.as_str());
        let field = field.ok_or(format!("`{name}` of {kind} is not described"))?;
        let fits = |one: &Value| match one.as_str() {
            Some("Integer") => value.is_i64(),
            Some("Boolean") => value.is_boolean(),
            Some("String") => value.is_string(),
            _ => false,
        };
        if !field["types"].as_array().is_some_and(|types| types.iter().any(fits)) {
            return Err(format!("`{name}` of {kind} is {value}"));
        }
    }
    let missing = fields
        .iter()
        .find(|field| field["required"] == true && !given.contains_key(field["name"].as_str().unwrap_or_default()));
    missing.map_or(Ok(()), |field| Err(format!("{} of {kind} is required", field["name"])))
}

#[tokio::test]
async fn every_call_and_every_answer_is_one_that_is_described() {
    let fake = Fake::new().await;
    fake.connector().check().await.expect("connected");
    let (status, mut body) = refusal(429, "Too Many Requests");
    body["parameters"] = json!({ "retry_after": 1800 });
    fake.bot().instead = Some((status, body));
    fake.connector().check().await.expect_err("limited");
    let bot = fake.bot();
    assert_eq!(bot.asked.len(), 2);
    for ((method, target), (_, answer)) in bot.asked.iter().zip(&bot.answered) {
        assert!(["GET", "POST"].contains(&method.as_str()), "{method}");
        let called = target.strip_prefix(&format!("/bot{TOKEN}/")).expect("a method of the bot");
        let returns = description()["methods"][called]["returns"][0].as_str().expect("described").to_owned();
        match answer["ok"].as_bool().expect("an envelope") {
            true => holds(&returns, &answer["result"]).expect("as described"),
            false => holds("ResponseParameters", &answer["parameters"]).expect("as described"),
        }
    }
}

#[test]
fn what_is_not_described_is_found() {
    let bot = json!({ "id": 1, "is_bot": true, "first_name": "x" });
    assert_eq!(holds("User", &bot), Ok(()));
    for (name, value) in [("id", json!("1")), ("nickname", json!("x")), ("is_bot", json!(1))] {
        let mut wrong = bot.clone();
        wrong[name] = value;
        assert!(holds("User", &wrong).is_err(), "{name}");
    }
    assert!(holds("User", &json!({ "id": 1, "is_bot": true })).is_err());
}
