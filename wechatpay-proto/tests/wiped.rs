//! What is left of a key in the memory of this process once it is dropped: nothing, in optimised builds. Without
//! optimisation the compiler keeps copies of what is moved, which nobody overwrites.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

use wechatpay_proto::v2::mmpaymkttransfers::GetHbInfo;
use wechatpay_proto::{ApiKey, Call, Merchant, Nonce, SignType};

/// The key, each byte with its bits turned over: it stands nowhere in this program as it is.
const TURNED: [u8; 32] = {
    let mut turned = *b"m1e9a2r4k7e3d6k8e0y5f1o7r3t2e6s4";
    let mut at = 0;
    while at < 32 {
        turned[at] = !turned[at];
        at += 1;
    }
    turned
};

/// How often the key stands in memory that can be written.
fn copies() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut memory = File::open("/proc/self/mem").unwrap();
    let mut found = 0;
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (begin, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [begin, end] = [begin, end].map(|at| u64::from_str_radix(at, 16).unwrap());
        let mut page = vec![0; usize::try_from(end - begin).unwrap()];
        if memory.seek(SeekFrom::Start(begin)).is_err() || memory.read_exact(&mut page).is_err() {
            continue;
        }
        // Turned over at once, so that this copy is not found either.
        page.iter_mut().for_each(|byte| *byte = !*byte);
        found += page.windows(32).filter(|window| **window == TURNED).count();
        page.fill(0);
    }
    found
}

#[inline(never)]
fn merchant(sign_type: SignType) -> Merchant {
    let mut bytes = TURNED;
    bytes.iter_mut().for_each(|byte| *byte = !*byte);
    let merchant = Merchant::direct("10000098", ApiKey::new(bytes).unwrap()).unwrap();
    zeroize(&mut bytes);
    merchant.with_sign_type(sign_type)
}

/// The caller's own copy is the caller's to overwrite.
fn zeroize(bytes: &mut [u8; 32]) {
    for byte in &mut *bytes {
        *byte = 0;
    }
    std::hint::black_box(bytes);
}

#[inline(never)]
fn sign(merchant: &Merchant) {
    let query = GetHbInfo { mch_billno: "10000098201411111234567890", appid: "wx8888888888888888" };
    let signed = merchant.sign(&query, Nonce::from_bytes([1; 16])).unwrap();
    assert!(signed.xml().contains("<sign>"));
    let call = Call::new("pay/orderquery").field("out_trade_no", "1");
    let signed = merchant.sign(&call, Nonce::from_bytes([2; 16])).unwrap();
    assert!(signed.xml().contains("<sign>"));
}

#[test]
fn a_key_that_is_dropped_is_gone() {
    for sign_type in [SignType::Md5, SignType::HmacSha256] {
        let merchant = merchant(sign_type);
        sign(&merchant);
        assert!(copies() >= 1, "the search finds what is there");
        drop(merchant);
        let left = copies();
        if cfg!(not(debug_assertions)) {
            assert_eq!(left, 0, "{sign_type:?}");
        }
    }
}
