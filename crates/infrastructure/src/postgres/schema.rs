// @generated automatically by Diesel CLI.

diesel::table! {
    feed (id) {
        id -> Uuid,
        purge_started_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    todos (user_id, id) {
        user_id -> Uuid,
        id -> Uuid,
        title -> Text,
        description -> Nullable<Text>,
        is_completed -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        version -> BigInt,
        title_folded -> Text,
        description_folded -> Nullable<Text>,
        completed_at -> Nullable<Timestamptz>,
        priority -> Int2,
        due_at -> Nullable<Timestamptz>,
        due_is_date -> Bool,
        tags -> Text,
        tags_folded -> Text,
    }
}

diesel::table! {
    tombstones (user_id, id) {
        user_id -> Uuid,
        id -> Uuid,
        version -> BigInt,
        created_at -> Timestamptz,
        deleted_at -> Timestamptz,
    }
}

diesel::table! {
    user_clocks (user_id) {
        user_id -> Uuid,
        changed_at -> Timestamptz,
        purged_at -> Nullable<Timestamptz>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(feed, todos, tombstones, user_clocks,);
