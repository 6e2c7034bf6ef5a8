//! Two ranked lists to one: reciprocal rank fusion, and not everything from one document.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
};

/// How much the first places count: 60, as Cormack, Clarke and Büttcher measured in 2009.
const K: f32 = 60.0;

/// A chunk that one list or both have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fused<Id> {
    /// The chunk.
    pub id: Id,
    /// From 0 to 1: 1 is first in every list.
    pub score: f32,
    /// The place in the lexical list, counted from 1.
    pub lexical_rank: Option<u32>,
    /// The place in the dense list, counted from 1.
    pub dense_rank: Option<u32>,
}

/// Fuses two lists, best first, each `None` if it was not searched. Equal scores are ordered by id.
pub fn fuse<Id: Copy + Ord>(lexical: Option<&[Id]>, dense: Option<&[Id]>) -> Vec<Fused<Id>> {
    let lists = f32::from(u8::from(lexical.is_some()) + u8::from(dense.is_some())).max(1.0);
    let mut places: BTreeMap<Id, (Option<u32>, Option<u32>)> = BTreeMap::new();
    for (rank, id) in (1..).zip(lexical.unwrap_or_default()) {
        places.entry(*id).or_default().0.get_or_insert(rank);
    }
    for (rank, id) in (1..).zip(dense.unwrap_or_default()) {
        places.entry(*id).or_default().1.get_or_insert(rank);
    }
    let share = |rank: Option<u32>| rank.map_or(0.0, |rank| (K + 1.0) / (K + rank as f32) / lists);
    let mut fused: Vec<_> = places
        .into_iter()
        .map(|(id, (lexical_rank, dense_rank))| Fused {
            id,
            score: share(lexical_rank) + share(dense_rank),
            lexical_rank,
            dense_rank,
        })
        .collect();
    // Stable, so that the order by id stands among equals.
    fused.sort_by(|a, b| b.score.total_cmp(&a.score));
    fused
}

/// Keeps at most `most` chunks of one document, and `limit` in all.
pub fn diversify<Id: Copy, Document: Eq + Hash>(
    fused: Vec<Fused<Id>>,
    document: impl Fn(Id) -> Document,
    most: Option<u32>,
    limit: u32,
) -> Vec<Fused<Id>> {
    let mut taken: HashMap<Document, u32> = HashMap::new();
    let good = fused.into_iter().filter(|one| {
        let count = taken.entry(document(one.id)).or_default();
        *count += 1;
        most.is_none_or(|most| *count <= most)
    });
    good.take(limit as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_lists_have_comes_first() {
        let fused = fuse(Some(&[1, 2, 3]), Some(&[9, 2, 8]));
        assert_eq!(fused.iter().map(|one| one.id).collect::<Vec<_>>(), [2, 1, 9, 3, 8]);
        assert_eq!((fused[0].lexical_rank, fused[0].dense_rank), (Some(2), Some(2)));
        assert!(fused[0].score < 1.0);
    }

    #[test]
    fn the_first_of_all_lists_scores_one() {
        assert_eq!(fuse(Some(&[7]), None)[0].score, 1.0);
        assert_eq!(fuse(Some(&[7]), Some(&[7]))[0].score, 1.0);
        assert_eq!(fuse(Some(&[7]), Some(&[]))[0].score, 0.5);
    }

    #[test]
    fn one_document_does_not_take_all_places() {
        let fused = fuse(Some(&[10, 11, 12, 20, 13, 30]), None);
        let kept = diversify(fused, |id| id / 10, Some(2), 4);
        assert_eq!(kept.iter().map(|one| one.id).collect::<Vec<_>>(), [10, 11, 20, 30]);
    }
}
