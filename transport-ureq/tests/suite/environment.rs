//! Proxies named by the environment must not reroute a payment.

use std::process::Command;

use wechatpay_proto::transport::BlockingTransport;
use wechatpay_transport_ureq::{Roots, Settings};

use crate::authority::{Authority, Demand};
use crate::server::{Reply, Server, ok, post};
use crate::with;

const TARGETS: &str = "WECHATPAY_TEST_TARGETS";
const ROOTS: &str = "WECHATPAY_TEST_ROOTS";

#[test]
fn proxy_variables_are_ignored() {
    let authority = Authority::new();
    let (proxy, plain) =
        (Server::plain(Reply::Close(Vec::new())), Server::plain(Reply::Answer(ok(b"plain"))));
    let tls = Server::tls(authority.server("127.0.0.1", Demand::Nothing), Reply::Answer(ok(b"tls")));
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "environment::child", "--nocapture"]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        let url = format!("http://127.0.0.1:{}", proxy.port());
        child.env(name, &url).env(name.to_lowercase(), &url);
    }
    child.env_remove("NO_PROXY").env_remove("no_proxy");
    child.env(TARGETS, format!("{} {}", plain.http(), tls.https())).env(ROOTS, authority.pem());
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(proxy.finish().connections, 0);
    assert_eq!(plain.finish().requests.len(), 1);
    assert_eq!(tls.finish().requests.len(), 1);
}

/// Runs inside the process that the test above starts, and does nothing elsewhere.
#[test]
fn child() {
    let Ok(targets) = std::env::var(TARGETS) else { return };
    let roots = Roots::from_pem(std::env::var(ROOTS).unwrap().as_bytes()).unwrap();
    let transport = with(Settings::new().roots(roots));
    for target in targets.split(' ') {
        assert_eq!(transport.send_blocking(post(target)).unwrap().status(), 200);
    }
}
