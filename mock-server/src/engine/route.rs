//! What is served: the endpoints, by their paths.

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

/// The paths of all endpoints.
pub(crate) fn served() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().map(|route| route.spec.path)
}

/// The endpoint at a path, whatever the rules say.
pub(crate) fn spec(path: &str) -> Option<&'static Spec<'static>> {
    ROUTES.iter().map(|route| route.spec).find(|spec| spec.path == path)
}
