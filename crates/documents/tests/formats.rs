//! What the readers make of files that other programs made; see `data/formats/make.py` for what
//! was put in.

use catchment_core::{BlockKind, ErrorKind, Text};
use catchment_documents::{Limits, Parsed, parse_bytes};

fn bytes(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/formats/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn parse(name: &str) -> Parsed {
    parse_bytes(name, &bytes(name), &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error:?}"))
}

fn read(name: &str) -> Text {
    parse(name).text
}

/// Every block with the number of its page.
fn blocks(text: &Text) -> Vec<(u32, BlockKind, &str)> {
    text.pages
        .iter()
        .flat_map(|page| page.blocks.iter().map(|block| (page.number, block.kind, block.text.as_str())))
        .collect()
}

fn labels(text: &Text) -> Vec<&str> {
    text.pages.iter().map(|page| page.label.as_deref().unwrap_or_default()).collect()
}

/// What is known about the document: title, author, day of creation.
fn facts(text: &Text) -> (&str, &str, String) {
    let day = text.created.map(|date| date.format("%Y-%m-%d").to_string());
    (text.title.as_deref().unwrap_or_default(), text.author.as_deref().unwrap_or_default(), day.unwrap_or_default())
}

use BlockKind::{Code, Heading, ListItem, Paragraph, Table};

#[test]
fn a_word_file_keeps_structure_pages_and_notes() {
    let text = read("report.docx");
    assert_eq!(facts(&text), ("Annual report", "Ada Lovelace", "2024-05-06".into()));
    assert_eq!(
        blocks(&text),
        [
            (1, Paragraph, "Confidential header"),
            (1, Heading(1), "Annual report"),
            (1, Heading(1), "Revenue"),
            (1, Paragraph, "Revenue grew by 12 percent in Zürich, 東京 and Москва."),
            (1, ListItem, "First item"),
            (1, ListItem, "Second item"),
            (1, Table, "Region\tUnits\tPrice\nNorth\t17\t3.50"),
            (1, Paragraph, "Before the break."),
            (2, Heading(2), "Outlook"),
            (2, Paragraph, "Kept text. Inserted text."),
            (2, Paragraph, "A comment on the outlook"),
            (2, Paragraph, "Printed footer"),
        ]
    );
}

#[test]
fn slides_come_in_the_order_of_presentation() {
    let text = read("deck.pptx");
    assert_eq!(facts(&text), ("Quarterly review", "Grace Hopper", "2024-05-06".into()));
    assert_eq!(labels(&text), ["Figures", "Opening", "Chart"]);
    assert_eq!(
        blocks(&text)[..6],
        [
            (1, Heading(1), "Figures"),
            (1, Table, "Quarter\tSales\nQ1\t1200"),
            (1, Paragraph, "Grouped deep inside"),
            (2, Heading(1), "Opening"),
            (2, Paragraph, "Welcome everyone"),
            (2, Paragraph, "Remember to smile"),
        ]
    );
    let chart = &text.pages[2].blocks[1].text;
    assert!(["Harvest", "Apples", "Pears", "4.5", "5.5"].iter().all(|word| chart.contains(word)), "{chart}");
    assert_eq!(text.warnings, ["slide 3 is hidden in the show"]);
}

#[test]
fn sheets_are_pages_and_a_far_corner_costs_nothing() {
    let text = read("stock.xlsx");
    assert_eq!(facts(&text).0, "Stock list");
    assert_eq!(labels(&text), ["Stock", "Secret", "Corner"]);
    let stock = "Item\tCount\tPrice\tChecked\tGood\nBolt\t1200\t0.3\t2024-05-06\tTRUE\t\tfar\nNut\t7\t-1.5\t2024-05-06 07:08:09\tFALSE";
    assert_eq!(blocks(&text)[..3], [(1, Table, stock), (1, Paragraph, "Reorder soon"), (2, Table, "hidden value")]);
    let corner = &text.pages[2].blocks[0].text;
    assert!(corner.starts_with("first\n") && corner.ends_with("last corner") && corner.len() < 100);
    assert_eq!(text.warnings, ["sheet Secret is hidden"]);
}

#[test]
fn older_spreadsheets_read_alike() {
    let text = read("stock.xls");
    assert_eq!(blocks(&text), [(1, Table, "Item\tCount\tChecked\nBolt\t1200\t2024-05-06\nStraße\t0.5\t2024-05-06")]);
    let text = read("stock.ods");
    assert_eq!(facts(&text), ("Open stock", "Ada Lovelace", "2024-05-06".into()));
    assert_eq!(blocks(&text), [(1, Table, "Item\tCount\tChecked\nBolt\t1200.5\t2024-05-06")]);
    assert_eq!(labels(&text), ["Stock"]);
}

#[test]
fn an_open_document_text_keeps_structure_pages_and_notes() {
    let text = read("letter.odt");
    assert_eq!(facts(&text), ("Open letter", "Ada Lovelace", "2024-05-06".into()));
    assert_eq!(
        blocks(&text),
        [
            (1, Heading(1), "Greeting"),
            (1, Paragraph, "Dear reader of Zürich"),
            (1, Paragraph, "A footnote about greetings"),
            (1, ListItem, "First point"),
            (1, ListItem, "Second point"),
            (1, Table, "Region\tUnits\nNorth\t17"),
            (2, Paragraph, "On the second page"),
        ]
    );
}

#[test]
fn open_document_slides_are_pages() {
    let text = read("deck.odp");
    assert_eq!(labels(&text), ["Opening", "Closing"]);
    assert_eq!(
        blocks(&text),
        [
            (1, Heading(1), "Opening"),
            (1, Paragraph, "Welcome everyone"),
            (1, Paragraph, "Smile"),
            (2, Heading(1), "Closing"),
            (2, Paragraph, "Thank you"),
            (2, Paragraph, "Bow"),
        ]
    );
}

/// The same report through three other formats, by another program.
#[test]
fn one_report_says_the_same_in_every_format() {
    for name in ["report.doc", "report.rtf", "office.odt"] {
        let text = read(name);
        assert_eq!(facts(&text).0, "Annual report", "{name}");
        let blocks = blocks(&text);
        let has = |kind, words: &str| blocks.iter().any(|(_, found, text)| *found == kind && *text == words);
        assert!(has(Heading(1), "Revenue"), "{name}: {blocks:#?}");
        assert!(has(Heading(2), "Outlook"), "{name}: {blocks:#?}");
        assert!(has(Paragraph, "Revenue grew by 12 percent in Zürich, 東京 and Москва."), "{name}: {blocks:#?}");
        assert!(has(ListItem, "First item"), "{name}: {blocks:#?}");
        assert!(has(Table, "Region\tUnits\tPrice\nNorth\t17\t3.50"), "{name}: {blocks:#?}");
        assert!(!text.plain().contains("Deleted text"), "{name}");
        // The reader of the older format knows neither comments nor page breaks of paragraphs.
        if name != "report.doc" {
            assert!(has(Paragraph, "A comment on the outlook"), "{name}: {blocks:#?}");
            let outlook = blocks.iter().find(|(.., text)| *text == "Outlook").map(|(page, ..)| *page);
            assert_eq!(outlook, Some(2), "{name}: {blocks:#?}");
        }
    }
}

#[test]
fn an_older_presentation_has_a_page_a_slide() {
    let text = read("deck.ppt");
    assert_eq!(text.pages.len(), 2);
    let plain = text.plain();
    for words in ["Opening", "Welcome everyone", "Closing", "Thank you"] {
        assert!(plain.contains(words), "{words}: {plain}");
    }
}

#[test]
fn rtf_by_hand_is_read() {
    let text = read("hand.rtf");
    assert_eq!(facts(&text), ("Letter", "Ada", String::new()));
    assert_eq!(
        blocks(&text),
        [(1, Heading(1), "Greeting"), (1, Paragraph, "Grüße 日本"), (1, Table, "a\tb"), (1, Paragraph, "End.")]
    );
}

#[test]
fn a_book_has_a_page_a_chapter() {
    let text = read("book.epub");
    assert_eq!(facts(&text), ("A small book", "Mary Shelley", "1818-01-01".into()));
    assert_eq!(labels(&text), ["The voyage", "The ice"]);
    assert_eq!(
        blocks(&text),
        [
            (1, Heading(1), "The voyage"),
            (1, Paragraph, "We sailed north."),
            (2, Heading(1), "The ice"),
            (2, Paragraph, "It was cold & white."),
        ]
    );
}

#[test]
fn a_message_brings_its_attachments() {
    let text = read("delivery.eml");
    assert_eq!(facts(&text), ("Größe der Lieferung", "Ada Lovelace <ada@example.com>", "2024-05-06".into()));
    let envelope = "From: Ada Lovelace <ada@example.com>\nTo: Bob <bob@example.com>, carol@example.com\n\
        Cc: dave@example.com\nDate: 2024-05-06 07:08:09 UTC\nSubject: Größe der Lieferung";
    let all = blocks(&text);
    assert_eq!(
        all[..5],
        [
            (1, Paragraph, envelope),
            (1, Paragraph, "Hello Bob,"),
            (1, Paragraph, "the delivery is late."),
            (2, Heading(2), "list.csv"),
            (2, Table, "name\tcount\nbolt\t12"),
        ]
    );
    assert_eq!(labels(&text), ["", "list.csv", "Bericht ä.docx", "Bericht ä.docx", "The forwarded one"]);
    assert!(all.contains(&(4, Heading(2), "Outlook")));
    assert_eq!(all.last(), Some(&(5, Paragraph, "Inner words.")));
    assert!(!text.plain().contains("html version"));
    assert_eq!(text.warnings.len(), 1, "{:?}", text.warnings);
    assert!(text.warnings[0].starts_with("attachment blob.bin was left out: "));
}

#[test]
fn html_mail_is_read_when_there_is_no_text() {
    let text = read("news.eml");
    assert_eq!(text.title.as_deref(), Some("Only HTML"));
    assert_eq!(blocks(&text)[1..], [(1, Heading(1), "News"), (1, Paragraph, "Body of the news")]);
}

#[test]
fn texts_of_every_kind_are_read() {
    let html = read("page.html");
    assert_eq!((html.title.as_deref(), html.author.as_deref()), (Some("Harbour"), Some("Ada")));
    assert_eq!(
        blocks(&html),
        [
            (1, Heading(1), "Harbour"),
            (1, Paragraph, "Ships arrive at dawn."),
            (1, ListItem, "Ropes"),
            (1, ListItem, "Sails"),
            (1, Table, "Ship\tTons\nArgo\t120"),
            (1, Code, "a  b\n  c"),
        ]
    );
    let markdown = read("notes.md");
    assert_eq!(markdown.title.as_deref(), Some("Field notes"));
    assert_eq!(
        blocks(&markdown),
        [
            (1, Heading(1), "Birds"),
            (1, Paragraph, "We saw three herons."),
            (1, ListItem, "heron"),
            (1, ListItem, "gull"),
            (1, Table, "bird\tcount\nheron\t3"),
            (1, Code, "print('bird')"),
        ]
    );
    assert_eq!(
        blocks(&read("latin1.txt")),
        [(1, Paragraph, "Straße nach Köln."), (1, Paragraph, "Zweiter Absatz über Äpfel.")]
    );
    assert_eq!(blocks(&read("utf16.txt")), [(1, Paragraph, "Привет, мир."), (1, Paragraph, "Второй абзац.")]);
    assert_eq!(blocks(&read("table.csv")), [(1, Table, "Stadt\tGröße\tPreis\nKöln\t12\t1,50\nBonn\t7\ta;b")]);
}

#[test]
fn the_content_decides_and_not_the_name() {
    for (name, mime) in [
        ("report.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("deck.ppt", "application/vnd.ms-powerpoint"),
        ("stock.ods", "application/vnd.oasis.opendocument.spreadsheet"),
        ("delivery.eml", "message/rfc822"),
        ("hand.rtf", "application/rtf"),
        ("book.epub", "application/epub+zip"),
    ] {
        let parsed = parse_bytes("lie.pdf", &bytes(name), &Limits::default()).unwrap();
        assert_eq!(parsed.mime, mime, "{name}");
        assert_eq!(parsed.text, read(name), "{name}");
    }
}

#[test]
fn a_password_is_named_as_the_reason() {
    let error = parse_bytes("protected.docx", &bytes("protected.docx"), &Limits::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreadable);
    assert!(error.message().starts_with("protected by a password"), "{error}");
}

#[test]
fn limits_on_pages_and_text_hold() {
    for name in ["deck.pptx", "stock.xlsx", "letter.odt", "book.epub"] {
        let limits = Limits { pages: 1, ..Limits::default() };
        assert_eq!(parse_bytes(name, &bytes(name), &limits).unwrap_err().kind(), ErrorKind::TooLarge, "{name}");
    }
    for name in [
        "report.docx",
        "deck.pptx",
        "stock.xlsx",
        "stock.xls",
        "page.html",
        "notes.md",
        "latin1.txt",
        "hand.rtf",
        "table.csv",
    ] {
        let limits = Limits { text: 9, ..Limits::default() };
        assert_eq!(parse_bytes(name, &bytes(name), &limits).unwrap_err().kind(), ErrorKind::TooLarge, "{name}");
    }
}
