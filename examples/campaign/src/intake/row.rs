//! One row becomes one intent.

use std::net::Ipv4Addr;

use wechatpay_proto::payout::Intent;
use wechatpay_proto::v2::mmpaymkttransfers::{Scene, SendRedPack, SendRedPackOptions};
use wechatpay_proto::{Fen, Merchant};

use super::problem::{Problem, Reason};
use super::table::Row;

/// What all rows have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'a> {
    /// Who pays.
    pub(crate) merchant: &'a Merchant,
    /// The appid of rows that name none.
    pub(crate) appid: Option<&'a str>,
}

impl Terms<'_> {
    /// The intent of a row; or everything that is wrong with it: each value that cannot be read, or else the first rule
    /// of the service that is broken.
    pub(crate) fn intent(&self, row: &Row<'_>) -> Result<Intent, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut text = |column| row.get(column).map_err(|problem| problems.push(problem)).unwrap_or_default();
        let (business_id, mch_billno) = (text("business_id"), text("mch_billno"));
        let wxappid = match text("wxappid") {
            "" => self.appid.unwrap_or_default(),
            own => own,
        };
        let (re_openid, send_name) = (text("re_openid"), text("send_name"));
        let (wishing, act_name, remark) = (text("wishing"), text("act_name"), text("remark"));
        let (amount, ip, scene) = (text("total_amount"), text("client_ip"), text("scene_id"));
        let mut read = |column, reason: Reason| problems.push(Problem::column(row.line, column, reason));
        let total_amount = fen(amount).map_err(|reason| read("total_amount", reason));
        let client_ip = ip.parse::<Ipv4Addr>().map_err(|_| read("client_ip", Reason::NotIpv4));
        let scene_id = scene_of(scene).map_err(|reason| read("scene_id", reason));
        let (Ok(total_amount), Ok(client_ip), Ok(scene_id), true) =
            (total_amount, client_ip, scene_id, problems.is_empty())
        else {
            return Err(problems);
        };
        let request = SendRedPack {
            mch_billno,
            wxappid,
            send_name,
            re_openid,
            total_amount,
            wishing,
            client_ip,
            act_name,
            remark,
            options: SendRedPackOptions { scene_id, ..SendRedPackOptions::default() },
        };
        Intent::new(business_id, self.merchant, &request)
            .map_err(|error| vec![Problem::of_request(row.line, &error)])
    }
}

/// Digits alone, and no zero before them: `1.00`, `1e3`, `+100` and ` 100` are somebody's mistake, and so is `0100`.
fn fen(text: &str) -> Result<Fen, Reason> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || (text.starts_with('0') && text != "0") {
        return Err(Reason::NotFen);
    }
    text.parse().map(Fen).map_err(|_| Reason::TooMuch)
}

fn scene_of(text: &str) -> Result<Option<Scene>, Reason> {
    if text.is_empty() {
        return Ok(None);
    }
    let scene = Scene::ALL.into_iter().find(|scene| scene.as_str() == text);
    scene.map(Some).ok_or(Reason::NotAScene)
}
