//! One hot path, a thousand times, for a profiler that counts instructions: `hot sign-md5`, `sign-hmac`, `accept-md5`, and
//! `tokens`, the bare events of the tokenizer beside the last.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a tool for one's own desk")]

use std::hint::black_box;

use wechatpay_benches::documents::order_query;
use wechatpay_benches::requests::{self, free_packet, packet_14};
use wechatpay_benches::{NONCE, merchant, rivals};
use wechatpay_proto::{Nonce, SignType};

const TIMES: usize = 1_000;

fn main() {
    let merchant = merchant().unwrap();
    let nonce = || Nonce::from_bytes(NONCE);
    match std::env::args().nth(1).as_deref() {
        Some("sign-md5") => {
            let packet = packet_14();
            (0..TIMES).for_each(|_| drop(black_box(merchant.sign(&packet, nonce()).unwrap())));
        }
        Some("sign-hmac") => {
            let packet = free_packet();
            (0..TIMES).for_each(|_| drop(black_box(merchant.sign(&packet, nonce()).unwrap())));
        }
        Some("accept-md5") => {
            let merchant = merchant.with_sign_type(SignType::Md5);
            let (query, response) = (requests::order_query(), order_query(SignType::Md5));
            let (_, pending) = merchant.sign(&query, nonce()).unwrap().into_parts();
            (0..TIMES).for_each(|_| drop(black_box(pending.accept(&response).unwrap())));
        }
        Some("tokens") => {
            let response = order_query(SignType::Md5);
            (0..TIMES).for_each(|_| assert!(black_box(rivals::events(response.body()).unwrap()) > 20));
        }
        _ => eprintln!("hot sign-md5 | sign-hmac | accept-md5 | tokens"),
    }
}
