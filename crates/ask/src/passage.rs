//! Passages and citations: what was found, and how an answer points to it.

use catchment_core::IntegrationId;
use catchment_index::Hit;
use serde::{Deserialize, Serialize};

/// Where a statement of an answer stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Citation {
    /// The number the answer uses for it, in square brackets, from 1.
    pub number: u32,
    /// The integration the file was read through.
    pub integration_id: IntegrationId,
    /// The path of the file below the integration's root.
    pub file_path: String,
    /// The name of the file.
    pub file_name: String,
    /// Where a person can open it.
    pub web_url: Option<String>,
    /// The page, slide or sheet, from 1.
    pub page: u32,
    /// What the file itself calls the page.
    pub page_label: Option<String>,
    /// The headings above the passage, the highest first.
    pub headings: Vec<String>,
    /// Which piece of the document it is, from 0.
    pub chunk: u32,
    /// How well it fits the question; comparable within one answer only.
    pub score: f32,
    /// The words of the document: the sentence of an extractive answer, else the passage.
    pub text: String,
}

impl Citation {
    /// A citation of `text` out of a hit.
    pub(crate) fn new(number: u32, hit: &Hit, text: impl Into<String>) -> Self {
        Self {
            number,
            integration_id: hit.document.integration,
            file_path: hit.path.clone(),
            file_name: hit.name.clone(),
            web_url: hit.web_url.clone(),
            page: hit.page,
            page_label: hit.page_label.clone(),
            headings: hit.headings.clone(),
            chunk: hit.ordinal,
            score: hit.score,
            text: text.into(),
        }
    }
}

/// The passages an answer really refers to: those whose number stands in it in square brackets
/// (`[2]`, `[1, 3]`). Numbers that were never given out are left aside.
pub(crate) fn cited(answer: &str, passages: &[Citation]) -> Vec<Citation> {
    let mut used = vec![false; passages.len()];
    for group in answer.split('[').skip(1).filter_map(|rest| rest.split_once(']')).map(|(group, _)| group) {
        for number in group.split([',', ';', ' ']).filter_map(|number| number.trim().parse::<usize>().ok()) {
            if let Some(used) = number.checked_sub(1).and_then(|index| used.get_mut(index)) {
                *used = true;
            }
        }
    }
    passages.iter().zip(used).filter(|(_, used)| *used).map(|(passage, _)| passage.clone()).collect()
}
