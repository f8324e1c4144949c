//! Bounds on what a client may send and ask for.

/// Bytes of one resource. An Observation with ten components takes under 8 KiB.
pub const MAX_RESOURCE_BYTES: usize = 256 * 1024;

/// Bytes of a Bundle: a thousand Observations with room to spare.
pub const MAX_BUNDLE_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of a search that comes as a form: as long as an address may be.
pub const MAX_FORM_BYTES: usize = 16 * 1024;

/// Entries of a Bundle.
pub const MAX_ENTRIES: usize = 1_000;

/// Nesting of JSON. A Bundle with Observations that carry nested extensions stays under 20.
pub const MAX_DEPTH: usize = 32;

/// Bytes of one string. Narratives are the longest and are not read.
pub const MAX_STRING: usize = 64 * 1024;

/// Elements of one repeating element.
pub const MAX_REPEATS: usize = 64;

/// Characters of an identifier's system and value that are kept.
pub const MAX_IDENTIFIER: usize = 128;

/// Issues told at a time: who made more than this mistakes finds the rest afterwards.
pub const MAX_ISSUES: usize = 20;

/// Resources of a page when nothing is asked, and at most.
pub const DEFAULT_COUNT: usize = 50;
pub const MAX_COUNT: usize = 200;

/// Sessions whose chart is held in memory, and rows of one: sixteen take at most 100 MB.
pub const MAX_CHARTS: usize = 16;
pub const MAX_ROWS: usize = 100_000;

/// Observations that wait for the log at a time: they share its commits.
pub const AT_ONCE: usize = 64;

/// Missed notifications told by one `$events`.
pub const MAX_EVENTS: usize = 200;
