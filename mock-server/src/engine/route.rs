//! What is served: the endpoints, by their paths.

use wechatpay_proto::call::PATHS;
use wechatpay_proto::endpoint::{Endpoint, Spec};
#[expect(deprecated, reason = "the rules say whether what is out of use is served")]
use wechatpay_proto::v2::mmpaymkttransfers::SendGroupRedPack;
use wechatpay_proto::v2::mmpaymkttransfers::{
    GetHbInfo, QueryWorkWxRedPack, SendMiniProgramHb, SendRedPack, SendWorkWxRedPack,
};
use wechatpay_proto::wire::Fields;

use super::{Engine, Visit};
use crate::answer::Refusal;
use crate::handlers::{self, Answered, Handled};
use crate::rules::GroupRedPack;

/// One endpoint that is served.
pub(crate) struct Route {
    pub(crate) spec: &'static Spec<'static>,
    /// The text of XML_ERROR.
    pub(crate) malformed: &'static str,
    /// Carries out a request.
    pub(crate) handle: fn(&mut Engine, &Visit<'_>, &Fields<'_>) -> Answered,
    /// Refuses a request, in the true envelope.
    pub(crate) refuse: fn(&Engine, &Fields<'_>, Refusal) -> Answered,
}

macro_rules! route {
    ($Request:ident) => {
        Route {
            spec: $Request::SPEC,
            malformed: <$Request<'_> as Handled<'_>>::HABITS.malformed,
            handle: |engine, visit, fields| handlers::handle::<$Request<'_>>(engine, visit, fields),
            refuse: |engine, fields, refusal| handlers::refuse::<$Request<'_>>(engine, fields, refusal),
        }
    };
}

#[expect(deprecated, reason = "the rules say whether what is out of use is served")]
const ROUTES: [Route; 6] = [
    route!(SendRedPack),
    route!(SendMiniProgramHb),
    route!(SendGroupRedPack),
    route!(GetHbInfo),
    route!(SendWorkWxRedPack),
    route!(QueryWorkWxRedPack),
];

/// The endpoint at a path, unless the rules have it gone.
#[expect(deprecated, reason = "the rules say whether what is out of use is served")]
pub(crate) fn find(path: &str, group: GroupRedPack) -> Option<&'static Route> {
    let gone = group == GroupRedPack::Gone && path == SendGroupRedPack::SPEC.path;
    ROUTES.iter().find(|route| route.spec.path == path && !gone)
}

/// Of a path of APIv2 that is not played: that it is one, and what is played. `None` of any other.
pub(crate) fn unplayed(path: &str) -> Option<String> {
    let known = PATHS.iter().map(|row| row.path).find(|known| *known == path && spec(known).is_none())?;
    Some(format!("{known} is a path of APIv2 that is not played here; played are {}", list(served())))
}

/// Why nothing is found at a path, and what is played. What was asked for is not repeated, unless it is a path of APIv2.
pub(crate) fn explain(path: &str, group: GroupRedPack) -> String {
    let played = || served().filter(|played| find(played, group).is_some());
    if let Some(unplayed) = unplayed(path) {
        return unplayed;
    }
    if let Some(gone) = spec(path) {
        return format!("{} is gone, as the switch group has it; played are {}", gone.path, list(played()));
    }
    let meant = PATHS.iter().map(|row| row.path).find(|known| parts(known).eq(parts(path)));
    let meant = meant.map(|known| format!(", but {known} is")).unwrap_or_default();
    format!("no path of APIv2{meant}; played are {}", list(played()))
}

/// A path in lower case, without empty parts and without the alias `v2/` of some SDKs.
fn parts(path: &str) -> impl Iterator<Item = String> {
    let parts = path.split('/').filter(|part| !part.is_empty()).map(str::to_ascii_lowercase);
    let mut parts = parts.peekable();
    parts.next_if(|first| first == "v2");
    parts
}

fn list(paths: impl Iterator<Item = &'static str>) -> String {
    paths.collect::<Vec<_>>().join(", ")
}

/// The paths of all endpoints.
pub(crate) fn served() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().map(|route| route.spec.path)
}

/// The endpoint at a path, whatever the rules say.
pub(crate) fn spec(path: &str) -> Option<&'static Spec<'static>> {
    ROUTES.iter().map(|route| route.spec).find(|spec| spec.path == path)
}
