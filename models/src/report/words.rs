//! The report's words. Plain language, the same sentences in the same order in every language.

use healthsync_events::{Consciousness, VitalSigns, alarm::AlarmKind, risk::RiskBand};

/// A language's words.
pub(super) trait Words {
    fn title(&self) -> &'static str;
    fn heading_visit(&self) -> &'static str;
    fn heading_said(&self) -> &'static str;
    fn heading_measured(&self) -> &'static str;
    fn heading_alarms(&self) -> &'static str;
    fn heading_images(&self) -> &'static str;
    fn heading_worse(&self) -> &'static str;
    fn heading_note(&self) -> &'static str;
    fn no_visit(&self) -> &'static str;
    fn if_worse(&self) -> &'static [&'static str];
    fn note(&self) -> &'static [&'static str];
    fn visit(&self, date: &str, time: &str) -> String;
    fn speaker(&self, participant: &str) -> String;
    fn said(&self, who: &str, text: &str) -> String;
    fn said_translated(&self, who: &str, text: &str) -> String;
    fn measurement(&self, name: &str, value: &str) -> String;
    fn score(&self, total: u8, band: RiskBand) -> String;
    fn worst(&self, total: u8, time: &str) -> String;
    fn alarm(&self, kind: AlarmKind, time: &str) -> String;
    fn image(&self, modality: Option<&str>, time: &str) -> String;
    fn names(&self) -> [&'static str; 7];
    fn units(&self) -> [&'static str; 3];
    fn consciousness(&self, level: Consciousness) -> &'static str;
    fn oxygen(&self, oxygen: bool) -> &'static str;
    fn decimal(&self) -> char;

    /// Name and value of each vital sign that was measured.
    fn vitals(&self, vitals: &VitalSigns) -> Vec<(String, String)> {
        let names = self.names();
        let [per_minute, breaths, mmhg] = self.units();
        let number =
            |value: f64, decimals: usize| format!("{value:.decimals$}").replace('.', &self.decimal().to_string());
        let mut all = Vec::new();
        let mut push = |name: &str, value: Option<String>| all.extend(value.map(|value| (name.to_owned(), value)));
        push(names[0], vitals.heart_rate.map(|v| format!("{} {per_minute}", number(v, 0))));
        push(names[1], vitals.respiratory_rate.map(|v| format!("{} {breaths}", number(v, 0))));
        push(names[2], vitals.spo2.map(|v| format!("{} %", number(v, 0))));
        push(
            names[3],
            vitals.systolic_bp.map(|systolic| match vitals.diastolic_bp {
                Some(diastolic) => format!("{}/{} {mmhg}", number(systolic, 0), number(diastolic, 0)),
                None => format!("{} {mmhg}", number(systolic, 0)),
            }),
        );
        push(names[4], vitals.temperature.map(|v| format!("{} °C", number(v, 1))));
        push(names[5], vitals.consciousness.map(|level| self.consciousness(level).to_owned()));
        push(names[6], vitals.supplemental_oxygen.map(|oxygen| self.oxygen(oxygen).to_owned()));
        all
    }
}

pub(super) struct English;

impl Words for English {
    fn title(&self) -> &'static str {
        "Your consultation"
    }
    fn heading_visit(&self) -> &'static str {
        "Your visit"
    }
    fn heading_said(&self) -> &'static str {
        "What was said"
    }
    fn heading_measured(&self) -> &'static str {
        "What was measured"
    }
    fn heading_alarms(&self) -> &'static str {
        "Alerts during the visit"
    }
    fn heading_images(&self) -> &'static str {
        "Images"
    }
    fn heading_worse(&self) -> &'static str {
        "If you feel worse"
    }
    fn heading_note(&self) -> &'static str {
        "About this report"
    }
    fn no_visit(&self) -> &'static str {
        "Nothing has been recorded yet."
    }
    fn if_worse(&self) -> &'static [&'static str] {
        &[
            "Call the emergency number at once for chest pain, trouble breathing, fainting, confusion, or weakness on one side.",
            "Do not wait for an answer online if you feel that it is urgent.",
            "Take medicines only as your clinician told you.",
        ]
    }
    fn note(&self) -> &'static [&'static str] {
        &[
            "A computer wrote this report from what was said and measured. Your clinician must check it.",
            "It supports decisions. It is not a diagnosis.",
            "Speech was written down and translated by machine, and may contain mistakes.",
        ]
    }
    fn visit(&self, date: &str, time: &str) -> String {
        format!("Your consultation began on {date} at {time} (UTC).")
    }
    fn speaker(&self, participant: &str) -> String {
        match participant {
            "patient" => "You".into(),
            "clinician" => "The clinician".into(),
            other => other.into(),
        }
    }
    fn said(&self, who: &str, text: &str) -> String {
        format!("{who} said: “{text}”")
    }
    fn said_translated(&self, who: &str, text: &str) -> String {
        format!("{who} said (machine translation): “{text}”")
    }
    fn measurement(&self, name: &str, value: &str) -> String {
        format!("{name}: {value}.")
    }
    fn score(&self, total: u8, band: RiskBand) -> String {
        let meaning = match band {
            RiskBand::Low => "This is low: the usual checks are enough.",
            RiskBand::LowMedium => "The total is low, but one value needs to be looked at soon.",
            RiskBand::Medium => "This is raised: a clinician should see you without delay.",
            RiskBand::High => "This is high: you need emergency care now.",
        };
        format!("Your early warning score (NEWS2) is {total} of 20. {meaning}")
    }
    fn worst(&self, total: u8, time: &str) -> String {
        format!("It was highest, {total}, at {time} (UTC).")
    }
    fn alarm(&self, kind: AlarmKind, time: &str) -> String {
        let what = match kind {
            AlarmKind::News2Urgent | AlarmKind::PewsUrgent => "your values called for an urgent review",
            AlarmKind::News2Emergency | AlarmKind::PewsEmergency => "your values called for an emergency response",
            _ => "one of your values needed attention",
        };
        format!("At {time} (UTC) {what}.")
    }
    fn image(&self, modality: Option<&str>, time: &str) -> String {
        match modality {
            Some(modality) => format!("An image ({modality}) was received at {time} (UTC)."),
            None => format!("An image was received at {time} (UTC)."),
        }
    }
    fn names(&self) -> [&'static str; 7] {
        ["Pulse", "Breathing", "Oxygen in the blood", "Blood pressure", "Temperature", "Alertness", "Oxygen supply"]
    }
    fn units(&self) -> [&'static str; 3] {
        ["beats a minute", "breaths a minute", "mmHg"]
    }
    fn consciousness(&self, level: Consciousness) -> &'static str {
        match level {
            Consciousness::Alert => "awake and alert",
            Consciousness::Confusion => "newly confused",
            Consciousness::Voice => "responds to voice",
            Consciousness::Pain => "responds to pain",
            Consciousness::Unresponsive => "does not respond",
        }
    }
    fn oxygen(&self, oxygen: bool) -> &'static str {
        if oxygen { "with extra oxygen" } else { "room air" }
    }
    fn decimal(&self) -> char {
        '.'
    }
}

pub(super) struct Portuguese;

impl Words for Portuguese {
    fn title(&self) -> &'static str {
        "Sua consulta"
    }
    fn heading_visit(&self) -> &'static str {
        "Sua consulta"
    }
    fn heading_said(&self) -> &'static str {
        "O que foi dito"
    }
    fn heading_measured(&self) -> &'static str {
        "O que foi medido"
    }
    fn heading_alarms(&self) -> &'static str {
        "Alertas durante a consulta"
    }
    fn heading_images(&self) -> &'static str {
        "Imagens"
    }
    fn heading_worse(&self) -> &'static str {
        "Se você piorar"
    }
    fn heading_note(&self) -> &'static str {
        "Sobre este relatório"
    }
    fn no_visit(&self) -> &'static str {
        "Ainda não há nada registrado."
    }
    fn if_worse(&self) -> &'static [&'static str] {
        &[
            "Ligue imediatamente para o número de emergência em caso de dor no peito, dificuldade para respirar, desmaio, confusão ou fraqueza de um lado do corpo.",
            "Não espere uma resposta pela internet se você sentir que é urgente.",
            "Tome remédios somente como o profissional de saúde orientou.",
        ]
    }
    fn note(&self) -> &'static [&'static str] {
        &[
            "Um computador escreveu este relatório a partir do que foi dito e medido. O profissional de saúde precisa conferi-lo.",
            "Ele apoia decisões. Não é um diagnóstico.",
            "A fala foi transcrita e traduzida por máquina e pode conter erros.",
        ]
    }
    fn visit(&self, date: &str, time: &str) -> String {
        format!("Sua consulta começou em {date} às {time} (UTC).")
    }
    fn speaker(&self, participant: &str) -> String {
        match participant {
            "patient" => "Você".into(),
            "clinician" => "O profissional de saúde".into(),
            other => other.into(),
        }
    }
    fn said(&self, who: &str, text: &str) -> String {
        format!("{who} disse: “{text}”")
    }
    fn said_translated(&self, who: &str, text: &str) -> String {
        format!("{who} disse (tradução automática): “{text}”")
    }
    fn measurement(&self, name: &str, value: &str) -> String {
        format!("{name}: {value}.")
    }
    fn score(&self, total: u8, band: RiskBand) -> String {
        let meaning = match band {
            RiskBand::Low => "É baixo: o acompanhamento habitual é suficiente.",
            RiskBand::LowMedium => "O total é baixo, mas um dos valores precisa ser avaliado em breve.",
            RiskBand::Medium => "Está elevado: um profissional de saúde deve atender você sem demora.",
            RiskBand::High => "É alto: você precisa de atendimento de emergência agora.",
        };
        format!("Seu escore de alerta precoce (NEWS2) é {total} de 20. {meaning}")
    }
    fn worst(&self, total: u8, time: &str) -> String {
        format!("O valor mais alto foi {total}, às {time} (UTC).")
    }
    fn alarm(&self, kind: AlarmKind, time: &str) -> String {
        let what = match kind {
            AlarmKind::News2Urgent | AlarmKind::PewsUrgent => "seus valores pediram uma avaliação urgente",
            AlarmKind::News2Emergency | AlarmKind::PewsEmergency => "seus valores pediram atendimento de emergência",
            _ => "um dos seus valores precisou de atenção",
        };
        format!("Às {time} (UTC), {what}.")
    }
    fn image(&self, modality: Option<&str>, time: &str) -> String {
        match modality {
            Some(modality) => format!("Uma imagem ({modality}) foi recebida às {time} (UTC)."),
            None => format!("Uma imagem foi recebida às {time} (UTC)."),
        }
    }
    fn names(&self) -> [&'static str; 7] {
        [
            "Pulso",
            "Respiração",
            "Oxigênio no sangue",
            "Pressão arterial",
            "Temperatura",
            "Consciência",
            "Suporte de oxigênio",
        ]
    }
    fn units(&self) -> [&'static str; 3] {
        ["batimentos por minuto", "respirações por minuto", "mmHg"]
    }
    fn consciousness(&self, level: Consciousness) -> &'static str {
        match level {
            Consciousness::Alert => "acordado e alerta",
            Consciousness::Confusion => "confusão recente",
            Consciousness::Voice => "responde à voz",
            Consciousness::Pain => "responde à dor",
            Consciousness::Unresponsive => "não responde",
        }
    }
    fn oxygen(&self, oxygen: bool) -> &'static str {
        if oxygen { "com oxigênio suplementar" } else { "ar ambiente" }
    }
    fn decimal(&self) -> char {
        ','
    }
}
