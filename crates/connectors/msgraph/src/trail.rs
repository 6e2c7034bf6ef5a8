//! Trails: links from page to page, which are followed as they are and must not go in circles.

use std::fmt;

use catchment_core::{Error, PageToken, Result};
use uuid::Uuid;

/// A link that Graph gave to the next page, with enough of the way so far to notice a circle.
///
/// Brent's way: the hash of the link met at the last power of two is kept, so a circle of any length is
/// found within three times its length, and a token stays as short as its link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    link: String,
    steps: u32,
    mark: Uuid,
}

impl Trail {
    /// The trail that begins with the link to a second page.
    pub fn begin(link: impl Into<String>) -> Self {
        let link = link.into();
        let mark = hash(&link);
        Self { link, steps: 1, mark }
    }

    /// Reads what [`Trail`]'s `Display` wrote.
    ///
    /// # Errors
    /// `Protocol` when it is something else.
    pub fn parse(token: &str) -> Result<Self> {
        let read = || {
            let (steps, rest) = token.split_once('.')?;
            let (mark, link) = rest.split_once('.')?;
            Some(Self { link: link.to_owned(), steps: steps.parse().ok()?, mark: mark.parse().ok()? })
        };
        read().ok_or_else(|| Error::protocol("this is no page token of this connector: begin with the first page"))
    }

    /// The link itself.
    pub fn link(&self) -> &str {
        &self.link
    }

    /// The trail, one link further.
    ///
    /// # Errors
    /// `Protocol` when the link was met before.
    pub fn on(&self, link: impl Into<String>) -> Result<Self> {
        let link = link.into();
        let here = hash(&link);
        if here == self.mark || link == self.link {
            return Err(Error::protocol("the links from page to page go in circles, so the listing would never end"));
        }
        let steps = self.steps.saturating_add(1);
        let mark = if steps.is_power_of_two() { here } else { self.mark };
        Ok(Self { link, steps, mark })
    }

    /// As the token of a page.
    pub fn token(&self) -> PageToken {
        PageToken::new(self.to_string())
    }
}

fn hash(link: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, link.as_bytes())
}

impl fmt::Display for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.steps, self.mark.simple(), self.link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_of_any_length_is_found() {
        for (lead, circle) in [(0, 1), (0, 2), (3, 1), (5, 7), (0, 40)] {
            let link =
                |step: usize| format!("https://g/{}", if step < lead { step } else { lead + (step - lead) % circle });
            let mut trail = Trail::begin(link(0));
            let met = (1..=3 * (lead + circle) + 2).find(|step| match trail.on(link(*step)) {
                Ok(next) => {
                    // As it is kept between two pages.
                    trail = Trail::parse(&next.to_string()).unwrap();
                    false
                }
                Err(_) => true,
            });
            assert!(met.is_some(), "{lead} and a circle of {circle}");
        }
    }

    #[test]
    fn a_way_without_a_circle_is_gone_to_its_end() {
        let mut trail = Trail::begin("https://g/0?a.b");
        for step in 1..500 {
            trail = trail.on(format!("https://g/{step}?a.b")).unwrap();
        }
        assert_eq!(Trail::parse(&trail.to_string()).unwrap(), trail);
        assert!(Trail::parse("https://g/1").is_err());
    }
}
