//! The in-process skin: no socket, no runtime, no time passing.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use wechatpay_proto::transport::{BlockingTransport, ClientCertificate, Transport};

use crate::engine::{Arrival, Certificate};
use crate::mock::Mock;

/// Hands requests straight to a mock. Both kinds of transport in one; it cannot fail.
#[derive(Clone, Debug)]
pub struct InProcess {
    mock: Mock,
    mch_id: String,
}

impl InProcess {
    pub(crate) fn new(mock: Mock, mch_id: &str) -> Self {
        Self { mock, mch_id: mch_id.to_owned() }
    }

    fn call(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let certificate = match request.extensions().get::<ClientCertificate>() {
            Some(ClientCertificate) => Certificate::Merchant { mch_id: self.mch_id.clone(), in_force: true },
            None => Certificate::None,
        };
        self.mock.handle(request, &Arrival { certificate, peer: None })
    }
}

impl Transport for InProcess {
    type Error = Infallible;

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Infallible> {
        Ok(self.call(&request))
    }
}

impl BlockingTransport for InProcess {
    type Error = Infallible;

    fn send_blocking(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Infallible> {
        Ok(self.call(&request))
    }
}
