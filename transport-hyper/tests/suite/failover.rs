//! The backup host takes over between calls, and proves its own name.

use wechatpay_proto::failover::Failover;
use wechatpay_proto::transport::{BaseUrl, Delivery, Fault};
use wechatpay_proto::{Error, Outcome, Reason};
use wechatpay_transport_hyper::{HyperTransport, TransportError};

use crate::world::{World, number};

#[tokio::test]
async fn a_name_that_does_not_resolve_moves_later_calls_to_the_backup() {
    let world = World::new();
    let settings = world
        .settings()
        .failover(Failover::default())
        .address("api.mch.weixin.qq.com", [])
        .address("api2.mch.weixin.qq.com", [world.server.address()]);
    let transport = HyperTransport::new(settings).unwrap();
    let number = number();
    for _ in 0..3 {
        let error = world.send(&transport, BaseUrl::default(), &number).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Unknown(Reason::Transport(Delivery::NotSent)));
        let Error::Transport(error) = error else { panic!("{error:?}") };
        assert!(matches!(error, TransportError::Resolve(_)) && error.delivery() == Delivery::NotSent);
    }
    assert_eq!(world.server.connections().accepted, 0, "a call that failed went nowhere else");
    // The same number, by the caller's decision; the host by the policy's.
    world.send(&transport, BaseUrl::default(), &number).await.unwrap();
    assert_eq!(world.sent().len(), 1);
}

#[tokio::test]
async fn the_backup_does_not_pass_for_the_primary() {
    let world = World::new();
    let settings = world.settings().address("api3.mch.weixin.qq.com", [world.server.address()]);
    let transport = HyperTransport::new(settings).unwrap();
    let base = BaseUrl::parse("https://api3.mch.weixin.qq.com").unwrap();
    let error = world.send(&transport, base, &number()).await.unwrap_err();
    assert!(matches!(error, Error::Transport(TransportError::Handshake(_))), "{error:?}");
    assert_eq!(world.sent().len(), 0);
}
