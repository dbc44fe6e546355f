//! `/mmpaymkttransfers/`: cash red packets (现金红包).
//!
//! They move real money. Their answers carry **no sign** (but for those of the work-weixin pair), so TLS and the echoed
//! fields are all that protects them; they are signed with MD5 over a fixed list of fields; and an error often means
//! "unknown", not "failed".
//! WeChat Pay takes no new merchants for them since 2026-06-18; those who have them keep them.

mod gethbinfo;
mod queryworkwxredpack;
mod scene;
mod sendgroupredpack;
mod sendminiprogramhb;
mod sendredpack;
mod sendworkwxredpack;
mod status;

pub use gethbinfo::{GetHbInfo, GetHbInfoReply, HbInfo};
pub use queryworkwxredpack::{QueryWorkWxRedPack, QueryWorkWxRedPackReply};
pub use scene::Scene;
#[expect(deprecated, reason = "it is shown as what it is")]
pub use sendgroupredpack::SendGroupRedPack;
pub use sendgroupredpack::{SendGroupRedPackOptions, SendGroupRedPackReply};
pub use sendminiprogramhb::{SendMiniProgramHb, SendMiniProgramHbOptions, SendMiniProgramHbReply};
pub use sendredpack::{SendRedPack, SendRedPackOptions, SendRedPackReply};
pub use sendworkwxredpack::{SendWorkWxRedPack, SendWorkWxRedPackOptions, SendWorkWxRedPackReply};
pub use status::{HbStatus, HbType, SendType};
