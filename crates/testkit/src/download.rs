//! What a connector with [`Download`](catchment_core::Download) promises.

use catchment_core::{ByteRange, ErrorKind};
use futures::StreamExt;

use crate::{
    fixture::{Connected, Fixture, bytes, listed, read},
    verdict::{Verdict, ensure, must_fail},
};

/// Nothing is converted on the way.
pub async fn a_file_comes_byte_for_byte<F: Fixture>(fixture: &F) -> Verdict {
    let mut content: Vec<u8> = (0..=255).collect();
    content.extend(b"\r\n\n\r\0 text \x1f\x8b\x08 and \xef\xbb\xbf more\r\n");
    fixture.put("binary.gz", &content).await;
    let connector = fixture.connector()?;
    let entry = listed(connector.need_browse()?, "binary.gz").await?;
    let came = read(connector.need_download()?, &entry).await?;
    ensure!(came == content, "{} bytes came, others than the {} that were put", came.len(), content.len());
    Ok(())
}

/// Nothing is a content, too.
pub async fn an_empty_file_is_empty<F: Fixture>(fixture: &F) -> Verdict {
    fixture.put("empty.txt", b"").await;
    let connector = fixture.connector()?;
    let entry = listed(connector.need_browse()?, "empty.txt").await?;
    ensure!(entry.is_file(), "an empty file is {:?}", entry.kind);
    let came = read(connector.need_download()?, &entry).await?;
    ensure!(came.is_empty(), "{} bytes came", came.len());
    Ok(())
}

/// More than any buffer holds.
pub async fn a_large_file_comes_whole<F: Fixture>(fixture: &F) -> Verdict {
    let content = bytes(5 * 1024 * 1024 + 3, 1);
    fixture.put("large.bin", &content).await;
    let connector = fixture.connector()?;
    let entry = listed(connector.need_browse()?, "large.bin").await?;
    let mut body = connector.need_download()?.open(&entry, None).await?.exact().body;
    let (mut at, mut chunks) = (0, 0);
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        let same = content.get(at..at + chunk.len()).is_some_and(|wanted| wanted == chunk);
        ensure!(same, "the {} bytes from {at} are not the ones that were put", chunk.len());
        at += chunk.len();
        chunks += 1;
    }
    ensure!(at == content.len(), "{at} of {} bytes came", content.len());
    ensure!(chunks > 1, "5 MiB came in one chunk: it was not streamed");
    Ok(())
}

/// The start, the middle, the end, past the end, nothing.
pub async fn a_range_gives_exactly_its_bytes<F: Fixture>(fixture: &F) -> Verdict {
    let content = bytes(1000, 2);
    fixture.put("ranged.bin", &content).await;
    let connector = fixture.connector()?;
    let entry = listed(connector.need_browse()?, "ranged.bin").await?;
    let download = connector.need_download()?;
    let ranges = [
        (ByteRange::new(0, 10), 0..10),
        (ByteRange::new(500, 1), 500..501),
        (ByteRange::new(300, 400), 300..700),
        (ByteRange::from(0), 0..1000),
        (ByteRange::from(999), 999..1000),
        (ByteRange::from(400), 400..1000),
        (ByteRange::new(990, 100), 990..1000),
        (ByteRange::new(0, 5000), 0..1000),
        (ByteRange::new(17, 0), 17..17),
        (ByteRange::from(1000), 1000..1000),
        (ByteRange::new(2000, 5), 1000..1000),
    ];
    for (range, wanted) in ranges {
        let came = download.open(&entry, Some(range)).await?.collect(5000).await?;
        ensure!(came == content[wanted.clone()], "{range:?} gave {} bytes, not those of {wanted:?}", came.len());
    }
    Ok(())
}

/// Whoever reads can see that something is missing.
pub async fn the_size_is_announced<F: Fixture>(fixture: &F) -> Verdict {
    fixture.put("sized.bin", &bytes(777, 3)).await;
    let connector = fixture.connector()?;
    let entry = listed(connector.need_browse()?, "sized.bin").await?;
    ensure!(entry.size == Some(777), "listed with size {:?}", entry.size);
    let content = connector.need_download()?.open(&entry, None).await?;
    ensure!(content.size == Some(777), "announced with size {:?}", content.size);
    Ok(())
}

/// A transfer can be continued on the version it began with.
pub async fn the_version_is_the_fingerprint<F: Fixture>(fixture: &F) -> Verdict {
    fixture.put("versioned.bin", b"one").await;
    let connector = fixture.connector()?;
    let entry = listed(connector.need_browse()?, "versioned.bin").await?;
    let content = connector.need_download()?.open(&entry, None).await?;
    let mark = entry.fingerprint.as_ref().map(|mark| mark.as_str());
    ensure!(mark.is_some() && content.version.as_deref() == mark, "{:?}, listed as {mark:?}", content.version);
    Ok(())
}

/// A conflict, or the new content under its own version; never the one under the other's.
pub async fn a_changed_file_is_not_passed_off_as_the_listed_one<F: Fixture>(fixture: &F) -> Verdict {
    fixture.put("changing.bin", b"the first content").await;
    let connector = fixture.connector()?;
    let entry = listed(connector.need_browse()?, "changing.bin").await?;
    fixture.put("changing.bin", b"another content, and longer").await;
    match connector.need_download()?.open(&entry, None).await {
        Err(error) => ensure!(error.kind() == ErrorKind::Conflict, "a changed file is {}: {error}", error.kind()),
        Ok(content) => {
            let version = content.version.clone();
            let old = entry.fingerprint.as_ref().map(|mark| mark.as_str());
            ensure!(version.is_some() && version.as_deref() != old, "new content came as the version that was listed");
            let came = content.collect(1000).await?;
            ensure!(came == b"another content, and longer", "a mixture came: {came:?}");
        }
    }
    Ok(())
}

/// Gone since it was listed.
pub async fn a_missing_file_is_not_found<F: Fixture>(fixture: &F) -> Verdict {
    fixture.put("fleeting.txt", b"x").await;
    let connector = fixture.connector()?;
    let entry = listed(connector.need_browse()?, "fleeting.txt").await?;
    fixture.remove("fleeting.txt").await;
    let error = must_fail(connector.need_download()?.open(&entry, None).await, "opening a file that is gone")?;
    ensure!(error.kind() == ErrorKind::NotFound, "a file that is gone is {}: {error}", error.kind());
    Ok(())
}

/// It is an error, not an empty file.
pub async fn a_folder_has_no_content<F: Fixture>(fixture: &F) -> Verdict {
    fixture.put("folder/file.txt", b"x").await;
    let connector = fixture.connector()?;
    let folder = connector.need_browse()?.lookup("folder").await?;
    must_fail(connector.need_download()?.open(&folder, None).await, "opening a folder")?;
    Ok(())
}
