//! What a request may hold, and why.

/// Bytes of a request. Half a minute of 16 kHz audio, the largest input of any pool, takes 1.9 MB in binary and
/// about 6 MB as JSON.
pub const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

/// Tensors that go in or are asked for. The models served take at most three.
pub const MAX_TENSORS: usize = 16;

/// Dimensions of a tensor, and how deep JSON arrays may be nested.
pub const MAX_DIMENSIONS: usize = 8;

/// Elements of all inputs together: half a minute of audio has 480,000. An element read from JSON takes up to 24 bytes
/// until it is packed, so that this bounds memory as well.
pub const MAX_ELEMENTS: usize = 1 << 20;

/// Bytes of a name or an identifier that a client gives.
pub const MAX_NAME_BYTES: usize = 256;
