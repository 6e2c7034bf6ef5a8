//! Control words: where text goes, and which of them are characters.

use encoding_rs::Encoding;

use super::super::compound::code_page;

/// Where the text of a group goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Destination {
    Body,
    /// A footnote, endnote or comment.
    Note,
    Fonts,
    Style,
    Info,
    Title,
    Author,
    Created,
    Revised,
    /// After `\*`: it depends on the word that follows.
    Unknown,
    Skipped,
}

impl Destination {
    /// The destination of a group inside this one.
    pub(super) fn enter(self, inner: Self) -> Self {
        match (self, inner) {
            (Self::Skipped, _) => Self::Skipped,
            // `\title` and the like are also names of other things elsewhere.
            (outer, Self::Title | Self::Author | Self::Created | Self::Revised) if outer != Self::Info => outer,
            (Self::Note, Self::Body) => Self::Note,
            (_, inner) => inner,
        }
    }
}

/// The destination that a word opens.
pub(super) fn destination(word: &[u8]) -> Option<Destination> {
    Some(match word {
        b"footnote" | b"annotation" => Destination::Note,
        b"fonttbl" => Destination::Fonts,
        b"stylesheet" => Destination::Style,
        b"info" => Destination::Info,
        b"title" => Destination::Title,
        b"author" => Destination::Author,
        b"creatim" => Destination::Created,
        b"revtim" => Destination::Revised,
        // Text boxes: known, although written with `\*`; their settings are not text.
        b"shpinst" | b"shptxt" | b"shprslt" | b"fldrslt" | b"result" | b"nesttableprops" => Destination::Body,
        b"colortbl"
        | b"pict"
        | b"shppict"
        | b"nonshppict"
        | b"object"
        | b"objdata"
        | b"header"
        | b"headerl"
        | b"headerr"
        | b"headerf"
        | b"footer"
        | b"footerl"
        | b"footerr"
        | b"footerf"
        | b"fldinst"
        | b"bkmkstart"
        | b"bkmkend"
        | b"xe"
        | b"tc"
        | b"sp"
        | b"themedata"
        | b"colorschememapping"
        | b"datastore"
        | b"latentstyles"
        | b"listtable"
        | b"listoverridetable"
        | b"rsidtbl"
        | b"generator"
        | b"xmlnstbl"
        | b"mmathPr"
        | b"filetbl"
        | b"revtbl"
        | b"atnid"
        | b"atnauthor"
        | b"atrfstart"
        | b"atrfend"
        | b"atndate"
        | b"atnref"
        | b"ftnsep"
        | b"ftnsepc"
        | b"aftnsep"
        | b"aftnsepc"
        | b"userprops"
        | b"docvar"
        | b"template"
        | b"operator"
        | b"company"
        | b"comment"
        | b"doccomm"
        | b"hlinkbase"
        | b"keywords"
        | b"subject"
        | b"manager"
        | b"category"
        | b"fontemb"
        | b"falt"
        | b"panose"
        | b"pnseclvl"
        | b"do"
        | b"private"
        | b"passwordhash"
        | b"writereservhash"
        | b"htmltag"
        | b"nonesttables"
        | b"mhtmltag"
        | b"listtext"
        | b"pntext"
        | b"pntxta"
        | b"pntxtb" => Destination::Skipped,
        _ => return None,
    })
}

/// The characters that a word stands for.
pub(super) fn symbol(word: &[u8]) -> Option<&'static str> {
    Some(match word {
        b"emdash" => "—",
        b"endash" => "–",
        b"lquote" => "‘",
        b"rquote" => "’",
        b"ldblquote" => "“",
        b"rdblquote" => "”",
        b"bullet" => "•",
        b"emspace" | b"enspace" | b"qmspace" => " ",
        b"softline" | b"lbr" => "\n",
        _ => return None,
    })
}

/// The encoding of a font's character set; none for the symbols and the default.
pub(super) fn charset(number: i32) -> Option<&'static Encoding> {
    Some(code_page(match number {
        0 => 1252,
        77 => 10_000,
        128 => 932,
        129 => 949,
        130 => 1361,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        _ => return None,
    }))
}
