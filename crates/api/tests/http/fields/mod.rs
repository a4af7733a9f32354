//! Priority, due time and tags.

mod bulk;
mod due;
mod filters;
mod old_clients;
mod orders;
mod priorities;
mod stats;
mod tag_calls;
mod tags;

use super::contract::http_contract;

http_contract! {
    priorities:
        a_priority_is_medium_unless_it_is_set
        another_priority_is_rejected;
    due:
        a_date_comes_back_as_it_is
        an_instant_comes_back_in_utc
        a_due_time_is_cleared_by_null_only
        another_due_time_is_rejected;
    tags:
        tags_are_kept_in_order_without_white_space_and_repetition
        invalid_tags_are_rejected_with_their_index
        tags_are_replaced_as_a_whole;
    tag_calls:
        tags_are_listed_by_name_with_their_number_of_todos
        a_tag_is_renamed_in_all_todos
        a_tag_is_deleted_from_all_todos
        a_name_in_a_path_may_have_any_character_of_a_tag
        an_invalid_name_is_rejected
        another_users_tags_are_left_alone
        a_long_list_of_tags_is_complete;
    filters:
        any_priority_and_all_tags_have_to_match
        a_date_is_compared_as_a_whole_day_in_the_zone_of_the_instant
        todos_with_or_without_a_due_time_are_found
        invalid_filters_are_rejected_with_what_to_do
        a_cursor_belongs_to_its_filters;
    orders:
        each_order_is_kept
        pages_make_up_the_whole_list
        a_long_list_in_each_order_is_complete
        a_forged_cursor_is_rejected;
    stats:
        active_todos_are_counted_by_priority
        todos_are_overdue_in_the_zone_of_the_caller
        the_present_has_to_be_an_instant;
    bulk:
        each_field_is_changed_in_bulk
        tags_are_added_and_removed
        a_tag_is_not_both_added_and_removed
        too_many_tags_change_nothing;
    old_clients:
        a_client_with_three_fields_wipes_nothing
        the_feed_has_the_fields;
}
