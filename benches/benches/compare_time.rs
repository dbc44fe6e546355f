//! Whether the time that the refusal of a forged sign takes tells how much of it was right: signs that are wrong in their
//! first byte against signs that are wrong in their last, over the public path. For information, nothing is asserted of it.
//!
//! Each round measures one of the two, chosen by a fixed seed. The slowest tenth is left out, and Welch's t compares the
//! means: below 4.5 there is no difference that this machine can see. The control differs in the length of a value, so that a
//! t far above 4.5 there shows that the method sees what there is to see.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use http::Response;
use wechatpay_benches::merchant;
use wechatpay_proto::{Call, Merchant, Nonce, ReplyError, SignType};

const ROUNDS: usize = 200_000;

fn main() {
    for sign_type in [SignType::Md5, SignType::HmacSha256] {
        let merchant = merchant().unwrap().with_sign_type(sign_type);
        let [first, last] = forged(&merchant, "支付测试");
        let [_, longer] = forged(&merchant, &"支付测试".repeat(20));
        let (t, control) = (t_of(&merchant, [&first, &last]), t_of(&merchant, [&first, &longer]));
        println!("{sign_type}: first byte against last byte t = {t:+.2}; control t = {control:+.2}");
    }
}

/// Two answers whose signs are right but for the first byte, or the last.
fn forged(merchant: &Merchant, attach: &str) -> [Response<Bytes>; 2] {
    let call = Call::new("pay/orderquery")
        .field("return_code", "SUCCESS")
        .field("result_code", "SUCCESS")
        .field("trade_state", "SUCCESS")
        .field("out_trade_no", "1217752501201407033233368018")
        .field("total_fee", 100)
        .field("attach", attach);
    let xml = merchant.sign(&call, Nonce::from_bytes(*b"16 random bytes!")).unwrap().xml().to_owned();
    let (head, rest) = xml.split_once("<sign><![CDATA[").unwrap();
    let (sign, tail) = rest.split_once("]]>").unwrap();
    let response = |sign: &str| Response::new(Bytes::from(format!("{head}<sign><![CDATA[{sign}]]>{tail}")));
    assert_eq!(refusal(merchant, &response(sign)), None, "the sign is right");
    [0, sign.len() - 2].map(|at| {
        let byte = u8::from_str_radix(&sign[at..at + 2], 16).unwrap();
        let wrong = format!("{}{:02X}{}", &sign[..at], byte ^ 0xFF, &sign[at + 2..]);
        let response = response(&wrong);
        assert_eq!(refusal(merchant, &response), Some(ReplyError::SignMismatch));
        response
    })
}

fn refusal(merchant: &Merchant, response: &Response<Bytes>) -> Option<ReplyError> {
    let call = Call::new("pay/orderquery").nonce(false);
    let (_, pending) = merchant.sign(&call, Nonce::from_bytes([0; 16])).unwrap().into_parts();
    pending.accept(response).err()
}

/// Welch's t of the times that the two take.
fn t_of(merchant: &Merchant, classes: [&Response<Bytes>; 2]) -> f64 {
    let call = Call::new("pay/orderquery").nonce(false);
    let (_, pending) = merchant.sign(&call, Nonce::from_bytes([0; 16])).unwrap().into_parts();
    let mut times = [Vec::with_capacity(ROUNDS), Vec::with_capacity(ROUNDS)];
    let mut seed = 0x5745_4348_4154_u64;
    for _ in 0..ROUNDS {
        // xorshift: the order must not go with anything that the machine does
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let class = usize::from(seed >> 32 & 1 == 1);
        #[expect(clippy::disallowed_methods, reason = "time is what is measured")]
        let start = Instant::now();
        let refused = black_box(pending.accept(black_box(classes[class]))).is_err();
        let took = start.elapsed();
        assert!(refused);
        times[class].push(took.as_secs_f64() * 1e9);
    }
    let mut all: Vec<f64> = times.iter().flatten().copied().collect();
    all.sort_unstable_by(f64::total_cmp);
    let limit = all[all.len() * 9 / 10];
    let [(n, mean, variance), (m, other, varied)] = times.map(|times| summary(&times, limit));
    (mean - other) / (variance / n + varied / m).sqrt()
}

/// How many there are below `limit`, their mean, and their variance.
fn summary(times: &[f64], limit: f64) -> (f64, f64, f64) {
    let kept = || times.iter().filter(|time| **time <= limit);
    let n = kept().map(|_| 1.0).sum::<f64>();
    let mean = kept().sum::<f64>() / n;
    (n, mean, kept().map(|time| (time - mean).powi(2)).sum::<f64>() / (n - 1.0))
}
