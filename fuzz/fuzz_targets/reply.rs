//! See `wechatpay_fuzz::reply`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wechatpay_fuzz::reply(data));
