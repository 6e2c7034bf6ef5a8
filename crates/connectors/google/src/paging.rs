//! Paging: page tokens that notice when a service leads in a circle.

use std::hash::{DefaultHasher, Hash, Hasher};

use catchment_core::{Error, PageToken, Result};

/// How far a listing has come: it travels inside the page token, so that circles of any length are
/// found without a memory (Brent's algorithm), also by another process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lap {
    /// Tokens so far.
    count: u64,
    /// The token that the next ones are compared with.
    mark: u64,
}

impl Lap {
    /// What a page token of ours holds: the lap, and the token as Google gave it.
    pub fn of(token: Option<&str>) -> (Self, Option<&str>) {
        let Some(token) = token else { return (Self::default(), None) };
        let (lap, inner) = Self::read(token).unwrap_or((Self::default(), token));
        (lap, Some(inner))
    }

    fn read(token: &str) -> Option<(Self, &str)> {
        let (count, rest) = token.split_once('~')?;
        let (mark, inner) = rest.split_once('~')?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        Some((Self { count: number(count)?, mark: number(mark)? }, inner))
    }

    /// The token of the next page; `None` where Google gave none.
    ///
    /// # Errors
    /// `Protocol` when the tokens go round in a circle.
    pub fn next(self, token: Option<&str>) -> Result<Option<PageToken>> {
        let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(None) };
        let mut hasher = DefaultHasher::new();
        token.hash(&mut hasher);
        let seen = hasher.finish();
        if self.count > 0 && seen == self.mark {
            return Err(Error::protocol("the service leads from page to page in a circle: list again later"));
        }
        let count = self.count + 1;
        let mark = if count.is_power_of_two() { seen } else { self.mark };
        Ok(Some(PageToken::new(format!("{count:x}~{mark:x}~{token}"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many pages it takes to find out, if the tokens go on as `next` says.
    fn found(next: impl Fn(u64) -> u64) -> Option<u64> {
        let (mut token, mut at): (Option<PageToken>, _) = (None, 0);
        for pages in 0..1_000 {
            let (lap, inner) = Lap::of(token.as_ref().map(PageToken::as_str));
            assert_eq!(inner.is_some(), pages > 0);
            at = next(at);
            match lap.next(Some(&format!("page~{at}"))) {
                Ok(next) => token = next,
                Err(_) => return Some(pages),
            }
        }
        None
    }

    #[test]
    fn a_circle_of_any_length_is_found() {
        assert_eq!(found(|_| 7), Some(1));
        for length in [2, 3, 5, 64, 100] {
            let pages = found(|at| (at + 1) % length).expect("a circle");
            assert!(pages <= 3 * length, "{pages} pages for a circle of {length}");
        }
        assert!(found(|at| if at < 40 { at + 1 } else { 30 }).is_some(), "a circle with a way into it");
    }

    #[test]
    fn a_listing_that_goes_on_is_let_go_on() {
        assert_eq!(found(|at| at + 1), None);
        assert_eq!(Lap::default().next(None).expect("the end"), None);
        assert_eq!(Lap::default().next(Some("")).expect("the end"), None);
    }

    #[test]
    fn a_token_of_google_itself_is_taken_as_it_is() {
        let token = Some("~!!~AI9FV7Q");
        assert_eq!(Lap::of(token), (Lap::default(), token));
    }
}
