use super::*;
use crate::{Direction, FirefoxTranslator, terms::list};
use healthsync_events::speech::{Preservation, PreservationProblem};
use healthsync_models::registry::Registry;
use std::{cell::RefCell, rc::Rc};

/// The answer of a table that makes way instead.
const MAKES_WAY: &str = "…";

/// Translates by a table, and keeps what it was asked.
struct Table {
    info: ModelInfo,
    directions: Vec<(&'static str, &'static str)>,
    answers: Vec<(&'static str, &'static str)>,
    asked: Rc<RefCell<Vec<Vec<String>>>>,
}

impl Model for Table {
    type Input = TranslateRequest;
    type Output = Translation;

    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn run(&mut self, batch: &[TranslateRequest]) -> Vec<Outcome> {
        self.asked.borrow_mut().push(batch.iter().map(|request| request.text.clone()).collect());
        let answer = |request: &TranslateRequest| {
            let known = self.answers.iter().find(|(text, _)| *text == request.text);
            let failed = || ModelError::Engine { model: self.info.name.clone(), reason: "unknown".into() };
            let (_, text) = known.ok_or_else(failed)?;
            if *text == MAKES_WAY {
                return Err(ModelError::Preempted { model: self.info.name.clone() });
            }
            Ok(Translation {
                text: (*text).to_owned(),
                engine: self.info.name.clone(),
                review: ReviewStatus::Reviewed,
                preservation: Preservation::default(),
                model: self.info.clone(),
            })
        };
        batch.iter().map(answer).collect()
    }

    fn warm_up(&mut self) -> Result<(), ModelError> {
        self.asked.borrow_mut().push(vec!["warmed up".to_owned()]);
        Ok(())
    }
}

impl Engine for Table {
    fn serves(&self, source: &Language, target: &Language) -> bool {
        self.directions.contains(&(source.primary().as_str(), target.primary().as_str()))
    }
}

type Asked = Rc<RefCell<Vec<Vec<String>>>>;

fn table(
    name: &str,
    directions: &[(&'static str, &'static str)],
    answers: &[(&'static str, &'static str)],
) -> (Box<dyn Engine>, Asked) {
    let asked = Asked::default();
    let info = ModelInfo { name: name.into(), version: "1".into(), weights_sha256: "0".repeat(64) };
    let (directions, answers) = (directions.to_vec(), answers.to_vec());
    (Box::new(Table { info, directions, answers, asked: Rc::clone(&asked) }), asked)
}

fn request(text: &str, source: &str, target: &str) -> TranslateRequest {
    TranslateRequest { text: text.into(), source: source.parse().unwrap(), target: target.parse().unwrap() }
}

fn router(engines: Vec<Box<dyn Engine>>) -> Router {
    Router::new(engines, Terms::default()).unwrap()
}

#[test]
fn the_first_engine_with_the_direction_translates_and_its_requests_stay_together() {
    let (one, asked) = table("one", &[("pt", "en")], &[("Sim.", "Yes."), ("Não.", "No.")]);
    let (two, _) = table("two", &[("pt", "en"), ("es", "en")], &[("Hola.", "Hello.")]);
    let mut router = router(vec![one, two]);
    let outcomes = router.run(&[
        request("Sim.", "pt-BR", "en"),
        request("Hola.", "es", "en-US"),
        request("Ja.", "de", "en"),
        request("Não.", "pt", "en"),
        request("Sim.", "pt", "pt-PT"),
    ]);
    let engines: Vec<_> = outcomes.iter().map(|it| it.as_ref().map(|it| it.engine.as_str()).ok()).collect();
    assert_eq!(engines, [Some("one"), Some("two"), None, Some("one"), None]);
    assert_eq!(*asked.borrow(), [["Sim.", "Não."]]);
    assert!(matches!(&outcomes[2], Err(ModelError::Input { reason, .. }) if reason.contains("no model")));
    assert!(matches!(&outcomes[4], Err(ModelError::Input { reason, .. }) if reason.contains("same language")));
    assert!(Router::new(Vec::new(), Terms::default()).is_err());
}

#[test]
fn every_engine_warms_up_before_the_first_request() {
    let (one, first) = table("one", &[("pt", "en")], &[]);
    let (two, second) = table("two", &[("es", "en")], &[]);
    router(vec![one, two]).warm_up().unwrap();
    assert_eq!(
        (&*first.borrow(), &*second.borrow()),
        (&vec![vec!["warmed up".to_owned()]], &vec![vec!["warmed up".to_owned()]])
    );
}

#[test]
fn what_no_engine_has_goes_over_the_language_between_and_names_both() {
    let (one, _) = table("one", &[("ca", "en")], &[("No.", "No.")]);
    let (two, _) = table("two", &[("en", "pt")], &[("No.", "Não.")]);
    let mut router = router(vec![one, two]).with_pivot("en".parse().unwrap());
    let outcome = router.run(&[request("No.", "ca", "pt")]).remove(0).unwrap();
    assert_eq!((outcome.text.as_str(), outcome.engine.as_str()), ("Não.", "one, then two"));
    assert_eq!((outcome.model.name.as_str(), outcome.model.weights_sha256.len()), ("one+two", 64));
    // A first half that fails is the answer.
    assert!(matches!(router.run(&[request("Si.", "ca", "pt")]).remove(0), Err(ModelError::Engine { .. })));
    assert!(router.run(&[request("No.", "pt", "ca")]).remove(0).is_err());
}

#[test]
fn what_did_not_survive_stands_in_the_translation() {
    let (one, _) = table("one", &[("pt", "en")], &[("Não tenho febre.", "I have a fever.")]);
    let outcome = router(vec![one]).run(&[request("Não tenho febre.", "pt", "en")]).remove(0).unwrap();
    let found: Vec<_> = outcome.preservation.findings.iter().map(|it| (it.kind, it.problem)).collect();
    assert_eq!(found, [(PreservedKind::Negation, PreservationProblem::Missing)]);
}

#[test]
fn a_lost_term_is_tried_again_with_the_term_put_in_then_with_a_mark() {
    let answers = [
        ("Ela está na UTI.", "She is in intensive care."),
        ("Ela está na ICU.", "She is in the hospital."),
        ("Ela está na XT1X.", "She is in the XT1X."),
        ("Vi a UTI.", "I saw the unit."),
        ("Vi a ICU.", "I saw the ICU."),
        ("Na UTI.", "In the unit."),
        ("Na ICU.", "Inside."),
        ("Na XT1X.", "Inside."),
    ];
    let (one, asked) = table("one", &[("pt", "en")], &answers);
    let mut router = Router::new(vec![one], list(&["pt\tUTI\ten\tICU"])).unwrap();
    let texts = ["Ela está na UTI.", "Vi a UTI.", "Na UTI."];
    let outcomes = router.run(&texts.map(|text| request(text, "pt", "en")));
    let outcomes: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    let texts: Vec<_> = outcomes.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(texts, ["She is in the ICU.", "I saw the ICU.", "In the unit."]);
    let lost: Vec<_> = outcomes.iter().map(|it| it.preservation.findings.len()).collect();
    assert_eq!((lost, outcomes[2].preservation.findings[0].kind), (vec![0, 0, 1], PreservedKind::Term));
    assert_eq!(asked.borrow().iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 2]);
}

#[test]
fn what_made_way_while_it_was_tried_again_is_not_answered_with_the_worse() {
    let answers = [("Vi a UTI.", "I saw the unit."), ("Vi a ICU.", MAKES_WAY)];
    let (one, _) = table("one", &[("pt", "en")], &answers);
    let mut router = Router::new(vec![one], list(&["pt\tUTI\ten\tICU"])).unwrap();
    let outcome = router.run(&[request("Vi a UTI.", "pt", "en")]).remove(0);
    assert!(matches!(outcome, Err(ModelError::Preempted { .. })), "{outcome:?}");
}

/// The real engine drops the drug from this sentence, and keeps it when asked again.
#[test]
fn a_drug_the_neural_model_dropped_comes_back() {
    let registry = Registry::from_env().unwrap();
    let files = registry.open("firefox-pten").unwrap_or_else(|e| panic!("{e}: run `make models`"));
    let engine = FirefoxTranslator::load(vec![Direction::from_files(&files).unwrap()]).unwrap();
    let mut router = router(vec![Box::new(engine)]);
    let text = "Tomo losartana de cinquenta miligramas uma vez por dia para pressão alta.";
    let outcome = router.run(&[request(text, "pt", "en")]).remove(0).unwrap();
    assert!(outcome.text.to_lowercase().contains("losartan"), "{}", outcome.text);
    assert!(outcome.preservation.passed(), "{:?}", outcome.preservation);
}
