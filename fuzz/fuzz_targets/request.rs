//! See `wechatpay_fuzz::request`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wechatpay_fuzz::request(data));
