//! What is read from PDF files, page by page.

mod support;

use catchment_core::{BlockKind, ErrorKind, Secret};
use catchment_documents::{Input, Limits, Parsed, Parser, parse_bytes};

fn read(bytes: &[u8]) -> Parsed {
    parse_bytes("a.pdf", bytes, &Limits::default()).expect("readable")
}

fn data(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).expect("it is in the repository")
}

#[test]
fn lines_flow_into_paragraphs_and_cut_words_are_made_whole() {
    let lines = ["The reservoir holds wa-", "ter for the whole val-", "ley, and for a well-", "Known mill."];
    let text = read(&support::page(&lines)).text;
    assert_eq!(text.plain(), "The reservoir holds water for the whole valley, and for a well- Known mill.\n");
}

#[test]
fn a_heading_is_larger_than_the_body() {
    let body = "(Rain falls on the hills and runs down to the river, as it always did.) Tj T*\n".repeat(6);
    let content = format!(
        "BT 1 0 0 1 72 720 Tm 13 TL /F1 22 Tf (Rain) Tj T* T* /F1 15 Tf (Where it falls) Tj T* T* /F1 10 Tf {body}ET"
    );
    let text = read(&support::page_with(content, &[])).text;
    let kinds: Vec<_> = text.pages[0].blocks.iter().map(|block| block.kind).collect();
    assert_eq!(kinds, [BlockKind::Heading(1), BlockKind::Heading(2), BlockKind::Paragraph]);
}

#[test]
fn words_set_apart_by_a_gap_alone_are_two_words() {
    let content = "BT /F1 11 Tf 72 720 Td [(Two) -300 (words) -20 (here)] TJ ET";
    assert_eq!(read(&support::page_with(content, &[])).text.plain(), "Two wordshere\n");
}

#[test]
fn text_drawn_twice_for_a_bold_look_is_read_once() {
    let content = "BT /F1 11 Tf 72 720 Td (Balloon) Tj ET BT /F1 11 Tf 72.4 720 Td (Balloon) Tj ET";
    assert_eq!(read(&support::page_with(content, &[])).text.plain(), "Balloon\n");
}

#[test]
fn text_outside_the_page_is_not_read() {
    let content = "BT /F1 11 Tf 72 720 Td (inside) Tj ET BT /F1 11 Tf 700 720 Td (outside) Tj ET";
    assert_eq!(read(&support::page_with(content, &[])).text.plain(), "inside\n");
}

#[test]
fn a_text_layer_that_is_not_shown_is_read() {
    // Scanners put the text they recognised behind the image, in mode 3.
    let content = "BT 3 Tr /F1 11 Tf 72 720 Td (recognised) Tj ET";
    assert_eq!(read(&support::page_with(content, &[])).text.plain(), "recognised\n");
}

#[test]
fn a_turned_page_reads_like_an_upright_one() {
    for rotate in [0, 90, 180, 270] {
        let page = support::PAGE.replace("/Type/Page/", &format!("/Type/Page/Rotate {rotate}/"));
        let content = "BT 13 TL /F1 11 Tf 72 720 Td (first line) Tj T* (second line) Tj ET";
        let font = support::HELVETICA.as_bytes().to_vec();
        let objects = [support::CATALOG.into(), support::PAGES.into(), page.into(), support::stream("", content), font];
        assert_eq!(read(&support::pdf::<Vec<u8>>(&objects)).text.plain(), "first line second line\n", "{rotate}");
    }
}

#[test]
fn text_from_right_to_left_is_in_the_order_in_which_it_is_read() {
    // Letters A to Z are Hebrew ones here, drawn from left to right: the word is reversed.
    let table = "/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <00> <ff> endcodespacerange\n\
                 2 beginbfrange <41> <5a> <05d0> <20> <39> <0020> endbfrange endcmap";
    let font = support::HELVETICA.replace("/Type/Font", "/Type/Font/ToUnicode 6 0 R");
    let objects = [
        support::CATALOG.into(),
        support::PAGES.into(),
        support::PAGE.into(),
        support::stream("", "BT /F1 11 Tf 72 720 Td (CBA 2024 FED) Tj ET"),
        font.into(),
        support::stream("", table),
    ];
    assert_eq!(read(&support::pdf::<Vec<u8>>(&objects)).text.plain(), "דהו 2024 אבג\n");
}

#[test]
fn metadata_labels_outline_attachments_notes_and_fields_are_read() {
    let Parsed { text, mime } = read(&data("structure.pdf"));
    assert_eq!(mime, "application/pdf");
    assert_eq!((text.title.as_deref(), text.author.as_deref()), (Some("Water – a report"), Some("Ana Ríos")));
    assert_eq!(text.created.map(|date| date.to_rfc3339()).as_deref(), Some("2024-05-06T05:08:09+00:00"));
    let labels: Vec<_> = text.pages.iter().map(|page| (page.number, page.label.as_deref())).collect();
    assert_eq!(labels, [(1, Some("i")), (2, Some("1")), (3, Some("2"))]);
    assert_eq!(text.pages[1].blocks[0].kind, BlockKind::Heading(1), "the outline names it");
    assert_eq!(text.pages[2].blocks[0].kind, BlockKind::Heading(2), "the outline names it");
    assert_eq!(text.warnings, ["the attached file \"levels.csv\" is not read"]);
    let page = text.pages[1].blocks.iter().map(|block| block.text.as_str()).collect::<Vec<_>>().join("\n");
    assert!(page.contains("Check the gauge."), "{page}");
    assert_eq!(page.matches("M. Okafor").count(), 1, "{page}");
}

#[test]
fn pages_without_text_are_an_error_together_and_a_warning_apart() {
    let error = parse_bytes("a.pdf", &data("scanned.pdf"), &Limits::default()).expect_err("an image");
    assert_eq!(error.kind(), ErrorKind::Unreadable);
    assert!(error.message().starts_with("holds no text: pages are images (OCR is not included)"), "{error}");
}

#[tokio::test]
async fn a_protected_file_is_opened_by_its_password_alone() {
    let parser = Parser::in_process(Limits::default());
    for name in ["protected.pdf", "protected-rc4.pdf"] {
        let open = |password: Option<&str>| {
            parser.parse(Input { password: password.map(Secret::from), ..Input::bytes(name, data(name)) })
        };
        let error = open(None).await.expect_err("no password");
        assert_eq!(error.message(), "protected by a password: give the password or remove it");
        let error = open(Some("lake")).await.expect_err("another password");
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Unreadable, "the password does not open it: check the password")
        );
        assert_eq!(open(Some("river")).await.expect("its password").text.plain(), "The valve is closed at noon.\n");
    }
}

#[test]
fn a_file_that_only_its_owner_locked_is_read() {
    assert_eq!(read(&data("owner-only.pdf")).text.plain(), "The valve is closed at noon.\n");
}

#[test]
fn limits_on_pages_and_text_hold() {
    let few = Limits { pages: 2, ..Limits::default() };
    assert_eq!(parse_bytes("a.pdf", &data("structure.pdf"), &few).expect_err("3 pages").kind(), ErrorKind::TooLarge);
    let short = Limits { text: 20, ..Limits::default() };
    assert_eq!(parse_bytes("a.pdf", &data("structure.pdf"), &short).expect_err("longer").kind(), ErrorKind::TooLarge);
}
