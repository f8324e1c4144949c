//! FHIR R4 with the real binary: Observations in; scores, alarms and notifications out, each held against R4's schema.

mod rig;

use crate::common::{PATIENCE, start_session};
use futures_util::{SinkExt, StreamExt};
use rig::{Client, FHIR_JSON, Hook, Notice, Seen, deteriorated, observation, start, start_in, subscription, total};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

#[tokio::test(flavor = "multi_thread")]
async fn observations_become_a_score_an_alarm_and_a_notification() {
    let (seen, mut hook) = (Seen::default(), Hook::start().await);
    let server = start(&hook).await;
    let client = Client::new(&server, &seen);
    start_session(&server.api(), "FHIR-1").await;

    let channel = json!({ "type": "rest-hook", "endpoint": format!("http://{}/hook", hook.address) });
    let made = client.post("/Subscription", &subscription("risk", "RiskAssessment?patient=FHIR-1", channel)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let handshake = hook.next(&seen).await;
    assert_eq!(
        (handshake.kind().as_str(), handshake.parameter("status", "valueCode").as_str()),
        ("handshake", "requested")
    );

    let answer = client.post("", &deteriorated("FHIR-1", "a")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let statuses: Vec<_> =
        answer.body["entry"].as_array().unwrap().iter().map(|e| e["response"]["status"].clone()).collect();
    assert_eq!(statuses, ["201 Created"; 5]);

    // Respiration 25 is 3, SpO2 90 is 3, systolic 88 is 3, pulse 134 is 3, temperature 38.2 is 1.
    let mut number = 0;
    let scored = loop {
        let notice = hook.next(&seen).await;
        number += 1;
        assert_eq!((notice.kind().as_str(), notice.number()), ("event-notification", number), "numbered without gap");
        if notice.is_news2_of_13() {
            break notice;
        }
    };
    assert_eq!(scored.parameter("status", "valueCode"), "active");

    let id = scored.0["entry"][1]["resource"]["id"].as_str().unwrap();
    let risks = client.get("/RiskAssessment?patient=FHIR-1&_count=200").await.body;
    let risk = risks["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["resource"])
        .find(|risk| risk["id"] == id)
        .unwrap();
    assert_eq!(total(risk), Some(13));
    assert_eq!(risk["prediction"][0]["qualitativeRisk"]["text"], "High");
    let basis = risk["basis"][0]["reference"].as_str().unwrap();
    assert_eq!(client.get(&format!("/{basis}")).await.status, 200, "what it rests on can be read");
    let model =
        risk["extension"].as_array().unwrap().iter().find(|e| e["url"].as_str().unwrap().ends_with("provenance"));
    assert_eq!(model.unwrap()["extension"][2]["valueString"].as_str().unwrap().len(), 64, "the hash of the rules");

    let found = client.get("/Observation?patient=FHIR-1&code=85354-9").await.body;
    assert_eq!(found["total"], 1);
    assert_eq!(found["entry"][0]["resource"]["component"][0]["valueQuantity"]["value"], 88.0);
    // The alarm follows its score.
    let alarmed = async {
        while client.get("/DetectedIssue?patient=Patient/FHIR-1&identified=ge2026").await.body["total"] == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, alarmed).await.expect("an alarm came in time");
    assert_eq!(client.get("/metadata").await.body["fhirVersion"], "4.0.1");
    let id = made.body["id"].as_str().unwrap();
    let status = client.get(&format!("/Subscription/{id}/$status")).await.body;
    assert_eq!(Notice(status).kind(), "query-status");
    let missed = client.get(&format!("/Subscription/{id}/$events?eventsSinceNumber=1")).await.body;
    assert!(missed["entry"].as_array().unwrap().len() >= 2, "status and at least the first");
    assert_eq!(Notice(missed).kind(), "query-event");
    seen.validate();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_gets_a_handshake_and_then_the_alarms() {
    let (seen, hook) = (Seen::default(), Hook::start().await);
    let server = start(&hook).await;
    let client = Client::new(&server, &seen);
    start_session(&server.api(), "FHIR-2").await;
    let wanted = subscription("alarm", "DetectedIssue?patient=FHIR-2", json!({ "type": "websocket" }));
    let made = client.post("/Subscription", &wanted).await;
    assert_eq!((made.status, &made.body["status"]), (201, &json!("active")), "{}", made.body);
    let token = client.get(&format!("{}/$get-ws-binding-token", made.location())).await.body;
    let parameter = |index: usize, value: &str| token["parameter"][index][value].as_str().unwrap().to_owned();

    let (mut socket, _) = tokio_tungstenite::connect_async(parameter(3, "valueUrl")).await.unwrap();
    let bind = format!("bind-with-token {}", parameter(0, "valueString"));
    socket.send(Message::Text(bind.into())).await.unwrap();
    let mut notices = Vec::new();
    while notices.len() < 2 {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await.expect("in time").unwrap().unwrap();
        let Message::Text(text) = message else { continue };
        let bundle: Value = serde_json::from_str(&text).unwrap();
        seen.add(&bundle);
        notices.push(Notice(bundle));
        if notices.len() == 1 {
            assert_eq!(notices[0].kind(), "handshake");
            client.post("", &deteriorated("FHIR-2", "a")).await;
        }
    }
    assert_eq!((notices[1].kind().as_str(), notices[1].number()), ("event-notification", 1));
    assert_eq!(notices[1].0["entry"][1]["resource"]["resourceType"], "DetectedIssue");

    let refused = tokio_tungstenite::connect_async(parameter(3, "valueUrl")).await.unwrap().0;
    let (mut sink, mut stream) = refused.split();
    sink.send(Message::Text("bind-with-token guessed".into())).await.unwrap();
    let closed = tokio::time::timeout(PATIENCE, stream.next()).await.expect("in time").unwrap().unwrap();
    assert!(matches!(closed, Message::Close(Some(_))), "{closed:?}");
    seen.validate();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_survives_kill_9_and_one_that_cannot_be_delivered_is_in_error() {
    let (seen, mut hook) = (Seen::default(), Hook::start().await);
    let server = start(&hook).await;
    let client = Client::new(&server, &seen);
    start_session(&server.api(), "FHIR-3").await;
    let to = |path: &str| json!({ "type": "rest-hook", "endpoint": format!("http://{}{path}", hook.address) });
    let wanted = subscription("vital-signs", "Observation?patient=FHIR-3&code=8867-4", to("/hook"));
    let made = client.post("/Subscription", &wanted).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let broken = subscription("risk", "RiskAssessment?patient=FHIR-3", to("/hook/broken"));
    let broken = client.post("/Subscription", &broken).await.location();
    let elsewhere =
        client.post("/Subscription", &subscription("risk", "RiskAssessment?patient=FHIR-3", to("/admin"))).await;
    assert_eq!((elsewhere.status, elsewhere.issue()), (422, ("business-rule", "Subscription.channel.endpoint")));

    assert_eq!(hook.next(&seen).await.kind(), "handshake");
    client.post("/Observation", &observation("FHIR-3", "t", "8310-5", 37.0, "Cel")).await;
    client.post("/Observation", &observation("FHIR-3", "1", "8867-4", 80.0, "/min")).await;
    let first = hook.next(&seen).await;
    assert_eq!((first.kind().as_str(), first.number()), ("event-notification", 1), "the temperature was not asked for");
    let in_error = async {
        while client.get(&broken).await.body["status"] != "error" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, in_error).await.expect("three attempts have an end");

    let server = start_in(server.kill(), &hook).await;
    let client = Client::new(&server, &seen);
    client.post("/Observation", &observation("FHIR-3", "2", "8867-4", 90.0, "/min")).await;
    // After a crash the last one may come twice; none is left out.
    let second = loop {
        let notice = hook.next(&seen).await;
        if notice.number() == 2 {
            break notice;
        }
        assert_eq!(notice.number(), 1);
    };
    assert_eq!(second.0["entry"][1]["resource"]["valueQuantity"]["value"], 90.0);
    let listed = client.get("/Subscription").await.body;
    assert_eq!(listed["total"], 2);
    let id = made.body["id"].as_str().unwrap();
    let gone = client.send(client.http.delete(format!("{}/Subscription/{id}", client.base))).await;
    assert_eq!(gone.status, 204);
    assert_eq!(client.get(&format!("/Subscription/{id}")).await.status, 404);
    seen.validate();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_observation_is_there_once_and_conditions_hold() {
    let (seen, hook) = (Seen::default(), Hook::start().await);
    let server = start(&hook).await;
    let client = Client::new(&server, &seen);
    start_session(&server.api(), "FHIR-4").await;

    let pulse = observation("FHIR-4", "o-1", "8867-4", 80.0, "/min");
    let first = client.post("/Observation", &pulse).await;
    let again = client.post("/Observation", &pulse).await;
    assert_eq!((first.status, again.status), (201, 200));
    assert_eq!(first.location(), again.location());
    assert_eq!(first.headers["etag"], "W/\"1\"");
    let read = client.get(&first.location()).await;
    assert_eq!(read.body["effectiveDateTime"], "2026-11-23T12:00:00Z");
    assert_eq!(read.body["identifier"][0]["value"], "o-1");

    let condition = |value: &str| format!("identifier=urn:example:monitor|{value}");
    let other = observation("FHIR-4", "o-1", "8867-4", 99.0, "/min");
    let held = client.send(client.request("/Observation", &other).header("if-none-exist", condition("o-1"))).await;
    assert_eq!((held.status, held.location()), (200, first.location()));
    let new = observation("FHIR-4", "o-2", "8867-4", 82.0, "/min");
    let request = client.request("/Observation", &new).header("if-none-exist", condition("o-2"));
    let made = client.send(request.header("prefer", "return=representation")).await;
    assert_eq!((made.status, &made.body["valueQuantity"]["value"]), (201, &json!(82.0)));

    // A correction is another resource with the same identifier: from then on the condition finds two.
    let mut corrected = observation("FHIR-4", "o-1", "8867-4", 78.0, "/min");
    corrected["status"] = json!("corrected");
    assert_eq!(client.post("/Observation", &corrected).await.status, 201);
    let two = client.send(client.request("/Observation", &pulse).header("if-none-exist", condition("o-1"))).await;
    assert_eq!((two.status, two.issue().0), (412, "multiple-matches"));
    assert_eq!(client.get(&first.location()).await.body["status"], "entered-in-error");
    let found = client.get("/Observation?patient=FHIR-4&code=8867-4").await.body;
    let shown: Vec<_> =
        found["entry"].as_array().unwrap().iter().map(|e| e["resource"]["status"].as_str().unwrap()).collect();
    assert_eq!(shown.iter().filter(|status| **status == "corrected").count(), 1, "{found}");
    seen.validate();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_is_refused_by_its_place_and_kept_for_a_person() {
    let (seen, hook) = (Seen::default(), Hook::start().await);
    let server = start(&hook).await;
    let client = Client::new(&server, &seen);
    let session = start_session(&server.api(), "FHIR-5").await.session;
    let pulse = || observation("FHIR-5", "p", "8867-4", 80.0, "/min");
    let with = |change: fn(&mut Value)| {
        let mut changed = pulse();
        change(&mut changed);
        changed
    };

    for (resource, status, code, place) in [
        (
            with(|o| o["subject"] = json!({ "reference": "Patient/SECRET-NAME" })),
            422,
            "not-found",
            "Observation.subject",
        ),
        (with(|o| o["status"] = json!("done")), 422, "code-invalid", "Observation.status"),
        (with(|o| o["effectiveDateTime"] = json!("2026-11-23")), 422, "value", "Observation.effectiveDateTime"),
        (with(|o| o["valueQuantity"]["code"] = json!("mm[Hg]")), 422, "value", "Observation"),
        (with(|o| o["valueQuantity"]["value"] = json!(8000)), 422, "value", "Observation"),
        (with(|o| o["code"]["coding"][0]["code"] = json!("29463-7")), 422, "not-supported", "Observation"),
        (with(|o| o["code"] = json!({})), 400, "structure", "Observation.code"),
        (json!({ "resourceType": "Patient", "id": "p" }), 400, "value", ""),
    ] {
        let answer = client.post("/Observation", &resource).await;
        assert_eq!((answer.status, answer.issue()), (status, (code, place)), "{resource}");
        assert!(!answer.body.to_string().contains("SECRET"), "no patient data in an answer");
    }
    let kept = reqwest::get(format!("{}/api/v1/unmatched", server.http)).await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(kept.as_array().unwrap().len(), 3, "without a session, and two that could not be read: {kept}");
    let unmapped =
        reqwest::get(format!("{}/api/v1/unmapped", server.http)).await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(unmapped.as_array().unwrap().len(), 3, "{unmapped}");

    // All or nothing: the second entry is wrong, so the first is not recorded either.
    let entry =
        |resource: Value| json!({ "resource": resource, "request": { "method": "POST", "url": "Observation" } });
    let wrong = with(|o| o["valueQuantity"]["code"] = json!("mm[Hg]"));
    let bundle =
        |kind: &str| json!({ "resourceType": "Bundle", "type": kind, "entry": [entry(pulse()), entry(wrong.clone())] });
    let refused = client.post("", &bundle("transaction")).await;
    assert_eq!((refused.status, refused.issue()), (422, ("value", "Bundle.entry[1].resource")));
    assert_eq!(client.get(&format!("/Observation?encounter={session}&code=8867-4")).await.body["total"], 0);
    let batch = client.post("", &bundle("batch")).await;
    let status = |index: usize| batch.body["entry"][index]["response"]["status"].as_str().unwrap().to_owned();
    assert_eq!((batch.status, status(0).as_str(), status(1).as_str()), (200, "201 Created", "422"));

    let post = |content: &str, body: String| {
        client.http.post(format!("{}/Observation", client.base)).header("content-type", content).body(body)
    };
    for (request, status) in [
        (post("text/plain", pulse().to_string()), 415),
        (post(FHIR_JSON, "{".into()), 400),
        (post(FHIR_JSON, format!("{{\"resourceType\":\"Observation\",\"status\":\"{}\"}}", "x".repeat(300_000))), 413),
        (client.http.put(format!("{}/Observation/1", client.base)), 405),
        (client.http.get(format!("{}/Observation?patient=FHIR-5&status=final", client.base)), 400),
        (client.http.get(format!("{}/Observation/none", client.base)), 404),
        (client.http.get(format!("{}/Medication", client.base)), 404),
        (client.http.get(format!("{}/metadata", client.base)).header("accept", "application/fhir+xml"), 406),
        (client.request("/Observation", &pulse()).header("if-none-exist", "code=8867-4"), 400),
    ] {
        let answer = client.send(request).await;
        assert_eq!((answer.status, &answer.body["resourceType"]), (status, &json!("OperationOutcome")));
    }
    seen.validate();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_model_expects_goes_out_with_what_it_rests_on() {
    let (seen, mut hook) = (Seen::default(), Hook::start().await);
    let server = start(&hook).await;
    let client = Client::new(&server, &seen);
    start_session(&server.api(), "FHIR-6").await;
    let channel = json!({ "type": "rest-hook", "endpoint": format!("http://{}/hook", hook.address) });
    let wanted = subscription("risk", "RiskAssessment?patient=FHIR-6", channel);
    assert_eq!(client.post("/Subscription", &wanted).await.status, 201);
    assert_eq!(client.post("", &deteriorated("FHIR-6", "a")).await.status, 200);

    let told = loop {
        let notice = hook.next(&seen).await;
        let assessment = &notice.0["entry"][1]["resource"];
        if assessment["prediction"][0]["probabilityDecimal"].is_number() {
            break assessment.clone();
        }
    };
    let prediction = &told["prediction"][0];
    let percent = prediction["probabilityDecimal"].as_f64().unwrap();
    assert!((0.0..=100.0).contains(&percent), "{percent}");
    assert_eq!(prediction["outcome"]["text"], "Sepsis");
    assert!(prediction["whenPeriod"]["end"].is_string());
    assert_eq!(told["method"]["coding"][0]["code"], "deteriorate");
    assert!(told["note"][0]["text"].as_str().unwrap().contains("log-odds"), "the strongest effect first");
    let basis = told["basis"][0]["reference"].as_str().unwrap();
    assert_eq!(client.get(&format!("/{basis}")).await.status, 200, "what it rests on can be read");

    let id = told["id"].as_str().unwrap();
    assert_eq!(client.get(&format!("/RiskAssessment/{id}")).await.body, told);
    let form = client.http.post(format!("{}/RiskAssessment/_search", client.base));
    let form = form.header("content-type", "application/x-www-form-urlencoded").body("patient=FHIR-6&_count=200");
    let found = client.send(form).await.body;
    assert!(found["entry"].as_array().unwrap().iter().any(|entry| entry["resource"]["id"] == id), "{found}");
    seen.validate();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_follows_the_patient_to_the_newest_open_consultation() {
    let (seen, mut hook) = (Seen::default(), Hook::start().await);
    let server = start(&hook).await;
    let client = Client::new(&server, &seen);
    let first = start_session(&server.api(), "FHIR-7").await.session;
    let channel = json!({ "type": "rest-hook", "endpoint": format!("http://{}/hook", hook.address) });
    let wanted = subscription("vital-signs", "Observation?patient=FHIR-7&code=8867-4", channel);
    let made = client.post("/Subscription", &wanted).await;
    assert_eq!((made.status, hook.next(&seen).await.kind().as_str()), (201, "handshake"));

    // The subject is a Patient of the same transaction.
    let mut pulse = observation("nobody", "1", "8867-4", 80.0, "/min");
    pulse["subject"] = json!({ "reference": "urn:uuid:5e0c2c1f-7b0a-4f4e-9d1f-0f6f1a2b3c4d" });
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
        { "fullUrl": pulse["subject"]["reference"], "request": { "method": "POST", "url": "Patient" },
          "resource": { "resourceType": "Patient", "identifier": [{ "system": "urn:mrn", "value": "FHIR-7" }] } },
        { "resource": pulse, "request": { "method": "POST", "url": "Observation" } },
    ] });
    let taken = client.post("", &bundle).await;
    let status = |index: usize| taken.body["entry"][index]["response"]["status"].clone();
    assert_eq!((taken.status, status(0), status(1)), (200, json!("200 OK"), json!("201 Created")), "{}", taken.body);
    let notice = hook.next(&seen).await;
    assert_eq!((notice.number(), notice.consultation()), (1, first.to_string()));

    let second = start_session(&server.api(), "FHIR-7").await.session;
    client.post("/Observation", &observation("FHIR-7", "2", "8867-4", 90.0, "/min")).await;
    let notice = hook.next(&seen).await;
    assert_eq!((notice.number(), notice.consultation()), (2, second.to_string()), "though nobody ended the first");
    server.api().end_session(second).await.unwrap();
    client.post("/Observation", &observation("FHIR-7", "3", "8867-4", 100.0, "/min")).await;
    let notice = hook.next(&seen).await;
    assert_eq!((notice.number(), notice.consultation()), (3, first.to_string()));

    let id = made.body["id"].as_str().unwrap();
    // The last one counts as told once its answer has come back.
    let told_again = async {
        loop {
            let missed = format!("/Subscription/{id}/$events?eventsSinceNumber=2&content=id-only");
            let entries = client.get(&missed).await.body["entry"].as_array().unwrap().clone();
            if entries.len() == 3 {
                return entries;
            }
            tokio::task::yield_now().await;
        }
    };
    let entries = tokio::time::timeout(PATIENCE, told_again).await.expect("the status and two notifications");
    assert!(entries[1]["resource"].is_null() && entries[1]["fullUrl"].is_string(), "their ids only");
    seen.validate();
}
