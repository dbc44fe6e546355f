//! What holds for packets of every kind, whichever endpoint sends them.

use std::time::Duration;

use wechatpay_mock_server::{Certificate, Kind, Mock, MockMerchant, Rules, Status};

use crate::common::{Answer, Form, MCH_ID, OPENID, call, call_from, in_force, legacy, shop_with};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);
const KINDS: [Kind; 4] = [Kind::Normal, Kind::MiniProgram, Kind::Group, Kind::WorkWeixin];

fn poor(balance_fen: u64) -> (Mock, MockMerchant) {
    let mock = Mock::builder().rules(legacy()).build();
    let merchant = mock.merchant().mch_id(MCH_ID).balance_fen(balance_fen).create().unwrap();
    (mock, merchant)
}

fn payments(merchant: &MockMerchant, mch_billno: &str) -> usize {
    let packet = merchant.red_packet(mch_billno).unwrap();
    packet.history.iter().filter(|(_, status)| *status == Status::Sent).count()
}

#[test]
fn each_endpoint_takes_an_order_of_its_kind_once() {
    for (number, kind) in KINDS.into_iter().enumerate() {
        let (mock, merchant) = shop_with(legacy());
        let form = Form::sends(&merchant, "1")[number].clone();
        let first = call(&merchant, &form);
        first.assert_success();
        for nonce in ["another", "50780e0cca98c8c8e814883e5caa672e"] {
            call(&merchant, &form.clone().with("nonce_str", nonce));
            mock.advance(SECOND);
            assert_eq!(call(&merchant, &form.clone().with("nonce_str", nonce)), first);
        }
        let packet = merchant.red_packet("1").unwrap();
        assert_eq!((packet.kind, packet.status, packet.amount.0), (kind, Status::Sent, 1_000));
        assert_eq!(packet.shares.len(), if kind == Kind::Group { 3 } else { 1 });
        assert_eq!((merchant.balance_fen(), payments(&merchant, "1")), (999_000, 1));
        mock.advance(2 * DAY);
        assert_eq!(call(&merchant, &form), first, "also when the money is back");
        assert_eq!(merchant.balance_fen(), 1_000_000);
    }
}

#[test]
fn a_scene_counts_for_every_kind() {
    for (number, kind) in KINDS.into_iter().enumerate() {
        let (mock, merchant) = shop_with(legacy());
        // Of a group it is the average that counts.
        let small = if kind == Kind::Group { "297" } else { "99" };
        let form = Form::sends(&merchant, "1")[number].clone().with("total_amount", small);
        let without = call(&merchant, &form);
        assert_eq!(without.code(), "MONEY_LIMIT", "{kind:?}");
        assert!(mock.red_packet(MCH_ID, "1").is_none());
        call(&merchant, &form.with("scene_id", "PRODUCT_2")).assert_success();
    }
}

#[test]
fn a_number_that_another_endpoint_took_is_fatal() {
    for taken in 0..4 {
        let (mock, merchant) = shop_with(legacy());
        call(&merchant, &Form::sends(&merchant, "1")[taken]).assert_success();
        mock.advance(SECOND);
        let before = mock.ledger();
        for (number, form) in
            Form::sends(&merchant, "1").into_iter().enumerate().filter(|(number, _)| *number != taken)
        {
            let answer = call(&merchant, &form);
            assert_eq!(
                (answer.code(), answer.text()),
                ("FATAL_ERROR", "更换了红包类型，但商户单号未更新"),
                "{taken} {number}"
            );
            assert_eq!(answer.get("mch_billno"), Some("1"));
        }
        assert_eq!(mock.ledger(), before);
    }
}

#[test]
fn a_changed_receiver_amount_or_appid_is_fatal() {
    for number in 0..4 {
        let mock = Mock::builder().rules(legacy()).build();
        let merchant = mock.merchant().appid("wx1").appid("wx2").create().unwrap();
        let form = Form::sends(&merchant, "1")[number].clone();
        call(&merchant, &form).assert_success();
        mock.advance(SECOND);
        for (field, value, text) in [
            ("re_openid", "another", "更换了openid，但商户单号未更新"),
            ("total_amount", "1001", "更换了金额，但商户单号未更新"),
            ("wxappid", "wx2", "更换了appid，但商户单号未更新"),
        ] {
            let answer = call(&merchant, &form.clone().with(field, value));
            assert_eq!((answer.code(), answer.text()), ("FATAL_ERROR", text));
        }
        call(&merchant, &form.with("wishing", "x")).assert_success();
    }
}

#[test]
fn without_money_an_order_waits_with_a_reason_is_paid_after_a_top_up_and_comes_back() {
    let text = "帐号余额不足，请到商户平台充值后再重试";
    for number in 0..4 {
        let (mock, merchant) = poor(999);
        let form = Form::sends(&merchant, "1")[number].clone();
        let query = || call(&merchant, &form.queried(&merchant));
        let refused = call(&merchant, &form);
        assert_eq!((refused.code(), refused.text(), refused.get("send_listid")), ("NOTENOUGH", text, None));
        let waiting = query();
        assert_eq!((waiting.get("status"), waiting.get("reason")), (Some("SENDING"), Some(text)));
        merchant.top_up(1);
        mock.advance(SECOND);
        let sent = call(&merchant, &form);
        assert_eq!(sent.assert_success().get("send_listid"), waiting.get("detail_id"));
        let paid = query();
        assert_eq!((paid.get("status"), paid.get("reason")), (Some("SENT"), None));
        assert_eq!((merchant.balance_fen(), payments(&merchant, "1")), (0, 1));

        let statuses =
            mock.advance(2 * DAY).into_iter().map(|fired| fired.status().unwrap()).collect::<Vec<_>>();
        assert_eq!(statuses, [Status::RfundIng, Status::Refund]);
        let back = query();
        assert_eq!((back.get("status"), back.get("refund_amount")), (Some("REFUND"), Some("1000")));
        assert_eq!(merchant.balance_fen(), 1_000);
    }
}

#[test]
fn an_order_that_stays_unpaid_fails_after_a_day() {
    for number in 0..4 {
        let (mock, merchant) = poor(0);
        let form = Form::sends(&merchant, "1")[number].clone();
        assert_eq!(call(&merchant, &form).code(), "NOTENOUGH");
        merchant.top_up(1_000);
        mock.advance(DAY);
        assert_eq!(call(&merchant, &form.queried(&merchant)).get("status"), Some("FAILED"));
        let dead = call(&merchant, &form);
        assert_eq!((dead.code(), dead.text()), ("SEND_FAILED", "该订单已经过期,请更换商户单号"));
        assert_eq!((merchant.balance_fen(), payments(&merchant, "1")), (1_000, 0));
    }
}

#[test]
fn limits_of_a_day_leave_an_order_that_the_next_day_pays() {
    let cases = [
        ("SENDNUM_LIMIT", Rules { user_packets_a_day: Some(0), ..legacy() }, true),
        ("RCVDAMOUNT_LIMIT", Rules { user_fen_a_day: Some(999), ..legacy() }, true),
        ("SENDAMOUNT_LIMIT", Rules { merchant_fen_a_day: Some(999), ..legacy() }, false),
    ];
    for (code, rules, of_a_user) in cases {
        for (number, kind) in KINDS.into_iter().enumerate() {
            let (_, merchant) = shop_with(rules.clone());
            let form = Form::sends(&merchant, "1")[number].clone();
            // A packet for a group is for no one user.
            let passes = of_a_user && kind == Kind::Group;
            let answer = call(&merchant, &form);
            assert_eq!(answer.code(), if passes { "SUCCESS" } else { code }, "{kind:?}");
            let status = if passes { "SENT" } else { "SENDING" };
            let found = call(&merchant, &form.queried(&merchant));
            assert_eq!((found.get("status"), found.get("reason").is_some()), (Some(status), !passes));
        }
    }
}

#[test]
fn all_kinds_share_the_limits_of_a_day_but_group_packets_count_for_no_user() {
    let rules = Rules { user_packets_a_day: Some(3), ..legacy() };
    let (mock, merchant) = shop_with(rules);
    let [normal, mini_program, group, work_weixin] = Form::sends(&merchant, "1");
    for (billno, form) in [&group, &group, &normal, &mini_program, &work_weixin].into_iter().enumerate() {
        call(&merchant, &form.clone().with("mch_billno", billno.to_string())).assert_success();
    }
    let next = |form: &Form| call(&merchant, &form.clone().with("mch_billno", "next")).code().to_owned();
    assert_eq!(next(&normal), "SENDNUM_LIMIT");
    mock.advance(DAY / 24 * 15);
    assert_eq!(next(&normal), "SUCCESS");
}

#[test]
fn thirty_packets_a_second_of_whatever_kind() {
    let (mock, merchant) = shop_with(Rules { user_packets_a_day: None, ..legacy() });
    for number in 0..30 {
        let form = Form::sends(&merchant, &number.to_string())[number % 4].clone();
        call(&merchant, &form).assert_success();
    }
    for form in Form::sends(&merchant, "30") {
        assert_eq!(call(&merchant, &form).code(), "FREQ_LIMIT");
    }
    mock.advance(SECOND);
    call(&merchant, &Form::group(&merchant, "30")).assert_success();
}

#[test]
fn each_query_finds_its_own_kinds() {
    let (_, merchant) = shop_with(legacy());
    for (number, kind) in KINDS.into_iter().enumerate() {
        let billno = number.to_string();
        call(&merchant, &Form::sends(&merchant, &billno)[number]).assert_success();
        let [common, work_weixin] =
            [Form::query(&merchant, &billno), Form::query_work_weixin(&merchant, &billno)];
        let (finds, misses) =
            if kind == Kind::WorkWeixin { (work_weixin, common) } else { (common, work_weixin) };
        assert_eq!(call(&merchant, &finds).assert_success().get("mch_billno"), Some(&*billno));
        let missed = call(&merchant, &misses);
        assert_eq!((missed.code(), missed.text()), ("NOT_FOUND", "指定单号数据不存在"), "{kind:?}");
        assert_eq!((missed.get("mch_billno"), missed.get("status")), (Some(&*billno), None));
    }
}

#[test]
fn a_packet_with_one_share_is_for_its_receiver() {
    let (_, merchant) = shop_with(legacy());
    for (number, kind) in KINDS.into_iter().enumerate().filter(|(_, kind)| *kind != Kind::Group) {
        let billno = number.to_string();
        let form = Form::sends(&merchant, &billno)[number].clone();
        call(&merchant, &form).assert_success();
        let packet = merchant.claim(&billno).unwrap();
        assert_eq!((packet.status, packet.unclaimed().0), (Status::Received, 0), "{kind:?}");
        let found = call(&merchant, &form.queried(&merchant));
        let claim = ["status", "openid", "amount", "rcv_time"].map(|name| found.get(name));
        assert_eq!(claim, [Some("RECEIVED"), Some(OPENID), Some("1000"), Some("2026-01-01 09:00:00")]);
    }
}

#[test]
fn the_general_checks_are_those_of_sendredpack() {
    let mock = Mock::builder().rules(legacy()).build();
    let open = mock.merchant().mch_id(MCH_ID).create().unwrap();
    let closed = mock.merchant().mch_id("10000099").product_closed().create().unwrap();
    let verdict = |answer: Answer| (answer.code().to_owned(), answer.text().to_owned());
    const UNOPENED: &str = "你的商户号未开通该产品权限，请联系管理员到产品中心开通。开通路径：产品中心-产品大全-现金红包-申请开通";
    let ordinary = ("PRODUCT_AUTHORITY_UNOPEN", UNOPENED);
    let company = ("NO_COMPETENCE", "商户没有开通企业支付");
    for (number, not_opened) in [ordinary, ordinary, ordinary, company].into_iter().enumerate() {
        let [form, unopened] = [&open, &closed].map(|merchant| Form::sends(merchant, "1")[number].clone());
        let unbound = form.clone().with("wxappid", "wx0").keyed("wrong");
        let no_certificate = call_from(&mock, &form.clone().keyed("wrong"), Certificate::None, None);
        let other = call_from(&mock, &form, in_force("10000099"), None);
        let cases = [
            (
                call(&open, &form.clone().with("act_name", "x".repeat(33)).with("wxappid", "wx0")),
                "PARAM_ERROR",
                "参数错误:act_name字段必填,并且少于32个字符",
            ),
            (
                call_from(&mock, &unbound, Certificate::None, None),
                "PARAM_ERROR",
                "参数错误:商户号和wxappid不匹配",
            ),
            (no_certificate, "CA_ERROR", "证书出错，请登录微信支付商户平台下载证书"),
            (other, "CA_ERROR", "请求没带商户API证书或者带上了错误的商户API证书"),
            (call(&closed, &unopened.clone().keyed("wrong")), "SIGN_ERROR", "签名错误"),
            (call(&closed, &unopened), not_opened.0, not_opened.1),
            (call(&open, &form.clone().with("total_amount", "99")), "MONEY_LIMIT", "红包金额发放限制"),
        ];
        for (answer, code, text) in cases {
            assert_eq!(answer.get("re_openid"), Some(OPENID), "the order is echoed");
            assert_eq!(verdict(answer), (code.to_owned(), text.to_owned()), "endpoint {number}");
        }
    }
    assert_eq!(mock.ledger().packets().count(), 0);
}
