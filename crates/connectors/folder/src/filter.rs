//! What of the folder belongs to the source: hidden names, patterns.

use catchment_core::{Error, Result};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::names::Place;

/// The settings that leave entries out.
#[derive(Debug)]
pub(crate) struct Filter {
    hidden: bool,
    include: Option<GlobSet>,
    exclude: Option<GlobSet>,
}

impl Filter {
    pub(crate) fn new(hidden: bool, include: &[String], exclude: &[String]) -> Result<Self> {
        Ok(Self { hidden, include: patterns("include", include)?, exclude: patterns("exclude", exclude)? })
    }

    /// Whether an entry is part of the source, seen from its container, which is.
    pub(crate) fn takes(&self, place: &Place, container: bool) -> bool {
        let Some(name) = place.names().last() else { return true };
        if !self.hidden && name.as_encoded_bytes().starts_with(b".") {
            return false;
        }
        let path = place.to_path();
        if self.exclude.as_ref().is_some_and(|patterns| patterns.is_match(&path)) {
            return false;
        }
        container || self.include.as_ref().is_none_or(|patterns| patterns.is_match(&path))
    }

    /// Whether an entry and every container above it are part of the source.
    pub(crate) fn takes_all(&self, place: &Place, container: bool) -> bool {
        let mut above = place.split();
        while let Some((parent, _)) = above {
            if !self.takes(&parent, true) {
                return false;
            }
            above = parent.split();
        }
        self.takes(place, container)
    }
}

/// As in `.gitignore`: a pattern without `/` is about names anywhere, one with `/` is about paths
/// from the root.
fn patterns(field: &'static str, given: &[String]) -> Result<Option<GlobSet>> {
    if given.is_empty() {
        return Ok(None);
    }
    let wrong = |pattern: &str| {
        Error::config(field, "not a pattern: give one like *.pdf or drafts/**").with("pattern", pattern)
    };
    let mut set = GlobSetBuilder::new();
    for pattern in given {
        let plain = pattern.trim_start_matches("./").trim_end_matches('/');
        let anywhere = !plain.contains('/');
        let plain = plain.trim_start_matches('/');
        if plain.is_empty() {
            return Err(wrong(pattern));
        }
        let rooted = if anywhere { format!("**/{plain}") } else { plain.to_owned() };
        let glob = |text: &str| GlobBuilder::new(text).literal_separator(true).build().map_err(|_| wrong(pattern));
        set.add(glob(&rooted)?);
        // `drafts/**` leaves the folder itself out as well, so that it is not entered for nothing.
        if let Some(folder) = rooted.strip_suffix("/**").filter(|_| field == "exclude") {
            set.add(glob(folder)?);
        }
    }
    set.build().map(Some).map_err(|_| wrong(&given.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(hidden: bool, include: &[&str], exclude: &[&str], path: &str) -> bool {
        let owned = |given: &[&str]| given.iter().map(|pattern| (*pattern).to_owned()).collect::<Vec<_>>();
        let filter = Filter::new(hidden, &owned(include), &owned(exclude)).expect("good patterns");
        filter.takes_all(&Place::of_path(path).expect("a path"), false)
    }

    #[test]
    fn a_pattern_without_a_slash_is_about_names_anywhere() {
        assert!(takes(true, &["*.pdf"], &[], "a/b/c.pdf"));
        assert!(!takes(true, &["*.pdf"], &[], "a/b/c.txt"));
        assert!(!takes(true, &[], &["node_modules"], "a/node_modules/x/y.js"));
    }

    #[test]
    fn a_pattern_with_a_slash_is_about_paths_from_the_root() {
        assert!(takes(true, &["docs/*.md"], &[], "docs/a.md"));
        assert!(!takes(true, &["docs/*.md"], &[], "docs/deep/a.md"));
        assert!(takes(true, &["docs/**"], &[], "docs/deep/a.md"));
        assert!(!takes(true, &[], &["drafts/**"], "drafts/deep/a.md"));
        assert!(takes(true, &[], &["drafts/"], "final/a.md"));
        assert!(!takes(true, &[], &["/drafts/old/"], "drafts/old/a.md"));
    }

    #[test]
    fn hidden_names_can_be_left_out() {
        assert!(takes(true, &[], &[], ".git/config"));
        assert!(!takes(false, &[], &[], ".git/config"));
        assert!(!takes(false, &[], &[], "a/.env"));
    }

    #[test]
    fn a_bad_pattern_names_its_field() {
        let error = Filter::new(true, &[], &["a[".to_owned()]).expect_err("not closed");
        assert_eq!(error.get("field"), Some("exclude"));
    }
}
