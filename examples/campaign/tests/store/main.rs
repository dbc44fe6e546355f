//! What a store promises, held against SQLite and PostgreSQL alike, and what each of them promises besides.

#[path = "../support/postgres.rs"]
mod postgres;

mod bed;
mod file;
mod keeping;
mod merchants;
mod model;
mod packets;
mod reading;
mod sharing;
mod speed;
mod tables;
#[cfg(unix)]
mod tls;
mod uniqueness;

/// Runs each of these cases on both stores.
macro_rules! on_both {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $case() { super::$case(&crate::bed::SqliteBed::new()); })+
        }
        mod postgres {
            $(#[test] fn $case() {
                if let Some(bed) = crate::bed::PostgresBed::new() {
                    super::$case(&bed);
                }
            })+
        }
    };
}
pub(crate) use on_both;
