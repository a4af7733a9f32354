//! The HTTP contract, seen from outside: the real server on a port of its own, over each database.
//!
//! Each behaviour is one function over a running server ([`Api`](support::Api)), or over the database for one
//! that starts its own. [`http_contract!`] stamps all of them onto all databases; each then has a fresh database
//! and a server of its own and runs beside the others. A behaviour that is not in the list below is dead code,
//! which the compiler reports. Every answer that a [`Client`](support::Client) sees is checked against the API
//! description that the server serves, so each test is also one of the description.

#![expect(clippy::unwrap_used, reason = "what fails here is a test")]
#![expect(clippy::needless_pass_by_value, reason = "each behaviour owns the server it is given")]

mod big_lists;
mod bodies;
mod bulk;
mod caching;
mod callers;
mod compression;
mod cors;
mod creating;
mod cursors;
mod deleting;
mod description;
mod etags;
mod failures;
mod filters;
mod getting;
mod health;
mod isolation;
mod listing;
mod malformed;
mod outages;
mod pages;
mod pages_for_people;
mod preconditions;
mod putting;
mod putting_if;
mod queries;
mod racing;
mod request_ids;
mod routes;
mod stats;
mod support;
mod texts;
mod updating;

/// Makes a test of each behaviour for each database: `postgres::creating::a_title_is_enough`.
macro_rules! http_contract {
    ($($room:ident: $($behaviour:ident)+;)+) => {
        http_contract!(@stamp onto sqlite $($room: $($behaviour)+;)+);
        http_contract!(@stamp onto postgres $($room: $($behaviour)+;)+);
    };
    (@stamp onto $database:ident $($room:ident: $($behaviour:ident)+;)+) => {
        mod $database {$(
            mod $room {$(
                #[test]
                fn $behaviour() {
                    // Where there is none, it has been said.
                    if let Some(database) = crate::support::database::$database() {
                        crate::$room::$behaviour(database.into());
                    }
                }
            )+}
        )+}
    };
}

http_contract! {
    creating:
        a_todo_is_created_with_title_and_description
        a_title_is_enough
        a_todo_has_exactly_the_fields_of_the_contract
        an_empty_title_is_refused
        a_title_that_is_too_long_is_refused
        a_caller_without_a_name_creates_nothing
        what_the_server_decides_is_ignored_in_a_body
        a_todo_can_be_created_completed
        a_null_or_missing_title_is_refused;
    listing:
        all_todos_are_listed_the_newest_first
        a_user_without_todos_has_an_empty_list
        another_users_todos_are_not_listed
        a_list_has_exactly_the_fields_of_the_contract;
    getting:
        a_todo_is_found
        an_absent_todo_is_not_found
        another_users_todo_is_not_found
        a_malformed_id_is_refused
        an_id_is_found_in_either_case;
    updating:
        the_title_is_changed_alone
        a_todo_is_completed_and_reopened
        the_description_is_cleared_by_null_and_emptied_by_an_empty_text
        an_empty_title_is_refused
        null_for_what_cannot_be_null_is_refused
        an_absent_todo_is_not_found
        another_users_todo_is_not_found_and_not_changed
        an_empty_change_changes_nothing
        a_change_to_the_same_changes_nothing
        what_the_server_decides_is_ignored_in_a_body
        the_later_of_two_changes_wins_and_the_next_read_sees_it;
    deleting:
        a_deleted_todo_is_gone
        an_absent_todo_is_not_found
        another_users_todo_is_not_found_and_stays;
    texts:
        odd_texts_are_kept_exactly
        an_empty_description_is_not_a_missing_one
        lengths_are_counted_in_code_points
        a_title_of_white_space_is_refused
        the_character_nul_is_refused
        unpaired_surrogates_are_refused;
    caching:
        a_browser_that_two_users_share_shows_each_their_own
        every_answer_that_depends_on_the_caller_says_so;
    compression:
        a_long_list_is_compressed_for_who_asks
        who_does_not_ask_gets_plain_text
        short_answers_are_sent_as_they_are
        a_todo_is_never_compressed_so_that_its_tag_stays_its_version
        a_compressed_list_in_parts_holds_each_todo_once;
    callers:
        nobody_is_told_to_say_who_calls
        what_is_not_one_uuid_is_nobodys_name
        every_operation_refuses_a_malformed_name_or_id
        the_nil_uuid_is_a_user_like_any_other;
    bodies:
        all_bad_fields_are_named_at_once
        each_message_says_how_to_fix_it
        unknown_fields_are_refused_with_the_name_that_was_probably_meant
        a_todo_can_be_sent_back_as_it_came
        what_is_not_json_is_refused
        what_is_not_an_object_is_refused
        a_body_that_is_too_long_is_refused
        a_body_of_another_media_type_is_refused
        a_body_that_breaks_off_changes_nothing;
    routes:
        an_unknown_route_is_not_found
        another_method_is_refused_with_those_that_are_allowed
        the_collection_is_there_with_a_slash_at_its_end
        head_is_get_without_the_body;
    queries:
        each_bad_parameter_of_a_list_is_named
        all_bad_parameters_are_named_at_once
        each_bad_parameter_of_a_change_of_many_is_named
        unknown_parameters_are_refused_by_every_operation
        the_name_that_was_probably_meant_is_told
        an_empty_cursor_is_the_first_page;
    request_ids:
        every_answer_has_an_id_of_its_own
        the_clients_own_id_is_taken_over
        an_insane_id_is_replaced;
    failures:
        a_defect_says_nothing_of_the_inside_but_the_log_does;
    etags:
        every_answer_about_one_todo_carries_its_version
        an_unchanged_todo_is_not_sent_again
        a_changed_todo_is_sent_again
        a_condition_that_cannot_be_understood_is_refused;
    preconditions:
        a_change_or_removal_of_the_wanted_version_is_made
        a_change_of_another_version_is_refused_and_shows_the_todo
        a_removal_of_another_version_is_refused_and_shows_the_todo
        a_replacement_of_another_version_is_refused_and_shows_the_todo
        any_version_is_wanted_by_a_star
        one_of_many_wanted_versions_is_enough
        a_weak_or_foreign_tag_is_no_version
        a_todo_that_is_not_there_is_not_found_whatever_the_condition
        a_change_that_changes_nothing_needs_the_wanted_version_too
        a_todo_of_another_version_is_not_read
        an_unwanted_version_is_neither_changed_nor_removed;
    racing:
        of_writers_with_the_same_version_exactly_one_wins
        of_writers_and_removers_with_the_same_version_exactly_one_wins
        no_change_is_lost_when_each_writer_tries_again
        of_creators_of_the_same_id_exactly_one_creates;
    putting:
        a_todo_is_created_under_the_clients_id
        a_todo_is_replaced_in_full
        putting_the_same_again_changes_nothing
        every_field_is_required
        the_same_id_of_two_users_makes_two_todos
        what_the_server_decides_is_ignored_in_a_body
        a_deleted_todo_can_be_put_again
        any_uuid_can_be_an_id
        the_fixed_paths_are_no_ids;
    putting_if:
        only_if_absent_creates
        only_if_absent_refuses_what_is_there_and_shows_it
        only_if_present_creates_nothing
        only_if_present_replaces
        both_conditions_have_to_hold
        only_unless_it_is_of_a_version_creates_and_replaces;
    isolation:
        a_stranger_cannot_tell_a_todo_of_another_from_one_that_never_was
        what_concerns_many_stops_at_the_callers_own
        a_crowd_at_once_sees_nothing_of_each_other;
    pages:
        pages_make_up_the_whole_list_in_every_order
        the_last_page_says_so_even_when_it_is_full
        the_link_header_keeps_order_filter_and_size
        what_is_there_throughout_is_seen_once_while_others_come_and_go
        each_order_is_kept
        a_cursor_without_a_limit_leads_to_all_the_rest;
    cursors:
        a_damaged_cursor_is_refused
        a_cursor_of_another_list_is_refused
        a_cursor_serves_any_page_size
        a_cursor_outlives_the_todo_it_stands_on;
    filters:
        todos_are_filtered_by_completion
        a_term_is_found_anywhere_in_whatever_case
        wildcards_are_ordinary_characters
        an_empty_term_is_no_filter
        filters_join
        composed_and_decomposed_letters_find_each_other
        todos_are_filtered_by_id;
    bulk:
        all_active_todos_are_completed_at_once
        what_is_done_already_is_not_counted_and_keeps_its_version
        all_completed_todos_are_deleted_at_once
        a_search_limits_what_is_changed
        without_a_filter_both_refuse
        a_filter_that_is_misspelt_or_doubtful_changes_nothing
        only_todos_of_these_ids_are_changed
        everything_has_to_be_asked_for
        another_users_todos_are_left_alone
        a_bad_body_changes_nothing;
    stats:
        todos_are_counted
        what_matches_the_filters_is_counted
        another_users_todos_are_not_counted;
    cors:
        a_preflight_allows_every_method_and_header
        every_port_of_this_machine_is_allowed_by_default
        a_preflight_of_another_origin_method_or_header_is_refused
        every_answer_to_an_allowed_origin_can_be_read
        another_origin_is_not_told_that_it_may_read
        origins_come_from_the_configuration
        a_star_allows_every_origin
        a_refused_origin_is_logged_once;
    big_lists:
        a_list_of_any_length_comes_whole_and_in_order
        chunks_join_without_a_seam
        long_texts_come_whole_in_lists_and_pages
        clients_that_leave_midway_do_no_harm
        a_slow_reader_of_a_huge_list_costs_little_memory;
    pages_for_people:
        every_asset_of_the_page_is_served_from_here
        the_page_has_a_title_of_its_own_and_no_bar
        the_page_shows_our_own_description_and_asks_nobody_else
        a_browser_that_was_given_the_servers_name_alone_is_sent_to_the_page
        a_file_is_sent_once_and_compressed_to_who_asks
        the_description_is_served_as_json;
    description:
        the_committed_description_is_the_one_that_is_served
        every_operation_and_every_status_is_described
        every_operation_is_told_of_in_words
        every_answer_with_a_body_has_an_example_that_fits
        the_schemas_have_the_names_of_the_contract
        the_caller_is_a_security_scheme_and_no_parameter
        the_examples_of_a_400_name_what_the_operation_takes
        a_body_may_have_known_fields_only_and_what_is_read_only_is_said
        what_the_description_forbids_in_a_body_is_refused
        what_may_be_left_out_has_no_example_because_the_page_would_send_it
        the_operations_have_an_order_in_which_they_can_be_tried;
    malformed:
        what_is_not_http_is_a_400
        a_length_that_is_told_in_two_ways_smuggles_nothing_in
        a_head_without_end_is_refused
        what_came_before_is_answered;
    health:
        the_process_is_up
        the_service_is_ready;
}
