//! Depth: of elements, quotes, groups, messages, and of entities inside entities.

use catchment_core::ErrorKind;

use super::{archive, docx, read, sample, with_part};

const DEEP: usize = 100_000;

#[test]
fn deep_xml_is_refused() {
    let body = format!("{}{}", "<w:tbl><w:tr><w:tc>".repeat(DEEP), "</w:tc></w:tr></w:tbl>".repeat(DEEP));
    assert_eq!(read("deep.docx", &docx(&body)).unwrap_err().kind(), ErrorKind::TooLarge);
    let groups = format!("<p:sld xmlns:p='p'>{}{}</p:sld>", "<p:grpSp>".repeat(DEEP), "</p:grpSp>".repeat(DEEP));
    let deck = with_part("deck.pptx", "ppt/slides/slide1.xml", groups.as_bytes());
    assert_eq!(read("deep.pptx", &deck).unwrap_err().kind(), ErrorKind::TooLarge);
    let lists =
        format!("<o:c xmlns:o='o'><o:body>{}{}</o:body></o:c>", "<o:list>".repeat(DEEP), "</o:list>".repeat(DEEP));
    let letter = with_part("letter.odt", "content.xml", lists.as_bytes());
    assert_eq!(read("deep.odt", &letter).unwrap_err().kind(), ErrorKind::TooLarge);
}

#[test]
fn ordinary_depth_is_fine() {
    let body = format!(
        "{}<w:p><w:r><w:t>inside</w:t></w:r></w:p>{}",
        "<w:tbl><w:tr><w:tc>".repeat(50),
        "</w:tc></w:tr></w:tbl>".repeat(50)
    );
    assert_eq!(read("nested.docx", &docx(&body)).unwrap().plain(), "inside\n");
}

#[test]
fn deep_html_is_read() {
    for tag in ["div", "table", "ul", "b", "blockquote", "pre", "nav", "svg", "td", "font"] {
        let html = format!("<!doctype html>{}<p>deep</p>", format!("<{tag}>").repeat(DEEP));
        assert_eq!(read("deep.html", html.as_bytes()).unwrap().plain(), "deep\n", "{tag}");
    }
}

#[test]
fn deep_markdown_ends() {
    for part in
        [">", "> ", "- ", "1. ", "[", "![", "*", "_", "`", "<b>", "(", "[a](", "***a", "|", "&", "\\", "#", "~", "[^a]"]
    {
        let text = format!("{}deep", part.repeat(DEEP));
        if let Err(error) = read("deep.md", text.as_bytes()) {
            assert_eq!(error.kind(), ErrorKind::TooLarge, "{part}: {error:?}");
        }
    }
}

#[test]
fn deep_rtf_is_read() {
    let text = format!("{{\\rtf1 a{}b{}c}}", "{".repeat(DEEP), "}".repeat(DEEP));
    assert_eq!(read("deep.rtf", text.as_bytes()).unwrap().plain(), "abc\n");
    let open = format!("{{\\rtf1 {}", "{\\*\\b\\u1?".repeat(DEEP));
    assert!(read("open.rtf", open.as_bytes()).is_ok());
}

#[test]
fn deep_multiparts_end() {
    let mut mail = String::from("Subject: deep\nFrom: a@example.com\n");
    for level in 0..DEEP {
        mail.push_str(&format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n"));
    }
    mail.push_str("Content-Type: text/plain\n\ninside\n");
    assert_eq!(read("deep.eml", mail.as_bytes()).unwrap().title.as_deref(), Some("deep"));
}

#[test]
fn deep_messages_are_refused_or_read_so_far() {
    let wrap = |levels| {
        let mut mail = String::new();
        for level in 0..levels {
            mail.push_str(&format!("Subject: level {level}\nFrom: a@example.com\nContent-Type: message/rfc822\n\n"));
        }
        mail + "Subject: last\nFrom: a@example.com\n\ninside\n"
    };
    assert_eq!(read("deep.eml", wrap(DEEP).as_bytes()).unwrap_err().kind(), ErrorKind::TooLarge);
    let text = read("five.eml", wrap(5).as_bytes()).unwrap();
    assert!(text.plain().contains("inside"), "{text:?}");
    let text = read("fifty.eml", wrap(50).as_bytes()).unwrap();
    assert!(text.warnings.iter().any(|warning| warning.contains("files inside files")), "{:?}", text.warnings);
    assert!(!text.plain().contains("inside"));
}

#[test]
fn entities_are_never_expanded() {
    let mut declared = String::from("<!DOCTYPE d [<!ENTITY a0 'lol'><!ENTITY out SYSTEM 'file:///etc/hostname'>");
    for level in 1..12 {
        let inner = format!("&a{};", level - 1).repeat(10);
        declared.push_str(&format!("<!ENTITY a{level} '{inner}'>"));
    }
    declared.push_str("]>");
    let document = format!(
        "<?xml version='1.0'?>{declared}<w:document xmlns:w='w'><w:body><w:p><w:r><w:t>before &a11;&out; &lt;after&#33;</w:t></w:r></w:p></w:body></w:document>"
    );
    let word = archive([("word/document.xml", document.as_bytes())]);
    assert_eq!(read("laughs.docx", &word).unwrap().plain(), "before <after!\n");
    let content = format!(
        "{declared}<o:c xmlns:o='o'><o:body><o:text><o:p>before &a11;&out; after</o:p></o:text></o:body></o:c>"
    );
    let letter = with_part("letter.odt", "content.xml", content.as_bytes());
    assert_eq!(read("laughs.odt", &letter).unwrap().plain(), "before after\n");
    let sheet = String::from_utf8(part("stock.xlsx", "xl/workbook.xml")).unwrap();
    let sheet = sheet.replacen("<workbook", &format!("{declared}<workbook"), 1).replace("Secret", "&a11;");
    let book = with_part("stock.xlsx", "xl/workbook.xml", sheet.as_bytes());
    assert!(read("laughs.xlsx", &book).map_or(0, |text| text.len()) < 10_000);
}

fn part(name: &str, part: &str) -> Vec<u8> {
    super::parts_of(&sample(name)).into_iter().find(|(found, _)| found == part).expect("a part").1
}
