//! The documented example of every field of every endpoint, as it stands, to a merchant that is set up for it. Only the
//! signs are calculated: nobody knows the key of the documentation.

use wechatpay_mock_server::{Mock, MockMerchant};
use wechatpay_proto::transport::BlockingTransport as _;

use crate::common::{APPID, Answer, Form, KEY, MCH_ID, QUERY, SEND, call, legacy, post};

type Rows = &'static [(&'static str, &'static str)];

const SENDREDPACK: Rows = &[
    ("nonce_str", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"),
    ("mch_billno", "10000098201411111234567890"),
    ("mch_id", "10000098"),
    ("wxappid", "wx8888888888888888"),
    ("send_name", "天虹百货"),
    ("re_openid", "oxTWIuGaIt6gTKsQRLau2M0yL16E"),
    ("total_amount", "1000"),
    ("total_num", "1"),
    ("wishing", "感谢您参加猜灯谜活动，祝您元宵节快乐！"),
    ("client_ip", "192.168.0.1"),
    ("act_name", "猜灯谜抢红包活动"),
    ("remark", "猜越多得越多，快来抢！"),
    ("scene_id", "PRODUCT_8"),
    ("risk_info", RISK_INFO),
];

const SENDMINIPROGRAMHB: Rows = &[
    ("nonce_str", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"),
    ("mch_billno", "10000098201411111234567890"),
    ("mch_id", "10000098"),
    ("wxappid", "wx8888888888888888"),
    ("send_name", "天虹百货"),
    ("re_openid", "oxTWIuGaIt6gTKsQRLau2M0yL16E"),
    ("total_amount", "1000"),
    ("total_num", "1"),
    ("wishing", "感谢您参加猜灯谜活动，祝您元宵节快乐！"),
    ("act_name", "猜灯谜抢红包活动"),
    ("remark", "猜越多得越多，快来抢！"),
    ("notify_way", "MINI_PROGRAM_JSAPI"),
    ("scene_id", "PRODUCT_8"),
];

const SENDGROUPREDPACK: Rows = &[
    ("nonce_str", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"),
    ("mch_billno", "10000098201411111234567890"),
    ("mch_id", "10000098"),
    ("wxappid", "wx8888888888888888"),
    ("send_name", "天虹百货"),
    ("re_openid", "oxTWIuGaIt6gTKsQRLau2M0yL16E"),
    ("total_amount", "1000"),
    ("total_num", "3"),
    ("amt_type", "ALL_RAND"),
    ("wishing", "感谢您参加猜灯谜活动，祝您元宵节快乐！"),
    ("act_name", "猜灯谜抢红包活动"),
    ("remark", "猜越多得越多，快来抢！"),
    ("scene_id", "PRODUCT_8"),
    ("risk_info", RISK_INFO),
];

const SENDWORKWXREDPACK: Rows = &[
    ("nonce_str", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"),
    ("mch_billno", "10000098201411111234567890"),
    ("mch_id", "10000098"),
    ("wxappid", "wx8888888888888888"),
    ("agentid", "1"),
    ("sender_name", "XX活动"),
    ("sender_header_media_id", "1G6nrLmr5EC3MMb_-zK1dDdzmd0p7cNliYu9V5w7o8K0"),
    ("re_openid", "oxTWIuGaIt6gTKsQRLau2M0yL16E"),
    ("total_amount", "1000"),
    ("wishing", "感谢您参加猜灯谜活动，祝您元宵节快乐！"),
    ("act_name", "猜灯谜抢红包活动"),
    ("remark", "猜越多得越多，快来抢！"),
    ("scene_id", "PRODUCT_8"),
];

const GETHBINFO: Rows = &[
    ("nonce_str", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"),
    ("mch_billno", "10000098201411111234567890"),
    ("mch_id", "10000098"),
    ("appid", "wxe062425f740d30d8"),
    ("bill_type", "MCHT"),
];

const QUERYWORKWXREDPACK: Rows = &[
    ("nonce_str", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"),
    ("mch_billno", "10000098201411111234567890"),
    ("mch_id", "10000098"),
    ("appid", "wxe062425f740d30d8"),
];

/// What a service provider adds where it pays for a sub-merchant.
const PROVIDER: Rows = &[("sub_mch_id", "10000090"), ("msgappid", "wx8888888888888888")];

const RISK_INFO: &str = "posttime%3d123123412%26clientversion%3d234134%26mobile%3d122344545%26deviceid%3dIOS";

/// The appid of the examples of the queries, which is not that of the sendings.
const QUERY_APPID: &str = "wxe062425f740d30d8";

const OPTIONAL: [&str; 3] = ["scene_id", "risk_info", "sender_header_media_id"];

const MINI_PROGRAM: &str = "/mmpaymkttransfers/sendminiprogramhb";
const GROUP: &str = "/mmpaymkttransfers/sendgroupredpack";

/// The direct merchant of the examples, in a mock of its own: they all have one number.
fn merchant() -> MockMerchant {
    let mock = Mock::builder().rules(legacy()).build();
    mock.merchant().mch_id(MCH_ID).key(KEY).appid(APPID).appid(QUERY_APPID).create().unwrap()
}

/// The service provider of the examples, and its sub-merchant.
fn provider() -> [MockMerchant; 2] {
    let mock = Mock::builder().rules(legacy()).build();
    let numbered = |mch_id| mock.merchant().mch_id(mch_id).key(KEY);
    let provider = numbered(MCH_ID).appid(APPID).appid(QUERY_APPID).service_provider().create().unwrap();
    let sub_merchant = numbered("10000090").under(&provider).create().unwrap();
    [provider, sub_merchant]
}

fn form(path: &'static str, merchant: &MockMerchant, rows: Rows) -> Form {
    rows.iter().fold(Form::new(path, merchant), |form, (name, value)| form.with(name, *value))
}

/// The example with every optional field, and with none.
fn both(form: Form) -> [Form; 2] {
    let required = OPTIONAL.into_iter().fold(form.clone(), Form::without);
    [form, required]
}

/// A success that names the order of the examples.
#[track_caller]
fn assert_sent(answer: &Answer) {
    answer.assert_success();
    for (name, value) in SENDREDPACK {
        if ["mch_billno", "mch_id", "wxappid", "re_openid", "total_amount"].contains(name) {
            assert_eq!(answer.get(name), Some(*value), "{name}");
        }
    }
}

/// The documented query finds what was sent.
#[track_caller]
fn assert_found(merchant: &MockMerchant, sent: &Answer) -> Answer {
    let found = call(merchant, &form(QUERY, merchant, GETHBINFO));
    found.assert_success();
    assert_eq!((found.get("status"), found.get("detail_id")), (Some("SENT"), sent.get("send_listid")));
    assert_eq!((found.get("total_amount"), found.get("mch_id")), (Some("1000"), Some(MCH_ID)));
    found
}

#[test]
fn a_direct_merchant_sends_the_examples_and_finds_them() {
    let examples = [
        (SEND, SENDREDPACK, "NORMAL"),
        (MINI_PROGRAM, SENDMINIPROGRAMHB, "NORMAL"),
        (GROUP, SENDGROUPREDPACK, "GROUP"),
    ];
    for (path, rows, kind) in examples {
        for example in both(form(path, &merchant(), rows)) {
            let merchant = merchant();
            let sent = call(&merchant, &example);
            assert_sent(&sent);
            assert_eq!(assert_found(&merchant, &sent).get("hb_type"), Some(kind), "{path}");
        }
    }
}

#[test]
fn a_service_provider_sends_the_examples_and_finds_them() {
    let examples = [
        (SEND, SENDREDPACK, PROVIDER),
        (GROUP, SENDGROUPREDPACK, PROVIDER),
        // This one has no sub-merchant in its table: the service provider pays.
        (MINI_PROGRAM, SENDMINIPROGRAMHB, &[]),
    ];
    for (path, rows, more) in examples {
        let [provider, sub_merchant] = provider();
        let example = form(path, &provider, rows);
        let example = more.iter().fold(example, |form, (name, value)| form.with(name, *value));
        let sent = call(&provider, &example);
        assert_sent(&sent);
        assert_found(&provider, &sent);
        let payer = if more.is_empty() { &provider } else { &sub_merchant };
        assert_eq!(payer.balance_fen(), 999_000, "{path}");
    }
}

#[test]
fn a_packet_of_work_weixin_has_one_of_the_two_senders_of_its_examples() {
    for other in ["agentid", "sender_name"] {
        let merchant = merchant();
        let example = form("/mmpaymkttransfers/sendworkwxredpack", &merchant, SENDWORKWXREDPACK)
            .without(other)
            .secret(merchant.agent_secret());
        let sent = call(&merchant, &example);
        assert_sent(&sent);
        sent.assert_signed(KEY);
        let query = form("/mmpaymkttransfers/queryworkwxredpack", &merchant, QUERYWORKWXREDPACK);
        let found = call(&merchant, &query);
        found.assert_success().assert_signed(KEY);
        assert_eq!((found.get("status"), found.get("detail_id")), (Some("SENT"), sent.get("send_listid")));
    }
}

#[test]
fn the_examples_are_taken_in_the_documented_layout_too() {
    let merchant = merchant();
    let example = form(SEND, &merchant, SENDREDPACK).xml();
    // Everything stands in CDATA there, but this one.
    let (marked, bare) = (format!("<![CDATA[{RISK_INFO}]]>"), RISK_INFO);
    assert!(example.contains(&marked));
    let request = post(SEND, example.replace(&marked, bare));
    let answer = merchant.transport().send_blocking(request).unwrap();
    assert_sent(&Answer::new(answer));
}
