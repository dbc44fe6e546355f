//! The bodies of the fuzz targets, a room each. They stand here so that a stable compiler checks them and its tests
//! replay the seeds; `fuzz_targets/` only calls them.

mod engine;
mod fields;
mod forgery;
mod http;
mod naive;
mod reorder;
mod reply;
mod request;
mod requests;

pub use engine::engine;
pub use fields::fields;
pub use forgery::forgery;
pub use http::http;
pub use reorder::reorder;
pub use reply::reply;
pub use request::request;

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn seed(target: &str, name: &str) -> Vec<u8> {
        std::fs::read(format!("{}/seeds/{target}/{name}", env!("CARGO_MANIFEST_DIR"))).expect("committed")
    }

    fn replay(target: &str, body: fn(&[u8])) {
        let folder = format!("{}/seeds/{target}", env!("CARGO_MANIFEST_DIR"));
        let mut seeds = 0;
        for entry in std::fs::read_dir(folder).expect("the seeds are committed") {
            body(&std::fs::read(entry.expect("readable").path()).expect("readable"));
            seeds += 1;
        }
        assert!(seeds > 3, "{target} has {seeds} seeds");
    }

    macro_rules! seeds {
        ($($test:ident: $target:ident,)*) => {$(
            #[test]
            fn $test() {
                replay(stringify!($target), $target);
            }
        )*};
    }

    seeds! {
        the_seeds_of_engine_pass: engine,
        the_seeds_of_fields_pass: fields,
        the_seeds_of_forgery_pass: forgery,
        the_seeds_of_http_pass: http,
        the_seeds_of_reorder_pass: reorder,
        the_seeds_of_reply_pass: reply,
        the_seeds_of_request_pass: request,
    }
}
