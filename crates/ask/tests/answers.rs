//! Answers: true to the documents, cited, and honest when there is none.

mod support;

use catchment_ask::{Ask, Mode, Piece};
use catchment_core::{ErrorKind, Tenant, ThreadId};
use catchment_index::Filter;
use futures::StreamExt;

use crate::support::{Fixture, Scripted, question};

#[tokio::test]
async fn an_extractive_answer_is_the_sentence_with_its_file_and_page() {
    let fixture = Fixture::new().await;
    let answer = fixture.ask().ask(question("How long is the warranty of the pump?")).await.expect("an answer");
    assert_eq!(answer.mode, Mode::Extractive);
    assert!(answer.answer.starts_with("The warranty of the pump is 42 months from delivery."), "{}", answer.answer);
    let citation = &answer.citations[0];
    assert_eq!((citation.file_path.as_str(), citation.page), ("handbook.pdf", 2));
    assert_eq!(citation.headings, ["Warranty"]);
    assert_eq!(citation.text, "The warranty of the pump is 42 months from delivery.");
}

#[tokio::test]
async fn a_question_the_documents_do_not_answer_is_told_so() {
    let fixture = Fixture::new().await;
    let answer = fixture.ask().ask(question("Who won the chess tournament?")).await.expect("an answer");
    assert_eq!((answer.mode, answer.citations.len()), (Mode::NotFound, 0));
    assert!(!answer.thread_id.0.is_empty());
}

#[tokio::test]
async fn another_tenants_documents_answer_nothing() {
    let fixture = Fixture::new().await;
    let stranger = Tenant::new("elsewhere", "somebody");
    let mut asked = question("How long is the warranty of the pump?");
    asked.filter = Filter::owner(&stranger);
    asked.tenant = stranger;
    assert_eq!(fixture.ask().ask(asked).await.expect("an answer").mode, Mode::NotFound);
}

#[tokio::test]
async fn a_thread_remembers_what_was_asked_before() {
    let fixture = Fixture::new().await;
    let first = fixture.ask().ask(question("What is the warranty of the pump?")).await.expect("an answer");
    let mut again = question("And that of the valve?");
    again.thread = Some(first.thread_id.clone());
    let second = fixture.ask().ask(again).await.expect("an answer");
    assert_eq!(second.thread_id, first.thread_id);
    assert!(second.citations.iter().any(|citation| citation.text.contains("valve")), "{second:#?}");
    assert_eq!(fixture.threads.messages(&first.thread_id).len(), 4);
}

#[tokio::test]
async fn a_thread_of_another_tenant_is_not_there() {
    let fixture = Fixture::new().await;
    let first = fixture.ask().ask(question("What is the warranty of the pump?")).await.expect("an answer");
    let mut asked = question("And the valve?");
    asked.tenant = Tenant::new("elsewhere", "somebody");
    asked.thread = Some(first.thread_id);
    let error = fixture.ask().ask(asked).await.expect_err("not theirs");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let mut asked = question("And the valve?");
    asked.thread = Some(ThreadId("made-up".into()));
    assert_eq!(fixture.ask().ask(asked).await.expect_err("made up").kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn an_empty_question_is_refused() {
    let fixture = Fixture::new().await;
    let error = fixture.ask().ask(question("  \n")).await.expect_err("nothing asked");
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("query")));
}

#[tokio::test]
async fn a_generated_answer_is_streamed_and_cites_what_it_names() {
    let fixture = Fixture::new().await;
    let model = Scripted::says(&["It is ", "42 months [", "1]", " and not [77]."]);
    let ask = fixture.ask().with_model(model.clone());
    let pieces: Vec<Piece> = ask
        .stream(question("How long is the warranty of the pump?"))
        .map(|piece| piece.expect("no error"))
        .collect()
        .await;
    let texts = pieces.iter().filter(|piece| matches!(piece, Piece::Text(_))).count();
    assert!(texts >= 4, "{pieces:?}");
    let Some(Piece::Done(answer)) = pieces.last() else { panic!("no end: {pieces:?}") };
    assert_eq!(answer.mode, Mode::Generated);
    assert_eq!(answer.answer, "It is 42 months [1] and not [77].");
    assert_eq!(answer.citations.iter().map(|citation| citation.number).collect::<Vec<_>>(), [1]);
    assert!(answer.citations[0].text.contains("42 months"));
    let told = model.told();
    assert!(told.system.contains("only what the passages say"));
    assert!(
        told.turns.last().is_some_and(|turn| turn.text.contains("42 months") && turn.text.ends_with("of the pump?"))
    );
}

#[tokio::test]
async fn a_model_that_does_not_know_cites_nothing_and_its_watchword_is_not_shown() {
    let fixture = Fixture::new().await;
    let ask = fixture.ask().with_model(Scripted::says(&["NOT IN", " THE DOCUMENTS"]));
    let pieces: Vec<Piece> =
        ask.stream(question("What colour is the warranty?")).map(|piece| piece.expect("no error")).collect().await;
    assert!(pieces.iter().all(|piece| !matches!(piece, Piece::Text(text) if text.contains("NOT IN"))), "{pieces:?}");
    let Some(Piece::Done(answer)) = pieces.last() else { panic!("no end") };
    assert_eq!((answer.mode, answer.citations.len()), (Mode::NotFound, 0));
}

#[tokio::test]
async fn a_model_is_not_asked_when_nothing_was_found() {
    let fixture = Fixture::new().await;
    let model = Scripted::says(&["Paris"]);
    let answer = fixture.ask().with_model(model.clone()).ask(question("zyxwvut qponml")).await.expect("an answer");
    assert_eq!(answer.mode, Mode::NotFound);
    assert!(!model.was_asked());
}

#[tokio::test]
async fn a_model_that_is_down_leaves_an_extractive_answer_and_says_so() {
    let fixture = Fixture::new().await;
    let ask: Ask = fixture.ask().with_model(Scripted::down());
    let answer = ask.ask(question("How long is the warranty of the pump?")).await.expect("an answer");
    assert_eq!(answer.mode, Mode::Extractive);
    assert!(answer.notice.is_some_and(|notice| notice.contains("did not answer")));
}

#[tokio::test]
async fn an_answer_cut_off_in_the_middle_is_an_error_and_not_kept() {
    let fixture = Fixture::new().await;
    let first = fixture.ask().ask(question("What is the warranty of the pump?")).await.expect("an answer");
    let mut asked = question("How long is the warranty of the pump?");
    asked.thread = Some(first.thread_id.clone());
    let error = fixture.ask().with_model(Scripted::cut(&["It is "])).ask(asked).await.expect_err("cut off");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(fixture.threads.messages(&first.thread_id).len(), 2);
}
