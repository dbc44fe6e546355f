//! With the feature `tracing`: what a real call leaves in the log, with everything switched on.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use wechatpay_proto::transport::BaseUrl;

use crate::world::World;

/// Writes down everything at every level, whoever says it.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Line(&mut self.0.lock().unwrap()));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Line(&mut self.0.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Line(&mut self.0.lock().unwrap()));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

#[test]
fn a_call_is_told_and_its_secrets_are_not() {
    let world = World::new();
    let log = Log::default();
    // With a single subscriber, what another thread meets first is asked of that thread, which has none, and is silent
    // from then on, here too. With two, all are asked.
    let _second = tracing::Dispatch::new(Log::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::subscriber::with_default(log.clone(), || {
        runtime.block_on(async {
            let transport = world.transport();
            world.send(&transport, world.base(), "CANARYNUMBER").await.unwrap();
            let nobody = BaseUrl::parse("https://127.0.0.1:1").unwrap();
            world.send(&transport, nobody, "CANARYNUMBER").await.unwrap_err();
            transport.shutdown().await;
        });
    });
    let told = log.0.lock().unwrap();
    for wanted in [
        r#"method="POST""#,
        r#"host="127.0.0.1""#,
        r#"path="/mmpaymkttransfers/sendredpack""#,
        "status=200",
        "request_bytes=",
        "response_bytes=",
        "micros=",
        "delivery=NotSent",
    ] {
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
    // The order and its answer, the key, the receiver, and the text that both carry.
    for secret in
        ["CANARYNUMBER", world.merchant.key(), "oxTWIuGaIt6gTKsQRLau2M0yL16E", "天虹百货", "<xml>", "PRIVATE"]
    {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
}
