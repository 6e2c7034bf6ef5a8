//! One module per format: each turns the whole file into [`Text`](catchment_core::Text), within a budget.

pub(crate) mod csv;
pub(crate) mod docx;
pub(crate) mod epub;
pub(crate) mod html;
pub(crate) mod mail;
pub(crate) mod markdown;
pub(crate) mod msg;
pub(crate) mod odf;
pub(crate) mod office97;
pub(crate) mod plain;
pub(crate) mod pptx;
pub(crate) mod rtf;
pub(crate) mod spreadsheet;

mod charset;
mod compound;
mod dates;
mod drawing;
mod failure;
mod headings;
mod ooxml;
mod out;
mod text;
mod xml;
mod zip;
