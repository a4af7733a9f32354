//! The behaviours of servers with settings of their own.

use crate::contract::http_contract;
use crate::{metrics, purging, quotas, rate_limits, token_issuers, traces};

http_contract! {
    token_issuers:
        without_keys_nobody_is_refused
        a_rotation_under_load_refuses_nobody
        a_flood_of_unknown_keys_costs_good_users_nothing;
    purging:
        a_purged_deletion_expires_the_token;
    quotas:
        a_user_has_no_more_todos_than_the_quota
        of_32_racing_writers_as_many_succeed_as_the_quota_allows;
    rate_limits:
        each_user_has_a_limit_of_their_own
        a_request_over_the_limit_changes_nothing
        every_response_to_a_user_says_what_is_left
        a_client_that_waits_as_told_is_served_again
        scripts_of_other_origins_can_read_the_limit
        health_checks_and_documents_are_not_limited
        without_the_setting_there_is_no_limit;
    metrics:
        the_sums_match_the_clients_own_count
        what_clients_send_creates_no_series
        connections_are_counted
        open_streams_are_counted;
    traces:
        the_spans_of_a_call_nest_below_the_callers
        what_the_caller_does_not_trace_is_not_traced
        without_a_caller_the_share_decides
        a_failed_request_is_an_error_with_its_trace_in_the_log
        a_collector_that_is_down_or_hangs_changes_no_answer;
}
