//! Several writers, and readers beside them.

use catchment_qdrant::double::Fault;
use futures::future::join_all;

use super::*;

#[tokio::test]
async fn servers_that_write_one_document_at_once_leave_one() {
    let double = start().await;
    let backends = [opened(&double).await, opened(&double).await, opened(&double).await];
    for round in 0..20 {
        let results = join_all(backends.iter().zip(["x", "y", "z"]).map(|(backend, text)| put(backend, text))).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        let hits = find(&backends[round % 3], &space("letters")).await;
        assert_eq!(texts(&hits), vec![hits[0].text.as_str(); CHUNKS]);
        assert_eq!(double.points("catchment"), CHUNKS + 1 + 2, "what lost is cleared");
    }
}

#[tokio::test]
async fn a_search_during_replacements_finds_one_whole_document() {
    let double = start().await;
    let (writer, reader) = (opened(&double).await, opened(&double).await);
    put(&writer, "0").await.unwrap();
    let mut writing = std::pin::pin!(async {
        for round in 1..60 {
            put(&writer, &round.to_string()).await.unwrap();
            assert_eq!(held(&writer).await.len(), 1);
        }
    });
    let mut searches = 0;
    loop {
        tokio::select! {
            biased;
            () = &mut writing => break,
            hits = async {
                let filter = Filter::owner(&Tenant::new("acme", "ann"));
                let terms = vec!["heron".into()];
                let search = Search { terms, vector: None, filter, limit: 50, per_document: None };
                reader.search(&search).await.unwrap()
            } => {
                assert_eq!(texts(&hits), vec![hits[0].text.as_str(); CHUNKS]);
                searches += 1;
            }
        }
    }
    assert!(searches > 20, "{searches}");
}

/// The first has read what is there and written its chunks; before it commits, the second is done.
#[tokio::test]
async fn a_writer_that_was_overtaken_begins_again() {
    let double = start().await;
    let (slow, fast) = (opened(&double).await, opened(&double).await);
    put(&slow, "old").await.unwrap();
    // Whose generation it is, three messages of chunks, the commit.
    double.break_calls(4..5, Fault::Delay(Duration::from_millis(300)));
    let overtake = async {
        while double.calls().len() < 5 {
            tokio::task::yield_now().await;
        }
        put(&fast, "fast").await
    };
    let (first, second) = futures::join!(put(&slow, "slow"), overtake);
    first.unwrap();
    second.unwrap();
    assert_eq!(texts(&find(&fast, &space("letters")).await), vec!["heron slow"; CHUNKS], "the last to commit");
    assert_eq!(double.points("catchment"), CHUNKS + 1 + 2, "nothing is left of the other");
}

#[tokio::test]
async fn a_removal_does_not_take_what_was_put_there_since() {
    let double = start().await;
    let (slow, fast) = (opened(&double).await, opened(&double).await);
    put(&slow, "old").await.unwrap();
    double.break_calls(1..2, Fault::Delay(Duration::from_millis(300)));
    let overtake = async {
        while double.calls().len() < 2 {
            tokio::task::yield_now().await;
        }
        put(&fast, "fast").await
    };
    let keys = [key("a")];
    let (removed, second) = futures::join!(slow.remove(&keys), overtake);
    removed.unwrap();
    second.unwrap();
    assert_eq!(texts(&find(&fast, &space("letters")).await), vec!["heron fast"; CHUNKS]);
    assert_eq!(held(&fast).await, [("hash of fast".to_owned(), 5)]);
}
