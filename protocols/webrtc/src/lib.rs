//! WebRTC audio by WHIP: Opus in, 16 kHz mono out, and the matching client.
