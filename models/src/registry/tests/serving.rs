//! npm and hub sources, from a server on the loopback.

use super::fixture::{Package, World, manifest, parts, pull, sha256, tarball};
use crate::registry::{Registry, Tools};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// Serves fixed answers by path until the process ends; knows byte ranges, as hubs do.
struct Server {
    base: String,
    /// `path range` of each request.
    seen: Arc<Mutex<Vec<String>>>,
}

/// Far more than a test asks for.
const MAX_REQUESTS: usize = 64;

impl Server {
    fn start(answers: impl FnOnce(&str) -> Vec<(String, Vec<u8>)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let answers = answers(&base);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming().take(MAX_REQUESTS) {
                let _ = answer(&stream.unwrap(), &answers, &log);
            }
        });
        Self { base, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn answer(mut stream: &TcpStream, answers: &[(String, Vec<u8>)], log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let lines = BufReader::new(stream).lines().take(100);
    let head: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
    let range = head.iter().find_map(|line| {
        let lower = line.to_lowercase();
        lower.strip_prefix("range: bytes=").and_then(|rest| rest.trim_end_matches('-').parse::<usize>().ok())
    });
    log.lock().unwrap().push(format!("{path} {}", range.unwrap_or(0)));
    let Some((_, body)) = answers.iter().find(|(known, _)| *known == path) else {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let from = range.unwrap_or(0).min(body.len());
    let status = match range {
        Some(_) => format!("206 Partial Content\r\nContent-Range: bytes {from}-{}/{}", body.len() - 1, body.len()),
        None => "200 OK".to_owned(),
    };
    let rest = &body[from..];
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", rest.len())?;
    stream.write_all(rest)
}

fn npm_registry(package: &Package) -> Server {
    Server::start(|base| {
        let (name, file) = (&package.name, &package.file_name);
        let index = format!(
            "{{\"name\":\"{name}\",\"dist-tags\":{{\"latest\":\"1.0.0\"}},\"versions\":{{\"1.0.0\":{{\
             \"name\":\"{name}\",\"version\":\"1.0.0\",\"dist\":{{\"tarball\":\"{base}/{name}/-/{file}\"}}}}}}}}"
        );
        vec![(format!("/{name}"), index.into_bytes()), (format!("/{name}/-/{file}"), package.bytes.clone())]
    })
}

fn npm_model(world: &World, package: &Package, member: &str, server: &Server) -> Registry {
    let source = parts(&[(&package.name, member)]);
    let text = manifest(&[package], &[("v.bin", b"voice", &source)]).replace("\"1.0\"", "\"1.0.0\"");
    let npm_args = vec![format!("--registry={}", server.base), "--noproxy=127.0.0.1".to_owned()];
    world.registry(&text).with_tools(Tools { npm_args, ..Tools::default() })
}

#[test]
fn a_file_of_an_npm_package_is_provided() {
    let world = World::new();
    let package = tarball("voices", &[("package/a.bin", b"other"), ("package/v.bin", b"voice")]);
    let server = npm_registry(&package);
    let registry = npm_model(&world, &package, "package/v.bin", &server);
    assert_eq!(pull(&registry).unwrap().installed, ["m/v.bin"]);
    assert_eq!(fs::read(world.file("m", "v.bin")).unwrap(), b"voice");
    assert_eq!(world.cached(), ["m/1/v.bin"]);
}

#[test]
fn an_npm_package_with_other_bytes_than_pinned_is_refused() {
    let world = World::new();
    let pinned = tarball("voices", &[("package/v.bin", b"voice")]);
    let other = tarball("voices", &[("package/v.bin", b"evil!")]);
    let server = npm_registry(&other);
    let error = pull(&npm_model(&world, &pinned, "package/v.bin", &server)).unwrap_err();
    assert!(error.contains("refused"), "{error}");
    assert_eq!(world.cached(), Vec::<String>::new());
}

#[test]
fn a_member_an_npm_package_lacks_is_named() {
    let world = World::new();
    let package = tarball("voices", &[("package/a.bin", b"other")]);
    let server = npm_registry(&package);
    let error = pull(&npm_model(&world, &package, "package/v.bin", &server)).unwrap_err();
    assert!(error.contains("package/v.bin") && error.contains("not in the archive"), "{error}");
}

const WEIGHTS: &[u8] = b"weights of a hub";

fn hub_model(world: &World, server: Option<&Server>) -> Registry {
    let source = "{ hub = { repo = \"someone/model\", file = \"w.bin\" } }";
    world
        .registry(&manifest(&[], &[("w.bin", WEIGHTS, source)]))
        .with_tools(Tools { hub_url: server.map(|server| server.base.clone()), ..Tools::default() })
}

fn hub(body: &[u8]) -> Server {
    Server::start(|_| vec![("/someone/model/resolve/main/w.bin".to_owned(), body.to_vec())])
}

#[test]
fn a_hub_is_asked_only_when_the_user_names_one() {
    let world = World::new();
    let error = pull(&hub_model(&world, None)).unwrap_err();
    assert!(error.contains("HEALTHSYNC_HUB_URL"), "{error}");
    let server = hub(WEIGHTS);
    assert_eq!(pull(&hub_model(&world, Some(&server))).unwrap().installed, ["m/w.bin"]);
}

#[test]
fn a_hub_file_goes_on_where_it_was_cut_off() {
    let world = World::new();
    let part = world.root().join(".staging/partial").join(sha256(WEIGHTS));
    fs::create_dir_all(part.parent().unwrap()).unwrap();
    fs::write(&part, &WEIGHTS[..7]).unwrap();
    let server = hub(WEIGHTS);
    pull(&hub_model(&world, Some(&server))).unwrap();
    assert_eq!(server.seen(), ["/someone/model/resolve/main/w.bin 7"]);
    assert_eq!(fs::read(world.file("m", "w.bin")).unwrap(), WEIGHTS);
}

#[test]
fn a_hub_file_with_other_bytes_is_refused_and_not_continued_later() {
    let world = World::new();
    let server = hub(b"w31ghts of a hub");
    let error = pull(&hub_model(&world, Some(&server))).unwrap_err();
    assert!(error.contains("refused"), "{error}");
    assert_eq!(world.cached(), Vec::<String>::new());
}
