//! Ten thousand payments over as many connections as there are threads.

use std::collections::HashSet;

use wechatpay_mock_server::{Mock, Rules, Validity};
use wechatpay_proto::transport::BaseUrl;
use wechatpay_proto::v2::mmpaymkttransfers::{SendRedPack, SendRedPackOptions};
use wechatpay_proto::{Client, Fen};
use wechatpay_transport_ureq::{Identity, Roots, Settings, UreqTransport, os_random};

const THREADS: usize = 8;
const EACH: usize = 1_250;

#[test]
fn ten_thousand_packets_over_as_many_connections_as_threads() {
    let mock = Mock::builder().rules(Rules::unlimited()).build();
    let merchant = mock.merchant().mch_id("10000098").balance_fen(1_000_000).create().unwrap();
    let server = mock.serve().unwrap();
    let (certificate, key) = server.kit().merchant_pem("10000098", Validity::Current).unwrap();
    let settings = Settings::new()
        .identity(Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap())
        .roots(Roots::from_pem(server.kit().ca_pem().as_bytes()).unwrap());
    let transport = UreqTransport::new(settings).unwrap();
    let base = BaseUrl::parse(&server.https_url()).unwrap();
    let client = Client::new(merchant.credentials(), transport.clone(), os_random).with_base(base);

    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (client, merchant) = (&client, &merchant);
            scope.spawn(move || {
                for number in 0..EACH {
                    let mch_billno = format!("T{thread}N{number}");
                    let sent = client.send_blocking(&packet(&mch_billno, merchant.appid())).unwrap();
                    assert!(sent.outcome().is_accepted());
                    assert_eq!(sent.mch_billno.as_deref(), Some(&*mch_billno), "the answer to another call");
                }
            });
        }
    });
    transport.shutdown();

    let connections = server.connections();
    assert!(connections.accepted <= THREADS, "{connections:?}");
    let sent: HashSet<_> = mock.ledger().packets().map(|packet| packet.key.mch_billno.clone()).collect();
    let expected = (0..THREADS).flat_map(|thread| (0..EACH).map(move |number| format!("T{thread}N{number}")));
    assert_eq!(sent, expected.collect());
    assert_eq!(merchant.balance_fen(), 0, "each was paid once");
    // The server has to notice that the last one was closed; how soon is not promised.
    while server.connections().open > 0 {
        std::thread::yield_now();
    }
}

fn packet<'a>(mch_billno: &'a str, wxappid: &'a str) -> SendRedPack<'a> {
    SendRedPack {
        mch_billno,
        wxappid,
        send_name: "天虹百货",
        re_openid: "oxTWIuGaIt6gTKsQRLau2M0yL16E",
        total_amount: Fen(100),
        wishing: "祝您元宵节快乐！",
        client_ip: [127, 0, 0, 1].into(),
        act_name: "猜灯谜抢红包活动",
        remark: "快来抢！",
        options: SendRedPackOptions::default(),
    }
}
