//! The XML of the store: lists and errors, read as they stream by.

use catchment_core::{Error, Result};
use catchment_object_store::{
    quoted,
    xml::{self, Fault, elements, strange},
};
use chrono::{DateTime, Utc};
use percent_encoding::percent_decode;

/// One page of a list.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct List {
    pub(crate) objects: Vec<Object>,
    /// What the delimiter folded together; each ends in it.
    pub(crate) prefixes: Vec<String>,
    /// Where the next page starts, if there is one.
    pub(crate) next: Option<String>,
}

/// One object of a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Object {
    pub(crate) key: String,
    /// The key is not UTF-8, and stands here with replacements.
    pub(crate) invalid: bool,
    pub(crate) size: Option<u64>,
    /// With its quotes, as `If-Match` wants it.
    pub(crate) etag: Option<String>,
    pub(crate) modified: Option<DateTime<Utc>>,
    pub(crate) storage_class: Option<String>,
    /// A copy is being taken out of the archive.
    pub(crate) restoring: bool,
    /// A copy is out of the archive and can be read.
    pub(crate) restored: bool,
}

/// The names that are looked at; any other is of no interest.
const NAMES: [&str; 16] = [
    "ListBucketResult",
    "EncodingType",
    "IsTruncated",
    "NextContinuationToken",
    "Contents",
    "CommonPrefixes",
    "Prefix",
    "Key",
    "Size",
    "ETag",
    "LastModified",
    "StorageClass",
    "RestoreStatus",
    "IsRestoreInProgress",
    "RestoreExpiryDate",
    "Error",
];

/// Reads a `ListBucketResult`.
pub(crate) fn list(body: &[u8]) -> Result<List> {
    let mut list = List::default();
    let (mut object, mut common) = (Object::default(), false);
    let (mut encoded, mut truncated, mut token) = (false, false, None);
    let mut seen = false;
    elements(body, &NAMES, |path, text| {
        match path {
            ["ListBucketResult", rest @ ..] => {
                seen = true;
                match rest {
                    ["EncodingType"] => encoded = text.as_str() == "url",
                    ["IsTruncated"] => truncated = text.as_str() == "true",
                    ["NextContinuationToken"] => token = text.value(),
                    ["Contents"] => list.objects.push(std::mem::take(&mut object)),
                    ["Contents", field @ ..] => object.set(field, text.as_str()),
                    ["CommonPrefixes"] => common = false,
                    ["CommonPrefixes", "Prefix"] if !common => {
                        common = true;
                        list.prefixes.extend(text.value());
                    }
                    _ => {}
                }
            }
            ["Error", ..] => {}
            _ => return Err(strange()),
        }
        Ok(())
    })?;
    if !seen {
        return Err(strange());
    }
    // Some stores ignore that encoding was asked for, and say so by not mentioning it.
    if encoded {
        for object in &mut list.objects {
            (object.key, object.invalid) = form_decoded(&object.key);
        }
        for prefix in &mut list.prefixes {
            *prefix = form_decoded(prefix).0;
        }
    }
    if truncated {
        list.next = token.filter(|token| !token.is_empty());
        if list.next.is_none() {
            return Err(Error::protocol(
                "the store says that the list goes on, but not how: this store cannot be listed",
            ));
        }
    }
    Ok(list)
}

/// Reads an error body, with the region the bucket is in as its detail; `None` if it is something else.
pub(crate) fn fault(body: &[u8]) -> Option<Fault> {
    xml::fault(body, "Region")
}

/// Whether a body begins as a list and breaks off before its end.
pub(crate) fn is_cut_list(body: &[u8]) -> bool {
    xml::is_cut_list(body, "ListBucketResult")
}

impl Object {
    fn set(&mut self, field: &[&str], text: &str) {
        match field {
            ["Key"] => self.key = text.to_owned(),
            ["Size"] => self.size = text.trim().parse().ok(),
            ["ETag"] => self.etag = quoted(text),
            ["LastModified"] => {
                self.modified = DateTime::parse_from_rfc3339(text.trim()).ok().map(|time| time.to_utc());
            }
            ["StorageClass"] => self.storage_class = Some(text.trim().to_owned()),
            ["RestoreStatus", "IsRestoreInProgress"] => self.restoring = text.trim() == "true",
            ["RestoreStatus", "RestoreExpiryDate"] => self.restored = !text.trim().is_empty(),
            _ => {}
        }
    }
}

/// Undoes form encoding. Says whether what came out was not UTF-8.
fn form_decoded(text: &str) -> (String, bool) {
    let spaced = text.replace('+', " ");
    let bytes: Vec<u8> = percent_decode(spaced.as_bytes()).collect();
    match String::from_utf8(bytes) {
        Ok(text) => (text, false),
        Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), true),
    }
}

#[cfg(test)]
mod tests {
    use catchment_core::ErrorKind;

    use super::*;

    const LIST: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix>no+prefix</Prefix>
<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextContinuationToken>a&amp;b/=</NextContinuationToken>
<Contents><Key>a+b%2Bc%25d%01%D7%A9//x</Key><LastModified>2026-01-02T03:04:05.678Z</LastModified>
<ETag>&quot;e1&quot;</ETag><ChecksumAlgorithm/><Size>12</Size><StorageClass>GLACIER</StorageClass>
<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress><RestoreExpiryDate>2026-02-01T00:00:00Z</RestoreExpiryDate></RestoreStatus>
<Owner><ID>x</ID></Owner></Contents>
<Contents><Key>%FF</Key><ETag>e2</ETag></Contents>
<CommonPrefixes><Prefix>p%2F</Prefix></CommonPrefixes></ListBucketResult>"#;

    #[test]
    fn a_list_is_read_with_every_byte_of_its_keys() {
        let list = list(LIST.as_bytes()).expect("a list");
        let object = &list.objects[0];
        assert_eq!(object.key, "a b+c%d\u{1}ש//x");
        assert_eq!((object.size, object.etag.as_deref()), (Some(12), Some("\"e1\"")));
        assert_eq!(object.modified.expect("a time").timestamp_millis() % 1000, 678);
        assert!(object.restored && !object.restoring && !object.invalid);
        assert!(list.objects[1].invalid);
        assert_eq!(list.objects[1].etag.as_deref(), Some("\"e2\""));
        assert_eq!((list.prefixes, list.next.as_deref()), (vec!["p/".to_owned()], Some("a&b/=")));
    }

    #[test]
    fn keys_are_decoded_only_if_the_store_says_that_it_encoded_them() {
        let plain = LIST.replace("<EncodingType>url</EncodingType>", "");
        assert_eq!(list(plain.as_bytes()).expect("a list").objects[0].key, "a+b%2Bc%25d%01%D7%A9//x");
    }

    #[test]
    fn a_list_cut_anywhere_is_never_a_shorter_list() {
        for end in 0..LIST.len() {
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
        let endless = LIST.replace("a&amp;b/=", "");
        assert_eq!(list(endless.as_bytes()).expect_err("no way on").kind(), ErrorKind::Protocol);
    }

    #[test]
    fn an_error_says_the_region_of_the_bucket() {
        let body =
            "<?xml version=\"1.0\"?><Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>";
        let whole = fault(body.as_bytes()).expect("an error");
        assert_eq!((whole.code.as_str(), whole.detail.as_deref()), ("AuthorizationHeaderMalformed", Some("eu-west-1")));
    }
}
