//! The log as those who pass events on read it.

use crate::{directory::Directory, log::LogError};
use futures_util::{StreamExt, stream};
use healthsync_events::{
    AppendStream, Appended, Backlog, BoxFuture, Event, EventFeed, Refusal, Seq, SessionId, Standing,
};
use tokio::sync::broadcast::error::RecvError;

impl EventFeed for Directory {
    fn backlog(&self, reader: &str, limit: usize) -> BoxFuture<'_, Result<Backlog, Refusal>> {
        refusing(self.store().backlog(reader.to_owned(), limit))
    }

    fn standing(&self, reader: &str, session: SessionId) -> BoxFuture<'_, Result<Standing, Refusal>> {
        let standing = self.store().standing(reader.to_owned(), session);
        Box::pin(async move { standing.await?.ok_or(Refusal::UnknownSession) })
    }

    fn read(&self, session: SessionId, from: Seq, limit: usize) -> BoxFuture<'_, Result<Vec<Event>, Refusal>> {
        refusing(self.store().read(session, from, limit))
    }

    fn advance(&self, reader: &str, positions: Vec<(SessionId, Seq)>) -> BoxFuture<'_, Result<(), Refusal>> {
        refusing(self.store().advance(reader.to_owned(), positions))
    }

    fn appended(&self) -> AppendStream {
        stream::unfold(self.store().appended(), |mut appended| async move {
            match appended.recv().await {
                Ok((session, head)) => Some((Appended::To(session, head), appended)),
                Err(RecvError::Lagged(_)) => Some((Appended::Missed, appended)),
                Err(RecvError::Closed) => None,
            }
        })
        .boxed()
    }
}

fn refusing<'a, T: 'a>(work: BoxFuture<'a, Result<T, LogError>>) -> BoxFuture<'a, Result<T, Refusal>> {
    Box::pin(async move { work.await.map_err(Refusal::from) })
}
