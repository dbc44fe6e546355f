//! hyper splits a connection in two: one half is asked, the other does the work and has to be polled for it.
//!
//! Nothing is spawned: the work is done by the call that holds the connection, so dropping the call drops both.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Context;

/// The half that does the work.
pub(crate) struct Worker<C> {
    connection: Pin<Box<C>>,
    over: bool,
}

impl<C: Future> Worker<C> {
    pub(crate) fn new(connection: C) -> Self {
        Self { connection: Box::pin(connection), over: false }
    }

    /// Works as long as there is something to do. Tells whether the connection is over; why, hyper tells the half that
    /// is asked.
    pub(crate) fn work(&mut self, context: &mut Context<'_>) -> bool {
        self.over = self.over || self.connection.as_mut().poll(context).is_ready();
        self.over
    }

    /// Works until `asked` is done.
    pub(crate) async fn until<T>(&mut self, asked: impl Future<Output = T>) -> T {
        let mut asked = pin!(asked);
        poll_fn(|context| {
            self.work(context);
            asked.as_mut().poll(context)
        })
        .await
    }

    /// Works until the connection is over.
    pub(crate) async fn finish(mut self) {
        if !self.over {
            let _ = self.connection.as_mut().await;
        }
    }
}
