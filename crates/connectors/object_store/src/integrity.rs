//! Integrity: whether the bytes that come are those that were stored, as far as the store says.

use bytes::Bytes;
use catchment_core::{Error, ErrorKind, Result};
use crc::{CRC_32_ISCSI, CRC_32_ISO_HDLC, CRC_64_NVME, Crc, Digest as CrcDigest, Table};
use futures::{StreamExt, stream::BoxStream};
use http::HeaderMap;
use md5::{Digest, Md5};
use reqsign_core::hash::base64_decode;
use sha1::Sha1;
use sha2::Sha256;

type Sliced = Table<16>;
type Body = BoxStream<'static, Result<Bytes>>;

static CRC32: Crc<u32, Sliced> = Crc::<u32, Sliced>::new(&CRC_32_ISO_HDLC);
static CRC32C: Crc<u32, Sliced> = Crc::<u32, Sliced>::new(&CRC_32_ISCSI);
static CRC64: Crc<u64, Sliced> = Crc::<u64, Sliced>::new(&CRC_64_NVME);

/// What a store says the bytes of a whole object add up to.
pub struct Hash {
    name: &'static str,
    sum: Sum,
    wanted: Vec<u8>,
}

enum Sum {
    Md5(Md5),
    Sha1(Sha1),
    Sha256(Sha256),
    Crc32(CrcDigest<'static, u32, Sliced>),
    Crc64(CrcDigest<'static, u64, Sliced>),
}

impl Hash {
    /// What the `Content-MD5` of a whole object says, in base64.
    pub fn of_content_md5(value: &str) -> Option<Self> {
        let wanted = base64_decode(value.trim()).ok().filter(|wanted| wanted.len() == 16)?;
        Some(Self { name: "md5", sum: Sum::Md5(Md5::new()), wanted })
    }

    /// What the headers of S3's answer with a whole object say; `None` if they say nothing.
    ///
    /// They do in a checksum, where the uploader or the store made one over the whole object, or else
    /// in an ETag that is the MD5. That is none for an object which came in parts (it has a dash), nor
    /// for one which is encrypted with a key of a key service or of the customer.
    pub fn of_s3(headers: &HeaderMap, etag: Option<&str>) -> Option<Self> {
        // One of the parts' checksums is not the object's.
        let composite =
            header(headers, "x-amz-checksum-type").is_some_and(|kind| kind.eq_ignore_ascii_case("COMPOSITE"));
        let given = |name: &'static str, sum: fn() -> Sum| {
            let wanted = base64_decode(header(headers, &format!("x-amz-checksum-{name}"))?.trim()).ok()?;
            let sum = sum();
            (wanted.len() == sum.length()).then_some(Self { name, sum, wanted })
        };
        let checksum = || {
            given("sha256", || Sum::Sha256(Sha256::new()))
                .or_else(|| given("sha1", || Sum::Sha1(Sha1::new())))
                .or_else(|| given("crc64nvme", || Sum::Crc64(CRC64.digest())))
                .or_else(|| given("crc32c", || Sum::Crc32(CRC32C.digest())))
                .or_else(|| given("crc32", || Sum::Crc32(CRC32.digest())))
        };
        (!composite).then(checksum).flatten().or_else(|| Self::of_etag(headers, etag?))
    }

    fn of_etag(headers: &HeaderMap, etag: &str) -> Option<Self> {
        let by_key_service = header(headers, "x-amz-server-side-encryption").is_some_and(|by| by.trim() != "AES256");
        let by_customer = header(headers, "x-amz-server-side-encryption-customer-algorithm").is_some();
        let text = etag.trim_matches('"');
        let is_md5 = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let wanted = u128::from_str_radix(text, 16).ok().filter(|_| is_md5)?;
        (!by_key_service && !by_customer).then(|| Self {
            name: "md5",
            sum: Sum::Md5(Md5::new()),
            wanted: wanted.to_be_bytes().to_vec(),
        })
    }

    /// The bytes, and an error behind the last if they are not those of the hash.
    #[must_use]
    pub fn holds(mut self, mut body: Body) -> Body {
        let bytes = async_stream::try_stream! {
            while let Some(chunk) = body.next().await {
                let chunk = chunk?;
                self.sum.update(&chunk);
                yield chunk;
            }
            if self.sum.finish() != self.wanted {
                let message = "the content is not what its checksum says: it was damaged on the way, or stored with a \
                               wrong one; import again, and if that does not help upload the object again";
                Err(Error::new(ErrorKind::Unreadable, message).with("checksum", self.name))?;
            }
        };
        bytes.boxed()
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hash").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Sum {
    /// In bytes.
    fn length(&self) -> usize {
        match self {
            Self::Md5(_) => 16,
            Self::Sha1(_) => 20,
            Self::Sha256(_) => 32,
            Self::Crc32(_) => 4,
            Self::Crc64(_) => 8,
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(sum) => sum.update(bytes),
            Self::Sha1(sum) => sum.update(bytes),
            Self::Sha256(sum) => sum.update(bytes),
            Self::Crc32(sum) => sum.update(bytes),
            Self::Crc64(sum) => sum.update(bytes),
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Self::Md5(sum) => sum.finalize().to_vec(),
            Self::Sha1(sum) => sum.finalize().to_vec(),
            Self::Sha256(sum) => sum.finalize().to_vec(),
            Self::Crc32(sum) => sum.finalize().to_be_bytes().to_vec(),
            Self::Crc64(sum) => sum.finalize().to_be_bytes().to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::{TryStreamExt, executor::block_on, stream};

    use super::*;

    fn head(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        let headers = headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
        headers.collect()
    }

    /// The name of the hash that is looked at, and whether the bytes hold against it.
    fn read(headers: &[(&'static str, &'static str)], etag: &str, bytes: &'static str) -> Option<(&'static str, bool)> {
        let hash = Hash::of_s3(&head(headers), Some(etag))?;
        let name = hash.name;
        let (one, other) = bytes.split_at(bytes.len() / 2);
        let body = hash.holds(stream::iter([one, other].map(|part| Ok(Bytes::from(part)))).boxed());
        let came: Result<Vec<Bytes>> = block_on(body.try_collect());
        Some((name, came.is_ok()))
    }

    #[test]
    fn every_checksum_is_the_one_that_stores_write() {
        // The check values of each algorithm, in base64.
        for (header, value, name) in [
            ("x-amz-checksum-crc32", "y/Q5Jg==", "crc32"),
            ("x-amz-checksum-crc32c", "4waSgw==", "crc32c"),
            ("x-amz-checksum-crc64nvme", "rosUhgp5mIg=", "crc64nvme"),
            ("x-amz-checksum-sha1", "98O8HYCOBHMq32eZZczDTKeuNEE=", "sha1"),
            ("x-amz-checksum-sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=", "sha256"),
        ] {
            assert_eq!(read(&[(header, value)], "", "123456789"), Some((name, true)), "{name}");
            assert_eq!(read(&[(header, value)], "", "123456788"), Some((name, false)), "{name}");
        }
        let md5 = "\"25f9e794323b453885f5181f1b624d0b\"";
        assert!(Hash::of_content_md5("JfnnlDI7RTiF9RgfG2JNCw==").is_some_and(|hash| hash.wanted[0] == 0x25));
        assert!(Hash::of_content_md5("hunter2").is_none() && Hash::of_content_md5("").is_none());
        assert_eq!(read(&[], md5, "123456789"), Some(("md5", true)));
        assert_eq!(read(&[], md5, "12345678"), Some(("md5", false)));
    }

    #[test]
    fn what_is_no_hash_of_the_whole_is_not_taken_for_one() {
        let md5 = "\"25f9e794323b453885f5181f1b624d0b\"";
        for (headers, etag) in [
            (&[][..], "\"25f9e794323b453885f5181f1b624d0b-3\""),
            (&[], "\"0x8D2C\""),
            (&[], "\"+5f9e794323b453885f5181f1b624d0b\""),
            (&[("x-amz-server-side-encryption", "aws:kms")], md5),
            (&[("x-amz-server-side-encryption", "aws:kms:dsse")], md5),
            (&[("x-amz-server-side-encryption-customer-algorithm", "AES256")], md5),
            (&[("x-amz-checksum-crc32", "y/Q5Jg==-2")], ""),
            (&[("x-amz-checksum-crc32", "y/Q5Jg=="), ("x-amz-checksum-type", "COMPOSITE")], ""),
            (&[("x-amz-checksum-sha256", "hunter2")], ""),
        ] {
            assert_eq!(read(headers, etag, "123456789"), None, "{headers:?} {etag}");
        }
        assert!(read(&[("x-amz-server-side-encryption", "AES256")], md5, "123456789").is_some_and(|(_, good)| good));
    }
}
