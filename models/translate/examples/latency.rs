//! Milliseconds a caption on one core, alone and in batches of eight, in both directions.
//!
//! `taskset -c 0 cargo run -p healthsync-translate --example latency`, or with texts of your own, one a line, on
//! standard input after `-- pt en`.

use healthsync_models::{Model, registry::Registry, tasks::TranslateRequest};
use healthsync_translate::{Direction, FirefoxTranslator};
use std::{error::Error, io::Read as _, time::Instant};

const PORTUGUESE: [&str; 16] = [
    "Estou com dor no peito desde ontem à noite.",
    "Não tenho febre.",
    "Tomo losartana de 50 mg uma vez por dia para pressão alta.",
    "Sou alérgica à penicilina e à dipirona.",
    "Sinto falta de ar quando subo escadas.",
    "Estou grávida de vinte semanas e minhas pernas estão inchadas.",
    "Meu filho teve febre de trinta e nove graus ontem à noite e vomitou duas vezes.",
    "Não, nunca fiz cirurgia e não fumo.",
    "Sinto uma dor forte no lado direito da barriga, principalmente depois de comer.",
    "Tenho diabetes tipo dois e uso insulina todas as manhãs.",
    "A dor vai do peito para o braço esquerdo e eu fico suando frio.",
    "Sim.",
    "Não estou tomando nenhum remédio agora.",
    "Faz uma semana que estou tossindo com catarro amarelo.",
    "Bom dia, doutora. Estou com dor de cabeça há três dias e a luz me incomoda.",
    "Minha pressão estava 14 por 9 hoje de manhã.",
];

const ENGLISH: [&str; 8] = [
    "Good morning. What brings you in today?",
    "How long have you had the pain, and does it spread anywhere?",
    "Please take this tablet twice a day after meals for seven days.",
    "We need to do an electrocardiogram and a blood test now.",
    "Are you allergic to penicillin or any other medication?",
    "You do not need surgery, but I want to see you again in two weeks.",
    "Where does it hurt? Do you have any allergies to medication?",
    "Take 500 mg of paracetamol every 8 hours if the temperature is above 38.5.",
];

const ROUNDS: usize = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let registry = Registry::from_env()?;
    let open = |name: &str| -> Result<Direction, Box<dyn Error>> {
        let files = registry.open(name).map_err(|e| format!("{e}: run `make models`"))?;
        Ok(Direction::from_files(&files)?)
    };
    let begun = Instant::now();
    let mut translator = FirefoxTranslator::load(vec![open("firefox-pten")?, open("firefox-enpt")?])?;
    println!("loaded in {:.0} ms", begun.elapsed().as_secs_f64() * 1_000.0);
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [source, target] = &arguments[..] {
        let mut texts = String::new();
        std::io::stdin().read_to_string(&mut texts)?;
        for text in texts.lines() {
            println!("{text}\n  {}", translator.run(&[request(text, source, target)?]).remove(0)?.text);
        }
        return Ok(());
    }
    measure(&mut translator, &PORTUGUESE, "pt", "en")?;
    measure(&mut translator, &ENGLISH, "en", "pt")
}

fn request(text: &str, source: &str, target: &str) -> Result<TranslateRequest, Box<dyn Error>> {
    Ok(TranslateRequest { text: text.into(), source: source.parse()?, target: target.parse()? })
}

fn measure(
    translator: &mut FirefoxTranslator,
    texts: &[&str],
    source: &str,
    target: &str,
) -> Result<(), Box<dyn Error>> {
    let requests = texts.iter().map(|text| request(text, source, target)).collect::<Result<Vec<_>, _>>()?;
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for request in &requests {
            let begun = Instant::now();
            translator.run(std::slice::from_ref(request)).remove(0)?;
            alone.push(begun.elapsed().as_secs_f64() * 1_000.0);
        }
        for eight in requests.chunks(8) {
            let begun = Instant::now();
            translator.run(eight);
            together.push(begun.elapsed().as_secs_f64() * 1_000.0 / eight.len() as f64);
        }
    }
    println!(
        "{source} to {target}: alone p50 {:.1} ms, p95 {:.1} ms; in batches of eight p50 {:.1} ms a caption",
        percentile(&mut alone, 0.5),
        percentile(&mut alone, 0.95),
        percentile(&mut together, 0.5)
    );
    Ok(())
}

fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share).round() as usize]
}
