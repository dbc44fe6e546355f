//! Plays what the engine decided: waits, hands the answer to hyper, or writes other bytes in its place and ends the
//! connection.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use tokio::io::AsyncWriteExt as _;
use tokio::time::sleep;

use super::link::Link;
use super::stream::{self, Base};
use crate::outcome::{Effect, End, Outcome, Piece};

/// Nothing more is answered on this connection.
#[derive(Debug, thiserror::Error)]
#[error("the connection is over")]
pub(super) struct Over;

/// Waits and gives back the answer, or does everything itself. No wait is longer than `longest`.
pub(super) async fn play<B: Base>(
    link: &Link<B>,
    outcome: Outcome,
    longest: Duration,
) -> Result<Response<Bytes>, Over> {
    wait(link, outcome.delay.min(longest)).await?;
    match outcome.effect {
        Effect::Reply(response) => Ok(response),
        Effect::Wire { pieces, end, .. } => {
            write(link, pieces, longest).await?;
            finish(link, end).await;
            Err(Over)
        }
    }
}

/// Ends a connection before it got an answer.
pub(super) async fn end<B: Base>(link: &Link<B>, end: End) -> Over {
    link.flushed().await;
    finish(link, end).await;
    Over
}

async fn write<B: Base>(link: &Link<B>, pieces: Vec<Piece>, longest: Duration) -> Result<(), Over> {
    link.flushed().await;
    let mut hand = link.clone();
    for Piece { after, bytes } in pieces {
        wait(link, after.min(longest)).await?;
        hand.write_all(&bytes).await.map_err(|_| Over)?;
        hand.flush().await.map_err(|_| Over)?;
    }
    Ok(())
}

/// A client that closes its side meanwhile has had enough: nobody waits for an answer.
async fn wait<B: Base>(link: &Link<B>, time: Duration) -> Result<(), Over> {
    if time.is_zero() {
        return Ok(());
    }
    tokio::select! {
        () = sleep(time) => Ok(()),
        () = link.gone() => Err(Over),
    }
}

async fn finish<B: Base>(link: &Link<B>, end: End) {
    let mut hand = link.clone();
    match end {
        End::Reset => link.reset_on_drop(),
        End::Close => stream::close(&mut hand).await,
        End::Truncate => {
            link.truncate();
            stream::close(&mut hand).await;
        }
        // For as long as the client has patience, or the connection time.
        End::Hang => stream::drain(&mut hand).await,
    }
    link.set_over();
}
