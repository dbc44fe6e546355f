//! Service providers: who may act for whom, who pays, and which appid reaches the user.

use wechatpay_mock_server::{Mock, MockMerchant};
use wechatpay_proto::v2::mmpaymkttransfers::{GetHbInfo, SendRedPack, SendRedPackOptions};
use wechatpay_proto::{Client, Fen};

use crate::common::{Form, call, legacy};

struct World {
    mock: Mock,
    provider: MockMerchant,
    sub: MockMerchant,
    sibling: MockMerchant,
    stranger: MockMerchant,
}

fn world() -> World {
    let mock = Mock::builder().rules(legacy()).build();
    let provider =
        mock.merchant().mch_id("1900000001").appid("wxprovider").service_provider().create().unwrap();
    let merchant = |mch_id: &str| mock.merchant().mch_id(mch_id).appid(format!("wx{mch_id}"));
    let sub = merchant("1900000002").under(&provider).create().unwrap();
    let sibling = merchant("1900000003").under(&provider).create().unwrap();
    let stranger = merchant("1900000004").create().unwrap();
    World { mock, provider, sub, sibling, stranger }
}

impl World {
    fn form(&self, mch_billno: &str) -> Form {
        Form::send(&self.provider, mch_billno)
            .with("sub_mch_id", self.sub.mch_id())
            .with("msgappid", self.sub.appid())
    }

    fn balances(&self) -> [u64; 4] {
        [&self.provider, &self.sub, &self.sibling, &self.stranger].map(MockMerchant::balance_fen)
    }
}

#[test]
fn the_sub_merchant_pays_unless_another_one_is_named() {
    const FULL: u64 = 1_000_000;
    const PAID: u64 = FULL - 1_000;
    let payers = [
        (None, [FULL, PAID, FULL, FULL]),
        (Some("1900000001"), [PAID, FULL, FULL, FULL]),
        (Some("1900000002"), [FULL, PAID, FULL, FULL]),
        (Some("1900000003"), [FULL, FULL, PAID, FULL]),
    ];
    for (payer, balances) in payers {
        let world = world();
        let mut form = world.form("1");
        if let Some(payer) = payer {
            form = form.with("consume_mch_id", payer);
        }
        let answer = call(&world.provider, &form);
        assert_eq!((answer.assert_success().get("sub_mch_id"), answer.get("msgappid")), (None, None));
        assert_eq!(world.balances(), balances, "{payer:?}");
        let packet = world.provider.red_packet("1").unwrap();
        assert_eq!(packet.payer, payer.unwrap_or("1900000002"));
        assert!(world.sub.red_packet("1").is_none(), "the order is the provider's");
        world.mock.advance(std::time::Duration::from_secs(3 * 24 * 3600));
        assert_eq!(world.balances(), [FULL; 4], "the money goes back to whom it came from");
    }
}

#[test]
fn without_money_of_the_payer_the_order_waits() {
    let mock = Mock::builder().build();
    let provider = mock.merchant().appid("wxprovider").service_provider().create().unwrap();
    let sub = mock.merchant().under(&provider).balance_fen(0).create().unwrap();
    let form = Form::send(&provider, "1").with("sub_mch_id", sub.mch_id()).with("msgappid", "wxprovider");
    assert_eq!(call(&provider, &form).code(), "NOTENOUGH");
    assert_eq!((provider.balance_fen(), sub.balance_fen()), (1_000_000, 0));
    sub.top_up(1_000);
    mock.advance(std::time::Duration::from_secs(1));
    call(&provider, &form).assert_success();
    assert_eq!((provider.balance_fen(), sub.balance_fen()), (1_000_000, 0));
}

#[test]
fn relations_and_appids_are_checked_after_the_sign_and_leave_no_order() {
    const RELATION: (&str, &str) = ("ACCEPTMODE_ERROR", "主、子商户号关系校验失败");
    const MSGAPPID: (&str, &str) = ("MSGAPPID_ERROR", "触达消息给用户appid有误");
    let world = world();
    let cases = [
        ("sub_mch_id", "1900000004", RELATION),
        ("sub_mch_id", "1900000001", RELATION),
        ("sub_mch_id", "1900000009", RELATION),
        ("consume_mch_id", "1900000004", RELATION),
        ("consume_mch_id", "1900000009", RELATION),
        ("msgappid", "wx1900000003", MSGAPPID),
        ("msgappid", "wx1900000004", MSGAPPID),
        ("msgappid", "nonsense", MSGAPPID),
    ];
    for (field, value, (code, text)) in cases {
        let form = world.form("1").with(field, value);
        call(&world.provider, &form.clone().keyed("wrong")).assert_sign_error();
        call(&world.provider, &form).assert_failure(code, text);
    }
    assert_eq!(world.mock.ledger().packets().count(), 0);
    call(&world.provider, &world.form("1").with("msgappid", "wxprovider")).assert_success();
}

#[test]
fn group_packets_have_the_same_relations() {
    let world = world();
    let form = |mch_billno: &str| {
        Form::group(&world.provider, mch_billno)
            .with("sub_mch_id", world.sub.mch_id())
            .with("msgappid", world.sub.appid())
    };
    let cases = [
        ("sub_mch_id", "1900000004", "ACCEPTMODE_ERROR"),
        ("consume_mch_id", "1900000009", "ACCEPTMODE_ERROR"),
        ("msgappid", "wx1900000003", "MSGAPPID_ERROR"),
    ];
    for (field, value, code) in cases {
        call(&world.provider, &form("1").with(field, value).keyed("wrong")).assert_sign_error();
        assert_eq!(call(&world.provider, &form("1").with(field, value)).code(), code);
    }
    let answer = call(&world.provider, &form("1").without("msgappid"));
    assert!(answer.code() == "PARAM_ERROR" && answer.text().contains("msgappid"), "{answer:?}");
    call(&world.sub, &Form::group(&world.sub, "1").with("msgappid", "wx1900000002"))
        .assert_param_error("授理模式/资金受理才需要填入msgappid");
    assert_eq!(world.mock.ledger().packets().count(), 0);

    let answer = call(&world.provider, &form("1"));
    assert_eq!((answer.assert_success().get("sub_mch_id"), answer.get("msgappid")), (None, None));
    call(&world.provider, &form("2").with("consume_mch_id", "1900000003")).assert_success();
    assert_eq!(world.balances(), [1_000_000, 999_000, 999_000, 1_000_000]);
    let share = world.provider.claim("1").unwrap().shares[0].amount.0;
    world.mock.advance(std::time::Duration::from_secs(3 * 24 * 3600));
    let left = 1_000_000 - u64::from(share);
    assert_eq!(world.balances(), [1_000_000, left, 1_000_000, 1_000_000], "the rest goes back to who paid");
}

#[test]
fn without_fields_for_providers_a_provider_pays_itself() {
    let world = world();
    for (billno, form) in
        [("1", Form::mini_program as fn(&MockMerchant, &str) -> Form), ("2", Form::work_weixin)]
    {
        let unknown = form(&world.provider, billno).with("sub_mch_id", world.sub.mch_id());
        call(&world.provider, &unknown).assert_sign_error();
        call(&world.provider, &form(&world.provider, billno)).assert_success();
        assert_eq!(world.provider.red_packet(billno).unwrap().payer, world.provider.mch_id());
    }
    assert_eq!(world.balances(), [998_000, 1_000_000, 1_000_000, 1_000_000]);
}

#[test]
fn a_sub_merchant_of_another_provider_is_a_stranger() {
    let world = world();
    let other = world.mock.merchant().service_provider().create().unwrap();
    let theirs = world.mock.merchant().under(&other).create().unwrap();
    for field in ["sub_mch_id", "consume_mch_id"] {
        call(&world.provider, &world.form("1").with(field, theirs.mch_id()))
            .assert_failure("ACCEPTMODE_ERROR", "主、子商户号关系校验失败");
    }
}

#[test]
fn each_mode_needs_its_own_fields() {
    let world = world();
    for field in ["sub_mch_id", "msgappid"] {
        let answer = call(&world.provider, &world.form("1").without(field));
        assert_eq!(answer.code(), "PARAM_ERROR");
        assert!(answer.text().contains(field), "{}", answer.text());
    }
    let direct = Form::send(&world.sub, "1");
    for form in
        [direct.clone().with("msgappid", "wx1900000002"), direct.clone().unsigned("msgappid", "wx1900000002")]
    {
        call(&world.sub, &form).assert_param_error("授理模式/资金受理才需要填入msgappid");
    }
    // In direct mode this one means nothing.
    call(&world.sub, &direct.with("consume_mch_id", "1900000004")).assert_success();
    assert_eq!(world.balances(), [1_000_000, 999_000, 1_000_000, 1_000_000]);
}

#[test]
fn the_core_speaks_for_a_provider_as_the_naive_signer_does() {
    let world = world();
    let client = Client::new(world.provider.credentials(), world.provider.transport(), || [7; 16]);
    let request = SendRedPack {
        mch_billno: "1",
        wxappid: "wxprovider",
        send_name: "n",
        re_openid: "o",
        total_amount: Fen(100),
        wishing: "w",
        client_ip: [127, 0, 0, 1].into(),
        act_name: "a",
        remark: "r",
        options: SendRedPackOptions {
            sub_mch_id: Some("1900000002"),
            msgappid: Some("wx1900000002"),
            consume_mch_id: Some("1900000003"),
            ..SendRedPackOptions::default()
        },
    };
    let reply = client.send_blocking(&request).unwrap();
    assert!(reply.outcome().is_accepted());
    assert!(
        client
            .send_blocking(&GetHbInfo { mch_billno: "1", appid: "wxprovider" })
            .unwrap()
            .outcome()
            .is_accepted()
    );
    assert_eq!(world.balances(), [1_000_000, 1_000_000, 999_900, 1_000_000]);
}
