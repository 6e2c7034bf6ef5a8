//! A server that goes, comes back, is slow, or has lost something.

use std::time::Instant;

use catchment_core::ErrorKind;
use catchment_qdrant::double::Fault;
use tonic::Code;

use super::*;

const WAYS: [Fault; 3] = [Fault::Refuse(Code::Unavailable), Fault::Lose, Fault::Refuse(Code::Internal)];

#[tokio::test]
async fn a_server_that_goes_during_a_replacement_leaves_the_old_or_the_new() {
    let double = start().await;
    let backend = opened(&double).await;
    for fault in WAYS {
        let mut step = 0;
        loop {
            put(&backend, "old").await.unwrap();
            double.break_calls(step..usize::MAX, fault);
            let result = put(&backend, "new").await;
            let all_made = double.calls().len() <= step;
            double.mend();
            let hits = find(&backend, &space("letters")).await;
            let said = if result.is_ok() { vec!["heron new"; CHUNKS] } else { vec![hits[0].text.as_str(); CHUNKS] };
            assert_eq!(texts(&hits), said, "{fault:?} at step {step}");
            assert!(matches!(held(&backend).await.as_slice(), [(_, 5)]), "{fault:?} at step {step}");
            backend.integrity().await.unwrap();
            if all_made {
                break;
            }
            step += 1;
        }
        assert!(step >= 7, "three messages of chunks and four calls about the document, not {step}");
    }
    // What the broken ones left is found by nobody, and swept.
    let whole = CHUNKS + 1 + 2;
    assert!(double.points("catchment") > whole);
    assert!(backend.sweep(Duration::from_secs(3_600)).await.unwrap() == 0, "all of it is young");
    assert!(backend.sweep(Duration::ZERO).await.unwrap() > 0);
    assert_eq!(double.points("catchment"), whole);
    assert_eq!(find(&backend, &space("letters")).await.len(), CHUNKS);
}

#[tokio::test]
async fn a_server_that_goes_during_a_removal_leaves_all_or_nothing() {
    let double = start().await;
    let backend = opened(&double).await;
    for fault in WAYS {
        for step in 0..5 {
            put(&backend, "old").await.unwrap();
            double.break_calls(step..usize::MAX, fault);
            let result = backend.remove(&[key("a")]).await;
            double.mend();
            let hits = find(&backend, &space("letters")).await;
            assert!(hits.is_empty() || (result.is_err() && hits.len() == CHUNKS), "{fault:?} at step {step}");
            assert_eq!(held(&backend).await.len() * CHUNKS, hits.len());
            backend.remove(&[key("a")]).await.unwrap();
            assert!(held(&backend).await.is_empty() && find(&backend, &space("letters")).await.is_empty());
        }
    }
}

#[tokio::test]
async fn a_server_that_goes_during_new_vectors_leaves_one_space_or_the_other() {
    let double = start().await;
    let backend = opened(&double).await;
    let (old, new) = (space("letters"), space("others"));
    for fault in WAYS {
        for step in 0..8 {
            put(&backend, "old").await.unwrap();
            let document = backend.without_vectors(&new, 1).await.unwrap().remove(0);
            double.break_calls(step..usize::MAX, fault);
            let result = backend.set_vectors(&new, &document, &[const { [0.0, 1.0] }; CHUNKS].map(Vec::from)).await;
            double.mend();
            let found = (find(&backend, &old).await.len(), find(&backend, &new).await.len());
            assert!(found == (0, CHUNKS) || (result.is_err() && found == (CHUNKS, 0)), "{fault:?} {step} {found:?}");
            assert_eq!(held(&backend).await, [("hash of old".to_owned(), 5)], "{fault:?} at step {step}");
        }
    }
}

#[tokio::test]
async fn a_call_that_fails_for_a_while_is_made_again() {
    let double = start().await;
    let patient = Options { patience: Duration::from_secs(20), ..hasty(&double) };
    for fault in [Fault::Refuse(Code::Unavailable), Fault::Refuse(Code::ResourceExhausted), Fault::Lose] {
        for step in [0, 1, 4, 5] {
            let backend = QdrantBackend::connect(patient.clone()).await.unwrap();
            backend.open_space(&space("letters")).await.unwrap();
            put(&backend, "old").await.unwrap();
            double.break_calls(step..step + 2, fault);
            put(&backend, "new").await.unwrap();
            double.mend();
            assert_eq!(texts(&find(&backend, &space("letters")).await), vec!["heron new"; CHUNKS], "{fault:?} {step}");
            assert_eq!(double.points("catchment"), CHUNKS + 2, "nothing is there twice");
        }
    }
}

#[tokio::test]
async fn a_refusal_is_not_made_again() {
    let double = start().await;
    let patient = Options { patience: Duration::from_secs(600), ..hasty(&double) };
    let backend = QdrantBackend::connect(patient).await.unwrap();
    backend.open_space(&space("letters")).await.unwrap();
    for (code, kind) in [
        (Code::PermissionDenied, ErrorKind::Forbidden),
        (Code::InvalidArgument, ErrorKind::Internal),
        (Code::OutOfRange, ErrorKind::TooLarge),
        (Code::NotFound, ErrorKind::Config),
    ] {
        double.break_calls(0..usize::MAX, Fault::Refuse(code));
        assert_eq!(put(&backend, "new").await.unwrap_err().kind(), kind);
        assert_eq!(double.calls().len(), 1, "{code:?}");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let double = start().await;
    let options = Options { timeout: Duration::from_millis(150), ..hasty(&double) };
    let backend = QdrantBackend::connect(options).await.unwrap();
    backend.open_space(&space("letters")).await.unwrap();
    double.break_calls(0..usize::MAX, Fault::Hang);
    let start = Instant::now();
    assert_eq!(put(&backend, "new").await.unwrap_err().kind(), ErrorKind::Timeout);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_slow_server_is_waited_for() {
    let double = start().await;
    let backend = opened(&double).await;
    double.break_calls(0..usize::MAX, Fault::Delay(Duration::from_millis(20)));
    put(&backend, "new").await.unwrap();
    assert_eq!(find(&backend, &space("letters")).await.len(), CHUNKS);
}

#[tokio::test]
async fn a_lost_chunk_is_noticed_and_comes_back_with_the_document() {
    let double = start().await;
    let backend = opened(&double).await;
    let (document, mut chunks) = document("whole");
    chunks[3].text = "heron lost".into();
    backend.replace(&document, &chunks, Some(&space("letters"))).await.unwrap();
    assert_eq!(double.damage("catchment", "heron lost"), 1);
    assert_eq!(held(&backend).await, [("hash of whole".to_owned(), 0)]);
    assert_eq!(backend.integrity().await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(find(&backend, &space("letters")).await.len(), CHUNKS - 1);
    backend.replace(&document, &chunks, Some(&space("letters"))).await.unwrap();
    assert_eq!(held(&backend).await, [("hash of whole".to_owned(), 5)]);
    backend.integrity().await.unwrap();
}
