//! What RTF becomes.

use super::*;
use crate::Limits;

fn read(rtf: &[u8]) -> Text {
    parse(rtf, &mut Budget::new(&Limits::default(), 0).unwrap(), &Hint::default()).unwrap()
}

fn blocks_of(rtf: &[u8]) -> Vec<(BlockKind, String)> {
    read(rtf).pages.into_iter().flat_map(|page| page.blocks).map(|block| (block.kind, block.text)).collect()
}

fn paragraph(text: &str) -> (BlockKind, String) {
    (BlockKind::Paragraph, text.to_owned())
}

#[test]
fn structure_becomes_blocks() {
    let rtf = br"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Arial Cyr;}}
{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 heading 1;}{\s7 \'dcberschrift 2;}}
{\info{\title The plan}{\author Ada}{\creatim\yr2024\mo5\dy6\hr7\min8}{\doccomm secret}}
\pard\s1 One\par\pard\s7 Two\par\pard Some {\b bold} text\u8364?\'e4{\footnote a note}\line here\par
{\f1 \'cf\'f0\'e8}{\*\unknown gone}{\v hidden}\par
\trowd\intbl a\cell b\cell\row\trowd\intbl 1\cell\cell\row\pard after\page next\par}";
    let text = read(rtf);
    assert_eq!((text.title.as_deref(), text.author.as_deref()), (Some("The plan"), Some("Ada")));
    assert_eq!(text.created.map(|date| date.to_rfc3339()).as_deref(), Some("2024-05-06T07:08:00+00:00"));
    assert_eq!(text.pages.len(), 2);
    assert_eq!(
        blocks_of(rtf),
        [
            (BlockKind::Heading(1), "One".to_owned()),
            (BlockKind::Heading(2), "Two".to_owned()),
            paragraph("Some bold text€ä\nhere"),
            paragraph("a note"),
            paragraph("При"),
            (BlockKind::Table, "a\tb\n1".to_owned()),
            paragraph("after"),
            paragraph("next"),
        ]
    );
}

#[test]
fn bullets_make_list_items() {
    let item = |text: &str| (BlockKind::ListItem, text.to_owned());
    let rtf = br"{\rtf1\pard{\listtext\f3\'b7\tab}one\par{\pntext 2.\tab}two\par\pard\ls1 three\par\pard four}";
    assert_eq!(blocks_of(rtf), [item("one"), item("two"), item("three"), paragraph("four")]);
}

#[test]
fn unicode_skips_what_stands_in_for_it() {
    assert_eq!(blocks_of(br"{\rtf1\uc2 \u20013??\uc0\u-10179\u-8704 x\uc1\u228\'e4y}"), [paragraph("中😀xäy")]);
}

#[test]
fn binary_data_is_jumped_over() {
    assert_eq!(blocks_of(b"{\\rtf1 a{\\pict\\bin4 }}}}}b}"), [paragraph("ab")]);
}

#[test]
fn two_bytes_make_one_character() {
    let rtf = br"{\rtf1\ansicpg932{\fonttbl{\f0\fcharset128 Mincho;}}\f0 \'93\'fa\'96{\b \'7b}}";
    assert!(blocks_of(rtf)[0].1.starts_with('日'));
}

#[test]
fn a_hundred_thousand_groups_are_only_bytes() {
    let mut rtf = b"{\\rtf1 a".to_vec();
    rtf.extend(b"{".repeat(100_000));
    rtf.extend(b" deep");
    rtf.extend(b"}".repeat(100_000));
    rtf.extend(b" end}");
    assert_eq!(blocks_of(&rtf), [paragraph("a deep end")]);
}
