//! Events as lines, for programs that speak HTTP and nothing more.

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use healthsync_events::{Refusal, Seq, SessionId, Sessions};
use std::{io, sync::Arc};
use tokio_util::sync::CancellationToken;

/// One event a line, from `from` on; up to `until` if given, otherwise until the session ends, the client leaves
/// or the server shuts down.
pub async fn ndjson(
    sessions: Arc<dyn Sessions>,
    session: SessionId,
    from: Seq,
    until: Option<Seq>,
    shutdown: CancellationToken,
) -> Result<impl Stream<Item = io::Result<Bytes>> + Send + 'static, Refusal> {
    let first = from.max(Seq::FIRST);
    if until.is_some_and(|until| first > until) {
        return Ok(stream::empty().boxed());
    }
    let events = sessions.events(session, from).await?;
    // Numbers have no gap, so that counting is enough to end with the last one wanted.
    let bounded = match until {
        Some(until) => events.take((until.0 - first.0 + 1) as usize).boxed(),
        None => events,
    };
    let lines = bounded.map(|event| {
        let event = event.map_err(io::Error::other)?;
        let mut line = serde_json::to_vec(&*event).map_err(io::Error::other)?;
        line.push(b'\n');
        Ok(Bytes::from(line))
    });
    Ok(lines.take_until(shutdown.cancelled_owned()).boxed())
}
