//! A path between a client and the server that loses and delays what is sent over it.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::UdpSocket;

/// What a path does to the packets of media that go to the server. The rest, and what comes back, passes untouched:
/// a path that nothing passes is another test's.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    /// Of a hundred packets, so many begin a burst of losses of two.
    pub bursts: u64,
    /// A packet is late by up to this.
    pub jitter: Duration,
}

/// A relay on loopback, until it is dropped.
pub struct RoughPath {
    pub address: SocketAddr,
    relay: tokio::task::JoinHandle<()>,
}

impl RoughPath {
    pub async fn to(server: SocketAddr, weather: Weather) -> Self {
        let near = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let address = near.local_addr().unwrap();
        Self { address, relay: tokio::spawn(relay(near, server, weather)) }
    }
}

impl Drop for RoughPath {
    fn drop(&mut self) {
        self.relay.abort();
    }
}

async fn relay(near: Arc<UdpSocket>, server: SocketAddr, weather: Weather) {
    let mut far: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut luck = Luck(0x9E37_79B9_7F4A_7C15);
    let (mut buffer, mut losing) = ([0; 2_048], 0_u8);
    loop {
        let Ok((length, client)) = near.recv_from(&mut buffer).await else { continue };
        let socket = if let Some(socket) = far.get(&client) {
            Arc::clone(socket)
        } else {
            let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
            socket.connect(server).await.unwrap();
            tokio::spawn(back(Arc::clone(&socket), Arc::clone(&near), client));
            far.insert(client, Arc::clone(&socket));
            socket
        };
        // RFC 7983: what begins with 128 to 191 is RTP or RTCP.
        if !(128..192).contains(&buffer[0]) {
            let _ = socket.send(&buffer[..length]).await;
            continue;
        }
        if losing > 0 {
            losing -= 1;
            continue;
        }
        if luck.below(100) < weather.bursts {
            losing = 1;
            continue;
        }
        let (packet, delay) = (buffer[..length].to_vec(), luck.below(weather.jitter.as_micros() as u64 + 1));
        tokio::spawn(async move {
            // The path itself, not something that is waited for.
            tokio::time::sleep(Duration::from_micros(delay)).await;
            let _ = socket.send(&packet).await;
        });
    }
}

async fn back(from: Arc<UdpSocket>, near: Arc<UdpSocket>, client: SocketAddr) {
    let mut buffer = [0; 2_048];
    while let Ok(length) = from.recv(&mut buffer).await {
        let _ = near.send_to(&buffer[..length], client).await;
    }
}

/// Xorshift: the same weather each time.
struct Luck(u64);

impl Luck {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
