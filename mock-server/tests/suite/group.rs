//! `sendgroupredpack`: closed, gone, or as it was; shares and who claims them.

use std::time::Duration;

use wechatpay_mock_server::{
    Action, ActionError, Certificate, GroupRedPack, Mock, MockMerchant, RedPacket, Rules, Status,
};
#[expect(deprecated, reason = "the mock can still serve it")]
use wechatpay_proto::v2::mmpaymkttransfers::SendGroupRedPack;
use wechatpay_proto::v2::mmpaymkttransfers::SendGroupRedPackOptions;
use wechatpay_proto::{Fen, Nonce};

use crate::common::{APPID, Form, MCH_ID, OPENID, call, call_from, in_force, legacy, post, shop, shop_with};

const DAY: Duration = Duration::from_secs(24 * 3600);
const CLOSED: &str = "裂变红包功能已于2024年6月5日下线，请使用普通红包";
const TOTAL_NUM: &str = "total_num必须介于(包括)3到20之间";

fn claim(merchant: &MockMerchant, mock: &Mock, openid: &str) -> Result<RedPacket, ActionError> {
    mock.act(merchant.mch_id(), "1", &Action::Claim { openid: Some(openid.to_owned()) })
}

fn amounts(packet: &RedPacket) -> Vec<u32> {
    packet.shares.iter().map(|share| share.amount.0).collect()
}

#[test]
fn it_is_closed_unless_said_otherwise_and_says_so_after_every_general_check() {
    let (mock, merchant) = shop();
    let form = Form::group(&merchant, "1");
    let closed = call(&merchant, &form);
    closed.assert_failure("API_METHOD_CLOSED", CLOSED);
    assert!(CLOSED.contains("2024年6月5日"));
    let echoes = ["mch_billno", "mch_id", "wxappid", "re_openid", "total_amount", "total_num"];
    assert_eq!(closed.names()[6..], echoes);
    // An amount out of range is a matter of the work that is not done any more.
    assert_eq!(call(&merchant, &form.clone().with("total_amount", "1")).code(), "API_METHOD_CLOSED");

    call(&merchant, &form.clone().with("total_num", "2")).assert_param_error(TOTAL_NUM);
    assert_eq!(call_from(&mock, &form, Certificate::None, None).code(), "CA_ERROR");
    call(&merchant, &form.clone().keyed("wrong")).assert_sign_error();
    let unopened = mock.merchant().product_closed().create().unwrap();
    assert_eq!(call(&unopened, &Form::group(&unopened, "1")).code(), "PRODUCT_AUTHORITY_UNOPEN");
    let listed = mock.merchant().allowed_ips([[127, 0, 0, 1].into()]).create().unwrap();
    let peer = Some([127, 0, 0, 2].into());
    let foreign = call_from(&mock, &Form::group(&listed, "1"), in_force(listed.mch_id()), peer);
    assert_eq!(foreign.code(), "NO_AUTH");
    assert_eq!((mock.ledger().packets().count(), merchant.balance_fen()), (0, 1_000_000));
    // The number is free, and the other endpoints are open.
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
}

#[test]
fn gone_it_is_a_path_that_nobody_knows() {
    let (mock, merchant) = shop_with(Rules { group: GroupRedPack::Gone, ..Rules::default() });
    let gone = call(&merchant, &Form::group(&merchant, "1"));
    let arrival = wechatpay_mock_server::Arrival::with(Certificate::None);
    let unknown = crate::common::Answer::new(
        mock.handle(&post("/mmpaymkttransfers/nothing", ""), &arrival).seen().unwrap(),
    );
    assert_eq!((gone.status, &gone), (404, &unknown));
    for form in
        [Form::send(&merchant, "1"), Form::mini_program(&merchant, "2"), Form::work_weixin(&merchant, "3")]
    {
        call(&merchant, &form).assert_success();
    }
}

#[test]
fn a_success_echoes_how_many_shares_there_are() {
    let (_, merchant) = shop_with(legacy());
    let answer = call(&merchant, &Form::group(&merchant, "1"));
    assert_eq!((answer.assert_success().text(), answer.get("total_num")), ("发放成功", Some("3")));
    let mut order = answer.names()[6..].to_vec();
    order.sort_unstable();
    let mut expected =
        ["mch_billno", "mch_id", "wxappid", "re_openid", "total_amount", "total_num", "send_listid"];
    expected.sort_unstable();
    assert_eq!(order, expected, "no sign, no send_time, no package");
    assert!(answer.get("send_listid").unwrap().starts_with("100004170120260101"));
}

#[test]
fn how_many_and_how_divided_is_checked_as_fields_are() {
    let (_, merchant) = shop_with(legacy());
    let form = Form::group(&merchant, "1");
    for wrong in ["0", "1", "2", "21", "4294967295", "three", ""] {
        let answer = call(&merchant, &form.clone().with("total_num", wrong).keyed("wrong"));
        assert_eq!(
            answer.assert_param_error(TOTAL_NUM).get("total_num"),
            wrong.parse::<u32>().ok().map(|_| wrong)
        );
    }
    call(&merchant, &form.clone().without("total_num")).assert_param_error(TOTAL_NUM);
    for wrong in ["ALL_SAME", "all_rand", ""] {
        call(&merchant, &form.clone().with("amt_type", wrong))
            .assert_param_error("amt_type字段必填,并且必须为ALL_RAND");
    }
    assert!(merchant.red_packet("1").is_none());
    for (billno, total_num) in [("3", "3"), ("20", "20")] {
        let form = Form::group(&merchant, billno).with("total_num", total_num).with("total_amount", "2000");
        assert_eq!(call(&merchant, &form).assert_success().get("total_num"), Some(total_num));
    }
}

#[test]
fn a_client_ip_is_unknown_here() {
    let (_, merchant) = shop_with(legacy());
    let form = Form::group(&merchant, "1");
    for (field, value) in
        [("client_ip", "127.0.0.1"), ("amt_list", "1|2"), ("notify_way", "MINI_PROGRAM_JSAPI")]
    {
        call(&merchant, &form.clone().with(field, value)).assert_sign_error();
    }
    call(&merchant, &form.unsigned("client_ip", "127.0.0.1")).assert_success();
}

#[test]
fn the_average_has_the_limits_of_a_packet_and_the_whole_its_own() {
    let (mock, merchant) = shop_with(Rules { sends_per_second: None, ..legacy() });
    let cases = [
        ("299", "3", None, false),
        ("300", "3", None, true),
        ("60000", "3", None, true),
        ("60001", "3", None, false),
        ("1999", "20", None, false),
        ("2000", "20", None, true),
        ("100000", "20", None, true),
        ("100001", "20", None, false),
        ("299", "3", Some("PRODUCT_1"), true),
        ("100", "20", Some("PRODUCT_1"), true),
        ("99", "20", Some("PRODUCT_1"), false),
        ("100000", "3", Some("PRODUCT_1"), true),
        ("100001", "3", Some("PRODUCT_1"), false),
        ("0", "3", Some("PRODUCT_1"), false),
    ];
    for (number, (amount, total_num, scene, passes)) in cases.into_iter().enumerate() {
        let billno = number.to_string();
        let mut form =
            Form::group(&merchant, &billno).with("total_amount", amount).with("total_num", total_num);
        if let Some(scene) = scene {
            form = form.with("scene_id", scene);
        }
        let answer = call(&merchant, &form);
        assert_eq!(
            answer.code(),
            if passes { "SUCCESS" } else { "MONEY_LIMIT" },
            "{amount} {total_num} {scene:?}"
        );
        assert_eq!(mock.red_packet(MCH_ID, &billno).is_some(), passes);
    }
}

#[test]
fn whatever_the_rules_allow_no_share_is_empty() {
    let wide = 0..=u32::MAX;
    let rules = Rules { amount: wide.clone(), group_amount: wide, ..legacy() };
    let (_, merchant) = shop_with(rules);
    let form = |billno: &str, amount: &str| Form::group(&merchant, billno).with("total_amount", amount);
    call(&merchant, &form("1", "2")).assert_failure("MONEY_LIMIT", "红包金额发放限制");
    call(&merchant, &form("2", "3")).assert_success();
    assert_eq!(amounts(&merchant.red_packet("2").unwrap()), [1, 1, 1]);
    let nothing = Form::send(&merchant, "3").with("total_amount", "0");
    call(&merchant, &nothing).assert_failure("MONEY_LIMIT", "红包金额发放限制");
}

#[test]
fn another_number_of_shares_under_the_same_order_is_fatal() {
    let (mock, merchant) = shop_with(legacy());
    let form = Form::group(&merchant, "1");
    call(&merchant, &form).assert_success();
    mock.advance(Duration::from_secs(1));
    call(&merchant, &form.clone().with("total_num", "4"))
        .assert_failure("FATAL_ERROR", "更换了红包个数，但商户单号未更新");
    call(&merchant, &form).assert_success();
}

#[test]
fn shares_come_from_the_seed_and_the_order_and_from_nothing_else() {
    let shares = |seed, billno: &str, others: usize| {
        let mock = Mock::builder().seed(seed).rules(legacy()).build();
        let merchant = mock.merchant().mch_id(MCH_ID).create().unwrap();
        for other in 0..others {
            call(&merchant, &Form::group(&merchant, &format!("other{other}"))).assert_success();
        }
        let form = Form::group(&merchant, billno).with("total_amount", "20000").with("total_num", "20");
        call(&merchant, &form).assert_success();
        amounts(&merchant.red_packet(billno).unwrap())
    };
    let drawn = shares(1, "1", 0);
    assert_eq!((drawn.len(), drawn.iter().sum::<u32>()), (20, 20_000));
    assert!(drawn.iter().all(|amount| *amount >= 1));
    assert_eq!(drawn, shares(1, "1", 5));
    assert_ne!(drawn, shares(2, "1", 0));
    assert_ne!(drawn, shares(1, "2", 0));
}

#[test]
fn each_user_claims_one_share_in_their_order_until_none_is_left() {
    let (mock, merchant) = shop_with(legacy());
    call(&merchant, &Form::group(&merchant, "1")).assert_success();
    let drawn = amounts(&merchant.red_packet("1").unwrap());
    for (number, openid) in ["o1", OPENID].into_iter().enumerate() {
        mock.advance(Duration::from_secs(60));
        let packet = claim(&merchant, &mock, openid).unwrap();
        assert_eq!(packet.status, Status::Sent);
        let claims: Vec<_> = packet.claims().map(|(amount, claim)| (amount.0, &*claim.openid)).collect();
        assert_eq!((claims.len(), claims[number]), (number + 1, (drawn[number], openid)));
        let before = mock.ledger();
        assert_eq!(claim(&merchant, &mock, openid), Err(ActionError::ClaimedBefore));
        assert_eq!(mock.ledger(), before);
    }
    // Nobody in particular is the seed user, who has a share.
    assert_eq!(merchant.claim("1"), Err(ActionError::WhoElse));
    assert!(merchant.claim("1").unwrap_err().to_string().contains("openid"));
    let packet = claim(&merchant, &mock, "o3").unwrap();
    assert_eq!((packet.status, packet.unclaimed().0), (Status::Received, 0));
    let action = Action::Claim { openid: Some("o4".to_owned()) };
    let late = ActionError::Illegal { status: Status::Received, action };
    assert_eq!(claim(&merchant, &mock, "o4"), Err(late));
    mock.advance(3 * DAY);
    assert_eq!(merchant.balance_fen(), 999_000);
}

#[test]
fn nobody_in_particular_is_the_seed_user_once() {
    let (_, merchant) = shop_with(legacy());
    call(&merchant, &Form::group(&merchant, "1")).assert_success();
    let packet = merchant.claim("1").unwrap();
    assert_eq!(packet.claims().map(|(_, claim)| &*claim.openid).collect::<Vec<_>>(), [OPENID]);
    assert_eq!(merchant.claim("1"), Err(ActionError::WhoElse));
}

#[test]
fn a_claim_does_not_put_the_end_off_and_what_is_left_comes_back() {
    let (mock, merchant) = shop_with(legacy());
    call(&merchant, &Form::group(&merchant, "1")).assert_success();
    let due = mock.next_due().unwrap();
    mock.advance(DAY - Duration::from_secs(1));
    let drawn = amounts(&claim(&merchant, &mock, "o1").unwrap());
    let history = merchant.red_packet("1").unwrap().history;
    assert_eq!((mock.next_due(), history.len()), (Some(due), 2), "SENDING, SENT");
    let fired = mock.advance(2 * DAY);
    assert_eq!(
        fired.iter().map(|fired| fired.status().unwrap()).collect::<Vec<_>>(),
        [Status::RfundIng, Status::Refund]
    );
    assert_eq!(fired[0].at, due);
    assert_eq!(merchant.balance_fen(), 1_000_000 - u64::from(drawn[0]));
    assert!(claim(&merchant, &mock, "o2").is_err());
}

#[test]
fn a_query_lists_every_claim_whatever_becomes_of_the_rest() {
    let (mock, merchant) = shop_with(legacy());
    call(&merchant, &Form::group(&merchant, "1")).assert_success();
    let query = |status: &str| {
        let answer = call(&merchant, &Form::query(&merchant, "1"));
        let facts = ["status", "hb_type", "total_num", "total_amount"].map(|name| answer.get(name));
        assert_eq!(facts, [Some(status), Some("GROUP"), Some("3"), Some("1000")]);
        answer
    };
    let [first, second, third] = amounts(&merchant.red_packet("1").unwrap())[..] else {
        panic!("three shares")
    };
    let info = |openid: &str, amount: u32, time: &str| {
        format!(
            "<hbinfo><openid><![CDATA[{openid}]]></openid><amount>{amount}</amount>\
             <rcv_time><![CDATA[2026-01-01 {time}]]></rcv_time></hbinfo>"
        )
    };
    assert_eq!(query("SENT").get("hblist"), None);
    claim(&merchant, &mock, "o1").unwrap();
    let one = info("o1", first, "09:00:00");
    assert_eq!(query("SENT").get("hblist"), Some(&*one));
    mock.advance(Duration::from_secs(61));
    claim(&merchant, &mock, "o2").unwrap();
    let both = one + &info("o2", second, "09:01:01");
    assert_eq!(query("SENT").get("hblist"), Some(&*both));
    assert_eq!(query("SENT").get("refund_amount"), None);
    let rest = third.to_string();
    for (wait, status) in [(DAY, "RFUND_ING"), (DAY, "REFUND")] {
        mock.advance(wait);
        let answer = query(status);
        assert_eq!((answer.get("refund_amount"), answer.get("hblist")), (Some(&*rest), Some(&*both)));
        assert!(answer.body.ends_with(&format!("<hblist>{both}</hblist></xml>")));
    }
    assert_eq!(merchant.balance_fen(), 999_000 + u64::from(third));
}

#[test]
#[expect(deprecated, reason = "the mock can still serve it")]
fn what_the_core_signs_is_what_the_naive_signer_signs() {
    let (_, merchant) = shop_with(legacy());
    let request = SendGroupRedPack {
        mch_billno: "1",
        wxappid: APPID,
        send_name: "天虹百货",
        re_openid: OPENID,
        total_amount: Fen(1_000),
        total_num: 3,
        wishing: "感谢您参加猜灯谜活动，祝您元宵节快乐！",
        act_name: "猜灯谜抢红包活动",
        remark: "猜越多得越多，快来抢！",
        options: SendGroupRedPackOptions {
            risk_info: Some("posttime%3d1"),
            ..SendGroupRedPackOptions::default()
        },
    };
    let credentials = merchant.credentials();
    let signed = credentials.sign(&request, Nonce::from_text("n").unwrap()).unwrap();
    let form = Form::group(&merchant, "1").with("nonce_str", "n").with("risk_info", "posttime%3d1");
    assert!(signed.xml().contains(&format!("<sign><![CDATA[{}]]></sign>", form.fields()["sign"])));
}
