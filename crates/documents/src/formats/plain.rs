//! Plain text: notes, logs, source code, JSON, XML.

use catchment_core::{BlockKind, Result, Text};

use super::{charset, out::Out};
use crate::{hint::Hint, limits::Budget};

/// Lines of one block of code; long files have to be cut somewhere.
const LINES: usize = 80;

/// Paragraphs are separated by blank lines, pages by form feeds. What is made of lines (source
/// code, JSON, XML, logs) keeps them.
pub(crate) fn parse(bytes: &[u8], budget: &mut Budget, hint: &Hint<'_>) -> Result<Text> {
    let text = charset::decode(bytes, None)?;
    let mut out = Out::default();
    let lined = is_lined(hint);
    // A form feed at the very end closes the last page, it does not open another.
    for page in text.trim_end_matches(['\u{c}', '\n', '\r', ' ']).split('\u{c}') {
        out.page(budget, None)?;
        blocks(page, lined, &mut out, budget)?;
    }
    out.finish(budget)
}

/// Adds `text` as paragraphs, or as lines that stay as they are.
pub(crate) fn blocks(text: &str, lined: bool, out: &mut Out, budget: &mut Budget) -> Result<()> {
    let kind = if lined { BlockKind::Code } else { BlockKind::Paragraph };
    let (mut block, mut lines) = (String::new(), 0);
    let separator = if text.contains('\n') { '\n' } else { '\r' };
    for line in text.split(separator) {
        let blank = line.trim().is_empty();
        // Prose breaks at a blank line; code only once it is long, and there at a blank line too
        // if one comes in time.
        if (blank && (!lined || lines >= LINES / 2)) || lines >= LINES {
            out.block(budget, kind, &block)?;
            block.clear();
            lines = 0;
        }
        if !blank || lined {
            block.push_str(line);
            block.push('\n');
            lines += usize::from(!blank);
        }
    }
    out.block(budget, kind, &block)
}

fn is_lined(hint: &Hint<'_>) -> bool {
    const PROSE: [&str; 9] = ["", "txt", "text", "rst", "adoc", "asciidoc", "org", "tex", "me"];
    let json =
        hint.mime.is_some_and(|mime| mime.contains("json") || mime.contains("xml") || mime.contains("javascript"));
    json || !PROSE.contains(&hint.extension().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn read(name: &str, bytes: &[u8]) -> Text {
        parse(bytes, &mut Budget::new(&Limits::default(), 0).unwrap(), &Hint { name, mime: None }).unwrap()
    }

    #[test]
    fn form_feeds_split_pages_and_blank_lines_paragraphs() {
        let text = read("a.txt", b"one\r\ntwo\r\n\r\nthree\n\x0cfour\n\x0c");
        let pages: Vec<Vec<_>> =
            text.pages.iter().map(|page| page.blocks.iter().map(|block| block.text.as_str()).collect()).collect();
        assert_eq!(pages, [vec!["one\ntwo", "three"], vec!["four"]]);
    }

    #[test]
    fn code_keeps_its_lines_and_is_cut_in_blocks() {
        let source = "fn a() {\n\n    b\n}\n";
        assert_eq!(
            read("a.rs", source.as_bytes()).pages[0].blocks[0],
            catchment_core::Block::new(BlockKind::Code, "fn a() {\n\n    b\n}")
        );
        let long = read("a.log", "line\n".repeat(1_000).as_bytes());
        assert_eq!(long.pages[0].blocks.len(), 13);
        assert_eq!(long.pages[0].blocks.iter().map(|block| block.text.lines().count()).sum::<usize>(), 1_000);
    }

    #[test]
    fn an_empty_file_has_one_empty_page() {
        let text = read("a.txt", b"");
        assert_eq!((text.pages.len(), text.is_empty()), (1, true));
    }
}
