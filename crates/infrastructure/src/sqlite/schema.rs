// @generated automatically by Diesel CLI.

diesel::table! {
    feed (id) {
        id -> Binary,
        purge_started_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    todos (user_id, id) {
        user_id -> Binary,
        id -> Binary,
        title -> Text,
        description -> Nullable<Text>,
        is_completed -> Bool,
        created_at -> BigInt,
        updated_at -> BigInt,
        version -> BigInt,
        title_folded -> Text,
        description_folded -> Nullable<Text>,
        completed_at -> Nullable<BigInt>,
        priority -> BigInt,
        due_at -> Nullable<BigInt>,
        due_is_date -> Bool,
        tags -> Text,
        tags_folded -> Text,
    }
}

diesel::table! {
    tombstones (user_id, id) {
        user_id -> Binary,
        id -> Binary,
        version -> BigInt,
        created_at -> BigInt,
        deleted_at -> BigInt,
    }
}

diesel::table! {
    user_clocks (user_id) {
        user_id -> Binary,
        changed_at -> BigInt,
        purged_at -> Nullable<BigInt>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(feed, todos, tombstones, user_clocks,);
