//! Through a proxy that is asked for a tunnel. It sees a host name, and TLS.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use wechatpay_proto::Error;
use wechatpay_proto::transport::{BaseUrl, Delivery, Fault, Transport};
use wechatpay_transport_hyper::{HyperTransport, TransportError};

use crate::world::{World, number, post};

/// A proxy that leads everybody to `target`, and the heads it was asked with.
async fn proxy(target: SocketAddr, answer: &'static str) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heads = Arc::new(Mutex::new(Vec::new()));
    tokio::spawn({
        let heads = Arc::clone(&heads);
        async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await.unwrap());
                }
                heads.lock().unwrap().push(String::from_utf8(head).unwrap());
                client.write_all(answer.as_bytes()).await.unwrap();
                let mut server = TcpStream::connect(target).await.unwrap();
                tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
            }
        }
    });
    (address, heads)
}

#[tokio::test]
async fn the_proxy_is_asked_for_a_tunnel_and_sees_no_more() {
    let world = World::new();
    let (address, heads) = proxy(world.server.address(), "HTTP/1.1 200 Connection established\r\n\r\n").await;
    let settings = world.settings().proxy(format!("http://user:p%40ss@{address}"));
    let transport = HyperTransport::new(settings).unwrap();
    for _ in 0..2 {
        world.send(&transport, BaseUrl::default(), &number()).await.unwrap();
    }
    let heads = heads.lock().unwrap();
    let [head] = &heads[..] else { panic!("the second call uses the connection of the first: {heads:?}") };
    assert!(head.starts_with("CONNECT api.mch.weixin.qq.com:443 HTTP/1.1\r\n"), "{head}");
    let lines: Vec<_> = head.to_lowercase().lines().map(str::to_owned).collect();
    assert!(lines.contains(&"host: api.mch.weixin.qq.com:443".to_owned()), "{head}");
    assert!(lines.contains(&"proxy-authorization: basic dxnlcjpwqhnz".to_owned()), "{head}"); // user:p@ss
    assert_eq!(world.server.connections().accepted, 1);
}

#[tokio::test]
async fn a_proxy_that_refuses_is_no_connection() {
    let world = World::new();
    for answer in [
        "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nbytes that nobody asked for",
        "SSH-2.0-OpenSSH\r\n\r\n",
    ] {
        let (address, heads) = proxy(world.server.address(), answer).await;
        let transport = HyperTransport::new(world.settings().proxy(format!("http://{address}"))).unwrap();
        let error = world.send(&transport, BaseUrl::default(), &number()).await.unwrap_err();
        let Error::Transport(error) = error else { panic!("{error:?}") };
        assert!(matches!(error, TransportError::Connect(_)), "{error:?}");
        assert_eq!(error.delivery(), Delivery::NotSent);
        assert_eq!(heads.lock().unwrap().len(), 1);
        assert!(!heads.lock().unwrap()[0].contains("Proxy-Authorization"));
    }
    assert_eq!(world.sent().len(), 0);
}

#[tokio::test]
async fn a_call_to_this_machine_goes_past_the_proxy() {
    let world = World::new();
    let (address, heads) = proxy(world.server.address(), "HTTP/1.1 200 OK\r\n\r\n").await;
    let transport = HyperTransport::new(world.settings().proxy(format!("http://{address}"))).unwrap();
    let url = format!("{}/nobody", world.server.http_url());
    assert_eq!(transport.send(post(&url)).await.unwrap().status(), 404);
    assert!(heads.lock().unwrap().is_empty());
}
