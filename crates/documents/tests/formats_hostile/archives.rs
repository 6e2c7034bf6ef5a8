//! Archives and sizes that lie.

use catchment_core::ErrorKind;

use super::{archive, docx, parts_of, read, sample, with_part};

fn find(bytes: &[u8], wanted: &[u8]) -> Vec<usize> {
    (0..bytes.len().saturating_sub(wanted.len())).filter(|at| bytes[*at..].starts_with(wanted)).collect()
}

#[test]
fn a_zip_bomb_fails_alone() {
    let bomb = docx(&" ".repeat(24 << 20));
    assert!(bomb.len() < 100 << 10);
    let error = read("bomb.docx", &bomb).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.message().contains("zip bomb"), "{error}");
    // Where a library decompresses on its own, the bomb must be found before it does.
    let sheet = with_part("stock.xlsx", "xl/worksheets/sheet1.xml", &vec![b' '; 24 << 20]);
    assert_eq!(read("bomb.xlsx", &sheet).unwrap_err().kind(), ErrorKind::TooLarge);
    let chapter = with_part("book.epub", "EPUB/part 0/c.xhtml", &vec![b' '; 24 << 20]);
    assert_eq!(read("bomb.epub", &chapter).unwrap_err().kind(), ErrorKind::TooLarge);
}

#[test]
fn archives_in_archives_are_not_followed() {
    let mut inner = archive([("a.txt", &b"text"[..])]);
    for _ in 0..6 {
        inner = archive([("0.zip", inner.as_slice()), ("1.zip", inner.as_slice()), ("2.zip", inner.as_slice())]);
    }
    assert_eq!(read("42.zip", &inner).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn parts_that_share_bytes_are_refused() {
    let mut zip = archive([("word/document.xml", &b"<a/>"[..]), ("word/document2.xm", &b"<b/>"[..])]);
    let entries = find(&zip, b"PK\x01\x02");
    let first: [u8; 4] = zip[entries[0] + 42..entries[0] + 46].try_into().unwrap();
    // Size, checksum and place of the second part become those of the first.
    let sizes: Vec<u8> = zip[entries[0] + 16..entries[0] + 28].to_vec();
    zip[entries[1] + 16..entries[1] + 28].copy_from_slice(&sizes);
    zip[entries[1] + 42..entries[1] + 46].copy_from_slice(&first);
    let error = read("overlap.docx", &zip).unwrap_err();
    assert_eq!(error.get("part"), Some("archive with overlapping parts"), "{error:?}");
}

#[test]
fn two_parts_of_one_name_are_refused() {
    let names = [("word/document.xml", &b"<a/>"[..]), ("word/DOCUMENT.xml", &b"<b/>"[..])];
    let error = read("case.docx", &archive(names)).unwrap_err();
    assert_eq!(error.get("part"), Some("archive with two parts of one name"), "{error:?}");
    let mut zip = archive([("word/document.xml", &b"<a/>"[..]), ("word/documenX.xml", &b"<b/>"[..])]);
    for at in find(&zip, b"documenX") {
        zip[at + 7] = b't';
    }
    let error = read("twice.docx", &zip).unwrap_err();
    assert_eq!(error.get("part"), Some("archive with two parts of one name"), "{error:?}");
}

#[test]
fn encrypted_parts_name_the_password() {
    let mut zip = docx("<w:p><w:r><w:t>text</w:t></w:r></w:p>");
    assert_eq!(read("plain.docx", &zip).unwrap().plain(), "text\n");
    for (signature, flags) in [(b"PK\x01\x02", 8), (b"PK\x03\x04", 6)] {
        for at in find(&zip, signature) {
            zip[at + flags] |= 1;
        }
    }
    let error = read("locked.docx", &zip).unwrap_err();
    assert!(error.message().starts_with("protected by a password"), "{error:?}");
    let manifest = "<manifest:manifest xmlns:manifest='urn:oasis:names:tc:opendocument:xmlns:manifest:1.0'><manifest:file-entry>\
        <manifest:encryption-data/></manifest:file-entry></manifest:manifest>";
    let locked = with_part("letter.odt", "META-INF/manifest.xml", manifest.as_bytes());
    assert!(read("locked.odt", &locked).unwrap_err().message().starts_with("protected by a password"));
}

#[test]
fn a_claimed_number_of_strings_is_not_believed() {
    let strings = "<sst xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main' uniqueCount='4000000000'><si><t>a</t></si></sst>";
    let mut parts = parts_of(&sample("stock.xlsx"));
    parts.push(("xl/sharedStrings.xml".into(), strings.as_bytes().to_vec()));
    let book = archive(parts.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())));
    assert_eq!(read("strings.xlsx", &book).unwrap_err().get("part"), Some("shared strings"));
}

#[test]
fn claimed_dimensions_of_an_old_sheet_are_not_believed() {
    let mut book = sample("stock.xls");
    let dimensions = find(&book, &[0x00, 0x02, 0x0e, 0x00]);
    assert_eq!(dimensions.len(), 1);
    book[dimensions[0] + 4..dimensions[0] + 18]
        .copy_from_slice(&[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0]);
    assert!(read("claims.xls", &book).unwrap().plain().contains("Bolt"));
}

#[test]
fn old_sheets_with_cells_far_apart_are_refused_before_a_grid_is_made() {
    let book = sample("stock.xls");
    // One of the five texts moves to the last row and column.
    let cells = find(&book, &[0xfd, 0x00, 0x0a, 0x00]);
    assert_eq!(cells.len(), 5);
    let mut far = book.clone();
    far[cells[4] + 4..cells[4] + 8].copy_from_slice(&[0xff, 0xff, 0xff, 0x00]);
    let error = read("far.xls", &far).unwrap_err();
    assert_eq!((error.kind(), error.get("limit_cells")), (ErrorKind::TooLarge, Some("8388608")));
}

#[test]
fn repeated_cells_are_not_all_written_out() {
    let content = "<office:document-content xmlns:office='o' xmlns:table='t' xmlns:text='x'><office:body><office:spreadsheet><table:table table:name='a'>\
        <table:table-row table:number-rows-repeated='1048576'><table:table-cell table:number-columns-repeated='16384'><text:p>x</text:p></table:table-cell>\
        </table:table-row></table:table></office:spreadsheet></office:body></office:document-content>";
    let text = read("repeats.ods", &with_part("stock.ods", "content.xml", content.as_bytes())).unwrap();
    assert!((1 << 20..8 << 20).contains(&text.len()), "{}", text.len());
}

#[test]
fn a_slide_named_a_million_times_ends_at_the_limit_on_pages() {
    let ids = "<p:sldId id='256' r:id='rId7'/>".repeat(100_000);
    let list = format!("<p:presentation xmlns:p='p' xmlns:r='r'><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>");
    let deck = with_part("deck.pptx", "ppt/presentation.xml", list.as_bytes());
    assert_eq!(read("repeats.pptx", &deck).unwrap_err().kind(), ErrorKind::TooLarge);
}
