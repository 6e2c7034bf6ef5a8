//! Small mixed documents, as many as wanted, the same each time.
//!
//! Ten kinds in turn: text, Markdown, HTML, CSV, mail, Word, PowerPoint, Excel and PDF (text
//! twice). The office files are the repository's samples with other text in them, so that they
//! carry the styles and themes that real ones carry; the PDFs are written here.

use std::{
    fs::{self, File},
    io::{Cursor, Read, Write},
    path::Path,
};

use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

use super::words::Words;
use crate::shell::{Result, root};

/// The endings, in turn.
const KINDS: [&str; 10] = ["txt", "md", "html", "csv", "eml", "docx", "pptx", "xlsx", "pdf", "txt"];

/// Makes `count` documents in `folder`, 100 to a folder; does nothing when they are there.
pub(super) fn documents(folder: &Path, count: usize) -> Result<()> {
    let stamp = folder.with_extension("stamp");
    let wanted = format!("corpus 1, {count} documents\n");
    if fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let templates = Templates::read(&root().join("samples/documents"))?;
    for number in 0..count {
        let below = folder.join(format!("{:03}", number / 100));
        fs::create_dir_all(&below)?;
        let kind = KINDS[number % KINDS.len()];
        fs::write(below.join(format!("document-{number:05}.{kind}")), document(kind, number, &templates)?)?;
    }
    fs::write(stamp, wanted)?;
    Ok(())
}

struct Templates {
    word: Vec<u8>,
    slides: Vec<u8>,
    sheets: Vec<u8>,
}

impl Templates {
    fn read(samples: &Path) -> Result<Self> {
        Ok(Self {
            word: fs::read(samples.join("leak-response.docx"))?,
            slides: fs::read(samples.join("network-plan.pptx"))?,
            sheets: fs::read(samples.join("tariffs-2026.xlsx"))?,
        })
    }
}

fn document(kind: &str, number: usize, templates: &Templates) -> Result<Vec<u8>> {
    let mut words = Words::new(number as u64 + 1);
    let title = words.title();
    let count = 4 + usize::try_from(words.below(8))?;
    Ok(match kind {
        "md" => {
            let parts = words.paragraphs(count).join("\n\n## Next\n\n");
            format!("# {title}\n\nDocument {number}.\n\n{parts}\n").into_bytes()
        }
        "html" => {
            let parts = words.paragraphs(count).join("</p>\n<p>");
            format!("<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1>\n<p>{parts}</p></body></html>\n")
                .into_bytes()
        }
        "csv" => {
            let mut rows = String::from("number,name,amount,remark\n");
            for row in 0..count * 5 {
                rows += &format!("{row},{},{},\"{}\"\n", words.word(), words.below(10_000), words.sentence());
            }
            rows.into_bytes()
        }
        "eml" => {
            let parts = words.paragraphs(count).join("\r\n\r\n");
            format!(
                "From: Operations <operations@example.org>\r\nTo: Everybody <all@example.org>\r\nSubject: {title}\r\n\
                 Date: Mon, 02 Mar 2026 09:00:00 +0000\r\nMIME-Version: 1.0\r\n\
                 Content-Type: text/plain; charset=utf-8\r\n\r\n{parts}\r\n"
            )
            .into_bytes()
        }
        "docx" => {
            let parts = words.paragraphs(count).join("</w:t></w:r></w:p><w:p><w:r><w:t>");
            replaced(&templates.word, "word/document.xml", |old| {
                // Everything between the body's start and its section properties is ours.
                let start = old.find("<w:body>").map_or(0, |at| at + "<w:body>".len());
                let end = old.rfind("<w:sectPr").unwrap_or(old.len());
                let body = format!("<w:p><w:r><w:t>{title}</w:t></w:r></w:p><w:p><w:r><w:t>{parts}</w:t></w:r></w:p>");
                format!("{}{body}{}", &old[..start], &old[end..])
            })?
        }
        "pptx" => replaced(&templates.slides, "ppt/slides/slide2.xml", |old| with_texts(old, "<a:t>", &mut words))?,
        "xlsx" => replaced(&templates.sheets, "xl/sharedStrings.xml", |old| with_texts(old, "<t>", &mut words))?,
        "pdf" => pdf(&title, &words.paragraphs(count)),
        _ => format!("{title}\n\n{}\n", words.paragraphs(count).join("\n\n")).into_bytes(),
    })
}

/// The archive with one part rewritten; the others are copied as they are.
fn replaced(archive: &[u8], part: &str, rewrite: impl FnOnce(&str) -> String) -> Result<Vec<u8>> {
    let mut old = ZipArchive::new(Cursor::new(archive))?;
    let mut text = String::new();
    old.by_name(part)?.read_to_string(&mut text)?;
    let mut new = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..old.len() {
        let file = old.by_index_raw(index)?;
        if file.name()? != part {
            new.raw_copy_file(file)?;
        }
    }
    new.start_file(part, SimpleFileOptions::default())?;
    new.write_all(rewrite(&text).as_bytes())?;
    Ok(new.finish()?.into_inner())
}

/// Every text that opens with `tag` becomes a sentence.
fn with_texts(xml: &str, tag: &str, words: &mut Words) -> String {
    let mut parts = xml.split(tag);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.find("</").map_or("", |at| &part[at..]);
        out += &format!("{tag}{}{rest}", words.sentence());
    }
    out
}

/// A PDF in Helvetica with about forty lines a page.
pub(super) fn pdf(title: &str, paragraphs: &[String]) -> Vec<u8> {
    let mut lines = vec![title.to_owned(), String::new()];
    for paragraph in paragraphs {
        lines.extend(wrapped(paragraph, 90));
        lines.push(String::new());
    }
    let pages: Vec<_> = lines.chunks(40).collect();
    let kids: Vec<_> = (0..pages.len()).map(|page| format!("{} 0 R", 4 + page * 2)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    for (page, lines) in pages.iter().enumerate() {
        let text: String = lines.iter().map(|line| format!("({line}) Tj T*\n")).collect();
        let content = format!("BT /F1 10 Tf 14 TL 56 780 Td\n{text}ET");
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents {} 0 R >>",
            5 + page * 2
        ));
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
    }
    let mut out = String::from("%PDF-1.4\n");
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        out += &format!("{} 0 obj\n{object}\nendobj\n", index + 1);
    }
    let table = out.len();
    out += &format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for offset in offsets {
        out += &format!("{offset:010} 00000 n \n");
    }
    out += &format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1);
    out.into_bytes()
}

fn wrapped(paragraph: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in paragraph.split_whitespace() {
        if let Some(line) = lines.last_mut() {
            if line.len() + word.len() < width {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
            } else {
                lines.push(word.to_owned());
            }
        }
    }
    lines
}

/// How many bytes the files below a folder have in all.
pub(super) fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        bytes += if path.is_dir() { size(&path)? } else { File::open(&path)?.metadata()?.len() };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_made_and_made_the_same_twice() {
        let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("another")];
        for folder in &folders {
            documents(&folder.path().join("corpus"), 20).expect("twenty documents");
        }
        let read = |folder: &tempfile::TempDir, number: usize| {
            let name = format!("corpus/000/document-{number:05}.{}", KINDS[number % KINDS.len()]);
            fs::read(folder.path().join(name)).expect("a document")
        };
        for number in 0..20 {
            assert_eq!(read(&folders[0], number), read(&folders[1], number), "{number}");
        }
        assert_ne!(read(&folders[0], 5), read(&folders[0], 15), "two Word files differ");
    }
}
