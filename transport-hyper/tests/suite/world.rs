//! A mock behind mutual TLS, and what a merchant needs to reach it.

use std::collections::HashSet;
use std::sync::Mutex;

use bytes::Bytes;
use wechatpay_mock_server::{Mock, MockMerchant, Rules, Server, Validity};
use wechatpay_proto::transport::BaseUrl;
use wechatpay_proto::v2::mmpaymkttransfers::{SendRedPack, SendRedPackOptions};
use wechatpay_proto::{Client, Error, Fen, Outcome};
use wechatpay_transport_hyper::{HyperTransport, Identity, Roots, Settings, TransportError, os_random};

pub(crate) type Result<T> = std::result::Result<T, Error<TransportError>>;

pub(crate) struct World {
    pub(crate) mock: Mock,
    pub(crate) merchant: MockMerchant,
    pub(crate) server: Server,
}

impl World {
    pub(crate) fn new() -> Self {
        let mock = Mock::builder().rules(Rules::unlimited()).build();
        let merchant = mock.merchant().mch_id("10000098").balance_fen(10_000_000).create().unwrap();
        let server = mock.serve().unwrap();
        Self { mock, merchant, server }
    }

    /// Trusts the mock, and is the merchant.
    pub(crate) fn settings(&self) -> Settings {
        let (certificate, key) = self.server.kit().merchant_pem("10000098", Validity::Current).unwrap();
        let identity = Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        let roots = Roots::from_pem(self.server.kit().ca_pem().as_bytes()).unwrap();
        Settings::new().identity(identity).roots(roots)
    }

    pub(crate) fn transport(&self) -> HyperTransport {
        HyperTransport::new(self.settings()).unwrap()
    }

    /// The numbers in the ledger.
    pub(crate) fn sent(&self) -> HashSet<String> {
        self.mock.ledger().packets().map(|packet| packet.key.mch_billno.clone()).collect()
    }

    pub(crate) fn base(&self) -> BaseUrl {
        BaseUrl::parse(&self.server.https_url()).unwrap()
    }

    /// Sends one packet of 1 yuan, and wants it taken.
    pub(crate) async fn send(&self, transport: &HyperTransport, base: BaseUrl, number: &str) -> Result<()> {
        let packet = SendRedPack {
            mch_billno: number,
            wxappid: self.merchant.appid(),
            send_name: "天虹百货",
            re_openid: "oxTWIuGaIt6gTKsQRLau2M0yL16E",
            total_amount: Fen(100),
            wishing: "祝您元宵节快乐！",
            client_ip: [127, 0, 0, 1].into(),
            act_name: "猜灯谜抢红包活动",
            remark: "快来抢！",
            options: SendRedPackOptions::default(),
        };
        let client = Client::new(self.merchant.credentials(), transport.clone(), os_random).with_base(base);
        let reply = client.send(&packet).await?;
        assert_eq!(reply.outcome(), Outcome::Accepted, "{reply:?}");
        assert_eq!(reply.mch_billno.as_deref(), Some(number), "the answer to another call");
        Ok(())
    }
}

/// A request to a server that is not the mock.
pub(crate) fn post(url: &str) -> http::Request<Bytes> {
    http::Request::post(url).body(Bytes::from_static(b"<xml></xml>")).unwrap()
}

/// Numbers that never come again.
pub(crate) fn number() -> String {
    static LAST: Mutex<u32> = Mutex::new(0);
    let mut last = LAST.lock().unwrap();
    *last += 1;
    format!("N{last:08}")
}
