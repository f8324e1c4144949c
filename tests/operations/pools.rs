//! The models' pools as operators see and change them, over HTTP and from the command line.

use crate::common::{Server, shared_server};
use healthsync_actors::pool::PoolStats;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use std::process::Command;

fn healthsync(server: &Server, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_healthsync"));
    let output = command.arg("pools").args(arguments).args(["--url", &server.http]).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn pools_are_shown_and_not_changed_unless_the_configuration_allows_it() {
    let server = shared_server().await;
    let pools: Vec<PoolStats> = server.api().get("pools", "/api/v1/pools").await.unwrap();
    let names: Vec<&str> = pools.iter().map(|pool| pool.name.as_str()).collect();
    assert_eq!(names, ["transcribe", "translate", "speak"]);
    assert!(pools.iter().all(|pool| pool.ready && pool.model.is_some() && pool.instances.len() == 1));
    let one = format!("{}/api/v1/pools/translate", server.http);
    let change = Client::new().patch(&one).json(&json!({ "max_batch": 2 })).send().await.unwrap();
    assert_eq!(change.status(), StatusCode::METHOD_NOT_ALLOWED);
    let reload = Client::new().post(format!("{one}/reload")).send().await.unwrap();
    assert_ne!(reload.status(), StatusCode::OK);
    let (done, said) = healthsync(&server, &["set", "translate", "max_batch=2"]);
    assert!(!done && said.contains("operations.changes"), "{said}");
    let (done, said) = healthsync(&server, &["--once"]);
    assert!(done && said.contains("translate") && said.contains("idle"), "{said}");
    let (done, said) = healthsync(&server, &["--json"]);
    let printed: Value = serde_json::from_str(&said).unwrap();
    assert!(done && printed[1]["settings"]["max_batch"] == 8, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pools_are_changed_and_loaded_anew_where_the_configuration_allows_it() {
    let folder = tempfile::tempdir().unwrap();
    let allowed = "[operations]\nchanges = true\n[pools.translate]\nmax_batch = 6\n";
    std::fs::write(folder.path().join("healthsync.toml"), allowed).unwrap();
    let server = Server::start_in(folder).await;
    let one = format!("{}/api/v1/pools/translate", server.http);
    let patch = |change: Value| Client::new().patch(&one).json(&change).send();
    let changed = patch(json!({ "max_queue_delay_ms": 1.5 })).await.unwrap();
    assert_eq!(changed.status(), StatusCode::OK);
    let settings: Value = changed.json().await.unwrap();
    assert_eq!((&settings["max_batch"], &settings["max_queue_delay_ms"]), (&json!(6), &json!(1.5)));
    for (change, field) in [(json!({ "max_batch": 0 }), "max_batch"), (json!({ "max_bach": 1 }), "max_bach")] {
        let refused = patch(change).await.unwrap();
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text().await.unwrap().contains(field));
    }
    let nobody = Client::new().patch(format!("{}/api/v1/pools/nobody", server.http)).json(&json!({})).send().await;
    assert_eq!(nobody.unwrap().status(), StatusCode::NOT_FOUND);

    let (done, said) = healthsync(&server, &["set", "translate", "max_batch=4", "preferred=[2,4]"]);
    assert!(done && said.contains("\"max_batch\": 4"), "{said}");
    let (done, said) = healthsync(&server, &["reload", "translate", "--share", "0.5"]);
    assert!(done && said.contains("weights_sha256"), "{said}");
    let pool: PoolStats = server.api().get("a pool", "/api/v1/pools/translate").await.unwrap();
    assert_eq!(pool.canary.map(|canary| canary.version), Some(2));
    let (done, said) = healthsync(&server, &["reload", "translate"]);
    assert!(!done && said.contains("409"), "{said}");
    assert!(healthsync(&server, &["promote", "translate"]).0);
    let pool: PoolStats = server.api().get("a pool", "/api/v1/pools/translate").await.unwrap();
    assert_eq!((pool.version, pool.canary, pool.ready), (2, None, true));
    let (done, said) = healthsync(&server, &["roll-back", "translate"]);
    assert!(!done && said.contains("no version is being tried"), "{said}");
}
