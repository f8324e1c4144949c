//! The demo consultation: a Portuguese-speaking patient with chest pain, an English-speaking clinician, a
//! monitor whose readings get worse. Every word and number is made up.

use healthsync_events::{Consciousness, VitalSigns};

/// Who speaks, in which language, with which voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Speaker {
    Patient,
    Clinician,
}

impl Speaker {
    pub fn participant(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Clinician => "clinician",
        }
    }

    pub fn language(self) -> &'static str {
        match self {
            Self::Patient => "pt",
            Self::Clinician => "en",
        }
    }

    /// Voice of the registry the line is spoken with.
    pub fn voice(self) -> &'static str {
        match self {
            Self::Patient => "pf_dora",
            Self::Clinician => "am_michael",
        }
    }
}

/// What happens next. Steps follow one another; vitals and images do not wait for speech to end.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    Say { speaker: Speaker, text: &'static str },
    Vitals(VitalSigns),
    Image,
    Chat { speaker: Speaker, text: &'static str },
}

/// A consultation to be played.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// Names to expect: what the patient's record says of medicines.
    pub terms: Vec<&'static str>,
    pub steps: Vec<Step>,
}

impl Script {
    /// About two minutes. NEWS2 goes 1, 2, 6, 8.
    pub fn demo() -> Self {
        use Speaker::{Clinician, Patient};
        let say = |speaker, text| Step::Say { speaker, text };
        let steps = vec![
            Step::Vitals(vitals(92.0, 16.0, 97.0, 128.0, 78.0, 36.9)),
            say(Clinician, "Good morning. What brings you in today?"),
            say(Patient, "Bom dia, doutora. Estou com dor no peito desde ontem à noite."),
            say(Clinician, "I am sorry to hear that. Does the pain spread anywhere?"),
            Step::Vitals(vitals(104.0, 18.0, 95.0, 118.0, 74.0, 37.2)),
            say(Patient, "A dor vai do peito para o braço esquerdo e eu fico suando frio."),
            say(Clinician, "Do you feel short of breath, and do you have a fever?"),
            say(Patient, "Sinto falta de ar quando subo escadas. Não tenho febre."),
            Step::Image,
            say(Clinician, "Are you allergic to penicillin or any other medication?"),
            Step::Vitals(vitals(114.0, 22.0, 94.0, 104.0, 66.0, 37.4)),
            say(Patient, "Tomo losartana de cinquenta miligramas uma vez por dia para pressão alta."),
            say(Clinician, "We need to do an electrocardiogram and a blood test now."),
            Step::Chat { speaker: Patient, text: "Minha filha está a caminho do hospital." },
            Step::Vitals(vitals(124.0, 24.0, 92.0, 98.0, 60.0, 37.6)),
            say(Patient, "Está piorando, doutora. Estou com muito medo."),
            say(Clinician, "Stay calm. An ambulance is on the way. I will stay here with you."),
        ];
        Self { terms: vec!["losartana"], steps }
    }

    /// The lines to be spoken, in order.
    pub fn lines(&self) -> impl Iterator<Item = (Speaker, &'static str)> {
        self.steps.iter().filter_map(|step| match step {
            Step::Say { speaker, text } => Some((*speaker, *text)),
            _ => None,
        })
    }
}

fn vitals(
    heart_rate: f64,
    respiratory_rate: f64,
    spo2: f64,
    systolic_bp: f64,
    diastolic_bp: f64,
    temperature: f64,
) -> VitalSigns {
    VitalSigns {
        heart_rate: Some(heart_rate),
        respiratory_rate: Some(respiratory_rate),
        spo2: Some(spo2),
        systolic_bp: Some(systolic_bp),
        diastolic_bp: Some(diastolic_bp),
        temperature: Some(temperature),
        consciousness: Some(Consciousness::Alert),
        supplemental_oxygen: Some(false),
    }
}
