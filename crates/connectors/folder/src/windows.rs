//! Windows: the names of a folder in order, so many at a time that memory stays bounded.
//!
//! The system gives names in no order and offers no way back into the middle, but a page must be
//! findable from its token alone. So one pass over the folder keeps the smallest names behind the
//! token, and many pages are served from those. A folder of n names costs n / [`WINDOW`] passes.

use std::{
    collections::{BinaryHeap, VecDeque},
    ffi::OsString,
    sync::{Mutex, PoisonError},
};

use cap_std::fs::Dir;
use catchment_core::{EntryId, Result};

use crate::{blocking::Cancelled, errors};

/// The names of one window, some 15 MB at worst.
pub(crate) const WINDOW: usize = 200_000;

/// Windows kept for the next page; a walk needs one for each level it stands in. Each holds a
/// handle of its folder.
const KEPT: usize = 64;

/// A part of a folder's names.
#[derive(Debug)]
pub(crate) struct Window {
    folder: EntryId,
    /// The name before the first one left.
    pub(crate) after: Option<OsString>,
    pub(crate) dir: Dir,
    /// In ascending order.
    pub(crate) names: VecDeque<OsString>,
    /// Whether there are names behind the last one.
    pub(crate) more: bool,
}

/// The windows of the listings under way.
#[derive(Debug, Default)]
pub(crate) struct Windows(Mutex<Vec<Window>>);

impl Windows {
    /// Takes out the window from which the page behind `after` can be served.
    pub(crate) fn take(&self, folder: &EntryId, after: &OsString) -> Option<Window> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|window| window.folder == *folder && window.after.as_ref() == Some(after))?;
        Some(kept.remove(at))
    }

    /// Keeps a window for the next page. The ones that were not wanted for longest go.
    pub(crate) fn keep(&self, window: Window) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(window);
        let mut names = 0;
        let fits = |window: &Window| {
            names += window.names.len();
            names <= 2 * WINDOW
        };
        let keep = kept.iter().rev().take(KEPT).map(fits).take_while(|fits| *fits).count();
        let surplus = kept.len() - keep;
        kept.drain(..surplus);
    }
}

impl Window {
    /// Reads the names of `dir` that come behind `after`, as many as fit.
    pub(crate) fn read(
        folder: EntryId,
        dir: Dir,
        after: Option<OsString>,
        size: usize,
        cancelled: &Cancelled,
    ) -> Result<Self> {
        let of_item = |error| errors::of_item(error, folder.as_str());
        let mut smallest: BinaryHeap<OsString> = BinaryHeap::new();
        let mut more = false;
        for (count, entry) in dir.entries().map_err(of_item)?.enumerate() {
            if count % 1024 == 0 {
                cancelled.check()?;
            }
            let name = entry.map_err(of_item)?.file_name();
            if after.as_ref().is_some_and(|after| name <= *after) {
                continue;
            }
            if smallest.len() < size {
                smallest.push(name);
                continue;
            }
            more = true;
            if let Some(mut largest) = smallest.peek_mut()
                && name < *largest
            {
                *largest = name;
            }
        }
        Ok(Self { folder, after, dir, names: smallest.into_sorted_vec().into(), more })
    }
}

#[cfg(test)]
mod tests {
    use cap_std::ambient_authority;

    use super::*;

    #[test]
    fn windows_of_any_size_give_every_name_once_and_in_order() {
        let place = tempfile::tempdir().expect("a folder");
        let mut wanted: Vec<OsString> = (0..100).map(|n| format!("{}", n * 7919 % 1000).into()).collect();
        for name in &wanted {
            std::fs::write(place.path().join(name), "").expect("a file");
        }
        wanted.sort();
        for size in [1, 7, 99, 100, 101] {
            let (mut all, mut after, mut passes) = (Vec::new(), None, 0);
            loop {
                let dir = Dir::open_ambient_dir(place.path(), ambient_authority()).expect("there");
                let window = Window::read("".into(), dir, after, size, &Cancelled::default()).expect("readable");
                assert!(window.names.len() <= size);
                passes += 1;
                after = window.names.back().cloned();
                all.extend(window.names);
                if !window.more {
                    break;
                }
            }
            assert_eq!((all, passes), (wanted.clone(), 100_usize.div_ceil(size)), "windows of {size}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let place = tempfile::tempdir().expect("a folder");
        let windows = Windows::default();
        for n in 0..KEPT + 10 {
            let dir = Dir::open_ambient_dir(place.path(), ambient_authority()).expect("there");
            let after = Some(OsString::from("x"));
            windows.keep(Window { folder: n.to_string().into(), after, dir, names: VecDeque::new(), more: false });
        }
        assert!(windows.take(&"9".into(), &"x".into()).is_none());
        assert!(windows.take(&"73".into(), &"y".into()).is_none());
        assert!(windows.take(&"73".into(), &"x".into()).is_some());
        assert!(windows.take(&"73".into(), &"x".into()).is_none());
    }
}
