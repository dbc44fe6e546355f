//! See `wechatpay_fuzz::reorder`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wechatpay_fuzz::reorder(data));
