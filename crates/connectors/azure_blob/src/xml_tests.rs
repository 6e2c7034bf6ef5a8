//! What the service writes, and what others write in its place.

use catchment_core::ErrorKind;

use super::*;

const LIST: &str = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\
<EnumerationResults ServiceEndpoint=\"https://a.blob.core.windows.net/\" ContainerName=\"c\"><Prefix>not this</Prefix>\
<Blobs><Blob><Name> a &amp; b%20+#\n\u{e9}.txt</Name><VersionId>2026</VersionId><IsCurrentVersion>true</IsCurrentVersion>\
<Properties><Creation-Time>Fri, 02 Jan 2026 03:04:05 GMT</Creation-Time><Last-Modified>Fri, 02 Jan 2026 03:04:06 GMT</Last-Modified>\
<Etag>0x8D1</Etag><Content-Length>12</Content-Length><Content-Type>text/plain</Content-Type><Content-MD5>bWQ1</Content-MD5>\
<AccessTier>Archive</AccessTier><ArchiveStatus>rehydrate-pending-to-hot</ArchiveStatus></Properties><Metadata /><OrMetadata/></Blob>\
<BlobPrefix><Name Encoded=\"true\">p%01%25%2F</Name></BlobPrefix>\
<Blob><Name Encoded=\"true\">%EF%BF%BE%FF</Name><Properties><Etag>\"0x8D2\"</Etag></Properties></Blob>\
<Blob><Name>dir</Name><Properties><ResourceType>directory</ResourceType></Properties></Blob>\
<Blob><Name>wasb</Name><Properties/><Metadata><Hdi_IsFolder>true</Hdi_IsFolder></Metadata></Blob>\
<Blob><Name>old</Name><Snapshot>2026-01-02T03:04:05.0000000Z</Snapshot></Blob>\
<Blob><Name>gone</Name><Deleted>true</Deleted></Blob>\
<Blob><Name>before</Name><IsCurrentVersion>false</IsCurrentVersion></Blob>\
</Blobs><NextMarker>2!80!MDAw&amp;/=</NextMarker></EnumerationResults>";

#[test]
fn a_list_is_read_with_every_byte_of_its_names() {
    let list = list(LIST.as_bytes()).expect("a list");
    let blob = &list.blobs[0];
    assert_eq!(blob.name, " a & b%20+#\né.txt");
    assert_eq!((blob.size, blob.etag.as_deref()), (Some(12), Some("\"0x8D1\"")));
    assert_eq!((blob.mime.as_deref(), blob.md5.as_deref()), (Some("text/plain"), Some("bWQ1")));
    assert_eq!(blob.modified.expect("a time") - blob.created.expect("a time"), chrono::TimeDelta::seconds(1));
    assert!(blob.thawing && blob.tier.as_deref() == Some("Archive") && !blob.directory && !blob.invalid);
    assert_eq!((list.prefixes, list.next.as_deref()), (vec!["p\u{1}%/".to_owned()], Some("2!80!MDAw&/=")));
}

#[test]
fn only_what_says_that_it_is_encoded_is_decoded() {
    let list = list(LIST.as_bytes()).expect("a list");
    assert!(list.blobs[1].invalid && list.blobs[1].name.starts_with('\u{fffe}'), "{:?}", list.blobs[1]);
    assert_eq!(list.blobs[1].etag.as_deref(), Some("\"0x8D2\""));
    assert!(list.blobs[0].name.contains("%20"));
}

#[test]
fn snapshots_old_versions_and_deleted_blobs_are_not_there() {
    let list = list(LIST.as_bytes()).expect("a list");
    let names: Vec<_> = list.blobs[2..].iter().map(|blob| (blob.name.as_str(), blob.directory)).collect();
    assert_eq!(names, [("dir", true), ("wasb", true)]);
}

#[test]
fn a_list_cut_anywhere_is_never_a_shorter_list() {
    for end in (0..LIST.len()).filter(|end| LIST.is_char_boundary(*end)) {
        let body = &LIST.as_bytes()[..end];
        list(body).expect_err("cut off");
        assert!(is_cut_list(body) || end < 60, "at {end}");
    }
    assert!(is_cut_list(&LIST.as_bytes()[..200]) && !is_cut_list(LIST.as_bytes()));
}

#[test]
fn something_else_is_not_an_empty_list() {
    for body in ["", "hello", "<html><body>hi</body></html>", "{}", "<a/>", "<Error><Code>X</Code></Error>"] {
        assert_eq!(list(body.as_bytes()).expect_err(body).kind(), ErrorKind::Protocol, "{body}");
    }
    assert!(list(&[0xff, 0xfe, 0, 1]).is_err());
}

#[test]
fn an_empty_page_in_the_middle_is_not_the_end() {
    let body = "<EnumerationResults><Blobs /><NextMarker>more</NextMarker></EnumerationResults>";
    assert_eq!(list(body.as_bytes()).expect("a page").next.as_deref(), Some("more"));
    let body = "<EnumerationResults><Blobs/><NextMarker /></EnumerationResults>";
    assert_eq!(list(body.as_bytes()).expect("a page"), List::default());
}
