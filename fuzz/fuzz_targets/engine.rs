//! See `wechatpay_fuzz::engine`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wechatpay_fuzz::engine(data));
