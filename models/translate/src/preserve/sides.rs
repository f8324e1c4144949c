//! Left, right and both.

use super::{
    Side, Tongue, finding,
    tokens::{Kind, Token, listed},
};
use healthsync_events::speech::{
    PreservationFinding,
    PreservationProblem::{Added, Changed, Missing},
    PreservedKind::Laterality,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Left,
    Right,
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mention {
    which: Which,
    /// Token.
    at: usize,
    /// Whether a side of something is meant. "Left", "right" and "direito" can be other words.
    required: bool,
}

/// Parts of the body that have a side, and words for sides, without accents and plural endings.
const PARTS: [&str; 3] = [
    "side arm leg hand foot feet knee shoulder hip ear eye lung kidney breast chest elbow wrist ankle \
     thigh calf heel toe finger thumb cheek eyebrow eyelid nostril temple jaw forearm flank groin ovary \
     testicle buttock armpit collarbone rib ventricle atrium lobe hemisphere tonsil thyroid abdomen belly \
     quadrant back face body limb nipple femur tibia humerus carotid iliac lower upper handed sided \
     hemithorax base",
    "lado braco perna mao pe joelho ombro quadril ouvido orelha olho pulmao rim mama seio peito cotovelo \
     punho pulso tornozelo coxa panturrilha calcanhar dedo polegar bochecha sobrancelha palpebra narina \
     tempora mandibula antebraco flanco virilha ovario testiculo nadega axila clavicula costela \
     ventriculo atrio lobo hemisferio amigdala tireoide abdomen abdome barriga quadrante costas rosto \
     corpo membro femur tibia umero carotida hemitorax base mo pulmoe maos",
    "lado brazo pierna mano pie rodilla hombro cadera oido oreja ojo pulmon pulmone rinon rinone mama \
     seno pecho codo muneca tobillo muslo pantorrilla talon dedo pulgar mejilla ceja parpado sien \
     mandibula antebrazo flanco ingle ovario testiculo nalga axila clavicula costilla ventriculo auricula \
     lobulo hemisferio amigdala abdomen vientre barriga cuadrante espalda cara cuerpo miembro femur tibia \
     humero carotida hemitorax base",
];

/// Words that "right" is not a side before.
const NOT_BEFORE: &str = "now away after before here there then dose dosage medication medicine treatment way time thing \
     things decision answer direction place person doctor amount moment track choice diagnosis at about \
     when as so if for since up down into through from";

/// Words that "right" is not a side after: "that's right".
const CORRECT_AFTER: &str = "all that's is quite you're feel not feels have doing got it's human";

/// Words that "left" is a verb or a rest after, and before.
const LEFT_AFTER: &str = "i he she they we you has have had was days pills tablets who be are what's just already";
const LEFT_BEFORE: &str = "the my home work untreated over me him her it for without hospital";

pub(super) fn mentions(tokens: &[Token], tongue: Tongue) -> Vec<Mention> {
    let reader = Reader { tokens, tongue };
    (0..tokens.len()).filter_map(|at| reader.mention(at)).collect()
}

struct Reader<'a> {
    tokens: &'a [Token],
    tongue: Tongue,
}

impl Reader<'_> {
    fn word(&self, at: Option<usize>) -> &str {
        at.and_then(|at| self.tokens.get(at)).map_or("", |token| token.folded.as_str())
    }

    fn before(&self, at: usize, by: usize) -> &str {
        self.word(at.checked_sub(by))
    }

    fn after(&self, at: usize, by: usize) -> &str {
        self.word(Some(at + by))
    }

    fn is_part(&self, word: &str) -> bool {
        let parts = PARTS[self.tongue as usize];
        let singular = word.strip_suffix('s').or_else(|| word.strip_suffix("es"));
        listed(parts, word) || singular.is_some_and(|word| listed(parts, word))
    }

    fn mention(&self, at: usize) -> Option<Mention> {
        if self.tokens[at].kind != Kind::Word {
            return None;
        }
        let word = self.tokens[at].folded.as_str();
        if word.starts_with("bilatera") {
            return Some(Mention { which: Which::Both, at, required: true });
        }
        let (which, required) = match self.tongue {
            Tongue::English => self.english(word, at)?,
            Tongue::Portuguese | Tongue::Spanish => self.romance(word, at)?,
        };
        Some(Mention { which, at, required })
    }

    fn english(&self, word: &str, at: usize) -> Option<(Which, bool)> {
        let next = if self.after(at, 1) == "-" { self.after(at, 2) } else { self.after(at, 1) };
        let before = self.before(at, 1);
        // "My upper left arm", "the left upper arm", "the right coronary artery".
        let beside_part = self.is_part(next) || matches!(before, "upper" | "lower" | "top" | "bottom");
        let further =
            self.is_part(self.after(at, 2)) && !matches!(next, "my" | "the" | "your" | "his" | "her" | "a" | "in");
        let directed = matches!(before, "on" | "to" | "from")
            || matches!(self.before(at, 2), "on" | "to" | "from" | "than")
                && matches!(before, "the" | "my" | "your" | "his" | "her");
        match word {
            "left" => {
                // "Two days left", "I left", "left untreated".
                let verb = listed(LEFT_AFTER, before) || listed(LEFT_BEFORE, next);
                Some((Which::Left, beside_part || next == "one" || !verb && (further || directed)))
            }
            "right" | "rightmost" => {
                let correct = listed(CORRECT_AFTER, before);
                let other = listed(NOT_BEFORE, next) || (next == "to" && matches!(before, "the" | "a" | "no"));
                let tag = next == "?" && matches!(before, "" | ",");
                if !beside_part && (other || correct || tag || at == 0) {
                    return None;
                }
                Some((Which::Right, beside_part || further || directed))
            }
            "both" => {
                let near = [1, 2, 3].into_iter().any(|by| self.is_part(self.after(at, by)));
                let listed = self.after(at, 2) == "and" || self.after(at, 3) == "and" && self.after(at, 1) != "of";
                Some((Which::Both, near && !listed))
            }
            "two" => self.is_part(next).then_some((Which::Both, false)),
            _ => None,
        }
    }

    fn romance(&self, word: &str, at: usize) -> Option<(Which, bool)> {
        let next = self.after(at, 1);
        let is_two = |word: &str| {
            matches!((self.tongue, word), (Tongue::Portuguese, "dois" | "duas") | (Tongue::Spanish, "dos"))
        };
        match word {
            "esquerda" | "esquerdas" | "esquerdo" | "esquerdos" if self.tongue == Tongue::Portuguese => {
                Some((Which::Left, true))
            }
            "izquierda" | "izquierdas" | "izquierdo" | "izquierdos" if self.tongue == Tongue::Spanish => {
                Some((Which::Left, true))
            }
            "direita" | "direitas" if self.tongue == Tongue::Portuguese => Some((Which::Right, true)),
            "direito" | "direitos" if self.tongue == Tongue::Portuguese => self.straight(at, next),
            "derecho" | "derechos" | "derecha" | "derechas" if self.tongue == Tongue::Spanish => {
                if word.starts_with("derecha") { Some((Which::Right, true)) } else { self.straight(at, next) }
            }
            "ambos" | "ambas" => Some((Which::Both, self.is_part(next) || self.is_part(self.after(at, 2)))),
            word if is_two(word) && self.is_part(next) => {
                let definite =
                    matches!(self.before(at, 1), "os" | "as" | "nos" | "nas" | "dos" | "das" | "los" | "las");
                Some((Which::Both, definite))
            }
            _ => None,
        }
    }

    /// "Direito" is right, straight, well and the law.
    fn straight(&self, at: usize, next: &str) -> Option<(Which, bool)> {
        let part = self.is_part(self.before(at, 1)) || self.is_part(self.before(at, 2)) || self.is_part(next);
        if part {
            return Some((Which::Right, true));
        }
        let law = matches!(next, "a" | "ao" | "de" | "do" | "da" | "humanos")
            || matches!(self.before(at, 1), "tem" | "tenho" | "tiene" | "tengo" | "seu" | "meu" | "su" | "mi");
        let verb = ["r", "ndo", "ei", "ou", "i"].into_iter().any(|ending| self.before(at, 1).ends_with(ending));
        (!law && !verb).then_some((Which::Right, false))
    }
}

/// Compares sides in their order: left must not become right, nor change places with it.
pub(super) fn compare(source: &Side<'_>, target: &Side<'_>) -> Vec<PreservationFinding> {
    let (mut ours, mut theirs) = (source.sides.clone(), target.sides.clone());
    let sure = |list: &[Mention]| list.iter().filter(|it| it.required).map(|it| it.which).collect::<Vec<_>>();
    let (before, after) = (sure(&ours), sure(&theirs));
    let same_members =
        before.len() == after.len() && before.iter().all(|side| count(&before, *side) == count(&after, *side));
    let words = |side: &Side<'_>, mention: &Mention| side.words(mention.at, mention.at + 1);
    if same_members {
        let pairs = || ours.iter().filter(|it| it.required).zip(theirs.iter().filter(|it| it.required));
        let swapped = pairs().find(|(a, b)| a.which != b.which);
        let found = swapped.map(|(a, b)| finding(Laterality, Changed, Some(words(source, a)), Some(words(target, b))));
        return found.into_iter().collect();
    }
    let mut findings = Vec::new();
    for certain in [2, 1, 0] {
        ours.retain(|a| {
            let fits = |b: &Mention| b.which == a.which && usize::from(a.required) + usize::from(b.required) == certain;
            let Some(index) = theirs.iter().position(fits) else { return true };
            theirs.remove(index);
            false
        });
    }
    ours.retain(|mine| mine.required || theirs.iter().any(|its| its.required));
    for mine in ours.iter().filter(|mine| mine.required) {
        let other = theirs.iter().position(|its| its.required).or_else(|| (!theirs.is_empty()).then_some(0));
        let other = other.map(|index| theirs.remove(index));
        let problem = if other.is_some() { Changed } else { Missing };
        findings.push(finding(Laterality, problem, Some(words(source, mine)), other.map(|its| words(target, &its))));
    }
    let mut uncertain = ours.iter().filter(|mine| !mine.required);
    for its in theirs.iter().filter(|its| its.required) {
        let mine = uncertain.next().map(|mine| words(source, mine));
        let problem = if mine.is_some() { Changed } else { Added };
        findings.push(finding(Laterality, problem, mine, Some(words(target, its))));
    }
    findings
}

fn count(list: &[Which], which: Which) -> usize {
    list.iter().filter(|it| **it == which).count()
}
