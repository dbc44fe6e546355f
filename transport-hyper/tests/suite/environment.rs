//! Proxies named by the environment must not reroute a payment.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

use wechatpay_proto::transport::Transport;
use wechatpay_transport_hyper::{HyperTransport, Roots, Settings};

use crate::world::{World, post};

const TARGETS: &str = "WECHATPAY_TEST_TARGETS";
const ROOTS: &str = "WECHATPAY_TEST_ROOTS";

#[test]
fn proxy_variables_are_ignored() {
    let world = World::new();
    let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    proxy.set_nonblocking(true).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "environment::child", "--nocapture"]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        let url = format!("http://{}", proxy.local_addr().unwrap());
        child.env(name, &url).env(name.to_lowercase(), &url);
    }
    child.env_remove("NO_PROXY").env_remove("no_proxy");
    child.env(TARGETS, format!("{}/ {}/", world.server.http_url(), world.server.https_url()));
    child.env(ROOTS, world.server.kit().ca_pem());
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(world.server.connections().accepted, 2);
    assert!(proxy.accept().is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
}

/// Runs inside the process that the test above starts, and does nothing elsewhere.
#[tokio::test]
async fn child() {
    let Ok(targets) = std::env::var(TARGETS) else { return };
    let roots = Roots::from_pem(std::env::var(ROOTS).unwrap().as_bytes()).unwrap();
    let transport = HyperTransport::new(Settings::new().roots(roots)).unwrap();
    for target in targets.split(' ') {
        assert_eq!(transport.send(post(target)).await.unwrap().status(), 404);
    }
}
