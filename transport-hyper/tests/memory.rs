//! A peer that never stops sending costs little memory. Alone in its process, because everybody's memory is counted.

use std::sync::Mutex;

use bytes::Bytes;
use peak_alloc::PeakAlloc;
use wechatpay_mock_server::conformance::{Setup, Wire};
use wechatpay_proto::transport::Transport;
use wechatpay_transport_hyper::{HyperTransport, Roots, Settings, Timeouts};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// In bytes, with whatever the server at the other end needs.
const ENOUGH: usize = 1 << 20;

#[test]
fn what_never_ends_fits_in_a_mebibyte() {
    for endless in ["endless-", "head-endless", "interim-endless"] {
        let most = Mutex::new(0);
        let report = Wire::new().only(endless).run(|setup| {
            let transport = HyperTransport::new(settings(setup)).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let most = &most;
            move |request: http::Request<Bytes>| {
                let before = MEMORY.current_usage();
                MEMORY.reset_peak_usage();
                let outcome = runtime.block_on(transport.send(request));
                let used = MEMORY.peak_usage().saturating_sub(before);
                let mut most = most.lock().unwrap();
                *most = used.max(*most);
                outcome
            }
        });
        assert!(report.ids().count() > 0, "{endless}");
        let most = most.into_inner().unwrap();
        assert!(most > 0 && most < ENOUGH, "{endless}: {most} bytes");
    }
}

fn settings(setup: &Setup) -> Settings {
    let limits = setup.limits;
    Settings::new()
        .roots(Roots::from_pem(setup.ca_pem.as_bytes()).unwrap())
        .timeouts(Timeouts {
            response: limits.response,
            body: limits.body,
            total: limits.total,
            ..Timeouts::default()
        })
        .body_limit(setup.body_limit)
}
