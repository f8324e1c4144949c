//! Machine translation of captions.
