//! What a connector promises whose changes are derived from fingerprints.

use crate::{
    fixture::{Connected, Fixture, listed},
    listing::tree,
    verdict::{Verdict, ensure},
};

/// Without one, a file is downloaded each time to see whether it has changed.
pub async fn every_file_has_a_fingerprint<F: Fixture>(fixture: &F) -> Verdict {
    fixture.put("full.txt", b"x").await;
    fixture.put("empty.txt", b"").await;
    let connector = fixture.connector()?;
    let all = tree(connector.need_browse()?).await?;
    ensure!(all.len() == 2, "listed {all:?}");
    for entry in all {
        ensure!(entry.fingerprint.is_some(), "`{}` has none", entry.path);
    }
    Ok(())
}

/// From one run to the next.
pub async fn an_unchanged_file_keeps_its_fingerprint<F: Fixture>(fixture: &F) -> Verdict {
    fixture.put("still.txt", b"x").await;
    let before = listed(fixture.connector()?.need_browse()?, "still.txt").await?.fingerprint;
    fixture.put("other.txt", b"y").await;
    let after = listed(fixture.connector()?.need_browse()?, "still.txt").await?.fingerprint;
    ensure!(before.is_some() && before == after, "{before:?} became {after:?}");
    Ok(())
}

/// Something was appended.
pub async fn a_changed_file_gets_another_fingerprint<F: Fixture>(fixture: &F) -> Verdict {
    fixture.put("grows.txt", b"the same beginning").await;
    let connector = fixture.connector()?;
    let before = listed(connector.need_browse()?, "grows.txt").await?.fingerprint;
    fixture.put("grows.txt", b"the same beginning, and an end").await;
    let after = listed(connector.need_browse()?, "grows.txt").await?.fingerprint;
    ensure!(before.is_some() && before != after, "{before:?} stayed");
    Ok(())
}

/// Even at once: size and whole seconds are not enough.
pub async fn a_change_of_the_same_size_is_noticed<F: Fixture>(fixture: &F) -> Verdict {
    let connector = fixture.connector()?;
    let mut marks = Vec::new();
    for content in ["one", "two", "six"] {
        fixture.put("sly.txt", content.as_bytes()).await;
        marks.push(listed(connector.need_browse()?, "sly.txt").await?.fingerprint);
    }
    let same = marks.windows(2).any(|pair| pair[0] == pair[1]);
    ensure!(marks[0].is_some() && !same, "a change of the same size was not noticed: {marks:?}");
    Ok(())
}
