//! Who may read what on the drive.

use std::collections::BTreeSet;

use catchment_core::{Page, PageToken, Principal};

use crate::{
    model::drive::{Ask, server::State},
    world::{Key, Op, World},
};

impl State {
    pub(crate) fn grants(&self, world: &World, key: Key) -> BTreeSet<Principal> {
        let Some(node) = world.get(key) else { return BTreeSet::new() };
        let mut readers = world.readers(key);
        if self.breaks("a_grant_of_its_own_is_told") && !node.is_folder() {
            let own = |reader: &Principal| matches!(reader, Principal::User(_)) && node.shared.contains(reader);
            readers.retain(|reader| !own(reader));
        }
        if self.breaks("a_grant_from_above_is_told") && node.parent != Some(Key::ROOT) {
            readers.retain(|reader| {
                node.shared.contains(reader)
                    || node
                        .parent
                        .and_then(|key| world.get(key))
                        .is_some_and(|above| above.parent == Some(Key::ROOT) && above.shared.contains(reader))
            });
        }
        if self.breaks("a_grant_reaches_no_further") {
            readers
                .extend(world.children(key).filter(|child| child.is_folder()).flat_map(|child| child.shared.clone()));
            readers.retain(|reader| {
                world.readers(key).contains(reader) || node.parent == Some(Key::ROOT) && !node.shared.contains(reader)
            });
        }
        if self.breaks("what_does_not_inherit_is_closed") {
            let above = world.nodes().filter(|above| world.is_within(key, above.key));
            readers.extend(above.flat_map(|above| above.shared.clone()));
        }
        if self.breaks("a_grant_that_was_taken_back_is_gone") {
            let taken_back = world.log().iter().filter_map(|event| match &event.op {
                Op::Unshare { key: shared, with } if world.is_within(key, *shared) => Some(with.clone()),
                _ => None,
            });
            readers.extend(taken_back);
        }
        let told = |reader| match reader {
            Principal::User(address) if self.breaks("an_address_is_told_in_lower_case") => {
                Some(Principal::User(address))
            }
            Principal::User(address) => Some(Principal::User(address.to_lowercase())),
            Principal::Domain(_) if self.breaks("a_domain_is_told_as_one") => Some(Principal::Anyone),
            Principal::Anyone if self.breaks("everybody_is_told_as_anyone") => None,
            other => Some(other),
        };
        readers.into_iter().filter_map(told).collect()
    }

    pub(crate) fn members(&self, world: &World, ask: &Ask) -> Result<Page<Principal>, u16> {
        let members = world.groups().get(&ask.of).ok_or(404_u16)?;
        let from: usize = ask.token.as_ref().map_or(Ok(0), |token| token.parse()).map_err(|_| 400_u16)?;
        let limit = ask.limit.unwrap_or(1000);
        let mut items: Vec<_> = members.iter().skip(from).take(limit).cloned().collect();
        if self.breaks("a_group_is_opened") {
            items.retain(|member| !matches!(member, Principal::Group(_)));
        }
        let next = (from + limit < members.len()).then(|| PageToken::new((from + limit).to_string()));
        Ok(Page { items, next })
    }
}
