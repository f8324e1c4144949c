//! Recorded and scripted sessions played through the real doors.
