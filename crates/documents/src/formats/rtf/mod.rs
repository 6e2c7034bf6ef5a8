//! Rich Text Format, read as a stream: groups only push and pop a small state, so no depth of them
//! can overflow.

mod lexer;
mod words;

use std::collections::HashMap;

use catchment_core::{BlockKind, Result, Text};
use encoding_rs::{Encoding, WINDOWS_1252};

use self::{
    lexer::{Lexer, Token},
    words::Destination,
};
use super::{
    compound::code_page,
    dates,
    failure::damaged,
    headings::heading,
    out::{Out, Table},
    text,
};
use crate::{hint::Hint, limits::Budget};

/// Groups that are held open at once. What lies deeper is nonsense, and costs only its bytes.
const GROUPS: usize = 10_000;

/// Paragraphs, headings, list items and tables; footnotes where they hang; pages where the author
/// began them.
pub(crate) fn parse(bytes: &[u8], budget: &mut Budget, _hint: &Hint<'_>) -> Result<Text> {
    if !bytes.trim_ascii_start().starts_with(b"{\\rtf") {
        return Err(damaged("rtf header"));
    }
    let mut out = Out::default();
    out.page(budget, None)?;
    blocks(bytes, &mut out, budget)?;
    out.finish(budget)
}

/// Adds the blocks of `bytes` to the open page.
pub(crate) fn blocks(bytes: &[u8], out: &mut Out, budget: &mut Budget) -> Result<()> {
    let mut reader = Reader::new(out);
    for (count, token) in Lexer::new(bytes).enumerate() {
        // A token may be a single byte, and asking for the time costs more than reading it.
        if count % 1024 == 0 {
            budget.tick()?;
        }
        reader.token(token, budget)?;
    }
    reader.paragraph(budget)?;
    reader.table_ends(budget)
}

struct Reader<'o> {
    out: &'o mut Out,
    state: State,
    groups: Vec<State>,
    /// Groups beyond the limit, which only have to be counted.
    beyond: usize,
    /// Bytes of text that wait for the end of a run: a character may take two of them.
    bytes: Vec<u8>,
    high: Option<u16>,
    /// Characters still to be skipped after `\u`: what programs without Unicode show instead.
    replaced: u32,
    line: String,
    side: String,
    table: Option<Table>,
    code_page: &'static Encoding,
    fonts: HashMap<i32, &'static Encoding>,
    styles: HashMap<i32, u8>,
    /// Whether the open paragraph brings its own bullet or number.
    listed: bool,
    /// Notes, to follow the paragraph they hang on.
    notes: Vec<String>,
    date: [i32; 5],
}

/// What a group inherits and its end restores.
#[derive(Clone, Copy)]
struct State {
    destination: Destination,
    font: i32,
    replace: u32,
    hidden: bool,
    in_table: bool,
    list: bool,
    new_page: bool,
    heading: Option<u8>,
    style: i32,
}

impl<'o> Reader<'o> {
    fn new(out: &'o mut Out) -> Self {
        Self {
            out,
            state: State {
                destination: Destination::Body,
                font: -1,
                replace: 1,
                hidden: false,
                in_table: false,
                list: false,
                new_page: false,
                heading: None,
                style: 0,
            },
            groups: Vec::new(),
            beyond: 0,
            bytes: Vec::new(),
            high: None,
            replaced: 0,
            line: String::new(),
            side: String::new(),
            table: None,
            code_page: WINDOWS_1252,
            fonts: HashMap::new(),
            styles: HashMap::new(),
            listed: false,
            notes: Vec::new(),
            date: [0; 5],
        }
    }

    fn token(&mut self, token: Token<'_>, budget: &mut Budget) -> Result<()> {
        match token {
            Token::Open => {
                self.flush();
                if self.groups.len() < GROUPS {
                    self.groups.push(self.state);
                } else {
                    self.beyond += 1;
                }
                Ok(())
            }
            Token::Close => {
                self.close();
                Ok(())
            }
            Token::Byte(byte) => {
                self.byte(byte);
                Ok(())
            }
            Token::Ignorable => {
                self.flush();
                self.state.destination = match self.state.destination {
                    Destination::Skipped => Destination::Skipped,
                    _ => Destination::Unknown,
                };
                Ok(())
            }
            Token::Word(name, value) => self.word(name, value, budget),
        }
    }

    fn close(&mut self) {
        self.flush();
        if self.beyond > 0 {
            self.beyond -= 1;
            return;
        }
        let ended = self.state;
        let Some(state) = self.groups.pop() else { return };
        self.state = state;
        let entry = ended.destination == self.state.destination;
        match ended.destination {
            Destination::Style => {
                let name = std::mem::take(&mut self.side);
                if let Some(level) = ended.heading.or_else(|| heading(name.trim_end_matches([';', ' ']))) {
                    self.styles.insert(ended.style, level);
                }
            }
            Destination::Title if !entry => self.out.text.title = text::label(&std::mem::take(&mut self.side)),
            Destination::Author if !entry => self.out.text.author = text::label(&std::mem::take(&mut self.side)),
            Destination::Created | Destination::Revised if !entry => {
                let [year, month, day, hour, minute] = std::mem::take(&mut self.date);
                let date = dates::iso(&format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}"));
                match ended.destination {
                    Destination::Created => self.out.text.created = date,
                    _ => self.out.text.modified = date,
                }
            }
            Destination::Note if !entry => self.notes.push(std::mem::take(&mut self.side)),
            _ => {}
        }
        // Paragraph properties are not undone by the end of a group inside the paragraph.
        if ended.destination == Destination::Body && state.destination == Destination::Body {
            self.state.in_table = ended.in_table;
            self.state.list = ended.list;
            self.state.new_page = ended.new_page;
            self.state.heading = ended.heading;
        }
    }

    fn word(&mut self, name: &[u8], value: Option<i32>, budget: &mut Budget) -> Result<()> {
        if name != b"u" {
            self.flush();
        }
        // The bullet or number that programs without lists would show.
        self.listed |= matches!(name, b"listtext" | b"pntext");
        if let Some(destination) = words::destination(name) {
            self.state.destination = self.state.destination.enter(destination);
            // A note on deleted or hidden text is neither.
            self.state.hidden &= destination != Destination::Note;
            return Ok(());
        }
        // An unknown word after `\*` begins a destination that may be ignored, and is.
        if self.state.destination == Destination::Unknown {
            self.state.destination = Destination::Skipped;
        }
        if self.state.destination == Destination::Skipped {
            return Ok(());
        }
        let on = value != Some(0);
        match name {
            b"ansicpg" => self.code_page = code_page(value.unwrap_or(1252).unsigned_abs()),
            b"mac" => self.code_page = code_page(10_000),
            b"f" if self.state.destination != Destination::Style => self.state.font = value.unwrap_or(0),
            b"fcharset" => {
                if let Some(encoding) = words::charset(value.unwrap_or(0)) {
                    self.fonts.insert(self.state.font, encoding);
                }
            }
            b"uc" => self.state.replace = value.unwrap_or(1).clamp(0, 255).unsigned_abs(),
            b"u" => self.unit(value.unwrap_or(0)),
            b"v" | b"deleted" | b"htmlrtf" => self.state.hidden = on,
            b"plain" => self.state.hidden = false,
            b"s" => {
                self.state.style = value.unwrap_or(0);
                self.state.heading = self.styles.get(&self.state.style).copied();
            }
            b"outlinelevel" => {
                self.state.heading =
                    value.and_then(|level| u8::try_from(level + 1).ok()).filter(|level| (1..=9).contains(level));
            }
            b"ls" => self.state.list = value != Some(0),
            b"pard" => {
                (self.state.in_table, self.state.list, self.state.heading) = (false, false, None);
                self.state.new_page = false;
            }
            b"pagebb" => self.state.new_page = on,
            b"intbl" => self.state.in_table = true,
            b"yr" | b"mo" | b"dy" | b"hr" | b"min" => {
                let at = [&b"yr"[..], b"mo", b"dy", b"hr", b"min"].iter().position(|word| *word == name);
                self.date[at.unwrap_or(0)] = value.unwrap_or(0);
            }
            _ if self.state.destination == Destination::Body => return self.body_word(name, budget),
            b"par" | b"line" | b"cell" => self.push("\n"),
            b"tab" => self.push("\t"),
            _ => {
                if let Some(symbol) = words::symbol(name) {
                    self.push(symbol);
                }
            }
        }
        Ok(())
    }

    fn body_word(&mut self, name: &[u8], budget: &mut Budget) -> Result<()> {
        match name {
            b"par" | b"sect" if self.state.in_table => self.push("\n"),
            b"par" => {
                self.paragraph(budget)?;
            }
            b"page" | b"sect" => {
                self.paragraph(budget)?;
                self.table_ends(budget)?;
                if name == b"page" {
                    self.out.page(budget, None)?;
                }
            }
            b"line" => self.push("\n"),
            b"tab" | b"nestcell" => self.push("\t"),
            b"nestrow" => self.push("\n"),
            b"cell" => {
                let cell = std::mem::take(&mut self.line);
                self.table.get_or_insert_default().cell(&cell);
            }
            b"row" => {
                if let Some(table) = &mut self.table {
                    self.out.row(budget, table)?;
                }
            }
            _ => {
                if let Some(symbol) = words::symbol(name) {
                    self.push(symbol);
                }
            }
        }
        Ok(())
    }

    fn byte(&mut self, byte: u8) {
        if self.replaced > 0 {
            self.replaced -= 1;
        } else if self.reads() {
            self.bytes.push(byte);
        }
    }

    /// One UTF-16 unit; characters beyond the basic plane come as two.
    fn unit(&mut self, value: i32) {
        let pending = std::mem::take(&mut self.bytes);
        self.decode(&pending);
        self.replaced = self.state.replace;
        if !self.reads() {
            return;
        }
        let unit = (value & 0xffff) as u16;
        let units = [self.high.take().unwrap_or(unit), unit];
        let units = if units[0] == unit { &units[1..] } else { &units[..] };
        for c in char::decode_utf16(units.iter().copied()) {
            match c {
                // Symbol fonts use the private area, which means nothing outside of the font.
                Ok('\u{e000}'..='\u{f8ff}') => {}
                Ok(c) => self.push(c.encode_utf8(&mut [0; 4])),
                Err(_) => self.high = (0xd800..0xdc00).contains(&unit).then_some(unit),
            }
        }
    }

    fn reads(&self) -> bool {
        !self.state.hidden && !matches!(self.state.destination, Destination::Skipped | Destination::Unknown)
    }

    fn flush(&mut self) {
        self.replaced = 0;
        let pending = std::mem::take(&mut self.bytes);
        self.decode(&pending);
    }

    fn decode(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            let encoding = self.fonts.get(&self.state.font).copied().unwrap_or(self.code_page);
            let text = encoding.decode_without_bom_handling(bytes).0;
            self.push(&text);
        }
    }

    fn push(&mut self, text: &str) {
        match self.state.destination {
            _ if !self.reads() => {}
            Destination::Body => self.line.push_str(text),
            Destination::Fonts => {}
            _ => self.side.push_str(text),
        }
    }

    fn paragraph(&mut self, budget: &mut Budget) -> Result<()> {
        self.flush();
        let line = std::mem::take(&mut self.line);
        let listed = std::mem::take(&mut self.listed);
        if line.trim().is_empty() {
            return self.write_notes(budget);
        }
        self.table_ends(budget)?;
        if self.state.new_page && self.out.text.pages.last().is_some_and(|page| !page.blocks.is_empty()) {
            self.out.page(budget, None)?;
        }
        let kind = match self.state.heading {
            Some(level) => BlockKind::Heading(level),
            None if self.state.list || listed => BlockKind::ListItem,
            None => BlockKind::Paragraph,
        };
        self.out.block(budget, kind, &line)?;
        self.write_notes(budget)
    }

    fn write_notes(&mut self, budget: &mut Budget) -> Result<()> {
        for note in std::mem::take(&mut self.notes) {
            self.out.block(budget, BlockKind::Paragraph, &note)?;
        }
        Ok(())
    }

    fn table_ends(&mut self, budget: &mut Budget) -> Result<()> {
        match self.table.take() {
            Some(mut table) => self.out.table(budget, &mut table),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
