//! See `wechatpay_fuzz::fields`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wechatpay_fuzz::fields(data));
