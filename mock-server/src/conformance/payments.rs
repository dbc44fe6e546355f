//! The cases for any transport that leads to a mock.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use wechatpay_proto::transport::{BaseUrl, BlockingTransport, ClientCertificate};
use wechatpay_proto::v2::mmpaymkttransfers::{GetHbInfo, SendRedPack, SendRedPackOptions, SendRedPackReply};
use wechatpay_proto::{ApiKey, Client, ErrorCode, Fen, Merchant, Nonce, Outcome, Reason};

use super::report::{Findings, Report};
use crate::arrival::{Arrival, Certificate};
use crate::merchant::MockMerchant;
use crate::mock::Mock;

const THREADS: usize = 8;
const ORDERS: usize = 25;
const AMOUNT: Fen = Fen(100);
/// A key that is no merchant's.
const OTHER_KEY: [u8; 32] = *b"no_key_that_anybody_has_ever_had";
/// Over plain http no certificate can be shown, and no endpoint of the mock pays without.
const PLAIN: &str = "no certificate can be shown over plain http";

pub(super) struct Bench<'a, T> {
    mock: &'a Mock,
    merchant: &'a MockMerchant,
    base: &'a BaseUrl,
    transport: &'a T,
    /// What the numbers of this run's orders begin with.
    prefix: String,
    nonces: AtomicU64,
}

type Verdict = Result<(), String>;
type Check<B> = fn(&B) -> Verdict;

impl<'a, T: BlockingTransport + Sync> Bench<'a, T> {
    pub(super) fn new(
        mock: &'a Mock,
        merchant: &'a MockMerchant,
        base: &'a BaseUrl,
        transport: &'a T,
    ) -> Self {
        let is_free = |prefix: &String| merchant.red_packet(&format!("{prefix}pay")).is_none();
        let prefix = (0..).map(|run| format!("conformance{run}x")).find(is_free).unwrap_or_default();
        merchant.top_up(u64::from(AMOUNT.0) * (THREADS * ORDERS + 10) as u64);
        Self { mock, merchant, base, transport, prefix, nonces: AtomicU64::new(0) }
    }

    #[track_caller]
    pub(super) fn run(&self) -> Report {
        let paid: [(_, _, Check<Self>); 6] = [
            (
                "pay",
                "A packet that is sent is in the ledger once, and its answer is the right one.",
                Self::pay,
            ),
            ("pay-again", "The same number again is accepted and pays nothing more.", Self::pay_again),
            ("query", "A query finds the packet.", Self::query),
            (
                "certificate",
                "The certificate goes with requests that are marked, and with no others.",
                Self::certificate,
            ),
            (
                "same-answer",
                "An answer is, to the byte, the one that the mock gives in-process.",
                Self::same_answer,
            ),
            ("threads", "200 orders from 8 threads are in the ledger, each of them once.", Self::threads),
        ];
        let always: [(_, _, Check<Self>); 2] = [
            ("wrong-sign", "A refusal is an answer and not an error of the transport.", Self::wrong_sign),
            ("nowhere", "A page that is no answer of the application comes back as it is.", Self::nowhere),
        ];
        let mut findings = Findings::default();
        for (id, shows, check) in paid {
            match self.is_plain() {
                true => findings.skip(id.into(), PLAIN),
                false => findings.ran(id.into(), shows, check(self).err().into_iter().collect()),
            }
        }
        for (id, shows, check) in always {
            findings.ran(id.into(), shows, check(self).err().into_iter().collect());
        }
        findings.report()
    }

    fn is_plain(&self) -> bool {
        self.base.to_string().starts_with("http:")
    }

    fn pay(&self) -> Verdict {
        let (balance, billno) = (self.merchant.balance_fen(), self.billno("pay"));
        let reply = self.send(&billno)?;
        let packet = self.merchant.red_packet(&billno).ok_or("it is not in the ledger")?;
        expect("outcome", &reply.outcome(), &Outcome::Accepted)?;
        expect("mch_billno", &reply.mch_billno.as_deref(), &Some(billno.as_str()))?;
        expect("total_amount", &reply.total_amount, &Some(AMOUNT))?;
        expect("send_listid", &reply.send_listid.as_deref(), &Some(packet.send_listid.as_str()))?;
        expect("balance", &self.merchant.balance_fen(), &(balance - u64::from(AMOUNT.0)))
    }

    fn pay_again(&self) -> Verdict {
        let (balance, billno) = (self.merchant.balance_fen(), self.billno("pay"));
        self.mock.advance(Duration::from_secs(2));
        let reply = self.send(&billno)?;
        expect("outcome", &reply.outcome(), &Outcome::Accepted)?;
        expect("balance", &self.merchant.balance_fen(), &balance)
    }

    fn query(&self) -> Verdict {
        let billno = self.billno("pay");
        let packet = self.merchant.red_packet(&billno).ok_or("there is no packet to ask for")?;
        let reply = self.once(|| self.client().send_blocking(&self.question(&billno)).map_err(describe))?;
        expect("total_amount", &reply.total_amount, &Some(AMOUNT))?;
        expect("detail_id", &reply.detail_id.as_deref(), &Some(packet.send_listid.as_str()))
    }

    fn wrong_sign(&self) -> Verdict {
        let other = ApiKey::new(OTHER_KEY).and_then(|key| Merchant::direct(self.merchant.mch_id(), key));
        let client = Client::new(other.map_err(describe)?, self.sender(), || self.nonce());
        let client = client.with_base(self.base.clone());
        let billno = self.billno("sign");
        let (openid, reply) = (self.openid(&billno), |packet: &SendRedPack<'_>| client.send_blocking(packet));
        let reply = self.once(|| reply(&self.packet(&billno, &openid)).map_err(describe))?;
        let code = if self.is_plain() { ErrorCode::CaError } else { ErrorCode::SignError };
        expect("outcome", &reply.outcome(), &Outcome::Unknown(Reason::Code(code)))
    }

    fn certificate(&self) -> Verdict {
        let (billno, merchant) = (self.billno("pay"), self.merchant.credentials());
        let question = self.question(&billno);
        for marked in [false, true] {
            let nonce = Nonce::from_bytes(self.nonce());
            let signed = merchant.sign_for(self.base, &question, nonce).map_err(describe)?;
            let (mut request, pending) = signed.into_parts();
            if !marked {
                request.extensions_mut().remove::<ClientCertificate>();
            }
            let answer = self.once(|| self.exchange(request))?;
            let reply = pending.accept(&answer).map_err(describe)?;
            let refused = reply.head.err_code == Some(ErrorCode::CaError);
            let what = if marked { "CA_ERROR with the mark" } else { "CA_ERROR without the mark" };
            expect(what, &refused, &!marked)?;
        }
        Ok(())
    }

    fn nowhere(&self) -> Verdict {
        let target = self.base.join("/conformance/nowhere").map_err(describe)?;
        let request = Request::post(target).body(Bytes::from_static(b"<xml></xml>")).map_err(describe)?;
        let arrival = Arrival::with(Certificate::None);
        let answer = self.once(|| self.exchange(request.clone()))?;
        expect("status", &answer.status(), &StatusCode::NOT_FOUND)?;
        same(&answer, &self.mock.handle(&request, &arrival).seen().map_err(describe)?)
    }

    fn same_answer(&self) -> Verdict {
        let billno = self.billno("pay");
        let (merchant, question) = (self.merchant.credentials(), self.question(&billno));
        let nonce = Nonce::from_bytes(self.nonce());
        let (request, _) = merchant.sign_for(self.base, &question, nonce).map_err(describe)?.into_parts();
        let answer = self.once(|| self.exchange(request.clone()))?;
        let in_process = self.merchant.transport().send_blocking(request).map_err(describe)?;
        same(&answer, &in_process)
    }

    fn threads(&self) -> Verdict {
        let (balance, packets) = (self.merchant.balance_fen(), self.mock.ledger().packets().count());
        let number = |thread: usize, order: usize| self.billno(&format!("t{thread}x{order}"));
        let work = |thread| (0..ORDERS).try_for_each(|order| self.pay_patiently(&number(thread, order)));
        let verdicts: Vec<Verdict> = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || work(thread))).collect();
            let join = |thread: thread::ScopedJoinHandle<'_, Verdict>| thread.join();
            threads
                .into_iter()
                .map(|thread| join(thread).unwrap_or_else(|_| Err("a panic".to_owned())))
                .collect()
        });
        verdicts.into_iter().collect::<Verdict>()?;
        let orders = THREADS * ORDERS;
        expect("packets", &(self.mock.ledger().packets().count() - packets), &orders)?;
        let missing = (0..orders)
            .find(|order| self.merchant.red_packet(&number(order / ORDERS, order % ORDERS)).is_none());
        expect("the first packet that is missing", &missing, &None)?;
        expect("paid", &(balance - self.merchant.balance_fen()), &(u64::from(AMOUNT.0) * orders as u64))
    }

    /// Sends an order until it is taken. The service allows so many in a second, and seconds are the mock's.
    fn pay_patiently(&self, billno: &str) -> Verdict {
        let openid = self.openid(billno);
        for _ in 0..THREADS * ORDERS {
            let reply = self.client().send_blocking(&self.packet(billno, &openid)).map_err(describe)?;
            match reply.outcome() {
                Outcome::Accepted => {
                    return expect("mch_billno", &reply.mch_billno.as_deref(), &Some(billno));
                }
                Outcome::Unknown(Reason::Code(ErrorCode::FreqLimit)) => {
                    self.mock.advance(Duration::from_secs(2));
                }
                other => return Err(format!("{billno} came to {other:?}")),
            }
        }
        Err(format!("{billno} was sent too often, whenever it was sent"))
    }

    fn send(&self, billno: &str) -> Result<SendRedPackReply<'static>, String> {
        let openid = self.openid(billno);
        self.once(|| self.client().send_blocking(&self.packet(billno, &openid)).map_err(describe))
    }

    /// Makes one call, of which the mock must get one request.
    fn once<R>(&self, call: impl FnOnce() -> Result<R, String>) -> Result<R, String> {
        let before = self.mock.requests();
        let result = call()?;
        expect("requests that the mock got", &(self.mock.requests() - before), &1)?;
        Ok(result)
    }

    fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        self.transport.send_blocking(request).map_err(describe)
    }

    fn sender(&self) -> impl Fn(Request<Bytes>) -> Result<Response<Bytes>, T::Error> {
        |request| self.transport.send_blocking(request)
    }

    fn client(&self) -> Client<impl BlockingTransport, impl Fn() -> [u8; 16]> {
        Client::new(self.merchant.credentials(), self.sender(), || self.nonce()).with_base(self.base.clone())
    }

    fn nonce(&self) -> [u8; 16] {
        u128::from(self.nonces.fetch_add(1, Ordering::Relaxed)).to_be_bytes()
    }

    fn billno(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// A user of its own for each order, so that no limit of a user is in the way.
    fn openid(&self, billno: &str) -> String {
        format!("o{billno}")
    }

    fn packet<'p>(&'p self, mch_billno: &'p str, re_openid: &'p str) -> SendRedPack<'p> {
        SendRedPack {
            mch_billno,
            wxappid: self.merchant.appid(),
            send_name: "天虹百货",
            re_openid,
            total_amount: AMOUNT,
            wishing: "感谢您参加猜灯谜活动，祝您元宵节快乐！",
            client_ip: Ipv4Addr::LOCALHOST,
            act_name: "猜灯谜抢红包活动",
            remark: "<快来抢> & \"更多\"",
            options: SendRedPackOptions::default(),
        }
    }

    fn question<'q>(&'q self, mch_billno: &'q str) -> GetHbInfo<'q> {
        GetHbInfo { mch_billno, appid: self.merchant.appid() }
    }
}

fn expect<V: PartialEq + std::fmt::Debug>(what: &str, got: &V, wanted: &V) -> Verdict {
    if got == wanted { Ok(()) } else { Err(format!("{what}: {got:?} instead of {wanted:?}")) }
}

fn same(answer: &Response<Bytes>, in_process: &Response<Bytes>) -> Verdict {
    let content_type = |answer: &Response<Bytes>| answer.headers().get(http::header::CONTENT_TYPE).cloned();
    expect("status", &answer.status(), &in_process.status())?;
    expect("content-type", &content_type(answer), &content_type(in_process))?;
    expect("body", answer.body(), in_process.body())
}

/// An error and what lies behind it.
fn describe(error: impl std::error::Error) -> String {
    let (mut text, mut source) = (error.to_string(), error.source());
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
