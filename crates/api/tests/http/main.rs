//! The HTTP contract, tested from outside: the real server on a port, with each database.
//!
//! Each behaviour is a function of a running server ([`Api`](support::Api)), or of a database if it starts its own
//! server. [`http_contract!`] generates a test of each behaviour for each database. Every test has a fresh database and
//! its own server, and runs in parallel with the others. A behaviour that is not listed below is dead code, which the
//! compiler reports. The [`Client`](support::Client) checks every response against the API description that the server
//! serves, so each test also tests the description.

#![expect(clippy::unwrap_used, reason = "what fails here is a test")]
#![expect(clippy::needless_pass_by_value, reason = "each behaviour owns the server it is given")]

mod big_lists;
mod bodies;
mod bulk;
mod caching;
mod callers;
mod changes;
mod compression;
mod conditional_puts;
mod configured;
mod contract;
mod cors;
mod creating;
mod cursors;
mod deleting;
mod description;
mod etags;
mod events;
mod failures;
mod fields;
mod filters;
mod getting;
mod health;
mod isolation;
mod list_etags;
mod listing;
mod malformed;
mod metrics;
mod outages;
mod pages;
mod preconditions;
mod purging;
mod putting;
mod queries;
mod quotas;
mod racing;
mod rate_limits;
mod request_ids;
mod routes;
mod stats;
mod support;
mod swagger_ui;
mod texts;
mod token_issuers;
mod tokens;
mod traces;
mod updating;

use contract::http_contract;

http_contract! {
    creating:
        a_todo_is_created_with_title_and_description
        a_title_is_enough
        a_todo_has_exactly_the_fields_of_the_contract
        an_empty_title_is_rejected
        a_title_that_is_too_long_is_rejected
        a_caller_without_an_id_creates_nothing
        read_only_fields_in_a_body_are_ignored
        a_todo_can_be_created_completed
        a_null_or_missing_title_is_rejected;
    listing:
        todos_are_listed_newest_first
        a_user_without_todos_has_an_empty_list
        another_users_todos_are_not_listed
        a_list_has_exactly_the_fields_of_the_contract;
    getting:
        a_todo_is_found
        an_absent_todo_is_not_found
        another_users_todo_is_not_found
        a_malformed_id_is_rejected
        an_id_is_found_in_either_case;
    updating:
        only_the_title_is_changed
        a_todo_is_completed_and_reopened
        the_description_is_cleared_by_null_and_emptied_by_an_empty_text
        an_empty_title_is_rejected
        null_for_a_required_field_is_rejected
        an_absent_todo_is_not_found
        another_users_todo_is_not_found_and_not_changed
        an_empty_change_changes_nothing
        a_change_to_the_same_values_changes_nothing
        read_only_fields_in_a_body_are_ignored
        the_last_change_wins_and_the_next_read_sees_it;
    deleting:
        a_deleted_todo_is_gone
        an_absent_todo_is_not_found
        another_users_todo_is_not_found_and_stays;
    texts:
        unusual_texts_are_kept_exactly
        an_empty_description_is_not_null
        lengths_are_counted_in_code_points
        a_title_of_white_space_is_rejected
        the_character_nul_is_rejected
        unpaired_surrogates_are_rejected;
    caching:
        a_shared_browser_cache_shows_each_user_their_own_todos
        responses_that_depend_on_the_caller_vary_by_it;
    changes:
        a_client_stays_in_step
        another_users_token_is_rejected
        a_page_of_long_todos_is_short
        a_deleted_todo_is_put_back_in_its_old_place;
    list_etags:
        an_unchanged_list_is_not_sent_again
        what_changes_nothing_leaves_the_tag
        conditions_on_a_list_follow_the_rules;
    compression:
        a_long_list_is_compressed_if_the_client_accepts_it
        without_accept_encoding_a_list_is_not_compressed
        short_responses_are_not_compressed
        a_todo_is_never_compressed_so_that_its_etag_stays_its_version
        a_compressed_streamed_list_has_each_todo_once;
    callers:
        a_caller_without_an_id_is_rejected
        a_user_id_that_is_not_one_uuid_is_rejected
        every_operation_rejects_malformed_ids
        the_nil_uuid_is_a_user_like_any_other
        a_caller_is_told_who_they_are;
    bodies:
        all_invalid_fields_are_named
        each_message_says_how_to_fix_it
        unknown_fields_are_rejected_with_a_suggestion
        a_todo_can_be_sent_back_unchanged
        a_body_that_is_not_json_is_rejected
        a_body_that_is_not_an_object_is_rejected
        a_body_that_is_too_long_is_rejected
        a_body_of_another_media_type_is_rejected
        a_truncated_body_changes_nothing;
    routes:
        an_unknown_route_is_not_found
        another_method_is_rejected_with_the_allowed_ones
        the_collection_accepts_a_trailing_slash
        head_is_get_without_a_body;
    queries:
        each_invalid_parameter_of_a_list_is_named
        all_invalid_parameters_are_named
        each_invalid_parameter_of_a_bulk_call_is_named
        every_operation_rejects_unknown_parameters
        an_unknown_parameter_is_rejected_with_a_suggestion
        an_empty_cursor_is_the_first_page;
    request_ids:
        every_response_has_its_own_id
        the_clients_request_id_is_kept
        an_invalid_request_id_is_replaced;
    failures:
        an_internal_error_is_explained_only_in_the_log;
    etags:
        every_response_with_a_todo_has_its_etag
        an_unchanged_todo_is_not_sent_again
        a_changed_todo_is_sent_again
        a_malformed_condition_is_rejected;
    preconditions:
        a_matching_version_is_changed_or_deleted
        a_change_of_another_version_fails_and_returns_the_todo
        a_delete_of_another_version_fails_and_returns_the_todo
        a_replacement_of_another_version_fails_and_returns_the_todo
        a_star_matches_any_version
        one_of_several_versions_is_enough
        a_weak_or_foreign_tag_matches_no_version
        an_absent_todo_is_not_found_whatever_the_condition
        an_ineffective_change_also_needs_a_matching_version
        a_todo_of_another_version_is_not_returned
        an_excluded_version_is_neither_changed_nor_deleted;
    racing:
        of_writers_with_the_same_version_exactly_one_wins
        of_writers_and_deleters_with_the_same_version_exactly_one_wins
        no_change_is_lost_when_each_writer_retries
        of_creators_of_the_same_id_exactly_one_creates;
    putting:
        a_todo_is_created_under_the_clients_id
        a_todo_is_replaced_in_full
        repeating_a_put_changes_nothing
        every_field_is_required
        the_same_id_of_two_users_makes_two_todos
        read_only_fields_in_a_body_are_ignored
        a_deleted_todo_can_be_put_again
        any_uuid_can_be_an_id
        fixed_paths_are_not_ids;
    conditional_puts:
        only_if_absent_creates
        only_if_absent_fails_on_an_existing_todo_and_returns_it
        only_if_present_creates_nothing
        only_if_present_replaces
        both_conditions_have_to_hold
        unless_a_version_creates_and_replaces;
    events:
        every_kind_of_write_is_an_event
        a_client_that_is_behind_hears_at_once
        the_last_event_id_takes_precedence
        a_damaged_token_is_rejected_only_in_the_query
        another_users_change_is_no_event
        a_write_that_changes_nothing_is_no_event
        a_stream_is_neither_cached_buffered_nor_compressed
        a_user_has_at_most_sixteen_streams
        the_number_of_streams_is_limited
        a_stream_ends_when_the_token_expires;
    isolation:
        another_users_todo_looks_like_an_absent_one
        operations_on_many_todos_affect_only_the_callers_own
        concurrent_users_see_only_their_own_todos;
    pages:
        pages_make_up_the_whole_list_in_every_order
        the_last_page_says_so_even_when_it_is_full
        the_link_header_keeps_order_filter_and_size
        lasting_todos_are_listed_once_while_others_come_and_go
        each_order_is_kept
        a_cursor_without_a_limit_returns_the_rest;
    cursors:
        a_damaged_cursor_is_rejected
        a_cursor_of_another_list_is_rejected
        a_cursor_works_with_any_page_size
        a_cursor_outlives_its_todo;
    filters:
        todos_are_filtered_by_completion
        a_term_is_found_anywhere_in_any_case
        wildcards_are_ordinary_characters
        an_empty_term_does_not_filter
        filters_combine
        composed_and_decomposed_letters_find_each_other
        todos_are_filtered_by_id;
    bulk:
        all_active_todos_are_completed_at_once
        unchanged_todos_are_not_counted_and_keep_their_version
        all_completed_todos_are_deleted_at_once
        a_search_limits_the_changed_todos
        bulk_calls_without_a_filter_are_rejected
        a_misspelt_or_ambiguous_filter_changes_nothing
        only_todos_of_these_ids_are_changed
        all_todos_need_all_true
        another_users_todos_are_left_alone
        an_invalid_body_changes_nothing;
    stats:
        todos_are_counted
        todos_that_match_the_filters_are_counted
        another_users_todos_are_not_counted;
    cors:
        a_preflight_allows_every_method_and_header
        every_local_port_is_allowed_by_default
        a_preflight_of_another_origin_method_or_header_is_rejected
        every_response_to_an_allowed_origin_can_be_read
        another_origin_may_not_read_responses
        origins_come_from_the_configuration
        a_star_allows_every_origin
        a_rejected_origin_is_logged_once;
    big_lists:
        a_list_of_any_length_is_complete_and_in_order
        parts_of_a_list_join_without_gaps
        long_texts_are_complete_in_lists_and_pages
        clients_that_disconnect_midway_do_no_harm
        a_slow_reader_of_a_huge_list_costs_little_memory;
    swagger_ui:
        every_asset_is_served_by_the_server
        the_page_has_its_own_title_and_no_explore_bar
        the_page_loads_only_this_servers_description
        the_root_redirects_to_the_page
        assets_are_compressed_and_revalidated
        the_description_is_served_as_json;
    description:
        the_committed_description_is_the_one_that_is_served
        every_operation_and_every_status_is_described
        every_operation_is_documented
        every_response_body_has_a_valid_example
        the_schemas_have_the_names_of_the_contract
        the_caller_is_a_security_scheme_not_a_parameter
        the_examples_of_a_400_name_what_the_operation_accepts
        bodies_allow_only_known_fields_and_mark_read_only_ones
        bodies_that_the_description_forbids_are_rejected
        optional_parameters_have_no_example_because_swagger_ui_would_send_it
        the_operations_succeed_with_their_examples_in_their_order;
    tokens:
        every_operation_needs_a_token
        a_token_names_its_user_and_the_header_does_not
        a_refused_token_says_why
        another_users_todo_looks_like_an_absent_one
        operations_on_many_todos_affect_only_the_callers_own
        concurrent_users_see_only_their_own_todos
        the_description_is_the_one_of_tokens
        the_operations_succeed_with_their_examples_in_their_order;
    malformed:
        what_is_not_http_is_a_400
        an_ambiguous_length_smuggles_no_request
        an_endless_head_is_rejected
        earlier_pipelined_requests_are_answered;
    health:
        the_server_is_healthy
        the_service_is_ready;
}
