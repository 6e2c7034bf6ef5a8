//! Pages by number, and whether the ones before still hold what they held.
//!
//! Autodesk counts pages. When something is deleted or moved away while a list is read, everything behind
//! it moves up, and what moves from the next page to one that was read already is met by nobody. So behind
//! every page but the first the one before it is asked for once more. If it holds other things by then, the
//! list says so: it would pass for a whole one, and what was missed for deleted.

use std::hash::{DefaultHasher, Hash, Hasher};

use catchment_core::{Error, ErrorKind, PageRequest, PageToken, Result};

use crate::json::Resource;

/// Between the parts of a token. Queries hold none that is not escaped.
const BAR: char = '|';

/// Where a list stands.
#[derive(Debug)]
pub(crate) struct Position {
    /// The page that is asked for.
    pub(crate) here: PageRequest,
    /// The one before, and what it held.
    before: Option<(PageRequest, u64)>,
}

impl Position {
    /// # Errors
    /// `Protocol` when the token is none of a list's.
    pub(crate) fn of(request: &PageRequest) -> Result<Self> {
        let Some(token) = &request.token else { return Ok(Self { here: request.clone(), before: None }) };
        let read = || {
            let (held, queries) = token.as_str().split_once(BAR)?;
            let (before, here) = queries.split_once(BAR)?;
            // The first page has no query of its own.
            let before = Some(PageToken::new(before)).filter(|before| !before.as_str().is_empty());
            let at = |token| PageRequest { token, limit: request.limit };
            let held = u64::from_str_radix(held, 16).ok()?;
            Some(Self { here: at(Some(PageToken::new(here))), before: Some((at(before), held)) })
        };
        read().ok_or_else(|| Error::protocol("this is no page token of this list: begin with the first page"))
    }

    /// The page that has to be looked at again, once this one has come.
    pub(crate) fn before(&self) -> Option<&PageRequest> {
        self.before.as_ref().map(|(request, _)| request)
    }

    /// That the page before holds what it held.
    ///
    /// # Errors
    /// `Unavailable` when it does not: the list has moved, and has to be begun anew.
    pub(crate) fn stands(&self, again: &[Resource]) -> Result<()> {
        match &self.before {
            Some((_, held)) if *held != sum(again) => Err(Error::new(
                ErrorKind::Unavailable,
                "something was added to the list or taken from it while it was read, and more may have been missed: \
                 list it again",
            )),
            _ => Ok(()),
        }
    }

    /// The token of the page behind this one.
    pub(crate) fn next(&self, held: &[Resource], next: Option<PageToken>) -> Option<PageToken> {
        let here = self.here.token.as_ref().map_or("", PageToken::as_str);
        Some(PageToken::new(format!("{:x}{BAR}{here}{BAR}{}", sum(held), next?)))
    }
}

/// What a page holds, in whichever order.
fn sum(page: &[Resource]) -> u64 {
    let mut ids: Vec<_> = page.iter().map(|one| one.id.as_str()).collect();
    ids.sort_unstable();
    let mut hasher = DefaultHasher::new();
    ids.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(ids: &[&str]) -> Vec<Resource> {
        let one =
            |id: &&str| serde_json::from_value(serde_json::json!({ "type": "items", "id": id })).expect("a thing");
        ids.iter().map(one).collect()
    }

    #[test]
    fn a_position_remembers_what_the_page_before_held() {
        let first = Position::of(&PageRequest::first().limit(2)).expect("the first");
        assert!(first.before().is_none() && first.next(&page(&["a"]), None).is_none());
        let token = first.next(&page(&["a", "b"]), Some(PageToken::new("page%5Bnumber%5D=1"))).expect("more");
        let second = Position::of(&PageRequest::at(token).limit(2)).expect("the second");
        assert_eq!(second.here.token, Some(PageToken::new("page%5Bnumber%5D=1")));
        assert_eq!(second.before(), Some(&PageRequest::first().limit(2)));
        second.stands(&page(&["b", "a"])).expect("in whichever order");
        for moved in [&["a", "c"][..], &["a"], &["a", "b", "c"]] {
            assert_eq!(second.stands(&page(moved)).expect_err("moved").kind(), ErrorKind::Unavailable, "{moved:?}");
        }
        for token in ["", "1", "1|x", "z|x|y"] {
            assert!(Position::of(&PageRequest::at(PageToken::new(token))).is_err(), "{token}");
        }
    }
}
