//! A path between a client and the server that loses packets and changes their order.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::SocketAddr,
    sync::Arc,
};
use tokio::net::UdpSocket;

/// What a path does to the packets of media that go to the server. The rest, and what comes back, passes untouched:
/// a path that nothing passes is another test's.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    /// Every so many packets two are lost, one after the other.
    pub burst_every: u64,
    /// Of a hundred packets, so many are overtaken by up to two that follow: at 20 ms a packet, 20 to 40 ms of jitter.
    pub overtaken: u64,
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

/// One client's way to the server.
struct Way {
    socket: Arc<UdpSocket>,
    /// Packets that came.
    came: u64,
    /// Packets that wait for so many more to overtake them.
    held: Vec<(u64, Vec<u8>)>,
}

impl Way {
    /// Packets of media that go out now that this one has come, in the order they go.
    fn pass(&mut self, packet: &[u8], weather: Weather, luck: &mut Luck) -> Vec<Vec<u8>> {
        self.held.iter_mut().for_each(|(wait, _)| *wait -= 1);
        let due = self.held.extract_if(.., |(wait, _)| *wait == 0).map(|(_, packet)| packet).collect::<Vec<_>>();
        let mut out = Vec::new();
        self.came += 1;
        if self.came % weather.burst_every < 2 {
            // Lost.
        } else if luck.below(100) < weather.overtaken {
            self.held.push((1 + luck.below(2), packet.to_vec()));
        } else {
            out.push(packet.to_vec());
        }
        out.extend(due);
        out
    }
}

async fn relay(near: Arc<UdpSocket>, server: SocketAddr, weather: Weather) {
    let mut ways: HashMap<SocketAddr, Way> = HashMap::new();
    let (mut luck, mut buffer) = (Luck(0x9E37_79B9_7F4A_7C15), [0; 2_048]);
    loop {
        let Ok((length, client)) = near.recv_from(&mut buffer).await else { continue };
        let way = match ways.entry(client) {
            Entry::Occupied(way) => way.into_mut(),
            Entry::Vacant(place) => {
                let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
                socket.connect(server).await.unwrap();
                tokio::spawn(back(Arc::clone(&socket), Arc::clone(&near), client));
                place.insert(Way { socket, came: 0, held: Vec::new() })
            }
        };
        let packet = &buffer[..length];
        // RFC 7983: what begins with 128 to 191 is RTP or RTCP.
        let out =
            if (128..192).contains(&packet[0]) { way.pass(packet, weather, &mut luck) } else { vec![packet.to_vec()] };
        for packet in out {
            let _ = way.socket.send(&packet).await;
        }
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
