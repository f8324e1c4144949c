//! The pools behind the KServe v2 door, with a client that is not ours: NVIDIA's `tritonclient`.

use crate::common::{Server, recall};
use healthsync_actors::pool::PoolStats;
use serde_json::{Value, json};
use std::{path::PathBuf, process::Command};
use tokio::sync::OnceCell;

const TOKEN: &str = "an-example-token-of-thirty-two-characters";

/// Runs `tests/operations/inference/client.py` against a server; what it found.
fn tritonclient(address: &str) -> Value {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let python = root.join(".tools/venv/bin/python");
    let script = root.join("tests/operations/inference/client.py");
    let output = Command::new(python).arg(script).args([address, TOKEN]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tritonclient may be missing: run `make setup-test`\n{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// What the client found, of one server for all tests, and that server's pools after it.
static FOUND: OnceCell<(Value, Vec<PoolStats>)> = OnceCell::const_new();

async fn found_and_pools() -> &'static (Value, Vec<PoolStats>) {
    let find = || async {
        let (server, address) = server().await;
        let found = tokio::task::spawn_blocking(move || tritonclient(&address)).await.unwrap();
        (found, server.api().get("pools", "/api/v1/pools").await.unwrap())
    };
    FOUND.get_or_init(find).await
}

async fn found() -> &'static Value {
    &found_and_pools().await.0
}

async fn server() -> (Server, String) {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
    let settings = [
        ("HEALTHSYNC__KSERVE__ENABLED", "true".to_owned()),
        ("HEALTHSYNC__KSERVE__LISTEN", "127.0.0.1:0".to_owned()),
        ("HEALTHSYNC__KSERVE__TOKEN_FILE", token.display().to_string()),
    ];
    let server = Server::start_with(folder, &settings).await;
    let line = server.said.iter().find(|line| line.contains("KServe v2")).expect("it says where the pools are");
    let address = line.rsplit("http://").next().unwrap().trim_end_matches("/v2").to_owned();
    (server, address)
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn what_others_ask_is_not_asked_of_the_models_of_consultations() {
    let (_, pools) = found_and_pools().await;
    let tasks = ["transcribe", "translate", "speak"];
    for task in tasks {
        let answered = |name: &str| -> u64 {
            let pool = pools.iter().find(|pool| pool.name == name).unwrap();
            pool.classes.iter().map(|class| class.answered).sum()
        };
        let (own, beside) = (answered(task), answered(&format!("{task}-background")));
        assert!(own == 0 && beside > 0, "{task}: {own} and {beside}");
    }
    assert_eq!(pools.len(), 2 * tasks.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_made_for_triton_finds_the_pools_and_is_served() {
    let found = found().await;
    assert_eq!((&found["live"], &found["ready"], &found["unknown_ready"]), (&json!(true), &json!(true), &json!(false)));
    assert_eq!(found["models_ready"], json!([true, true, true]));
    assert_eq!(found["server"]["name"], "healthsync");
    assert_eq!(found["metadata"]["inputs"][0], json!({ "name": "TEXT", "datatype": "BYTES", "shape": [-1] }));
    assert_eq!(found["config"]["input"][0]["data_type"], "TYPE_FP32");
    let index = found["index"].as_array().unwrap();
    assert!(index.len() == 3 && index.iter().all(|model| model["state"] == "READY"), "{index:?}");

    assert!(texts(&found["json"]["texts"])[0].contains("chest"), "{}", found["json"]);
    assert_eq!(found["json"]["response"]["id"], "r1");
    let response = &found["binary"]["response"];
    assert_eq!(
        response["parameters"]["weights_sha256"].as_str().unwrap().len(),
        64,
        "it says which weights: {response}"
    );
    let translated = texts(&found["binary"]["texts"]);
    assert_eq!(translated.len(), 3);
    assert!(translated[0] == texts(&found["json"]["texts"])[0] && translated[2].contains("50 mg"), "{translated:?}");
    assert_eq!(found["concurrent"], json!(vec![true; 24]));

    let heard = &found["heard"];
    let (said, text) = (heard["said"].as_str().unwrap(), heard["text"].as_str().unwrap());
    assert!(recall(said, text) > 0.8 && heard["language"] == "en", "{heard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_served_is_refused_with_a_reason_and_a_status() {
    let found = found().await;
    for refused in ["metadata", "infer", "wrong"] {
        assert_eq!(found["without_token"][refused]["status"], "401", "{refused}");
    }
    assert_eq!(found["without_token"]["live"], false);
    for (case, status, reason) in [
        ("shape", "400", "the input TEXT has the shape"),
        ("datatype", "400", "the input AUDIO is FP32, not BYTES"),
        ("missing", "400", "the input TARGET_LANGUAGE is missing"),
        ("output", "400", "no such output"),
        ("too_many", "400", "TEXT has 1 to 32 elements"),
        ("too_long", "400", "AUDIO has 1600 to 480000 samples"),
        ("direction", "400", "cannot handle this input"),
        ("model", "404", "no such model"),
        ("version", "404", "no such version"),
        ("compressed", "501", "a compressed body"),
    ] {
        let refused = &found["refused"][case];
        assert_eq!(refused["status"], status, "{case}: {refused}");
        assert!(refused["message"].as_str().unwrap().contains(reason), "{case}: {refused}");
    }
}

#[test]
fn the_door_does_not_open_with_a_token_that_could_be_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "secret").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_healthsync"))
        .arg("serve")
        .current_dir(folder.path())
        .env("HEALTHSYNC__HTTP__LISTEN", "127.0.0.1:0")
        .env("HEALTHSYNC__MLLP__LISTEN", "127.0.0.1:0")
        .env("HEALTHSYNC__KSERVE__ENABLED", "true")
        .env("HEALTHSYNC__KSERVE__LISTEN", "127.0.0.1:0")
        .env("HEALTHSYNC__KSERVE__TOKEN_FILE", &token)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("at least 32 characters"), "{said}");
}
