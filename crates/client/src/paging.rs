//! Paging, in the four ways vendors do it, on core's [`Page`] and `pages()`.

use catchment_core::{Error, Page, PageRequest, PageToken, Result};
use url::Url;

use crate::{call::Call, client::Client, response::ResponseHead};

/// A page whose next one is named by a cursor in the body. An absent or empty cursor is the end;
/// so is one beside a flag that says there is nothing more.
pub fn by_cursor<T>(items: Vec<T>, next: Option<&str>, more: bool) -> Page<T> {
    let next = next.filter(|next| more && !next.is_empty()).map(PageToken::new);
    Page { items, next }
}

/// Where a page starts and how long it may be, for vendors that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset {
    /// Items to leave out in front.
    pub offset: u64,
    /// Items at the most.
    pub limit: u32,
}

impl Offset {
    /// Reads a request; `default` items a page, `most` at the most.
    ///
    /// # Errors
    /// `Internal` when the token is not from [`Offset::page`].
    pub fn of(request: &PageRequest, default: u32, most: u32) -> Result<Self> {
        let offset = match &request.token {
            Some(token) => token.as_str().parse().map_err(|_| Error::internal("this page token is not an offset"))?,
            None => 0,
        };
        Ok(Self { offset, limit: request.limit_or(default, most) })
    }

    /// The page that came. With a `total` it decides whether there are more; without, a full
    /// page does. An empty page is always the last.
    pub fn page<T>(self, items: Vec<T>, total: Option<u64>) -> Page<T> {
        let end = self.offset + items.len() as u64;
        let more = match total {
            Some(total) => end < total,
            None => items.len() as u64 >= u64::from(self.limit),
        };
        let next = (more && !items.is_empty()).then(|| PageToken::new(end.to_string()));
        Page { items, next }
    }
}

impl Client {
    /// A GET of the page that `request` names: of `first`, or of the address that an earlier
    /// page gave through [`Client::by_link`] or [`Client::by_next_url`].
    pub fn page(&self, first: impl AsRef<str>, request: &PageRequest) -> Call {
        let Some(token) = &request.token else { return self.get(first) };
        match self.checked(token.as_str(), None) {
            Ok(url) => self.get(url),
            Err(error) => self.get("").fault(error),
        }
    }

    /// A page whose next one is named by `Link: <...>; rel="next"`.
    ///
    /// # Errors
    /// `Protocol` when the address is at a host that is neither the base's nor trusted.
    pub fn by_link<T>(&self, head: &ResponseHead, items: Vec<T>) -> Result<Page<T>> {
        let links = head.headers.get_all(http::header::LINK);
        let next = links.iter().filter_map(|link| link.to_str().ok()).find_map(next_link);
        self.linked(next, Some(&head.url), items)
    }

    /// A page whose next one is named by an address in the body. An absent or empty one is the
    /// end.
    ///
    /// # Errors
    /// `Protocol` when the address is at a host that is neither the base's nor trusted: following
    /// it would hand the credential to whoever wrote it.
    pub fn by_next_url<T>(&self, next: Option<&str>, items: Vec<T>) -> Result<Page<T>> {
        self.linked(next.filter(|next| !next.is_empty()), None, items)
    }

    fn linked<T>(&self, next: Option<&str>, at: Option<&Url>, items: Vec<T>) -> Result<Page<T>> {
        let next = next.map(|next| self.checked(next, at)).transpose()?;
        Ok(Page { items, next: next.map(PageToken::new) })
    }

    fn checked(&self, next: &str, at: Option<&Url>) -> Result<String> {
        let url = at.map_or_else(|| Url::parse(next), |at| at.join(next));
        let url = url.map_err(|_| Error::protocol("the vendor names a next page that is not an address"))?;
        if self.trusts(&url) {
            return Ok(url.into());
        }
        Err(Error::protocol("the vendor names a next page at another host, which is not followed")
            .with("vendor", &self.inner.vendor)
            .with("to", url.host_str().unwrap_or_default()))
    }
}

/// The target of `rel="next"` in one `Link` header, which may hold several.
fn next_link(mut rest: &str) -> Option<&str> {
    while let Some(start) = rest.find('<') {
        let (target, after) = rest[start + 1..].split_once('>')?;
        // Parameters go on until the next target; a comma inside quotes does no harm here.
        let (parameters, following) = after.find('<').map_or((after, ""), |next| after.split_at(next));
        let is_next = parameters.split([';', ',']).any(|parameter| {
            parameter.split_once('=').is_some_and(|(name, value)| {
                let mut kinds = value.trim().trim_matches('"').split_ascii_whitespace();
                name.trim().eq_ignore_ascii_case("rel") && kinds.any(|kind| kind.eq_ignore_ascii_case("next"))
            })
        });
        if is_next {
            return Some(target);
        }
        rest = following;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_an_empty_and_a_denied_cursor_are_the_end() {
        assert_eq!(by_cursor(vec![1], Some("c"), true).next, Some(PageToken::new("c")));
        for (next, more) in [(None, true), (Some(""), true), (Some("c"), false)] {
            assert_eq!(by_cursor(vec![1], next, more).next, None);
        }
    }

    #[test]
    fn the_next_link_is_found_among_others() {
        for header in [
            "<https://h/2>; rel=\"next\"",
            "<https://h/9>; rel=\"last\", <https://h/2>; rel=\"next\"",
            "<https://h/2>;rel=next",
            "<https://h/1>; title=\"rel, next\"; rel=prev, <https://h/2>; REL=\"foo Next\"",
        ] {
            assert_eq!(next_link(header), Some("https://h/2"), "{header}");
        }
        for header in ["<https://h/9>; rel=\"last\"", "", "<broken", "<https://h/2>; rel=\"nextish\""] {
            assert_eq!(next_link(header), None, "{header}");
        }
    }

    #[test]
    fn offsets_go_on_until_the_total_or_a_short_page() {
        let at = Offset::of(&PageRequest::at(PageToken::new("100")), 50, 100).unwrap();
        assert_eq!(at, Offset { offset: 100, limit: 50 });
        let next = |items: usize, total| at.page(vec![(); items], total).next.map(|token| token.to_string());
        assert_eq!(next(50, None), Some("150".into()));
        assert_eq!(next(49, None), None);
        assert_eq!(next(20, Some(500)), Some("120".into()));
        assert_eq!(next(20, Some(120)), None);
        assert_eq!(next(0, Some(500)), None);
        assert!(Offset::of(&PageRequest::at(PageToken::new("x")), 50, 100).is_err());
    }

    #[test]
    fn a_next_page_at_another_host_is_refused() {
        let client =
            Client::builder("paging-test").base("https://api.test/v1").trusted_host("eu.api.test").build().unwrap();
        for fine in ["https://api.test/v1?page=2", "https://eu.api.test/x"] {
            assert!(client.by_next_url(Some(fine), vec![1]).unwrap().next.is_some(), "{fine}");
        }
        for foreign in [
            "https://evil.test/",
            "http://api.test/v1",
            "https://api.test:444/",
            "https://api.test@evil.test/",
            "nothing",
        ] {
            assert!(client.by_next_url(Some(foreign), vec![1]).is_err(), "{foreign}");
            let stored = PageRequest::at(PageToken::new(foreign));
            assert!(client.page("first", &stored).url.is_err(), "{foreign}");
        }
        assert_eq!(client.by_next_url(None, vec![1]).unwrap(), Page::last(vec![1]));
    }
}
