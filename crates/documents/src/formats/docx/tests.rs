//! What Word files become, down to marks that no other program writes.

use std::io::{Cursor, Write as _};

use zip::{ZipWriter, write::SimpleFileOptions};

use super::*;
use crate::Limits;

/// A Word file with this body, and these parts linked from it as (kind, name, content).
fn read_with(body: &str, namespace: &str, parts: &[(&str, &str, &str)]) -> Text {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut put = |name: &str, text: &str| {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    };
    put("word/document.xml", &format!("<w:document xmlns:w='{namespace}'><w:body>{body}</w:body></w:document>"));
    let mut links = String::new();
    for (number, (kind, name, content)) in parts.iter().enumerate() {
        put(&format!("word/{name}"), content);
        links.push_str(&format!("<Relationship Id='r{number}' Type='http://x/{kind}' Target='{name}'/>"));
    }
    put("word/_rels/document.xml.rels", &format!("<Relationships>{links}</Relationships>"));
    let bytes = zip.finish().unwrap().into_inner();
    let mut budget = Budget::new(&Limits::default(), bytes.len() as u64).unwrap();
    parse(&bytes, &mut budget, &Hint::default()).unwrap()
}

fn read(body: &str) -> Text {
    read_with(body, "http://schemas.openxmlformats.org/wordprocessingml/2006/main", &[])
}

fn pages(body: &str) -> Vec<String> {
    read(body)
        .pages
        .iter()
        .map(|page| page.blocks.iter().map(|block| block.text.as_str()).collect::<Vec<_>>().join("|"))
        .collect()
}

fn p(inner: &str) -> String {
    format!("<w:p>{inner}</w:p>")
}

fn t(text: &str) -> String {
    format!("<w:r><w:t>{text}</w:t></w:r>")
}

const TURNED: &str = "<w:r><w:lastRenderedPageBreak/></w:r>";
const BREAK: &str = "<w:r><w:br w:type='page'/></w:r>";

#[test]
fn recorded_pages_and_asked_for_pages_are_not_added_up() {
    let both = p(&t("a")) + &p(BREAK) + &p(&(TURNED.to_owned() + &t("b")));
    assert_eq!(pages(&both), ["a", "b"]);
    let blank_between = p(&t("a")) + &p(BREAK) + &p(&(TURNED.to_owned() + BREAK)) + &p(&(TURNED.to_owned() + &t("b")));
    assert_eq!(pages(&blank_between), ["a", "", "b"]);
    assert_eq!(pages(&(p(&t("a")) + &p("<w:pPr><w:pageBreakBefore/></w:pPr>") + &p(&t("b")))), ["a", "b"]);
    assert_eq!(pages(&(p(&t("a")) + &p(&format!("<w:pPr><w:pageBreakBefore w:val='0'/></w:pPr>{}", t("b"))))), ["a|b"]);
}

#[test]
fn a_paragraph_over_two_pages_belongs_to_the_first() {
    let body = p(&(t("begins ") + TURNED + &t("ends"))) + &p(&t("next"));
    assert_eq!(pages(&body), ["begins ends", "next"]);
    assert_eq!(pages(&p(&(t("before") + BREAK + &t("after")))), ["before", "after"]);
}

#[test]
fn a_table_over_two_pages_is_cut_between_rows() {
    let row = |cell: &str| format!("<w:tr><w:tc>{cell}</w:tc></w:tr>");
    let table = format!("<w:tbl>{}{}{}</w:tbl>", row(&p(&t("1"))), row(&p(&(t("2") + TURNED))), row(&p(&t("3"))));
    assert_eq!(pages(&table), ["1\n2", "3"]);
}

#[test]
fn text_boxes_are_read_once_and_deleted_text_not_at_all() {
    let text_box = |words: &str| format!("<w:txbxContent>{}</w:txbxContent>", p(&t(words)));
    let body = p(&format!(
        "{}<w:r><mc:AlternateContent><mc:Choice><w:drawing>{}</w:drawing></mc:Choice><mc:Fallback><w:pict>{}</w:pict>\
         </mc:Fallback></mc:AlternateContent></w:r><w:moveFrom>{}</w:moveFrom><w:moveTo>{}</w:moveTo>\
         <w:hyperlink>{}</w:hyperlink><w:r><w:instrText> PAGE </w:instrText></w:r>",
        t("around "),
        text_box("in the box"),
        text_box("in the box"),
        t("moved away "),
        t("moved here "),
        t("link"),
    ));
    assert_eq!(pages(&body), ["in the box|around moved here link"]);
}

#[test]
fn cells_hold_tables_and_runs_hold_marks() {
    let inner = format!("<w:tbl><w:tr><w:tc>{}</w:tc><w:tc>{}</w:tc></w:tr></w:tbl>", p(&t("x")), p(&t("y")));
    let table = format!("<w:tbl><w:tr><w:tc>{}{inner}</w:tc><w:tc>{}</w:tc></w:tr></w:tbl>", p(&t("a")), p(&t("b")));
    assert_eq!(pages(&table), ["a x y\tb"]);
    let marks = p(
        "<w:pPr><w:tabs><w:tab w:val='left'/></w:tabs></w:pPr><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:noBreakHyphen/>\
        <w:t>c</w:t><w:br/><w:sym w:char='F0B7'/><w:sym w:char='20AC'/></w:r><w:ruby><w:rt><w:r><w:t>ka</w:t></w:r></w:rt>\
        <w:rubyBase><w:r><w:t>漢</w:t></w:r></w:rubyBase></w:ruby>",
    );
    assert_eq!(pages(&marks), ["a b-c\n€漢"]);
}

#[test]
fn strict_files_and_their_notes_read_alike() {
    let strict = "http://purl.oclc.org/ooxml/wordprocessingml/main";
    let notes = format!("<w:footnotes><w:footnote w:id='2'>{}</w:footnote></w:footnotes>", p(&t("the note")));
    let header = format!("<w:hdr>{}</w:hdr>", p(&t("Letterhead")));
    let body = p(&(t("text") + "<w:r><w:footnoteReference w:id='2'/></w:r>")) + &p(&t("more"));
    let parts = [
        ("footnotes", "footnotes.xml", &*notes),
        ("header", "header1.xml", &*header),
        ("header", "header2.xml", &*header),
    ];
    let text = read_with(&body, strict, &parts);
    assert_eq!(text.plain(), "Letterhead\ntext\nthe note\nmore\n");
}
