//! What turns the behaviours into tests.

/// Generates a test of each behaviour for each database: `postgres::creating::a_title_is_enough`.
macro_rules! http_contract {
    ($($module:ident: $($behaviour:ident)+;)+) => {
        http_contract!(@on sqlite $($module: $($behaviour)+;)+);
        http_contract!(@on postgres $($module: $($behaviour)+;)+);
    };
    (@on $database:ident $($module:ident: $($behaviour:ident)+;)+) => {
        mod $database {$(
            mod $module {$(
                #[test]
                fn $behaviour() {
                    // If the database is not available, a note has been printed.
                    if let Some(database) = crate::support::database::$database() {
                        super::super::$module::$behaviour(database.into());
                    }
                }
            )+}
        )+}
    };
}
pub(crate) use http_contract;
