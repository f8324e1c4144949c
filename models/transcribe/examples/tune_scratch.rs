use std::{path::Path, time::Instant, collections::BTreeMap};
use whisper_rs::*;
use healthsync_models::registry::{Registry, Silent};
use std::sync::Arc;
fn main() {
    let reg = Registry::from_env().unwrap().with_deriver("ct2-to-ggml", Arc::new(healthsync_transcribe::CtranslateToGgml));
    println!("{:?}", reg.pull(&["whisper-base"], &mut Silent).unwrap());
    let files = reg.open_files("whisper-base", &["ggml-base.bin"]).unwrap();
    let ggml = files.file("ggml-base.bin").unwrap().to_owned();
    whisper_rs::install_logging_hooks();
    let folder = "/tmp/tr/speech";
    let index = std::fs::read_to_string(format!("{folder}/index.tsv")).unwrap();
    let clips: Vec<(String, String, String, Vec<f32>)> = index.lines().skip(1).map(|l| { let c: Vec<&str> = l.split('\t').collect();
        let mut w = hound::WavReader::open(Path::new(folder).join(c[0])).unwrap();
        (c[0].into(), c[1].into(), c[2].into(), w.samples::<i16>().map(|s| s.unwrap() as f32 / 32768.0).collect()) }).collect();
    for spec in std::env::args().skip(1) {
        // spec: spare[,ts=0][,fa=1][,beam=N][,tail=ms][,round=N]
        let mut o: BTreeMap<String, i64> = BTreeMap::new();
        for kv in spec.split(',') { let (k, v) = kv.split_once('=').unwrap(); o.insert(k.into(), v.parse().unwrap()); }
        let g = |k: &str, d: i64| o.get(k).copied().unwrap_or(d);
        let mut cp = WhisperContextParameters::default(); cp.flash_attn(g("fa", 0) == 1);
        let ctx = WhisperContext::new_with_params(&ggml, cp).unwrap();
        let mut st = ctx.create_state().unwrap();
        let mut sums: BTreeMap<String, (usize, usize, f64, f64)> = BTreeMap::new();
        let mut times = vec![];
        for (file, lang, text, samples) in &clips {
            let mut s = samples.clone();
            let tail = g("tail", 0) as usize * 16; s.resize((s.len() + tail).max(g("min", 1100) as usize * 16), 0.0);
            let beam = g("beam", 0);
            let mut p = FullParams::new(if beam > 0 { SamplingStrategy::BeamSearch { beam_size: beam as i32, patience: -1.0 } } else { SamplingStrategy::Greedy { best_of: 1 } });
            p.set_n_threads(g("th", 2) as i32); p.set_language(Some(lang)); p.set_no_context(true); p.set_single_segment(true);
            let spare = g("spare", 64);
            if spare >= 0 { let mut c = (s.len() * 50).div_ceil(16000) + spare as usize; c = c.max(g("floor", 0) as usize); let r = g("round", 1) as usize; c = c.div_ceil(r) * r; p.set_audio_ctx(c.min(1500) as i32); }
            p.set_no_timestamps(g("ts", 1) == 0); p.set_token_timestamps(g("ts", 1) == 1);
            p.set_suppress_nst(g("nst", 1) == 1); p.set_temperature_inc(0.0); p.set_no_speech_thold(1.0);
            p.set_print_special(false); p.set_print_progress(false); p.set_print_realtime(false); p.set_print_timestamps(false);
            let t = Instant::now(); st.full(p, &s).unwrap(); let took = t.elapsed().as_secs_f64();
            let mut heard = String::new(); let mut ns: f32 = 0.0;
            for seg in st.as_iter() { heard.push_str(&seg.to_str_lossy().unwrap()); ns = ns.max(seg.no_speech_probability()); }
            let (e, n) = wer(text, &heard);
            if g("v", 0) == 1 { println!("{file} {e}/{n} {took:.2} ns={ns:.2} {heard}"); }
            let k = format!("{} {lang}", file.split('/').next().unwrap());
            let a = sums.entry(k).or_default(); a.0 += e; a.1 += n; a.2 += took; a.3 += samples.len() as f64 / 16000.0; times.push(took);
        }
        times.sort_by(f64::total_cmp);
        print!("{spec}: ");
        let tot = sums.values().fold((0, 0, 0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2, a.3 + b.3));
        for (k, v) in &sums { print!("{k} {:.1}% ", 100.0 * v.0 as f64 / v.1 as f64); }
        println!("| all {:.2}% rtf {:.3} p50 {:.2} p95 {:.2} max {:.2}", 100.0 * tot.0 as f64 / tot.1 as f64, tot.2 / tot.3, times[times.len() / 2], times[times.len() * 95 / 100], times[times.len() - 1]);
    }
}
fn wer(reference: &str, heard: &str) -> (usize, usize) {
    let words = |t: &str| -> Vec<String> { t.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(Into::into).collect() };
    let (r, h) = (words(reference), words(heard));
    let mut row: Vec<usize> = (0..=h.len()).collect();
    for (i, e) in r.iter().enumerate() { let mut d = row[0]; row[0] = i + 1; for (j, w) in h.iter().enumerate() { let s = d + usize::from(w != e); d = row[j + 1]; row[j + 1] = s.min(row[j] + 1).min(d + 1); } }
    (row[h.len()], r.len())
}
