//! What pages become.

use super::*;
use crate::Limits;

fn read(html: &str) -> Text {
    parse(html.as_bytes(), &mut Budget::new(&Limits::default(), 0).unwrap(), &Hint::default()).unwrap()
}

fn blocks_of(html: &str) -> Vec<(BlockKind, String)> {
    read(html).pages.remove(0).blocks.into_iter().map(|block| (block.kind, block.text)).collect()
}

fn paragraph(text: &str) -> (BlockKind, String) {
    (BlockKind::Paragraph, text.to_owned())
}

#[test]
fn structure_becomes_blocks() {
    let html = "<html><head><title>A &amp; B</title><meta name=author content=Ada>\
        <meta property='article:published_time' content='2024-05-06T07:08:09Z'><style>p{}</style></head>\
        <body><nav><a href=/>Home</a></nav><h1>One</h1><p>Some <b>bold</b>\n text<br>here<ul><li>first<li>second<p>more</ul>\
        <pre>  a\n   b</pre><script>var x = '<p>no</p>'</script><p>End&nbsp;&euro;</html>";
    let text = read(html);
    assert_eq!((text.title.as_deref(), text.author.as_deref()), (Some("A & B"), Some("Ada")));
    assert_eq!(text.created.map(|date| date.timestamp()), Some(1_714_979_289));
    assert_eq!(
        blocks_of(html),
        [
            (BlockKind::Heading(1), "One".to_owned()),
            paragraph("Some bold text\nhere"),
            (BlockKind::ListItem, "first".to_owned()),
            (BlockKind::ListItem, "second".to_owned()),
            (BlockKind::ListItem, "more".to_owned()),
            (BlockKind::Code, "  a\n   b".to_owned()),
            paragraph("End €"),
        ]
    );
}

#[test]
fn a_table_of_data_is_one_block() {
    let html = "<table><caption>Prices</caption><tr><th>what<th>how much</tr><tr><td>tea<td><p>3 €</p></tr>\
        <tr><td colspan=2>sum<td>3</table>after";
    assert_eq!(
        blocks_of(html),
        [paragraph("Prices"), (BlockKind::Table, "what\thow much\ntea\t3 €\nsum\t\t3".to_owned()), paragraph("after")]
    );
}

#[test]
fn a_table_that_arranges_the_page_is_not_a_table() {
    let html =
        "<table><tr><td>left<td><table role=presentation><tr><td>inner</table><h2>Title</h2><p>one<p>two</table>";
    assert_eq!(
        blocks_of(html),
        [
            (BlockKind::Table, "left".to_owned()),
            paragraph("inner"),
            (BlockKind::Heading(2), "Title".to_owned()),
            paragraph("one"),
            paragraph("two"),
        ]
    );
}

#[test]
fn an_unclosed_navigation_takes_nothing_with_it() {
    assert_eq!(blocks_of("<nav>menu</nav><p>a<nav>b<p>c"), [paragraph("a"), paragraph("b"), paragraph("c")]);
}

#[test]
fn an_empty_title_in_xhtml_swallows_nothing() {
    let html = "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><head><title/><script src='a'/></head><body><p>text</p></body></html>";
    assert_eq!(blocks_of(html), [paragraph("text")]);
}

#[test]
fn the_charset_is_declared_or_guessed() {
    let bytes = b"<meta http-equiv=content-type content='text/html; charset=iso-8859-7'><p>\xe1\xeb\xf6\xe1";
    let mut budget = Budget::new(&Limits::default(), 0).unwrap();
    let text = parse(bytes, &mut budget, &Hint::default()).unwrap();
    assert_eq!(text.pages[0].blocks[0].text, "αλφα");
}

#[test]
fn deep_nesting_is_read_and_costs_nothing() {
    for tag in ["div", "table", "ul", "b", "blockquote", "span", "svg", "nav", "pre", "td"] {
        let mut html = format!("<{tag}>").repeat(100_000);
        html.push_str("<p>deep</p>");
        let text = read(&html);
        assert_eq!(text.plain().trim_end(), "deep", "{tag}");
    }
}
