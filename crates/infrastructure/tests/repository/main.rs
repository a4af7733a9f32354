//! The repository contract: what every adapter of the port must do, on every database.
//!
//! Each behaviour is one function over a `TodoRepository` of unknown make. [`repository_contract!`] stamps
//! all of them onto all databases; each then has a fresh database of its own and runs beside the others.
//! A behaviour that is not in the list below is dead code, which the compiler reports.

#![expect(clippy::unwrap_used, reason = "what fails here is a test")]

mod bulk;
#[path = "../common/mod.rs"]
mod common;
mod database;
mod deleting;
mod fixtures;
mod isolation;
mod limits;
mod listing;
mod paging;
mod putting;
mod putting_if;
mod racing;
mod searching;
mod sharing;
mod storing;
mod updating;
mod updating_if;

/// Makes a test of each behaviour for each database: `postgres::updating::the_clock_…`.
macro_rules! repository_contract {
    ($($room:ident: $($behaviour:ident)+;)+) => {
        repository_contract!(@stamp onto sqlite_file $($room: $($behaviour)+;)+);
        repository_contract!(@stamp onto sqlite_memory $($room: $($behaviour)+;)+);
        repository_contract!(@stamp onto postgres $($room: $($behaviour)+;)+);
    };
    (@stamp onto $database:ident $($room:ident: $($behaviour:ident)+;)+) => {
        mod $database {$(
            mod $room {$(
                #[tokio::test]
                async fn $behaviour() {
                    // Where there is none, it has been said.
                    if let Some(database) = crate::database::$database() {
                        crate::$room::$behaviour(database.repository()).await;
                    }
                }
            )+}
        )+}
    };
}

repository_contract! {
    storing:
        an_inserted_todo_is_found_exactly_as_it_was_given
        every_odd_text_is_kept_exactly
        the_longest_texts_are_kept
        a_missing_description_and_an_empty_one_stay_different
        times_are_kept_to_the_microsecond
        any_uuid_can_be_an_id
        an_absent_todo_is_not_found
        inserting_the_same_todo_again_at_the_same_time_changes_nothing
        inserting_under_an_id_that_is_taken_is_an_error_and_changes_nothing
        the_database_answers_a_ping;
    isolation:
        another_users_todo_is_not_found
        another_users_todos_are_neither_listed_nor_counted
        another_users_todo_is_not_updated
        another_users_todo_is_not_replaced
        another_users_todo_is_not_deleted
        bulk_changes_stop_at_the_users_own_todos
        the_same_id_of_two_users_makes_two_todos;
    listing:
        nobody_has_todos_at_first
        the_newest_todo_comes_first
        todos_of_the_same_moment_are_ordered_by_id
        each_of_the_four_orders_is_kept
        a_filter_by_completion_keeps_the_order
        a_filter_by_id_lists_only_these
        a_limit_cuts_the_list
        counts_tell_all_and_completed
        counts_tell_what_matches_a_filter;
    paging:
        pages_make_up_the_whole_list_in_every_order_and_size
        pages_of_a_filtered_list_make_up_that_list
        a_position_at_which_no_todo_stands_is_a_position
        what_is_there_throughout_is_seen_once_while_others_come_and_go
        nothing_comes_after_the_last;
    searching:
        a_term_is_found_anywhere_in_title_or_description
        case_is_ignored_in_every_script
        wildcards_and_quotes_are_ordinary_characters
        composed_and_decomposed_letters_find_each_other
        a_search_joins_with_completion_order_and_pages
        a_search_sees_what_an_update_or_a_put_has_written;
    updating:
        each_field_is_changed_alone
        all_fields_are_changed_at_once
        a_description_is_cleared_emptied_or_left_alone
        what_changes_nothing_leaves_version_and_time_alone
        a_difference_in_case_or_normalization_is_a_change
        the_time_of_the_last_change_never_runs_backwards
        the_time_of_creation_never_changes
        an_absent_todo_is_not_updated;
    updating_if:
        a_wanted_version_is_updated
        one_of_many_wanted_versions_is_enough
        another_version_is_a_conflict_that_shows_the_todo
        an_empty_list_of_versions_wants_none
        an_unwanted_version_is_a_conflict_and_any_other_is_updated
        an_absent_todo_has_no_version_to_want
        a_conflict_is_found_even_when_nothing_would_change;
    putting:
        a_todo_is_created_under_the_given_id
        a_todo_is_replaced_in_full
        putting_twice_changes_nothing
        putting_twice_within_a_microsecond_creates_once
        a_put_over_a_changed_todo_is_a_change
        a_put_when_the_clock_ran_backwards_keeps_the_later_time
        a_deleted_todo_can_be_put_again;
    putting_if:
        only_if_absent_creates
        only_if_absent_refuses_what_is_there_and_shows_it
        only_if_present_replaces
        only_if_present_creates_nothing
        only_of_a_version_replaces_that_version
        only_of_a_version_refuses_another_and_shows_it
        only_of_a_version_creates_nothing
        unless_it_is_of_a_version_creates_replaces_and_refuses;
    deleting:
        a_deleted_todo_is_gone_and_the_others_are_not
        an_absent_todo_is_not_deleted
        a_wanted_version_is_deleted
        another_version_is_a_conflict_and_stays
        an_empty_list_of_versions_deletes_nothing
        an_absent_todo_has_no_version_to_delete;
    bulk:
        all_todos_are_completed_at_once_and_only_those_that_change_are_counted
        a_bulk_update_raises_versions_and_never_turns_time_back
        a_bulk_update_reaches_what_matches_the_filter
        a_bulk_removal_reaches_what_matches_the_filter
        bulk_changes_reach_only_the_todos_of_these_ids
        a_bulk_removal_without_filter_removes_all
        a_bulk_change_of_nothing_counts_none;
    sharing:
        todos_created_at_once_are_all_there
        todos_wanted_at_once_are_found_by_their_owners_only
        lists_wanted_at_once_hold_the_todos_of_their_owners
        a_creation_that_fails_fails_alone;
    racing:
        of_writers_with_the_same_version_exactly_one_wins
        of_puts_that_need_absence_exactly_one_creates
        of_puts_of_the_same_content_one_creates_and_none_changes
        of_puts_of_the_same_content_and_moment_one_creates
        among_puts_and_removals_each_removal_makes_room_for_one_creation
        no_update_is_lost_among_those_without_a_condition
        of_removals_exactly_one_removes
        of_an_update_and_a_removal_of_the_same_version_one_wins;
}
