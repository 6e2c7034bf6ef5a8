//! How fast documents become text: files of about a megabyte of text each, made here.

use std::{
    fmt::Write as _,
    hint::black_box,
    io::{Cursor, Write as _},
};

use catchment_documents::{Limits, parse_bytes};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

const WORDS: &str =
    "The harbour master counted seventeen ships at dawn, and none of them carried the grain that was promised. ";
const PARAGRAPHS: usize = 4_000;

fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, text) in parts {
        zip.start_file(*name, options).expect("a name");
        zip.write_all(text.as_bytes()).expect("memory");
    }
    zip.finish().expect("memory").into_inner()
}

fn repeated(make: impl Fn(&mut String, usize)) -> String {
    let mut text = String::new();
    (0..PARAGRAPHS).for_each(|number| make(&mut text, number));
    text
}

fn docx() -> Vec<u8> {
    let body = repeated(|text, number| {
        write!(text, "<w:p><w:pPr><w:pStyle w:val='Normal'/></w:pPr><w:r><w:rPr><w:b/></w:rPr><w:t xml:space='preserve'>{number} </w:t></w:r><w:r><w:t>{WORDS}{WORDS}</w:t></w:r></w:p>").expect("memory");
    });
    archive(&[("word/document.xml", &format!("<w:document xmlns:w='w'><w:body>{body}</w:body></w:document>"))])
}

fn xlsx() -> Vec<u8> {
    let rows = repeated(|text, number| {
        write!(text, "<row r='{0}'><c r='A{0}'><v>{0}</v></c><c r='B{0}' t='inlineStr'><is><t>{WORDS}</t></is></c><c r='C{0}'><v>{0}.25</v></c></row>", number + 1).expect("memory");
    });
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    archive(&[
        (
            "[Content_Types].xml",
            "<Types><Override PartName='/xl/workbook.xml' ContentType='application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml'/></Types>",
        ),
        (
            "_rels/.rels",
            &format!(
                "<Relationships><Relationship Id='a' Type='{office}/officeDocument' Target='xl/workbook.xml'/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            &format!(
                "<workbook xmlns='{main}' xmlns:r='{office}'><sheets><sheet name='S' sheetId='1' r:id='a'/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            &format!(
                "<Relationships><Relationship Id='a' Type='{office}/worksheet' Target='worksheets/sheet1.xml'/></Relationships>"
            ),
        ),
        ("xl/worksheets/sheet1.xml", &format!("<worksheet xmlns='{main}'><sheetData>{rows}</sheetData></worksheet>")),
    ])
}

fn html() -> Vec<u8> {
    let body = repeated(|text, number| {
        writeln!(
            text,
            "<div class='x y' id='p{number}'><p>{WORDS}<b>{number}</b> <a href='/{number}'>{WORDS}</a></p></div>"
        )
        .expect("memory");
    });
    format!("<!doctype html><html><head><title>Harbour</title></head><body>{body}</body></html>").into_bytes()
}

fn rtf() -> Vec<u8> {
    format!(
        "{{\\rtf1\\ansi {}}}",
        repeated(|text, number| writeln!(text, "\\pard {{\\b {number}}} {WORDS}{WORDS}\\par").expect("memory"))
    )
    .into_bytes()
}

fn mail() -> Vec<u8> {
    format!(
        "From: a@example.com\nSubject: Harbour\nContent-Type: text/plain\n\n{}",
        repeated(|text, _| write!(text, "{WORDS}\n{WORDS}\n\n").expect("memory"))
    )
    .into_bytes()
}

fn formats(criterion: &mut Criterion) {
    let files: [(&str, Vec<u8>); 8] = [
        ("a.docx", docx()),
        ("a.xlsx", xlsx()),
        ("a.html", html()),
        ("a.rtf", rtf()),
        ("a.eml", mail()),
        (
            "a.md",
            repeated(|text, number| write!(text, "## {number}\n\n{WORDS} *{WORDS}*\n\n- {number}\n").expect("memory"))
                .into_bytes(),
        ),
        (
            "a.csv",
            repeated(|text, number| writeln!(text, "{number},\"{WORDS}\",{number}.5").expect("memory")).into_bytes(),
        ),
        ("a.txt", repeated(|text, _| write!(text, "{WORDS}\n{WORDS}\n\n").expect("memory")).into_bytes()),
    ];
    let mut group = criterion.benchmark_group("formats");
    for (name, bytes) in &files {
        let text = parse_bytes(name, bytes, &Limits::default()).expect("a readable file").text.len();
        assert!(text > 300_000, "{name}: {text}");
        group.throughput(Throughput::Bytes(text as u64));
        group.bench_function(*name, |bencher| {
            bencher.iter(|| parse_bytes(black_box(name), black_box(bytes), &Limits::default()));
        });
    }
    group.finish();
}

criterion_group!(benches, formats);
criterion_main!(benches);
