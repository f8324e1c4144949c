//! The event stream: WebSocket or NDJSON, resumable from a sequence number.
