//! `/mmpaymkttransfers/`: cash red packets (现金红包).
//!
//! They move real money. Their answers carry **no sign**, so TLS and the echoed fields are all that protects them;
//! they are signed with MD5 over a fixed list of fields; and an error often means "unknown", not "failed".
//! WeChat Pay takes no new merchants for them since 2026-06-18; those who have them keep them.

mod gethbinfo;
mod sendredpack;

pub use gethbinfo::{GetHbInfo, GetHbInfoReply, HbInfo, HbStatus, HbType, SendType};
pub use sendredpack::{Scene, SendRedPack, SendRedPackOptions, SendRedPackReply};
