//! The language of searches, as much of it as the service documents for what is asked here.

use serde_json::Value;

/// A search that was read.
#[derive(Debug, Clone)]
pub(crate) enum Search {
    All(Vec<Search>),
    Any(Vec<Search>),
    In(String),
    Is(String, String),
    Contains(String, String),
}

impl Search {
    /// Reads a search; `None` where the service would say that it is invalid.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut reader = Reader { rest: text };
        let search = reader.any()?;
        reader.rest.trim().is_empty().then_some(search)
    }

    /// Whether a file fits, its text being what `text` gives. Names are compared without regard to case.
    pub(crate) fn fits(&self, file: &Value, text: &dyn Fn() -> String) -> bool {
        match self {
            Self::All(all) => all.iter().all(|one| one.fits(file, text)),
            Self::Any(any) => any.iter().any(|one| one.fits(file, text)),
            Self::In(parent) => file["parents"].as_array().is_some_and(|all| all.iter().any(|one| one == parent)),
            Self::Is(field, value) if field == "sharedWithMe" => {
                file["sharedWithMeTime"].is_string() == (value == "true")
            }
            Self::Is(field, value) => match &file[field] {
                Value::String(is) => is.to_lowercase() == value.to_lowercase(),
                Value::Bool(is) => is.to_string() == *value,
                _ => false,
            },
            Self::Contains(field, words) => {
                let words = words.to_lowercase();
                let name = file["name"].as_str().unwrap_or_default().to_lowercase();
                name.contains(&words) || (field == "fullText" && text().to_lowercase().contains(&words))
            }
        }
    }

    pub(crate) fn is_full_text(&self) -> bool {
        match self {
            Self::All(all) | Self::Any(all) => all.iter().any(Self::is_full_text),
            Self::Contains(field, _) => field == "fullText",
            Self::In(_) | Self::Is(..) => false,
        }
    }

    /// The folders that are asked about: one that is not there is an error.
    pub(crate) fn parents(&self) -> Vec<&str> {
        match self {
            Self::All(all) | Self::Any(all) => all.iter().flat_map(Self::parents).collect(),
            Self::In(parent) => vec![parent],
            Self::Is(..) | Self::Contains(..) => Vec::new(),
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn any(&mut self) -> Option<Search> {
        let mut any = vec![self.all()?];
        while self.word("or") {
            any.push(self.all()?);
        }
        Some(if any.len() == 1 { any.remove(0) } else { Search::Any(any) })
    }

    fn all(&mut self) -> Option<Search> {
        let mut all = vec![self.one()?];
        while self.word("and") {
            all.push(self.one()?);
        }
        Some(if all.len() == 1 { all.remove(0) } else { Search::All(all) })
    }

    fn one(&mut self) -> Option<Search> {
        self.space();
        if let Some(inner) = self.rest.strip_prefix('(') {
            self.rest = inner;
            let search = self.any()?;
            self.space();
            self.rest = self.rest.strip_prefix(')')?;
            return Some(search);
        }
        if self.rest.starts_with('\'') {
            let parent = self.text()?;
            return (self.word("in") && self.word("parents")).then_some(Search::In(parent));
        }
        let end = self.rest.find(' ')?;
        let field = self.rest[..end].to_owned();
        self.rest = &self.rest[end..];
        self.space();
        if self.word("contains") {
            self.space();
            return Some(Search::Contains(field, self.text()?));
        }
        self.rest = self.rest.strip_prefix('=')?;
        self.space();
        let value = if self.rest.starts_with('\'') {
            self.text()?
        } else {
            let end = self.rest.find([' ', ')']).unwrap_or(self.rest.len());
            let value = self.rest[..end].to_owned();
            self.rest = &self.rest[end..];
            value
        };
        Some(Search::Is(field, value))
    }

    fn text(&mut self) -> Option<String> {
        let mut out = String::new();
        let mut signs = self.rest.strip_prefix('\'')?.char_indices();
        let inner = &self.rest[1..];
        while let Some((at, sign)) = signs.next() {
            match sign {
                '\\' => out.push(signs.next().filter(|(_, sign)| matches!(sign, '\\' | '\''))?.1),
                '\'' => {
                    self.rest = &inner[at + 1..];
                    return Some(out);
                }
                sign => out.push(sign),
            }
        }
        None
    }

    fn word(&mut self, word: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(word) {
            Some(rest) if rest.is_empty() || rest.starts_with([' ', '\'']) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches(' ');
    }
}
