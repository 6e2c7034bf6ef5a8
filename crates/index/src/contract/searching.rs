//! What is found, and in which order.
#![expect(missing_docs, reason = "the names are the promises")]

use catchment_core::Ingestor;

use super::*;
use crate::backend::Space;

pub async fn a_hit_says_where_it_is_from(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    let mut from = document("id-1", "");
    from.name = "plan.pdf".into();
    from.path = "birds/plan.pdf".into();
    from.vendor = "s3".into();
    from.web_url = Some("https://example.com/plan".into());
    from.text = pages(&["nothing here"]);
    from.text.title = Some("The Plan".into());
    from.text.pages.push(TextPage {
        number: 2,
        label: Some("ii".into()),
        blocks: vec![Block::heading(1, "Birds"), Block::heading(2, "Waders"), Block::paragraph("the heron waits")],
    });
    put(&index, [from]).await;
    let hits = ask(&index, "heron", mine()).await;
    let hit = &hits[0];
    assert_eq!((hit.ordinal, hit.page, hit.page_label.as_deref()), (1, 2, Some("ii")));
    assert_eq!(hit.headings, ["Birds", "Waders"]);
    assert_eq!(hit.text, "Birds\nWaders\nthe heron waits");
    assert_eq!((hit.vendor.as_str(), hit.name.as_str(), hit.path.as_str()), ("s3", "plan.pdf", "birds/plan.pdf"));
    assert_eq!(hit.web_url.as_deref(), Some("https://example.com/plan"));
    assert_eq!(hit.title.as_deref(), Some("The Plan"));
    assert_eq!(hit.id, crate::chunk_id(&hit.document, 1));
    assert_eq!(hit.lexical_rank, Some(1));
    assert!(hit.dense_rank.is_some() && hit.similarity.is_some_and(|cosine| (0.0..=1.001).contains(&cosine)));
    assert!(hit.score > 0.0 && hit.score <= 1.0);
}

pub async fn other_forms_of_a_word_are_found(fixture: &Fixture) {
    let index = words(fixture).await;
    put(
        &index,
        [
            document(
                "de",
                "Die Kündigungsfristen der Mietverträge stehen im Anhang und gelten für alle Häuser der Stadt.",
            ),
            document(
                "fr",
                "Les locataires résiliaient leurs contrats à la fin de chaque année sans donner de raisons.",
            ),
            document("ru", "Договоры аренды домов были подписаны жителями города в прошлом году."),
            document(
                "en",
                "The tenants were terminating their contracts at the end of every year without giving reasons.",
            ),
        ],
    )
    .await;
    for (question, entry) in [
        ("Kündigungsfrist", "de"),
        ("mietvertrag", "de"),
        ("résilier un contrat", "fr"),
        ("resiliaient", "fr"),
        ("договор аренды дома", "ru"),
        ("terminate a contract", "en"),
    ] {
        let hits = ask(&index, question, mine()).await;
        assert_eq!(entries(&hits).first().map(String::as_str), Some(entry), "{question}");
    }
}

pub async fn identifiers_are_found_by_parts_and_whole(fixture: &Fixture) {
    let index = words(fixture).await;
    put(
        &index,
        [document("a", "order ABC-123 of O'Neill"), document("b", "order ABC-124"), document("c", "order XYZ-123")],
    )
    .await;
    for question in ["ABC-123", "abc123", "abc 123", "ABC_123", "ABC/123"] {
        assert_eq!(entries(&ask(&index, question, mine()).await)[0], "a", "{question}");
    }
    assert_eq!(entries(&ask(&index, "oneill", mine()).await), ["a"]);
}

pub async fn scripts_without_spaces_are_found(fixture: &Fixture) {
    let index = words(fixture).await;
    put(
        &index,
        [
            document("ja", "東京都の人口は約千四百万人です。契約の解約には三十日前の通知が必要です。"),
            document("zh", "合同终止须提前三十天书面通知对方。北京市的天气很好。"),
            document("ko", "서울에서 계약을 해지하려면 삼십일 전에 통지해야 합니다."),
            document("th", "การยกเลิกสัญญาต้องแจ้งล่วงหน้าสามสิบวัน"),
        ],
    )
    .await;
    for (question, entry) in [
        ("東京の人口", "ja"),
        ("解約", "ja"),
        ("终止合同", "zh"),
        ("京市", "zh"),
        ("서울 계약", "ko"),
        ("ยกเลิกสัญญา", "th"),
        ("口", "ja"),
    ] {
        assert_eq!(
            entries(&ask(&index, question, mine()).await).first().map(String::as_str),
            Some(entry),
            "{question}"
        );
    }
}

pub async fn rare_words_outweigh_frequent_ones(fixture: &Fixture) {
    let index = words(fixture).await;
    put(&index, (0..20).map(|n| document(&format!("{n:02}"), "report about water water water"))).await;
    put(&index, [document("x", "report about sturgeon and much else that is not of any interest here at all")]).await;
    assert_eq!(entries(&ask(&index, "water sturgeon report", mine()).await)[0], "x");
}

pub async fn titles_and_headings_outweigh_text(fixture: &Fixture) {
    let index = words(fixture).await;
    let mut titled = document("titled", "what follows is about birds of the river and of the lake");
    titled.text.title = Some("Heron".into());
    let mut named = document("named", "what follows is about birds of the river and of the lake");
    named.path = "birds/kingfisher.txt".into();
    put(
        &index,
        [
            document("plain", "a heron and a kingfisher are named once among birds of the river and of the lake"),
            titled,
            named,
        ],
    )
    .await;
    assert_eq!(entries(&ask(&index, "heron", mine()).await), ["titled", "plain"]);
    assert_eq!(entries(&ask(&index, "kingfisher", mine()).await), ["named", "plain"]);
}

pub async fn a_question_has_no_syntax(fixture: &Fixture) {
    let index = words(fixture).await;
    put(&index, [document("a", "heron NOT near OR and"), document("b", "badger")]).await;
    for question in [
        "\"heron",
        "heron*",
        "heron AND",
        "heron NOT",
        "NEAR(heron, 2)",
        "scope : heron",
        "{scope} : heron",
        "- scope : heron",
        "heron ) OR (",
        "^heron + :",
        "heron'; DROP TABLE x; --",
        "heron\u{0}\u{202e}",
    ] {
        assert!(entries(&ask(&index, question, mine()).await).contains(&"a".to_owned()), "{question}");
    }
    // The terms that mark tenants cannot be asked for.
    assert!(ask(&index, "i1 acme ann", Filter::owner(&Tenant::new("acme", "eve"))).await.is_empty());
}

pub async fn a_question_without_words_finds_nothing(fixture: &Fixture) {
    let index = words(fixture).await;
    put(&index, [document("a", "heron")]).await;
    for question in ["", "  ", "?!", "\u{200b}", "\"\"", "***"] {
        assert!(ask(&index, question, mine()).await.is_empty(), "{question}");
    }
    let error = index.search(&Query::new("heron", mine()).mode(Mode::Dense)).await.unwrap_err();
    assert_eq!(error.get("field"), Some("embedder"));
}

pub async fn near_vectors_come_first(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    put(&index, [document("1", "aaaa bbbb"), document("2", "aaaa cccc"), document("3", "pppp oooo")]).await;
    let hits = index.search(&Query::new("aab", mine()).mode(Mode::Dense)).await.unwrap();
    assert_eq!(entries(&hits), ["1", "2", "3"]);
    let cosines: Vec<f32> = hits.iter().filter_map(|hit| hit.similarity).collect();
    assert!(cosines.is_sorted_by(|a, b| a >= b) && cosines[0] > 0.9 && cosines[2] < 0.1, "{cosines:?}");
    assert_eq!(hits[0].lexical_rank, None);
}

pub async fn what_both_ways_find_comes_first(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    put(
        &index,
        [
            document("meaning", "ab ba abab"),
            document("word", "abba ppppppppppppppppp oooooooo"),
            document("both", "abba ab"),
        ],
    )
    .await;
    let hits = ask(&index, "abba", mine()).await;
    assert_eq!(entries(&hits)[0], "both");
    assert_eq!(hits.len(), 3);
    assert!(hits.iter().all(|hit| hit.lexical_rank.is_some() || hit.dense_rank.is_some()));
}

pub async fn vectors_of_another_embedder_are_not_compared(fixture: &Fixture) {
    let (old, new) = (embedding(fixture, "old").await, embedding(fixture, "new").await);
    put(&old, [document("a", "heron abc")]).await;
    put(&new, [document("b", "heron def")]).await;
    assert_eq!(ask_by(&new, Mode::Dense, "heron", mine()).await, ["b"]);
    assert_eq!(ask_by(&old, Mode::Dense, "heron", mine()).await, ["a"]);
    assert_eq!(ask_by(&new, Mode::Auto, "heron", mine()).await.len(), 2, "words find both");
}

pub async fn what_another_embedder_left_is_embedded_again(fixture: &Fixture) {
    put(&embedding(fixture, "old").await, [document("a", "heron"), document("b", "badger")]).await;
    put(&words(fixture).await, [document("c", "fox")]).await;
    let new = embedding(fixture, "new").await;
    assert_eq!(
        (new.reembed(2).await.unwrap(), new.reembed(2).await.unwrap(), new.reembed(2).await.unwrap()),
        (2, 1, 0)
    );
    assert_eq!(ask_by(&new, Mode::Dense, "heron", mine()).await.len(), 3);
    assert!(ask_by(&embedding(fixture, "old").await, Mode::Dense, "heron", mine()).await.is_empty());
    assert!(new.audit(IntegrationId(1), None, 10).await.unwrap().iter().all(|held| held.chunks == 1));
}

pub async fn a_document_that_changed_meanwhile_keeps_its_own_vectors(fixture: &Fixture) {
    put(&words(fixture).await, [document("a", "heron")]).await;
    let index = embedding(fixture, "letters").await;
    let space = Space { embedder: "letters".into(), dimensions: 16 };
    let stale = fixture.backend.without_vectors(&space, 10).await.unwrap();
    put(&index, [document("a", "badger")]).await;
    assert!(!fixture.backend.set_vectors(&space, &stale[0], &[letters("heron", 16)]).await.unwrap());
    index.remove(&[document("a", "").key]).await.unwrap();
    assert!(!fixture.backend.set_vectors(&space, &stale[0], &[letters("heron", 16)]).await.unwrap());
}

pub async fn one_document_does_not_fill_the_answer(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    let mut long = document("long", "");
    long.text = pages(&["heron"; 12]);
    put(&index, [long, document("short", "heron and other birds")]).await;
    for mode in [Mode::Lexical, Mode::Dense, Mode::Auto] {
        let found = ask_by(&index, mode, "heron", mine()).await;
        assert_eq!(found.iter().filter(|entry| *entry == "long").count(), 3, "{mode:?}");
        assert!(found.contains(&"short".to_owned()));
    }
    let all = index.search(&Query::new("heron", mine()).per_document(None).limit(50)).await.unwrap();
    assert_eq!(all.len(), 13);
}

pub async fn one_document_does_not_hide_the_others(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    let mut long = document("long", "");
    long.text = pages(&["heron heron"; 400]);
    put(&index, [long]).await;
    put(&index, (0..5).map(|n| document(&format!("{n}"), "a heron among many other birds of the lake"))).await;
    for mode in [Mode::Lexical, Mode::Dense, Mode::Auto] {
        let query = Query::new("heron", mine()).per_document(Some(1)).limit(6).mode(mode);
        assert_eq!(index.search(&query).await.unwrap().len(), 6, "{mode:?}");
    }
}

pub async fn limits_hold(fixture: &Fixture) {
    let index = words(fixture).await;
    put(&index, (0..30).map(|n| document(&format!("{n}"), "heron"))).await;
    for (limit, found) in [(0, 0), (1, 1), (7, 7), (30, 30), (u32::MAX, 30)] {
        assert_eq!(index.search(&Query::new("heron", mine()).limit(limit)).await.unwrap().len(), found);
    }
    assert!(index.search(&Query::new("heron", mine()).per_document(Some(0))).await.unwrap().is_empty());
}
