//! See `wechatpay_fuzz::http`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wechatpay_fuzz::http(data));
