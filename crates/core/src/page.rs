//! Pages: the unit of back-pressure, of cancellation and of checkpointing; and streams over them.

use std::{
    fmt,
    future::Future,
    hash::{DefaultHasher, Hash, Hasher},
    num::NonZeroU32,
};

use futures::Stream;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Where the next page starts, as the vendor says it. Opaque, and good within one run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PageToken(String);

/// Which page, and how large at the most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// `None` for the first page.
    pub token: Option<PageToken>,
    /// The most items wanted; the vendor may give fewer. `None` leaves it to the connector.
    pub limit: Option<NonZeroU32>,
}

/// Some items, and where the next ones are. A page may be empty and still have a next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items in the vendor's order.
    pub items: Vec<T>,
    /// `None` on the last page.
    pub next: Option<PageToken>,
}

/// How far a listing has come. It can travel inside a page token or a cursor, so that tokens that go in a
/// circle, of whatever length, are noticed without a memory (Brent's algorithm), also by another process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lap {
    /// Tokens so far.
    count: u64,
    /// The token that the next ones are compared with.
    mark: u64,
}

impl Lap {
    /// What a page token of [`Lap::next`] holds: the lap, and the token as the vendor gave it. Any other
    /// token is the vendor's own, at the beginning of a lap.
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

    /// One token further.
    ///
    /// # Errors
    /// `Protocol` when the tokens go round in a circle.
    pub fn on(self, token: &str) -> Result<Self> {
        let mut hasher = DefaultHasher::new();
        token.hash(&mut hasher);
        let seen = hasher.finish();
        if self.count > 0 && seen == self.mark {
            return Err(Error::protocol(
                "the vendor leads from page to page in a circle, so the listing would never end",
            ));
        }
        let count = self.count + 1;
        let mark = if count.is_power_of_two() { seen } else { self.mark };
        Ok(Self { count, mark })
    }

    /// The token of the next page, with the lap in it; `None` where the vendor gave none.
    ///
    /// # Errors
    /// As [`Lap::on`].
    pub fn next(self, token: Option<&str>) -> Result<Option<PageToken>> {
        let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(None) };
        let Self { count, mark } = self.on(token)?;
        Ok(Some(PageToken::new(format!("{count:x}~{mark:x}~{token}"))))
    }
}

/// Streams the pages that `fetch` gives, one at a time; the next is asked for when the stream is
/// polled for it. Tokens that go in a circle are a protocol error, not a loop. Ends after the first
/// error. Dropping the stream stops it.
pub fn pages<T, F, Fut>(first: PageRequest, mut fetch: F) -> impl Stream<Item = Result<Page<T>>>
where
    F: FnMut(PageRequest) -> Fut,
    Fut: Future<Output = Result<Page<T>>>,
{
    async_stream::try_stream! {
        let limit = first.limit;
        let mut token = first.token;
        let mut lap = Lap::default();
        loop {
            let page = fetch(PageRequest { token: token.clone(), limit }).await?;
            let next = page.next.clone();
            if let Some(next) = &next {
                lap = lap.on(next.as_str())?;
            }
            yield page;
            if next.is_none() {
                break;
            }
            token = next;
        }
    }
}

/// Streams the items of the pages that `fetch` gives. See [`pages`].
pub fn items<T, F, Fut>(first: PageRequest, fetch: F) -> impl Stream<Item = Result<T>>
where
    F: FnMut(PageRequest) -> Fut,
    Fut: Future<Output = Result<Page<T>>>,
{
    let pages = pages(first, fetch);
    async_stream::try_stream! {
        for await page in pages {
            for item in page?.items {
                yield item;
            }
        }
    }
}

impl PageToken {
    /// A token as the vendor gave it.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The token as the vendor gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PageRequest {
    /// The first page, of any size.
    pub fn first() -> Self {
        Self::default()
    }

    /// The page that starts at `token`.
    pub fn at(token: PageToken) -> Self {
        Self { token: Some(token), limit: None }
    }

    /// At most `limit` items; 0 leaves it to the connector.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = NonZeroU32::new(limit);
        self
    }

    /// The limit, or `default`, but never more than `most`.
    pub fn limit_or(&self, default: u32, most: u32) -> u32 {
        self.limit.map_or(default, NonZeroU32::get).min(most)
    }
}

impl<T> Page<T> {
    /// The last page.
    pub fn last(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

impl fmt::Display for PageToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures::{StreamExt, TryStreamExt, executor::block_on};

    use super::*;
    use crate::error::ErrorKind;

    async fn three(request: PageRequest) -> Result<Page<u32>> {
        let at: u32 = request.token.as_ref().map_or(0, |token| token.as_str().parse().unwrap_or(99));
        let next = (at < 2).then(|| PageToken::new((at + 1).to_string()));
        Ok(Page { items: vec![at * 2, at * 2 + 1], next })
    }

    #[test]
    fn a_listing_is_complete_and_in_order() {
        let all: Vec<u32> = block_on(items(PageRequest::first(), three).try_collect()).expect("three pages");
        assert_eq!(all, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn nothing_is_read_ahead_of_need() {
        let asked = Cell::new(0);
        let stream = pages(PageRequest::first(), |request| {
            asked.set(asked.get() + 1);
            three(request)
        });
        let mut stream = std::pin::pin!(stream);
        block_on(stream.next()).expect("a page").expect("no error");
        assert_eq!(asked.get(), 1);
    }

    #[test]
    fn a_repeated_token_is_an_error_and_not_a_loop() {
        let stuck = |_| async { Ok(Page { items: vec![1], next: Some(PageToken::new("same")) }) };
        let result: Result<Vec<u32>> = block_on(items(PageRequest::first(), stuck).try_collect());
        assert_eq!(result.expect_err("the second page repeats the token").kind(), ErrorKind::Protocol);
    }

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
    fn a_token_of_the_vendor_itself_is_taken_as_it_is() {
        let token = Some("~!!~AI9FV7Q");
        assert_eq!(Lap::of(token), (Lap::default(), token));
    }

    #[test]
    fn a_circle_of_any_length_is_an_error_and_not_a_loop() {
        for (lead, circle) in [(0_u32, 1), (0, 2), (3, 1), (5, 7), (0, 40)] {
            let asked = Cell::new(0);
            let round = |_| {
                let at = asked.replace(asked.get() + 1);
                let at = if at < lead { at } else { lead + (at - lead) % circle };
                async move { Ok(Page { items: vec![at], next: Some(PageToken::new(at.to_string())) }) }
            };
            let result: Result<Vec<u32>> = block_on(items(PageRequest::first(), round).try_collect());
            assert_eq!(result.expect_err("a circle").kind(), ErrorKind::Protocol);
            assert!(asked.get() <= 3 * (lead + circle) + 2, "{} pages of {lead} and {circle}", asked.get());
        }
    }
}
