//! RTF to tokens: braces, control words, bytes of text.

/// A token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Open,
    Close,
    /// `\name` or `\name12`.
    Word(&'a [u8], Option<i32>),
    /// `\*`: the destination that follows may be ignored.
    Ignorable,
    /// One byte of text, in whatever encoding holds there.
    Byte(u8),
}

/// Reads tokens until the bytes end.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    rest: &'a [u8],
}

impl<'a> Lexer<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn control(&mut self) -> Option<Token<'a>> {
        let (&first, rest) = self.rest.split_first()?;
        if !first.is_ascii_alphabetic() {
            self.rest = rest;
            return Some(match first {
                b'*' => Token::Ignorable,
                b'\'' => {
                    let hex = rest.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
                    self.rest = rest.get(if hex.is_some() { 2 } else { 0 }..).unwrap_or_default();
                    hex.map_or(Token::Word(b"", None), Token::Byte)
                }
                b'\\' | b'{' | b'}' => Token::Byte(first),
                b'~' => Token::Byte(b' '),
                b'_' => Token::Byte(b'-'),
                b'\n' | b'\r' => Token::Word(b"par", None),
                b'\t' => Token::Word(b"tab", None),
                _ => Token::Word(b"", None),
            });
        }
        let name_len = self.rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let (name, rest) = self.rest.split_at(name_len);
        let sign = usize::from(rest.first() == Some(&b'-'));
        let digits = rest[sign..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number_len = if digits == 0 { 0 } else { sign + digits };
        let (number, rest) = rest.split_at(number_len);
        let value = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok());
        self.rest = rest.strip_prefix(b" ").unwrap_or(rest);
        if name == b"bin" {
            // Raw bytes follow, braces and all.
            let len = usize::try_from(value.unwrap_or(0)).unwrap_or(0).min(self.rest.len());
            self.rest = &self.rest[len..];
        }
        Some(Token::Word(name, value))
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            return match byte {
                b'{' => Some(Token::Open),
                b'}' => Some(Token::Close),
                b'\\' => self.control(),
                b'\r' | b'\n' | 0 => continue,
                byte => Some(Token::Byte(byte)),
            };
        }
    }
}
