//! The list of all promises, from which tests and the suite's own test are made.

use catchment_core::{AuthMethod, Capabilities, Vendor};

use crate::{fixture::Fixture, verdict::Promise};

/// Makes one named test per promise for a [`Fixture`](crate::Fixture), by capability:
/// `conformance!(MyFixture => browse, download, fingerprints)`.
///
/// `generic` is always included. `history` belongs to whatever lists, `resume` to whatever reads from a
/// server, `links` to one whose content comes by links that expire. `flat` belongs to a connector with a flat listing, `network` to
/// one that speaks HTTP to a server, `stream` to one that speaks something else, `account` to one
/// that speaks HTTP and has no capability but its check. A suite that leaves out something the
/// connector has fails.
#[macro_export]
macro_rules! conformance {
    ($fixture:ty => $($group:ident),+ $(,)?) => {
        $crate::__promises!(tests $fixture, generic);
        $($crate::__promises!(tests $fixture, $group);)+

        #[test]
        fn the_suite_covers_every_capability() {
            $crate::covers::<$fixture>(&[$(stringify!($group)),+]);
        }
    };
}

/// One list for everything that is made of it.
#[doc(hidden)]
#[macro_export]
macro_rules! __promises {
    ($then:ident $fixture:ty, generic) => {
        $crate::__each! { $then $fixture, generic:
            check_names_the_account
            the_manifest_says_what_the_connector_can
            secrets_are_write_only_in_the_schema
            a_secret_is_in_no_debug_output_and_no_error
            an_unknown_setting_is_named
        }
    };
    ($then:ident $fixture:ty, browse) => {
        $crate::__each! { $then $fixture, browse:
            a_listing_is_complete_and_unique
            a_page_holds_no_more_than_was_asked_for
            a_page_token_resumes_on_a_fresh_connector
            a_listing_under_change_ends
            odd_names_come_back_as_they_are
            deep_folders_are_reached
            an_empty_folder_is_an_empty_page
            lookup_gives_what_was_listed
            a_missing_path_is_not_found
            the_empty_path_is_the_root
            no_path_leads_out_of_the_root
            a_file_has_no_children
            a_walk_meets_every_file_once
        }
    };
    ($then:ident $fixture:ty, flat) => {
        $crate::__each! { $then $fixture, flat:
            a_flat_listing_equals_the_walk
        }
    };
    ($then:ident $fixture:ty, download) => {
        $crate::__each! { $then $fixture, download:
            a_file_comes_byte_for_byte
            an_empty_file_is_empty
            a_large_file_comes_whole
            a_range_gives_exactly_its_bytes
            the_size_is_announced
            the_version_is_the_fingerprint
            a_changed_file_is_not_passed_off_as_the_listed_one
            a_missing_file_is_not_found
            a_folder_has_no_content
        }
    };
    ($then:ident $fixture:ty, fingerprints) => {
        $crate::__each! { $then $fixture, fingerprints:
            every_file_has_a_fingerprint
            an_unchanged_file_keeps_its_fingerprint
            a_changed_file_gets_another_fingerprint
            a_change_of_the_same_size_is_noticed
        }
    };
    ($then:ident $fixture:ty, changes) => {
        $crate::__each! { $then $fixture, changes:
            a_cursor_holds_from_the_moment_it_was_asked_for
            a_rewritten_file_is_told
            a_removed_file_is_told
            a_renamed_file_is_told
            a_moved_folder_takes_along_what_is_below
            a_removed_folder_takes_along_what_is_below
            folders_that_exchange_their_names_keep_what_they_hold
            what_is_moved_out_is_gone
            what_is_moved_in_is_found
            what_happens_outside_is_not_told
            a_cursor_can_be_replayed
            every_page_of_a_feed_counts
            a_quiet_source_has_nothing_to_tell
            an_expired_cursor_says_so
            a_cursor_of_another_source_is_refused
            a_feed_that_stands_still_is_caught
            a_refused_feed_is_an_error
        }
    };
    ($then:ident $fixture:ty, permissions) => {
        $crate::__each! { $then $fixture, permissions:
            a_grant_of_its_own_is_told
            a_grant_from_above_is_told
            a_grant_reaches_no_further
            what_does_not_inherit_is_closed
            a_grant_that_was_taken_back_is_gone
            an_address_is_told_in_lower_case
            a_group_is_opened
            a_domain_is_told_as_one
            everybody_is_told_as_anyone
            a_refused_question_is_an_error
        }
    };
    ($then:ident $fixture:ty, history) => {
        $crate::__each! { $then $fixture, history:
            every_history_is_followed
        }
    };
    ($then:ident $fixture:ty, resume) => {
        $crate::__each! { $then $fixture, resume:
            a_body_that_breaks_off_goes_on
            what_goes_on_is_the_version_it_began_with
        }
    };
    ($then:ident $fixture:ty, links) => {
        $crate::__each! { $then $fixture, links:
            a_link_that_expired_is_made_anew
        }
    };
    ($then:ident $fixture:ty, network) => {
        $crate::__each! { $then $fixture, network:
            a_wrong_credential_is_unauthenticated
            a_server_that_is_down_is_unavailable
            a_refusal_is_never_an_empty_list
            a_throttled_call_is_repeated_when_it_may_be
            a_long_throttle_is_handed_on
            garbage_is_an_error
            a_truncated_list_is_an_error
            a_truncated_body_is_an_error
            one_page_is_one_call
            nothing_is_read_ahead_of_need
            dropping_a_body_stops_the_transfer
        }
    };
    ($then:ident $fixture:ty, account) => {
        $crate::__each! { $then $fixture, account:
            a_wrong_credential_is_unauthenticated
            a_server_that_is_down_is_unavailable
            a_refusal_is_no_account
            a_throttled_check_is_repeated
            a_long_throttle_of_a_check_is_handed_on
            garbage_is_no_account
            a_truncated_account_is_an_error
        }
    };
    ($then:ident $fixture:ty, stream) => {
        $crate::__each! { $then $fixture, stream:
            a_wrong_credential_is_refused
            a_server_that_went_away_is_unavailable
            what_is_no_protocol_is_an_error
            a_silent_server_is_given_up
            a_cut_listing_is_never_shorter
            a_cut_body_is_never_shorter
            nothing_flows_ahead_of_need
            a_dropped_body_stops_flowing
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __each {
    (tests $fixture:ty, $group:ident: $($name:ident)+) => {
        mod $group {
            #[allow(unused_imports, reason = "the fixture may be named by its whole path")]
            use super::*;

            $(
                #[test]
                fn $name() {
                    $crate::__promise!($fixture, $group, $name).test();
                }
            )+
        }
    };
    (list $fixture:ty, $group:ident: $($name:ident)+) => {
        vec![$($crate::__promise!($fixture, $group, $name)),+]
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __promise {
    ($fixture:ty, $group:ident, $name:ident) => {
        $crate::Promise::<$fixture> {
            group: stringify!($group),
            name: stringify!($name),
            check: |fixture| ::std::boxed::Box::pin($crate::$group::$name(fixture)),
        }
    };
}

/// Every promise there is.
pub fn promises<F: Fixture>() -> Vec<Promise<F>> {
    let mut all = crate::__promises!(list F, generic);
    all.extend(crate::__promises!(list F, browse));
    all.extend(crate::__promises!(list F, flat));
    all.extend(crate::__promises!(list F, download));
    all.extend(crate::__promises!(list F, fingerprints));
    all.extend(crate::__promises!(list F, changes));
    all.extend(crate::__promises!(list F, permissions));
    all.extend(crate::__promises!(list F, history));
    all.extend(crate::__promises!(list F, resume));
    all.extend(crate::__promises!(list F, links));
    all.extend(crate::__promises!(list F, network));
    all.extend(crate::__promises!(list F, account));
    all.extend(crate::__promises!(list F, stream));
    all
}

/// Fails unless a suite of these groups covers all that the fixture's connector has.
///
/// # Panics
/// When a group is missing, naming it.
pub fn covers<F: Fixture>(groups: &[&str]) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
    let _inside = runtime.enter();
    let fixture = runtime.block_on(F::new());
    let connector = fixture.connect(fixture.settings()).unwrap_or_else(|error| panic!("no connector: {error}"));
    let can = Capabilities::of(connector.as_ref());
    let mut needed: Vec<&str> = can.names().collect();
    if can.browse && !can.changes {
        needed.push("fingerprints");
    }
    if connector.browse().is_some_and(|browse| browse.flat().is_some()) {
        needed.push("flat");
    }
    // Whoever signs in speaks to a server.
    let signs_in = F::Vendor::AUTH.iter().any(|method| *method != AuthMethod::None);
    if (fixture.server().is_some() || signs_in) && !groups.contains(&"stream") {
        needed.push(if can == Capabilities::NONE { "account" } else { "network" });
    }
    let missing: Vec<_> = needed.into_iter().filter(|need| !groups.contains(need)).collect();
    assert!(missing.is_empty(), "the connector has more than the suite covers: add {}", missing.join(", "));
    drop(fixture);
}
