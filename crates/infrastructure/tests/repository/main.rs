//! The repository contract: what every adapter must do, on every database.
//!
//! Each behaviour is a function that tests any `TodoRepository`. [`repository_contract!`] generates a test of each
//! behaviour on each database. Each test has its own fresh database, and they run in parallel. A behaviour that is missing
//! in the list below is dead code, which the compiler reports.

#![expect(clippy::unwrap_used, reason = "in tests, a panic is a failure")]

mod batching;
mod bulk;
mod changes;
mod clocks;
#[path = "../common/mod.rs"]
mod common;
mod completing;
mod database;
mod deleting;
mod due;
mod fixtures;
mod isolation;
mod limits;
mod listing;
mod old_clients;
mod paging;
mod priorities;
mod putting;
mod putting_if;
mod quotas;
mod racing;
mod searching;
mod sorting;
mod storing;
mod tags;
mod tombstones;
mod updating;
mod updating_if;

/// Generates a test of each behaviour on each database: `postgres::updating::the_clock_…`.
macro_rules! repository_contract {
    ($($module:ident: $($behaviour:ident)+;)+) => {
        repository_contract!(@tests on sqlite_file $($module: $($behaviour)+;)+);
        repository_contract!(@tests on sqlite_memory $($module: $($behaviour)+;)+);
        repository_contract!(@tests on postgres $($module: $($behaviour)+;)+);
    };
    (@tests on $database:ident $($module:ident: $($behaviour:ident)+;)+) => {
        mod $database {$(
            mod $module {$(
                #[tokio::test]
                async fn $behaviour() {
                    // If there is no database, the skipped test has been reported.
                    if let Some(database) = crate::database::$database() {
                        crate::$module::$behaviour(database.repository()).await;
                    }
                }
            )+}
        )+}
    };
}

repository_contract! {
    storing:
        an_inserted_todo_is_stored_exactly
        unusual_texts_are_stored_exactly
        texts_of_maximum_length_are_stored
        titles_that_are_longest_when_folded_are_stored_and_sorted
        a_missing_description_differs_from_an_empty_one
        times_are_stored_to_the_microsecond
        any_uuid_can_be_an_id
        an_absent_todo_is_not_found
        inserting_the_same_todo_again_at_the_same_time_changes_nothing
        inserting_with_an_existing_id_is_an_error_and_changes_nothing
        ping_succeeds;
    isolation:
        another_users_todo_is_not_found
        another_users_todos_are_neither_listed_nor_counted
        another_users_todo_is_not_updated
        another_users_todo_is_not_replaced
        another_users_todo_is_not_deleted
        bulk_changes_affect_only_the_users_own_todos
        two_users_can_have_todos_with_the_same_id;
    listing:
        a_new_user_has_no_todos
        the_newest_todo_comes_first
        todos_of_the_same_time_are_ordered_by_id
        lists_can_be_sorted_in_four_orders
        a_list_filtered_by_completion_is_in_order
        a_list_filtered_by_id_has_only_these_todos
        a_limit_shortens_the_list
        counts_are_of_all_and_of_completed_todos
        counts_respect_the_filter;
    paging:
        pages_make_up_the_whole_list_in_every_order_and_size
        pages_of_a_filtered_list_make_up_that_list
        a_page_can_start_after_a_position_without_a_todo
        paging_shows_unchanged_todos_once_while_others_are_created_and_deleted
        the_page_after_the_last_todo_is_empty;
    sorting:
        todos_without_a_due_time_come_last_in_both_directions
        priorities_are_sorted_by_importance
        titles_are_sorted_by_the_code_points_of_their_folded_texts
        pages_start_after_the_old_place_of_a_todo_that_has_changed_or_is_deleted
        a_page_by_due_time_can_start_at_any_position
        filtered_lists_are_in_every_order_like_whole_ones
        a_list_by_due_time_tells_when_the_owner_last_changed_anything;
    priorities:
        a_todo_has_the_priority_that_it_was_given_or_medium
        a_filter_by_priorities_matches_any_of_them
        counts_are_of_the_active_todos_of_each_priority
        bulk_calls_filter_by_priority_and_change_it;
    due:
        a_due_time_comes_back_as_it_was_given
        an_instant_comes_back_in_utc
        a_due_time_changes_only_if_another_is_given
        a_date_is_compared_as_its_day_in_the_zone_of_the_instant
        todos_with_and_without_a_due_time_are_told_apart
        active_todos_that_are_due_before_now_are_overdue;
    tags:
        tags_are_stored_exactly_and_in_their_order
        a_filter_by_tags_matches_those_with_all_of_them_whatever_their_case
        tags_are_counted_by_name_whatever_their_case
        a_renamed_tag_keeps_its_place
        renaming_to_another_case_changes_those_that_differ
        an_edit_removes_tags_and_adds_others_at_the_end
        if_a_todo_would_have_too_many_tags_nothing_is_changed
        an_edit_of_one_todo_that_has_too_many_tags_leaves_them
        another_users_tags_are_neither_told_nor_changed;
    old_clients:
        a_put_without_the_new_fields_keeps_them
        a_put_of_a_deleted_todo_has_the_defaults;
    searching:
        a_term_is_found_anywhere_in_title_or_description
        case_is_ignored_in_every_script
        wildcards_and_quotes_are_ordinary_characters
        composed_and_decomposed_letters_find_each_other
        a_search_combines_with_completion_order_and_pages
        a_search_finds_texts_written_by_updates_and_puts;
    updating:
        each_field_is_changed_alone
        all_fields_are_changed_at_once
        a_description_is_cleared_emptied_or_left_alone
        an_update_without_a_change_keeps_version_and_time
        a_difference_in_case_or_normalization_is_a_change
        the_time_of_the_last_change_always_increases
        the_time_of_creation_never_changes
        an_absent_todo_is_not_updated;
    updating_if:
        a_matching_version_is_updated
        one_matching_version_of_many_is_enough
        another_version_is_a_conflict_that_returns_the_todo
        an_empty_list_of_versions_matches_none
        an_excluded_version_is_a_conflict_and_any_other_is_updated
        an_absent_todo_matches_no_version
        another_version_is_a_conflict_even_if_nothing_would_change;
    completing:
        a_todo_created_as_completed_was_completed_then
        only_a_change_of_the_state_changes_the_time_of_completion
        puts_and_bulk_updates_change_it_by_the_same_rule;
    putting:
        a_todo_is_created_with_the_given_id
        a_todo_is_replaced_in_full
        putting_twice_changes_nothing
        putting_twice_within_a_microsecond_creates_once
        a_put_on_a_changed_todo_is_a_change
        a_put_after_the_clock_was_set_back_is_later_than_the_last_change;
    tombstones:
        a_deleted_todo_is_put_back_in_its_old_place_with_the_next_version
        if_absent_does_not_revive_a_deleted_todo
        a_condition_on_an_existing_todo_does_not_revive_a_deleted_one
        a_purged_todo_is_created_anew
        a_purge_takes_many_steps_and_leaves_later_deletions
        a_purge_begins_once_in_an_interval;
    clocks:
        what_changes_nothing_does_not_set_the_clock
        each_change_has_a_later_time_whatever_the_servers_clock_says
        a_list_tells_when_the_owner_last_changed_anything
        the_clocks_of_many_users_are_read_at_once
        racing_writers_of_every_kind_have_different_times;
    quotas:
        the_last_todo_that_a_quota_allows_is_created
        racing_writers_do_not_exceed_a_quota;
    changes:
        without_a_token_the_feed_is_the_whole_state
        changes_come_in_the_order_of_their_times
        deletions_are_told_to_those_who_may_know_the_todo
        the_todos_of_a_bulk_change_are_paged
        a_token_can_be_used_again
        another_feed_a_later_time_and_a_purge_expire_a_token
        a_purge_expires_no_token_that_needs_none_of_the_tombstones
        a_first_synchronization_outlasts_a_purge
        another_users_changes_are_not_told;
    putting_if:
        if_absent_creates
        if_absent_conflicts_with_an_existing_todo_and_returns_it
        if_present_replaces
        if_present_creates_nothing
        if_of_a_version_replaces_that_version
        if_of_a_version_conflicts_with_another_and_returns_it
        if_of_a_version_creates_nothing
        unless_of_a_version_creates_replaces_or_conflicts;
    deleting:
        a_deleted_todo_is_gone_and_the_others_are_not
        an_absent_todo_is_not_deleted
        a_matching_version_is_deleted
        another_version_is_a_conflict_and_is_not_deleted
        an_empty_list_of_versions_deletes_nothing
        an_absent_todo_matches_no_version_to_delete;
    bulk:
        a_bulk_update_completes_all_todos_and_counts_those_that_changed
        a_bulk_update_increments_versions_and_never_decreases_times
        a_bulk_update_changes_the_todos_that_match_the_filter
        a_bulk_deletion_deletes_the_todos_that_match_the_filter
        bulk_changes_filtered_by_id_affect_only_these_todos
        a_bulk_deletion_without_a_filter_deletes_all
        a_bulk_change_without_a_match_counts_none;
    batching:
        todos_created_concurrently_are_all_stored
        concurrent_finds_return_todos_to_their_owners_only
        concurrent_lists_contain_the_todos_of_their_owners
        a_failed_creation_fails_no_other_call;
    racing:
        of_writers_with_the_same_version_exactly_one_wins
        of_puts_if_absent_exactly_one_creates
        of_puts_of_the_same_content_one_creates_and_none_changes
        of_puts_of_the_same_content_and_time_one_creates
        among_puts_and_deletions_each_deletion_allows_one_creation
        no_unconditional_update_is_lost
        of_deletions_exactly_one_deletes
        of_an_update_and_a_deletion_of_the_same_version_one_wins;
}
