//! What the sniffer calls each kind of file.

use std::io::Write as _;

use super::*;

fn found(name: &str, bytes: impl AsRef<[u8]>) -> Format {
    sniff(bytes.as_ref(), &Hint { name, mime: None }).unwrap_or_else(|error| panic!("{name}: {error:?}"))
}

fn refused(name: &str, bytes: impl AsRef<[u8]>) -> Error {
    sniff(bytes.as_ref(), &Hint { name, mime: None }).expect_err(name)
}

fn zipped(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).expect("memory takes it");
        archive.write_all(content.as_bytes()).expect("memory takes it");
    }
    archive.finish().expect("memory takes it").into_inner()
}

fn compound(streams: &[&str]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).expect("memory takes it");
    for name in streams {
        file.create_stream(format!("/{name}")).expect("a new name").write_all(b"x").expect("memory takes it");
    }
    file.into_inner().into_inner()
}

#[test]
fn a_pdf_is_known_by_its_header_wherever_it_stands_in_the_first_kilobyte() {
    assert_eq!(found("a.docx", "%PDF-1.4\n"), Format::Pdf);
    assert_eq!(found("a", "\u{feff}\r\n%PDF-1.4\n"), Format::Pdf);
    assert_eq!(found("a", format!("HTTP/1.1 200 OK\n\n%PDF-1.4\n1 0 obj\nendobj\n{}", " ".repeat(100))), Format::Pdf);
    assert_eq!(found("a.md", "# PDF\n\nA file begins with `%PDF-1.4`."), Format::Markdown);
}

#[test]
fn office_files_are_known_by_their_main_part_and_not_by_their_name() {
    let declared =
        |kind: &str| zipped(&[("[Content_Types].xml", &format!("<Override ContentType=\"application/{kind}+xml\"/>"))]);
    for (kind, format) in [
        ("vnd.openxmlformats-officedocument.wordprocessingml.document.main", Format::Docx),
        ("vnd.ms-word.document.macroEnabled.main", Format::Docx),
        ("vnd.openxmlformats-officedocument.wordprocessingml.template.main", Format::Docx),
        ("vnd.openxmlformats-officedocument.presentationml.slideshow.main", Format::Pptx),
        ("vnd.ms-powerpoint.presentation.macroEnabled.main", Format::Pptx),
        ("vnd.openxmlformats-officedocument.spreadsheetml.sheet.main", Format::Xlsx),
        ("vnd.ms-excel.sheet.macroEnabled.main", Format::Xlsx),
        ("vnd.ms-excel.sheet.binary.macroEnabled.main", Format::Xlsb),
    ] {
        assert_eq!(found("a.txt", declared(kind)), format, "{kind}");
    }
    assert_eq!(found("a.zip", zipped(&[("word/document.xml", "")])), Format::Docx);
    assert_eq!(found("a", zipped(&[("mimetype", "application/vnd.oasis.opendocument.text-template")])), Format::Odt);
    assert_eq!(found("a", zipped(&[("mimetype", "application/vnd.oasis.opendocument.spreadsheet\n")])), Format::Ods);
    assert_eq!(found("a", zipped(&[("mimetype", "application/epub+zip")])), Format::Epub);
}

#[test]
fn older_office_files_are_known_by_their_streams() {
    assert_eq!(found("a.xls", compound(&["WordDocument", "1Table"])), Format::Doc);
    assert_eq!(found("a", compound(&["Workbook"])), Format::Xls);
    assert_eq!(found("a", compound(&["PowerPoint Document"])), Format::Ppt);
    assert_eq!(found("a", compound(&["__properties_version1.0"])), Format::Msg);
    assert_eq!(refused("a", compound(&["Contents"])).kind(), ErrorKind::Unsupported);
    let mut damaged = compound(&["WordDocument"]);
    damaged[0x1c..0x30].fill(0xff);
    assert_eq!(found("a", damaged), Format::Doc, "its directory is still there");
}

#[test]
fn protected_office_files_ask_for_the_password_to_be_removed() {
    let manifest = "<manifest:encryption-data/>";
    let open = zipped(&[("mimetype", "application/vnd.oasis.opendocument.text"), ("META-INF/manifest.xml", manifest)]);
    for bytes in [compound(&["EncryptionInfo", "EncryptedPackage"]), open] {
        let error = refused("a.docx", bytes);
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Unreadable, "protected by a password: remove the password and try again")
        );
    }
}

#[test]
fn what_holds_no_text_is_refused_by_its_name() {
    for (bytes, name) in [
        (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], "Portable Network Graphics"),
        (&b"\xff\xd8\xff\xe0\0\x10JFIF\0"[..], "Joint Photographic Experts Group"),
        (&b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0"[..], "Executable and Linkable Format"),
        (&b"\x1f\x8b\x08\0\0\0\0\0"[..], "gzip"),
        (&b"%!PS-Adobe-3.0\n"[..], "PostScript"),
        (&b"SQLite format 3\0"[..], "SQLite 3"),
    ] {
        let error = refused("a.txt", bytes);
        assert_eq!((error.kind(), error.get("type")), (ErrorKind::Unsupported, Some(name)));
    }
    assert_eq!(refused("a", zipped(&[("a.txt", "")])).get("type"), Some("ZIP archive"));
    assert_eq!(
        refused("a.pages", zipped(&[("Index/Document.iwa", "")])).get("type"),
        Some("Apple Pages, Numbers or Keynote")
    );
    let noise: Vec<u8> = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert_eq!(refused("a.txt", noise).get("type"), Some("unknown binary data"));
}

#[test]
fn an_empty_or_damaged_file_says_so() {
    assert_eq!(refused("a.pdf", "").to_string(), "the file is empty");
    let whole = zipped(&[("word/document.xml", "<a/>")]);
    let error = refused("a.docx", &whole[..whole.len() / 2]);
    assert!(error.kind() == ErrorKind::Unreadable && error.message().starts_with("damaged or cut off"), "{error:?}");
}

#[test]
fn texts_are_told_apart_by_content_first_and_by_name_then() {
    for (name, text, format) in [
        ("a.txt", "<!-- hello -->\n<!DOCTYPE html><p>", Format::Html),
        ("a.csv", "<html><body>", Format::Html),
        ("a.txt", "<?xml version=\"1.0\"?><a/>", Format::Xml),
        ("a.txt", "{\\rtf1 rain}", Format::Rtf),
        ("a.txt", "{\"a\": [1, 2]}", Format::Json),
        ("a.txt", "[rain] and {snow}", Format::Plain),
        ("a.csv", "a,b\n1,2\n", Format::Csv),
        ("a.tsv", "a\tb\n", Format::Csv),
        ("a.md", "# Rain", Format::Markdown),
        ("a.MD", "# Rain", Format::Markdown),
        ("a", "# Rain", Format::Plain),
        ("a.pdf", "no PDF at all", Format::Plain),
        ("a.txt", "Received: by a\nFrom: b\nSubject: c\n\nd", Format::Mail),
        ("a.txt", "From: Ana\nTo: Ben\n\nDear Ben", Format::Plain),
        ("a.eml", "From: Ana\nTo: Ben\n\nDear Ben", Format::Mail),
        ("a.md", "Date: today\n\nrain", Format::Markdown),
    ] {
        assert_eq!(found(name, text), format, "{name}: {text}");
    }
    let claimed = Hint { name: "download", mime: Some("text/csv; charset=utf-8") };
    assert_eq!(sniff(b"a,b\n", &claimed).expect("text"), Format::Csv);
    assert_eq!(refused("a.mbox", "From ana Mon\nFrom: ana\n\nx").get("type"), Some("mbox mailbox"));
}

#[test]
fn text_in_any_encoding_is_text() {
    let utf16 = |text: &str, unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    let text = "Rain falls, and falls.";
    let files = [
        utf16(&format!("\u{feff}{text}"), u16::to_le_bytes),
        utf16(&format!("\u{feff}{text}"), u16::to_be_bytes),
        utf16(text, u16::to_le_bytes),
        utf16(text, u16::to_be_bytes),
        b"Fl\xfcsse und B\xe4che".to_vec(),
        b"\x93\xfa\x96{\x8c\xea".to_vec(),
        "日本語".as_bytes().to_vec(),
        b"BM is how this sentence begins, like a bitmap.".to_vec(),
    ];
    for bytes in files {
        assert_eq!(found("a.txt", &bytes), Format::Plain, "{bytes:?}");
    }
    assert_eq!(found("a", utf16("<html>", u16::to_le_bytes)), Format::Html);
}
