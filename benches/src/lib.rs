//! What the benches measure with: the merchant, the requests and the answers, and the rivals beside which they run.

pub mod documents;
pub mod requests;
pub mod rivals;

use wechatpay_proto::v2::mmpaymkttransfers::{SendRedPack, SendRedPackOptions};
use wechatpay_proto::{ApiKey, Fen, Merchant, RequestError};

/// The documented sample key.
pub const KEY: &str = "exposed_your_key_here_have_risks";

/// Every nonce is made of these, so that all runs sign the same bytes.
pub const NONCE: [u8; 16] = *b"16 random bytes!";

/// The merchant of the official sample.
pub fn merchant() -> Result<Merchant, RequestError> {
    Merchant::direct("10000098", ApiKey::new(KEY)?)
}

/// The packet of the official sample: 12 fields are signed.
pub fn packet() -> SendRedPack<'static> {
    SendRedPack {
        mch_billno: "10000098201411111234567890",
        wxappid: "wx8888888888888888",
        send_name: "天虹百货",
        re_openid: "oxTWIuGaIt6gTKsQRLau2M0yL16E",
        total_amount: Fen(1_000),
        wishing: "感谢您参加猜灯谜活动，祝您元宵节快乐！",
        client_ip: [192, 168, 0, 1].into(),
        act_name: "猜灯谜抢红包活动",
        remark: "猜越多得越多，快来抢！",
        options: SendRedPackOptions::default(),
    }
}
