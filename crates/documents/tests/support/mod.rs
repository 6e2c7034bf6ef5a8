//! PDF files made by hand, sound and hostile.

#![allow(dead_code, reason = "each test binary uses its own part")]

/// A PDF file of these objects, numbered from 1; the first is the catalog.
pub(crate) fn pdf<T: AsRef<[u8]>>(objects: &[T]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        out.extend_from_slice(format!("{} 0 obj\n", index + 1).as_bytes());
        out.extend_from_slice(object.as_ref());
        out.extend_from_slice(b"\nendobj\n");
    }
    let xref = out.len();
    out.extend_from_slice(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).as_bytes());
    for offset in offsets {
        out.extend_from_slice(format!("{offset:010} 00000 n \n").as_bytes());
    }
    let trailer = format!("trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{xref}\n%%EOF\n", objects.len() + 1);
    out.extend_from_slice(trailer.as_bytes());
    out
}

/// A stream object; `entries` go into its dictionary.
pub(crate) fn stream(entries: &str, data: impl AsRef<[u8]>) -> Vec<u8> {
    let data = data.as_ref();
    let mut out = format!("<</Length {}{entries}>>\nstream\n", data.len()).into_bytes();
    out.extend_from_slice(data);
    out.extend_from_slice(b"\nendstream");
    out
}

pub(crate) const CATALOG: &str = "<</Type/Catalog/Pages 2 0 R>>";
pub(crate) const PAGES: &str = "<</Type/Pages/Kids[3 0 R]/Count 1>>";
pub(crate) const PAGE: &str = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R\
                        /Resources<</Font<</F1 5 0 R>>/XObject<</X 6 0 R>>>>>>";
pub(crate) const HELVETICA: &str = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>";

/// One page that draws `content`, with Helvetica as `F1`; more objects follow from number 6 on.
pub(crate) fn page_with(content: impl AsRef<[u8]>, more: &[Vec<u8>]) -> Vec<u8> {
    let mut objects =
        vec![CATALOG.into(), PAGES.into(), PAGE.into(), stream("", content), HELVETICA.as_bytes().to_vec()];
    objects.extend_from_slice(more);
    pdf::<Vec<u8>>(&objects)
}

/// One page with these lines, from the top.
pub(crate) fn page(lines: &[&str]) -> Vec<u8> {
    let shown: String = lines.iter().map(|line| format!("({line}) Tj T*\n")).collect();
    page_with(format!("BT /F1 11 Tf 13 TL 72 720 Td\n{shown}ET"), &[])
}

/// Deflated zeros that inflate to `size` bytes and a few: one zero, then copies of 258 zeros, each
/// 13 bits long.
pub(crate) fn inflating(size: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(0b1, 1); // the last block
    bits.push(0b01, 2); // fixed codes
    bits.push_code(0b0011_0000, 8); // the literal 0
    for _ in 0..size / 258 {
        bits.push_code(0b1100_0101, 8); // length 258
        bits.push_code(0, 5); // distance 1
    }
    bits.push_code(0, 7); // the end
    let mut out = vec![0x78, 0x01];
    out.extend_from_slice(&bits.finish());
    out.extend_from_slice(&[0; 4]); // a checksum that nobody waits for
    out
}

#[derive(Default)]
struct Bits {
    out: Vec<u8>,
    current: u64,
    used: u32,
}

impl Bits {
    fn push(&mut self, value: u64, count: u32) {
        self.current |= value << self.used;
        self.used += count;
        while self.used >= 8 {
            self.out.push(self.current as u8);
            self.current >>= 8;
            self.used -= 8;
        }
    }

    /// Codes stand with their highest bit first.
    fn push_code(&mut self, code: u64, count: u32) {
        self.push(code.reverse_bits() >> (64 - count), count);
    }

    fn finish(mut self) -> Vec<u8> {
        if self.used > 0 {
            self.out.push(self.current as u8);
        }
        self.out
    }
}

/// Forms that each draw the next one ten times, thirty deep: 10^30 drawings.
pub(crate) fn endless() -> Vec<u8> {
    let mut forms = Vec::new();
    for depth in 0..30 {
        let entries = format!(
            "/Type/XObject/Subtype/Form/BBox[0 0 612 792]/Resources<</XObject<</X {} 0 R>>>>",
            if depth == 29 { 6 + 29 } else { 6 + depth + 1 }
        );
        let content = if depth == 29 { "0 0 1 1 re f".to_owned() } else { "/X Do ".repeat(10) };
        forms.push(stream(&entries, content));
    }
    page_with("/X Do", &forms)
}

/// A content stream that inflates to `size` bytes.
pub(crate) fn flate_bomb(size: usize) -> Vec<u8> {
    pdf::<Vec<u8>>(&[
        CATALOG.into(),
        PAGES.into(),
        PAGE.into(),
        stream("/Filter/FlateDecode", inflating(size)),
        HELVETICA.as_bytes().to_vec(),
    ])
}
