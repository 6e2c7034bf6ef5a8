//! What the outside says about a file. It breaks ties; the content decides.

/// What the outside says about a file.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Hint<'a> {
    /// The file's name, with its extension.
    pub(crate) name: &'a str,
    /// The media type that was claimed for it.
    pub(crate) mime: Option<&'a str>,
}

impl Hint<'_> {
    /// The extension of the name in lower case, or nothing.
    pub(crate) fn extension(&self) -> String {
        match self.name.rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() && extension.len() <= 10 => extension.to_ascii_lowercase(),
            _ => String::new(),
        }
    }
}
