//! Which codes stand for which vital sign.
//!
//! LOINC codes are those of the FHIR R4 vital-signs profiles and LOINC's own members of the panel 85353-1, with the
//! variants by body site and position (loinc.org). IEEE codes are reference identifiers and numbers of ISO/IEEE
//! 11073-10101, partition 2 (SCADA), as IHE's Rosetta Terminology Mapping lists them for patient monitors; HL7 v2 sends
//! `number^MDC_NAME^MDC`.

/// A code system, as far as it is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum System {
    Loinc,
    Mdc,
    /// Not said, or a local one: a code that is known from elsewhere is taken for that.
    #[default]
    Any,
}

impl System {
    /// HL7 table 0396, or the URI FHIR has for it.
    pub fn named(name: &str) -> Self {
        match name {
            "LN" | "http://loinc.org" => Self::Loinc,
            "MDC" | "urn:iso:std:iso:11073:10101" => Self::Mdc,
            _ => Self::Any,
        }
    }
}

/// What a code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meaning {
    HeartRate,
    RespiratoryRate,
    Spo2,
    SystolicPressure,
    DiastolicPressure,
    Temperature,
    Consciousness,
    /// Litres a minute of oxygen.
    OxygenFlow,
    /// Inspired fraction of oxygen.
    OxygenFraction,
}

impl Meaning {
    /// The field of [`crate::VitalSigns`] that it is about.
    pub const fn field(self) -> &'static str {
        match self {
            HeartRate => "heart_rate",
            RespiratoryRate => "respiratory_rate",
            Spo2 => "spo2",
            SystolicPressure => "systolic_bp",
            DiastolicPressure => "diastolic_bp",
            Temperature => "temperature",
            Consciousness => "consciousness",
            OxygenFlow | OxygenFraction => "supplemental_oxygen",
        }
    }
}

use Meaning::{
    Consciousness, DiastolicPressure, HeartRate, OxygenFlow, OxygenFraction, RespiratoryRate, Spo2, SystolicPressure,
    Temperature,
};

const LOINC: [(&str, Meaning); 32] = [
    ("8867-4", HeartRate),
    ("8889-8", HeartRate),  // by pulse oximetry
    ("8893-0", HeartRate),  // peripheral artery, by palpation
    ("76282-3", HeartRate), // beat to beat, by ECG
    ("9279-1", RespiratoryRate),
    ("59408-5", Spo2),
    ("2708-6", Spo2), // arterial; FHIR's vital-signs profile has it beside 59408-5
    ("8480-6", SystolicPressure),
    ("8459-0", SystolicPressure),  // sitting
    ("8460-8", SystolicPressure),  // standing
    ("8461-6", SystolicPressure),  // supine
    ("76534-7", SystolicPressure), // non-invasive
    ("76215-3", SystolicPressure), // invasive
    ("8462-4", DiastolicPressure),
    ("8453-3", DiastolicPressure),  // sitting
    ("8454-1", DiastolicPressure),  // standing
    ("8455-8", DiastolicPressure),  // supine
    ("76535-4", DiastolicPressure), // non-invasive
    ("76213-8", DiastolicPressure), // invasive
    ("8310-5", Temperature),
    ("8328-7", Temperature),  // axillary
    ("8329-5", Temperature),  // core
    ("8331-1", Temperature),  // oral
    ("8332-9", Temperature),  // rectal
    ("8333-7", Temperature),  // tympanic
    ("75539-7", Temperature), // temporal artery
    ("80288-4", Consciousness),
    ("67775-7", Consciousness),
    ("3151-8", OxygenFlow),
    ("3150-6", OxygenFraction),
    ("19994-3", OxygenFraction), // ventilator setting
    ("19995-0", OxygenFraction), // measured at the ventilator
];

const MDC: [(&str, &str, Meaning); 32] = [
    ("147842", "MDC_ECG_HEART_RATE", HeartRate),
    ("149514", "MDC_PULS_RATE", HeartRate),
    ("149522", "MDC_BLD_PULS_RATE_INV", HeartRate),
    ("149530", "MDC_PULS_OXIM_PULS_RATE", HeartRate),
    ("149546", "MDC_PULS_RATE_NON_INV", HeartRate),
    ("151562", "MDC_RESP_RATE", RespiratoryRate),
    ("151570", "MDC_AWAY_RESP_RATE", RespiratoryRate),
    ("151578", "MDC_TTHOR_RESP_RATE", RespiratoryRate),
    ("151586", "MDC_VENT_RESP_RATE", RespiratoryRate),
    ("151594", "MDC_CO2_RESP_RATE", RespiratoryRate),
    ("150456", "MDC_PULS_OXIM_SAT_O2", Spo2),
    ("150017", "MDC_PRESS_BLD_SYS", SystolicPressure),
    ("150021", "MDC_PRESS_BLD_NONINV_SYS", SystolicPressure),
    ("150033", "MDC_PRESS_BLD_ART_SYS", SystolicPressure),
    ("150037", "MDC_PRESS_BLD_ART_ABP_SYS", SystolicPressure),
    ("150301", "MDC_PRESS_CUFF_SYS", SystolicPressure),
    ("150018", "MDC_PRESS_BLD_DIA", DiastolicPressure),
    ("150022", "MDC_PRESS_BLD_NONINV_DIA", DiastolicPressure),
    ("150034", "MDC_PRESS_BLD_ART_DIA", DiastolicPressure),
    ("150038", "MDC_PRESS_BLD_ART_ABP_DIA", DiastolicPressure),
    ("150302", "MDC_PRESS_CUFF_DIA", DiastolicPressure),
    ("150344", "MDC_TEMP", Temperature),
    ("150364", "MDC_TEMP_BODY", Temperature),
    ("150368", "MDC_TEMP_CORE", Temperature),
    ("150392", "MDC_TEMP_TYMP", Temperature),
    ("188420", "MDC_TEMP_RECT", Temperature),
    ("188424", "MDC_TEMP_ORAL", Temperature),
    ("188428", "MDC_TEMP_EAR", Temperature),
    ("188452", "MDC_TEMP_AXILLA", Temperature),
    ("188456", "MDC_TEMP_GIT", Temperature),
    ("152196", "MDC_CONC_AWAY_O2_INSP", OxygenFraction),
    ("153144", "MDC_CONC_GASDLV_O2_INSP", OxygenFraction),
];

/// What the code stands for; `None` where it is not known.
pub fn meaning(code: &str, system: System) -> Option<Meaning> {
    let loinc = || LOINC.iter().find(|(known, _)| *known == code).map(|(_, meaning)| *meaning);
    let mdc = || MDC.iter().find(|(number, name, _)| *number == code || *name == code).map(|(_, _, meaning)| *meaning);
    match system {
        System::Loinc => loinc(),
        System::Mdc => mdc(),
        // The scale's own name: neither system has a code for all of its five levels.
        System::Any => loinc().or_else(mdc).or_else(|| (code == "ACVPU").then_some(Consciousness)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_code_of_another_system_is_not_taken() {
        assert_eq!(meaning("147842", System::Mdc), Some(HeartRate));
        assert_eq!(meaning("147842", System::Loinc), None);
        assert_eq!(meaning("8867-4", System::named("LN")), Some(HeartRate));
        assert_eq!(meaning("8867-4", System::named("99LOCAL")), Some(HeartRate));
    }

    #[test]
    fn no_code_stands_in_the_tables_twice() {
        let all = LOINC.iter().map(|(code, _)| *code).chain(MDC.iter().flat_map(|(number, name, _)| [*number, *name]));
        let codes: Vec<&str> = all.collect();
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
    }
}
