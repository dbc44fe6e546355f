//! The binary `campaign`.

use std::process::ExitCode;

fn main() -> ExitCode {
    wechatpay_campaign::cli::main()
}
