//! XML as object stores write it: read as it streams by, without entities of its own.

use catchment_core::{Error, ErrorKind, Result};
use quick_xml::{Reader, XmlVersion, events::Event};

/// What an error body says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// The code, for example `NoSuchKey`.
    pub code: String,
    /// What stands in the element that was asked for, if it does.
    pub detail: Option<String>,
}

/// The text of an element that holds no others.
#[derive(Debug, Default)]
pub struct Text {
    text: String,
    leaf: bool,
    /// It says of itself that it is percent-encoded, since XML cannot hold all of it.
    encoded: bool,
}

impl Text {
    /// The text to the letter; "" where the element holds others.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text, if the element holds no others.
    pub fn value(&self) -> Option<String> {
        self.leaf.then(|| self.text.clone())
    }

    /// The text without space around it.
    pub fn trimmed(&self) -> &str {
        self.text.trim()
    }

    /// The text without space around it, if any is left.
    pub fn filled(&self) -> Option<String> {
        Some(self.trimmed().to_owned()).filter(|text| !text.is_empty())
    }

    /// Whether the element has the attribute `Encoded="true"`.
    pub fn is_encoded(&self) -> bool {
        self.encoded
    }
}

/// Reads an error body `<Error><Code>`, and what stands beside the code in an element `detail`; `None`
/// if it is something else.
pub fn fault(body: &[u8], detail: &'static str) -> Option<Fault> {
    let mut fault = Fault::default();
    let mut is_error = false;
    let read = elements(body, &["Error", "Code", detail], |path, text| {
        match path {
            ["Error"] => is_error = true,
            ["Error", "Code"] => fault.code = text.trimmed().to_owned(),
            ["Error", name] if *name == detail => fault.detail = Some(text.trimmed().to_owned()),
            _ => {}
        }
        Ok(())
    });
    // The code stands first: a body cut off behind it still says what is wrong.
    ((is_error || read.is_err()) && is_code(&fault.code)).then_some(fault)
}

/// Whether this is the name of an error, and no sentence.
pub fn is_code(code: &str) -> bool {
    !code.is_empty() && code.len() < 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether a body begins as a list (an element `root`) and breaks off before its end.
pub fn is_cut_list(body: &[u8], root: &str) -> bool {
    let start = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    let opens = |rest: &[u8]| rest.starts_with(root.as_bytes());
    let begins = start.starts_with(b"<?xml") || start.strip_prefix(b"<").is_some_and(opens);
    begins && matches!(elements(body, &[], |_, _| Ok(())), Err(error) if error.kind() == ErrorKind::Unavailable)
}

/// Calls `visit` at the end of every element, with the names down to it and its own text. A name that
/// is not among `names` is "" there; their case does not matter, since tools do not agree on it.
///
/// # Errors
/// `Unavailable` for a body that breaks off, `Protocol` for what is no XML, and those of `visit`.
pub fn elements(
    body: &[u8],
    names: &[&'static str],
    mut visit: impl FnMut(&[&str], &Text) -> Result<()>,
) -> Result<()> {
    let body = std::str::from_utf8(body).map_err(|_| strange())?;
    let known = |name: &str| names.iter().copied().find(|known| known.eq_ignore_ascii_case(name)).unwrap_or_default();
    // Some stores begin with a byte order mark.
    let mut reader = Reader::from_str(body.trim_start_matches('\u{feff}'));
    let mut path: Vec<&str> = Vec::new();
    let mut text = Text::default();
    loop {
        match reader.read_event().map_err(|_| cut())? {
            Event::Start(start) => {
                path.push(known(start.local_name().as_ref()));
                let encoded = matches!(start.try_get_attribute("Encoded"), Ok(Some(value)) if &*value.value == "true");
                text = Text { leaf: true, encoded, ..Text::default() };
            }
            Event::Empty(start) => {
                path.push(known(start.local_name().as_ref()));
                visit(&path, &Text { leaf: true, ..Text::default() })?;
                path.pop();
                text = Text::default();
            }
            Event::Text(part) => text.text.push_str(&part.xml_content(XmlVersion::Implicit1_0)),
            Event::CData(part) => text.text.push_str(&part.xml_content(XmlVersion::Implicit1_0)),
            Event::GeneralRef(name) => match (name.resolve_char_ref(), &*name) {
                (Ok(Some(character)), _) => text.text.push(character),
                (_, "amp") => text.text.push('&'),
                (_, "lt") => text.text.push('<'),
                (_, "gt") => text.text.push('>'),
                (_, "quot") => text.text.push('"'),
                (_, "apos") => text.text.push('\''),
                _ => return Err(strange()),
            },
            Event::End(_) => {
                visit(&path, &text)?;
                path.pop();
                text = Text::default();
            }
            Event::Eof if path.is_empty() => return Ok(()),
            Event::Eof => return Err(cut()),
            _ => {}
        }
    }
}

/// A list that breaks off.
pub fn cut() -> Error {
    Error::new(ErrorKind::Unavailable, "the list broke off in the middle: try again")
}

/// An answer that is no list.
pub fn strange() -> Error {
    Error::protocol("the answer is no list of a store: check url, it may be the address of something else")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_body_says_its_code_even_if_cut() {
        let body = "\u{feff}<?xml version=\"1.0\"?><Error><Code>InvalidQueryParameterValue</Code>\
                    <Message>hunter2</Message><QueryParameterName>marker</QueryParameterName></Error>";
        let whole = fault(body.as_bytes(), "QueryParameterName").expect("an error");
        assert_eq!((whole.code.as_str(), whole.detail.as_deref()), ("InvalidQueryParameterValue", Some("marker")));
        let cut = fault(&body.as_bytes()[..80], "QueryParameterName").expect("the code is there");
        assert_eq!((cut.code.as_str(), cut.detail), ("InvalidQueryParameterValue", None));
        assert_eq!(fault(b"<html>no</html>", "Region"), None);
        assert_eq!(fault(b"<Error><Code>hunter2 is your key</Code></Error>", "Region"), None);
    }

    #[test]
    fn entities_of_a_bodys_own_are_not_looked_up() {
        let laughs = b"<!DOCTYPE a [<!ENTITY a 'x'><!ENTITY b '&a;&a;'>]><a>&b;</a>";
        let error = elements(laughs, &["a"], |_, _| Ok(())).expect_err("an entity of its own");
        assert_eq!(error.kind(), ErrorKind::Protocol);
        let mut texts = Vec::new();
        let collect = |_: &[&str], text: &Text| {
            texts.push(text.as_str().to_owned());
            Ok(())
        };
        elements(b"<a>&lt;&amp;&#x41;<![CDATA[<b>]]></a>", &["a"], collect).expect("read");
        assert_eq!(texts, ["<&A<b>"]);
    }
}
