//! See `wechatpay_fuzz::forgery`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wechatpay_fuzz::forgery(data));
