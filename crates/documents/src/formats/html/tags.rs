//! What the elements of HTML mean for text.

use html5gum::State;

/// What an element does to the text around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing: the text runs on.
    Inline,
    Break,
    Block,
    Paragraph,
    Heading(u8),
    List,
    Item,
    Preformatted,
    Table,
    Row,
    Cell,
    Navigation,
    Title,
    Meta,
    /// It and all inside it is no text for readers.
    Skipped,
}

/// The role of the element of this name.
pub(super) fn role(name: &[u8]) -> Role {
    match name {
        b"br" | b"hr" => Role::Break,
        b"p" => Role::Paragraph,
        b"h1" => Role::Heading(1),
        b"h2" => Role::Heading(2),
        b"h3" => Role::Heading(3),
        b"h4" => Role::Heading(4),
        b"h5" => Role::Heading(5),
        b"h6" => Role::Heading(6),
        b"ul" | b"ol" | b"menu" | b"dir" => Role::List,
        b"li" => Role::Item,
        b"pre" | b"listing" | b"xmp" => Role::Preformatted,
        b"table" => Role::Table,
        b"tr" | b"thead" | b"tbody" | b"tfoot" | b"caption" | b"colgroup" => Role::Row,
        b"td" | b"th" => Role::Cell,
        b"nav" => Role::Navigation,
        b"title" => Role::Title,
        b"meta" => Role::Meta,
        b"script" | b"style" | b"noscript" | b"template" | b"svg" | b"canvas" | b"iframe" | b"object" | b"applet"
        | b"audio" | b"video" | b"noembed" | b"noframes" | b"select" | b"datalist" | b"textarea" | b"rt" | b"rp" => {
            Role::Skipped
        }
        b"address" | b"article" | b"aside" | b"blockquote" | b"body" | b"center" | b"dd" | b"details" | b"dialog"
        | b"div" | b"dl" | b"dt" | b"fieldset" | b"figcaption" | b"figure" | b"footer" | b"form" | b"header"
        | b"hgroup" | b"html" | b"legend" | b"main" | b"search" | b"section" | b"summary" | b"optgroup" | b"option" => {
            Role::Block
        }
        _ => Role::Inline,
    }
}

/// How the text after this start tag has to be read: up to the end tag, markup is text.
pub(super) fn raw_text(name: &[u8]) -> Option<State> {
    match name {
        b"title" | b"textarea" => Some(State::RcData),
        b"script" => Some(State::ScriptData),
        b"style" | b"xmp" | b"iframe" | b"noembed" | b"noframes" | b"noscript" => Some(State::RawText),
        b"plaintext" => Some(State::PlainText),
        _ => None,
    }
}
