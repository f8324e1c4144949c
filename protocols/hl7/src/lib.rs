//! HL7 v2 over MLLP: a pure decoder beside a thin server.
