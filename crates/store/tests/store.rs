//! What a store promises, on both databases.

mod promises;
mod support;

/// Makes one test of each promise, for each database.
macro_rules! promised {
    ($($group:ident: $($promise:ident),* $(,)?;)*) => {
        promised!(@on sqlite; $($group: $($promise),*;)*);
        promised!(@on postgres; $($group: $($promise),*;)*);
    };
    (@on $database:ident; $($group:ident: $($promise:ident),*;)*) => {
        mod $database {
            $(mod $group {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    crate::promises::$group::$promise(&crate::support::$database().await).await;
                })*
            })*
        }
    };
}

promised! {
    integrations:
        a_new_one_is_as_it_was_given,
        the_same_settings_are_the_same_integration,
        many_who_look_for_the_same_one_find_one,
        another_tenants_is_not_there,
        an_administrator_sees_the_whole_organization,
        a_list_comes_in_pages_and_by_vendor,
        what_is_not_named_stays,
        of_two_changes_of_one_revision_one_wins,
        what_is_disconnected_has_no_secrets_and_no_jobs,
        what_is_deleted_leaves_nothing_but_the_audit_log,
        failures_count_up_until_something_succeeds,
        the_mark_moves_with_every_change_and_with_nothing_else,
        nobody_acts_without_a_name,
        text_may_hold_anything;
    grants:
        what_is_connected_again_keeps_its_id_settings_and_history,
        connecting_changes_settings_and_secrets_in_the_same_step,
        a_new_one_is_connected_from_the_start,
        a_list_shows_the_grant_as_it_stands,
        what_is_disconnected_has_no_tokens,
        a_refresh_that_ends_after_a_disconnect_brings_nothing_back,
        whoever_is_first_a_disconnect_wins_over_a_refresh,
        tokens_copied_to_another_organization_are_refused,
        another_tenants_grant_is_not_there,
        an_identity_is_noted_when_it_is_a_new_one;
    checks:
        what_is_due_is_taken_once_and_again_after_a_term,
        what_was_looked_at_is_due_when_that_was_said,
        what_is_disconnected_is_not_looked_at,
        a_grant_that_is_gone_stays_so_until_something_succeeds,
        a_key_that_ran_out_is_replaced_by_another;
    authorizations:
        a_state_is_taken_once,
        of_many_who_bring_one_state_one_gets_it,
        who_comes_too_late_is_not_known,
        nobody_authorizes_what_is_not_theirs,
        a_disconnect_forgets_who_is_on_the_way,
        a_draft_opens_for_its_own_state_and_organization_alone,
        who_never_came_back_is_pruned;
    secrets:
        they_open_for_their_integration_alone,
        a_row_copied_to_another_organization_is_refused,
        none_is_in_the_database,
        without_a_vault_nothing_is_kept_or_opened,
        rotation_reseals_in_batches_and_leaves_what_it_cannot_open,
        rotation_covers_tokens_and_those_who_are_on_their_way,
        rotation_goes_through_more_than_a_page,
        rotation_says_so_when_the_key_service_is_gone,
        rotation_never_replaces_a_newer_secret;
    jobs:
        a_job_runs_once_and_ends,
        one_integration_runs_one_job_at_a_time,
        a_job_waits_for_its_time,
        a_lapsed_lease_is_taken_over_and_the_old_worker_is_fenced_off,
        a_beat_keeps_the_lease_and_tells_of_a_cancellation,
        a_waiting_job_is_cancelled_at_once,
        a_job_that_was_to_stop_is_not_taken_over,
        what_is_released_is_due_at_once_and_has_not_failed,
        what_is_put_off_says_why_and_waits,
        a_job_that_cost_five_workers_fails,
        a_thousand_jobs_of_one_do_not_starve_another,
        files_are_recorded_once_each_and_ingested_stays_so,
        another_tenants_job_is_not_there,
        the_queue_is_counted,
        old_jobs_are_pruned_with_their_files;
    rest:
        what_is_done_is_noted_with_who_and_how,
        a_key_does_its_work_once,
        a_key_that_was_dropped_is_free,
        keys_of_users_are_apart,
        of_many_with_one_key_one_does_the_work,
        a_thread_gives_its_last_messages_oldest_first,
        another_tenants_thread_is_not_there,
        messages_appended_at_once_are_all_kept,
        files_and_runs_are_listed_as_they_stand,
        a_file_is_shown_as_its_source_last_described_it,
        another_tenants_ledger_is_not_there,
        it_is_ready_until_it_is_closed;
}

/// The contract of token stores, for each database.
macro_rules! tokens_on {
    ($($database:ident: $module:ident),* $(,)?) => {
        $(mod $module {
            async fn fixture() -> catchment_testkit::tokens::Subject {
                crate::support::token_store(crate::support::$database().await).await
            }

            catchment_testkit::token_store_contract!(fixture);
        })*
    };
}

tokens_on! { sqlite: tokens_on_sqlite, postgres: tokens_on_postgres }
