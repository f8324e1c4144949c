//! Supervised actors, session log and inference pools.
