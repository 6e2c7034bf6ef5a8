//! Files that mean harm, and files that were harmed: every one ends as text or as an error, and
//! none as a panic, an overflow or a wait.

#[path = "formats_hostile/archives.rs"]
mod archives;
#[path = "formats_hostile/damage.rs"]
mod damage;
#[path = "formats_hostile/nesting.rs"]
mod nesting;

use std::io::{Cursor, Read, Write};

use catchment_core::{Error, Text};
use catchment_documents::{Limits, parse_bytes};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// Reads a file and holds the result to what every result promises.
fn read(name: &str, bytes: &[u8]) -> Result<Text, Error> {
    let result = parse_bytes(name, bytes, &Limits::default());
    match &result {
        Ok(parsed) => assert_sound(name, &parsed.text),
        Err(error) => {
            let message = error.message();
            assert!(error.is_item(), "{name}: {error:?}");
            assert!(!message.starts_with("reading took longer"), "{name} took all its time");
            // A panic of these libraries is caught and known; one of our own is a fault.
            let foreign = [".xls", ".xlsb", ".doc", ".ppt"].iter().any(|kind| name.ends_with(kind));
            assert!(foreign || !message.starts_with("the file makes its reader fail"), "{name}: {error:?}");
        }
    }
    result.map(|parsed| parsed.text)
}

fn assert_sound(name: &str, text: &Text) {
    for (index, page) in text.pages.iter().enumerate() {
        assert_eq!(page.number as usize, index + 1, "{name}");
        for block in &page.blocks {
            assert!(!block.text.trim().is_empty(), "{name}: empty block");
            let stray = block.text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
            assert_eq!(stray, None, "{name}: {:?}", block.text);
        }
    }
}

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/formats/{name}", env!("CARGO_MANIFEST_DIR"))).expect("a sample")
}

/// An archive of these parts, compressed.
fn archive<'a>(parts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    packed(CompressionMethod::Deflated, parts)
}

fn packed<'a>(method: CompressionMethod, parts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in parts {
        zip.start_file(name, options).expect("a sample");
        zip.write_all(bytes).expect("a sample");
    }
    zip.finish().expect("a sample").into_inner()
}

/// A sample with one of its parts replaced.
fn with_part(sample_name: &str, part: &str, bytes: &[u8]) -> Vec<u8> {
    let mut parts = parts_of(&sample(sample_name));
    let old = parts.iter_mut().find(|(name, _)| name == part).unwrap_or_else(|| panic!("{part} in {sample_name}"));
    old.1 = bytes.to_vec();
    archive(parts.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())))
}

fn parts_of(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut zip = ZipArchive::new(Cursor::new(bytes)).expect("a sample");
    let mut parts = Vec::new();
    for index in 0..zip.len() {
        let mut part = zip.by_index(index).expect("a sample");
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).expect("a sample");
        parts.push((part.name().expect("a sample").into_owned(), bytes));
    }
    parts
}

/// A Word file with this body.
fn docx(body: &str) -> Vec<u8> {
    let document = format!(
        "<?xml version='1.0'?><w:document xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'>\
         <w:body>{body}</w:body></w:document>"
    );
    archive([("word/document.xml", document.as_bytes())])
}
