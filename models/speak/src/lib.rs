//! Neural speech synthesis.
