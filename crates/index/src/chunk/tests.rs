//! What cutting keeps, and where it cuts.

use catchment_core::Block;
use proptest::prelude::*;

use super::*;

fn page(number: u32, blocks: Vec<Block>) -> TextPage {
    TextPage { number, label: None, blocks }
}

fn text(blocks: Vec<Block>) -> Text {
    Text { pages: vec![page(1, blocks)], ..Text::default() }
}

fn small(tokens: usize) -> Chunking {
    Chunking { max_tokens: tokens, overlap_tokens: 0, ..Chunking::default() }
}

fn texts(chunks: &[Chunk]) -> Vec<&str> {
    chunks.iter().map(|chunk| chunk.text.as_str()).collect()
}

fn dense(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn a_short_document_is_one_chunk() {
    let chunks = cut(&text(vec![Block::heading(1, "Terms"), Block::paragraph("One. Two.")]), &Chunking::default());
    assert_eq!(texts(&chunks), ["Terms\nOne. Two."]);
    assert_eq!(chunks[0].headings, ["Terms"]);
}

#[test]
fn cuts_fall_between_sentences() {
    let paragraph = "The first one is here. The second one is here. The third one is here.";
    let chunks = cut(&text(vec![Block::paragraph(paragraph)]), &small(13));
    assert_eq!(texts(&chunks), ["The first one is here. The second one is here.", "The third one is here."]);
    let japanese = "これは一つ目の文です。これは二つ目の文です。";
    let chunks = cut(&text(vec![Block::paragraph(japanese)]), &small(12));
    assert_eq!(texts(&chunks), ["これは一つ目の文です。", "これは二つ目の文です。"]);
}

#[test]
fn a_sentence_is_repeated_when_overlap_is_asked_for() {
    let paragraph = "The first one is here. The second one is here. The third one is here.";
    let chunking = Chunking { overlap_tokens: 6, ..small(13) };
    let chunks = cut(&text(vec![Block::paragraph(paragraph)]), &chunking);
    assert_eq!(chunks[1].text, "The second one is here. The third one is here.");
}

#[test]
fn sections_of_some_length_stand_alone_and_name_their_headings() {
    let long = "Words that fill the section. ".repeat(4);
    let chunks = cut(
        &text(vec![
            Block::heading(1, "Contract"),
            Block::heading(2, "Notice"),
            Block::paragraph(long.clone()),
            Block::heading(2, "Payment"),
            Block::paragraph(long.clone()),
            Block::heading(1, "Annex"),
            Block::paragraph("Short."),
        ]),
        &small(64),
    );
    let headings: Vec<_> = chunks.iter().map(|chunk| chunk.headings.join(" > ")).collect();
    assert_eq!(headings, ["Contract > Notice", "Contract > Payment", "Annex"]);
    assert!(chunks[1].text.starts_with("Payment\n"));
}

#[test]
fn short_sections_in_one_chunk_name_only_the_headings_they_share() {
    let chunks = cut(
        &text(vec![
            Block::heading(1, "Contract"),
            Block::heading(2, "Notice"),
            Block::paragraph("Three months."),
            Block::heading(2, "Payment"),
            Block::paragraph("Thirty days."),
        ]),
        &Chunking::default(),
    );
    assert_eq!(chunks.len(), 1);
    assert_eq!(chunks[0].headings, ["Contract"]);
}

#[test]
fn a_heading_is_not_left_behind_alone() {
    let chunks = cut(
        &text(vec![
            Block::paragraph("a b c d e f"),
            Block::heading(2, "Next"),
            Block::paragraph("one two three four five six seven eight nine ten"),
        ]),
        &small(14),
    );
    assert!(chunks.iter().all(|chunk| !chunk.text.ends_with("Next")), "{chunks:?}");
}

#[test]
fn each_piece_of_a_table_begins_with_its_first_row() {
    let mut table = "name\tamount\n".to_owned();
    for row in 0..40 {
        table.push_str(&format!("item{row}\t{row}\n"));
    }
    let chunks = cut(&text(vec![Block::new(BlockKind::Table, table)]), &small(32));
    assert!(chunks.len() > 3);
    for chunk in &chunks {
        assert!(chunk.text.starts_with("name\tamount\n"), "{}", chunk.text);
    }
    for row in 0..40 {
        let line = format!("item{row}\t{row}");
        assert!(chunks.iter().any(|chunk| chunk.text.lines().any(|have| have == line)), "{line}");
    }
}

#[test]
fn a_word_without_end_is_cut_by_its_bytes() {
    let chunks = cut(&text(vec![Block::paragraph("x".repeat(16_000))]), &small(256));
    assert!(chunks.iter().all(|chunk| chunk.text.len() <= 2_000));
    assert_eq!(chunks.iter().map(|chunk| chunk.text.len()).sum::<usize>(), 16_000);
    let marks = format!("a{}", "\u{301}".repeat(5_000));
    let chunks = cut(&text(vec![Block::paragraph(marks.clone())]), &small(256));
    assert_eq!(chunks.iter().map(|chunk| chunk.text.len()).sum::<usize>(), marks.len());
}

#[test]
fn pages_keep_to_themselves_and_blank_ones_vanish() {
    let pages = vec![
        page(1, vec![Block::paragraph("one")]),
        page(2, vec![]),
        page(3, vec![Block::paragraph(" \n ")]),
        TextPage { number: 4, label: Some("iv".into()), blocks: vec![Block::paragraph("four")] },
    ];
    let chunks = cut(&Text { pages, ..Text::default() }, &Chunking::default());
    assert_eq!(texts(&chunks), ["one", "four"]);
    assert_eq!((chunks[1].page, chunks[1].page_label.as_deref()), (4, Some("iv")));
}

trait Tap: Sized {
    fn tap(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

impl Tap for Chunking {}

#[test]
fn the_line_feeds_between_what_is_repeated_take_room_as_well() {
    let text = "。ぁ京京、。東。東東都東。東。東。東東東東、。京都都京都都東、東、都";
    let text = Text { pages: vec![page(1, vec![Block::new(BlockKind::Paragraph, text)])], ..Text::default() };
    let chunking = Chunking { max_tokens: 44, max_bytes: 100, overlap_tokens: 22, ..Chunking::default() };
    let longest = cut(&text, &chunking).into_iter().map(|chunk| chunk.text.len()).max();
    assert!(longest <= Some(100), "{longest:?}");
}

fn any_block() -> impl Strategy<Value = Block> {
    let kind = prop_oneof![
        Just(BlockKind::Paragraph),
        Just(BlockKind::ListItem),
        Just(BlockKind::Code),
        Just(BlockKind::Table),
        (1_u8..4).prop_map(BlockKind::Heading),
    ];
    let words = prop_oneof![
        "[a-z]{1,12}([ .,\n][a-zA-Z0-9]{1,9}){0,60}",
        "[ぁ-ん東京都。、]{1,300}",
        "\\PC{1,200}",
        "[a-z]{200,900}",
        "([0-9]{1,4}\t[a-z]{1,8}\n){1,30}",
    ];
    (kind, words).prop_map(|(kind, text)| Block::new(kind, text))
}

fn any_text() -> impl Strategy<Value = Text> {
    proptest::collection::vec(proptest::collection::vec(any_block(), 0..6), 0..4).prop_map(|pages| Text {
        pages: (1..).zip(pages).map(|(number, blocks)| page(number, blocks)).collect(),
        ..Text::default()
    })
}

fn chunkings() -> impl Strategy<Value = Chunking> {
    (8_usize..200, 64_usize..1_500, 0_usize..40).prop_map(|(max_tokens, max_bytes, overlap_tokens)| Chunking {
        max_tokens,
        max_bytes,
        overlap_tokens,
        ..Chunking::default()
    })
}

proptest! {
    #[test]
    fn limits_hold_and_nothing_is_empty(text in any_text(), chunking in chunkings()) {
        for chunk in cut(&text, &chunking) {
            prop_assert!(!chunk.text.trim().is_empty());
            prop_assert!(chunk.text.len() <= chunking.max_bytes, "{} bytes", chunk.text.len());
            prop_assert!(Estimate.count(&chunk.text) <= chunking.max_tokens, "{:?}", chunk.text);
        }
    }

    #[test]
    fn without_overlap_the_chunks_are_the_text(mut text in any_text(), chunking in chunkings()) {
        for block in text.pages.iter_mut().flat_map(|page| &mut page.blocks) {
            if block.kind == BlockKind::Table {
                block.kind = BlockKind::Code;
            }
        }
        let chunks = cut(&text, &chunking.tap(|chunking| chunking.overlap_tokens = 0));
        for page in &text.pages {
            let whole: String = page.blocks.iter().map(|block| dense(&block.text)).collect();
            let cut: String = chunks.iter().filter(|chunk| chunk.page == page.number).map(|chunk| dense(&chunk.text)).collect();
            prop_assert_eq!(whole, cut);
        }
    }

    #[test]
    fn with_overlap_each_chunk_goes_on_where_the_last_ended_or_before(text in any_text(), chunking in chunkings()) {
        let chunks = cut(&text, &chunking);
        for page in &text.pages {
            if page.blocks.iter().any(|block| block.kind == BlockKind::Table) {
                continue;
            }
            let whole: String = page.blocks.iter().map(|block| dense(&block.text)).collect();
            let mut end = 0;
            for chunk in chunks.iter().filter(|chunk| chunk.page == page.number) {
                let piece = dense(&chunk.text);
                let start = (0..=end).rev().filter(|at| whole.is_char_boundary(*at)).find(|at| whole[*at..].starts_with(&piece)
                    && at + piece.len() > end);
                prop_assert!(start.is_some(), "{piece:?} leaves a gap");
                end = start.unwrap() + piece.len();
            }
            prop_assert_eq!(end, whole.len());
        }
    }

    #[test]
    fn every_row_of_a_table_is_somewhere(rows in proptest::collection::vec("[a-z]{1,8}\t[0-9]{1,5}", 1..60), chunking in chunkings()) {
        let chunks = cut(&text(vec![Block::new(BlockKind::Table, rows.join("\n"))]), &chunking);
        for cell in rows.iter().flat_map(|row| row.split('\t')) {
            prop_assert!(chunks.iter().any(|chunk| chunk.text.contains(cell)));
        }
    }
}
