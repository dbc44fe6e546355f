//! A campaign of payouts in-process: every packet is paid once and led to its end.

use std::time::Duration;

use wechatpay_mock_server::{Mock, Rules};
use wechatpay_proto::Fen;
use wechatpay_proto::payout::{Action, Campaign, Intent, Now, Payout, Policy};
use wechatpay_proto::transport::{BlockingTransport, Fault};
use wechatpay_proto::v2::mmpaymkttransfers::{SendRedPack, SendRedPackOptions};

#[test]
fn a_campaign_pays_everybody_once() {
    let mock = Mock::builder().rules(Rules { user_packets_a_day: None, ..Rules::default() }).build();
    let merchant = mock.merchant().balance_fen(100_000).create().unwrap();
    let transport = merchant.transport();
    let policy = Policy::default();
    let mut nonce = 0_u128;
    let mut campaign = Campaign::new(merchant.credentials(), &policy, move || {
        nonce += 1;
        nonce.to_be_bytes()
    });
    // Any calendar will do: the core and the mock share none.
    let mut now = Now { steady: Duration::ZERO, calendar: Duration::from_secs(1_767_225_600) };
    for at in 0..10 {
        let request = SendRedPack {
            mch_billno: &format!("A{at:09}"),
            wxappid: merchant.appid(),
            send_name: "天虹百货",
            re_openid: "oxTWIuGaIt6gTKsQRLau2M0yL16E",
            total_amount: Fen(1_000),
            wishing: "祝",
            client_ip: [192, 168, 0, 1].into(),
            act_name: "活动",
            remark: "备注",
            options: SendRedPackOptions::default(),
        };
        let intent = Intent::new(&format!("row {at}"), campaign.merchant(), &request).unwrap();
        let unsaved = Payout::new(intent, &policy, now);
        let (intent, snapshot) = (unsaved.intent().clone(), unsaved.snapshot());
        campaign.add(now, intent, &snapshot.to_string().parse().unwrap()).unwrap();
    }
    let mut done = 0;
    while !campaign.is_empty() {
        match campaign.poll(now).unwrap() {
            Action::Save(save) => campaign.saved(save),
            Action::Send { request, flight } => match transport.send_blocking(request) {
                Ok(response) => campaign.answer(now, flight, &response),
                Err(error) => campaign.fault(now, flight, error.delivery()),
            },
            Action::Wait { until } => {
                let wait = until.unwrap() - now.steady;
                now.steady += wait;
                now.calendar += wait;
                mock.advance(wait);
            }
            Action::Done(_) => done += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(done, 10);
    assert_eq!(campaign.progress().refunded, 10);
}
