//! A panic in one actor costs that actor a restart, and nobody else anything. The server runs in this process
//! with a voice activity detector that panics when told to; everything else is real.

mod common;

use healthsync::{config::Config, server::Server, telemetry, wiring::LoadedModels};
use healthsync_events::{EventBody, VitalSigns, consultation::Component};
use healthsync_hl7::client::{MllpClient, oru_r01};
use healthsync_loadtests::ApiClient;
use healthsync_models::{ModelError, tasks::VoiceActivity};
use healthsync_webrtc::{ClientConfig, WhipClient};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

struct Faulty {
    inner: Box<dyn VoiceActivity>,
    panic_now: Arc<AtomicBool>,
}

impl VoiceActivity for Faulty {
    fn frame_len(&self) -> usize {
        self.inner.frame_len()
    }

    fn probability(&mut self, frame: &[f32]) -> Result<f32, ModelError> {
        assert!(!self.panic_now.swap(false, Ordering::SeqCst), "an injected fault");
        self.inner.probability(frame)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_track_leaves_the_session_the_monitor_and_the_call_unharmed() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.http.listen.set_port(0);
    config.mllp.listen.set_port(0);
    config.storage.path = folder.path().join("log.db");
    let mut loaded = LoadedModels::start(&config).unwrap();
    let panic_now = Arc::new(AtomicBool::new(false));
    let real = Arc::clone(&loaded.models.voice_activity);
    let trigger = Arc::clone(&panic_now);
    loaded.models.voice_activity = Arc::new(move || {
        Ok(Box::new(Faulty { inner: real()?, panic_now: Arc::clone(&trigger) }) as Box<dyn VoiceActivity>)
    });
    let server = Server::start(&config, loaded, telemetry::init_metrics().unwrap()).await.unwrap();
    let api = ApiClient::new(&format!("http://{}", server.http)).unwrap();
    api.wait_until_ready(common::READY).await.unwrap();
    let session = common::start_session(&api, "PANIC-1").await;
    let mut stream = api.follow(session.session, 1, None).await.unwrap();
    let url = api.whip_url(session.session, "patient", "pt");
    let call = WhipClient::connect(&url, ClientConfig::default()).await.unwrap();

    panic_now.store(true, Ordering::SeqCst);
    let restarted = |e: &healthsync_events::Event| matches!(&e.body, EventBody::ActorRestarted(r) if r.component == Component::AudioTrack);
    common::wait_for(&mut stream, restarted).await;

    // The session goes on for the monitor and for the caller, whose audio is understood again.
    let mut monitor = MllpClient::connect(server.mllp).await.unwrap();
    let vitals = VitalSigns { heart_rate: Some(80.0), ..VitalSigns::default() };
    let at = healthsync_events::Timestamp::from_millis(0);
    let message = oru_r01(&"PANIC-1".parse().unwrap(), "P1", at, &vitals);
    assert!(monitor.send(&message).await.unwrap().is_accepted());
    let clip = common::speak("Estou com dor no peito desde ontem à noite.", "pt");
    call.say(&clip.0, clip.1).await.unwrap();
    let caption = common::wait_for(&mut stream, |e| matches!(e.body, EventBody::CaptionFinal(_))).await;
    let EventBody::CaptionFinal(caption) = caption.body else { unreachable!() };
    // The beginning and the end of what was said. "Dor no peito" is not asked for: of this voice it is sometimes heard as
    // other words, and how well it is heard is `healthsync eval speech`'s to say.
    let text = caption.text.to_lowercase();
    assert!(["estou", "desde ontem", "noite"].iter().all(|words| text.contains(words)), "{text}");
    call.close().await.unwrap();
    server.stop().await;
}
