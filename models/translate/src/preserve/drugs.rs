//! Names of drugs, in whichever of the languages they are spelt.
//!
//! International names are one word spelt by three orthographies. A name is reduced to what they share, so that
//! losartan and losartana, phenytoin and fenitoína are the same; other names of a drug stand in a list. What is not
//! listed is known by the stem that the World Health Organization gives its class, such as -sartan.

use super::{
    Side, finding,
    tokens::{Kind, Token, fold},
};
use healthsync_events::speech::{
    PreservationFinding,
    PreservationProblem::{Added, Changed, Missing},
    PreservedKind,
};
use std::{collections::HashMap, sync::LazyLock};

/// Which drug a name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Drug {
    /// Line of the list.
    Listed(usize),
    /// The reduced name of one that is known by its stem.
    ByStem(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mention {
    pub(super) drug: Drug,
    /// Tokens `first..next`.
    pub(super) first: usize,
    pub(super) next: usize,
}

/// The words of a name after its first, and the line it is on.
type Rest = (Vec<String>, usize);

/// Reduced names of the list, by their first word.
static NAMES: LazyLock<HashMap<String, Vec<Rest>>> = LazyLock::new(|| {
    let mut names: HashMap<String, Vec<Rest>> = HashMap::new();
    for (line, forms) in lines().enumerate() {
        for form in forms.split(',') {
            let mut words = form.split_whitespace().map(reduce);
            if let Some(first) = words.next() {
                names.entry(first).or_default().push((words.collect(), line));
            }
        }
    }
    for entries in names.values_mut() {
        entries.sort_by_key(|(rest, _)| std::cmp::Reverse(rest.len()));
    }
    names
});

/// Stems of international names, without the last vowel. Those that common words end with are left out.
const STEMS: &str = "sartan pril olol dipin vastatin prazol conazol nidazol bendazol cilin micin floxacin ciclin ciclovir \
     tegravir tamivir navir buvir previr fovir gliptin glifozin gliflozin glutid glitazon tidin setron \
     parin xaban gatran grelor grel azepan azepam azolam barbital oxetin triptilin triptan peridon \
     peridol tiazid semid zosin lucast bufilin dronat relin tinib zumab ximab umab fibrat profen coxib \
     metason penem cain";

/// The stems as names end with them once reduced.
static REDUCED_STEMS: LazyLock<Vec<String>> = LazyLock::new(|| STEMS.split(' ').map(reduce).collect());

/// Words that end like a stem.
const NO_DRUGS: [&str; 7] = ["abril", "april", "colesterol", "cocain", "gasolin", "vaselin", "celin"];

/// Letters a name of a drug has at least, once reduced.
const SHORTEST: usize = 6;

/// The names in a text, in their order.
pub(super) fn mentions(tokens: &[Token]) -> Vec<Mention> {
    let reduced: Vec<String> = tokens
        .iter()
        .map(|token| if token.kind == Kind::Word { reduce(&token.folded) } else { String::new() })
        .collect();
    let mut mentions = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let Some((drug, next)) = read(&reduced, at) else {
            at += 1;
            continue;
        };
        mentions.push(Mention { drug, first: at, next });
        at = next;
    }
    mentions
}

fn read(reduced: &[String], at: usize) -> Option<(Drug, usize)> {
    let word = reduced[at].as_str();
    if word.len() < 3 {
        return None;
    }
    let entries = NAMES.get(word).map_or(&[][..], Vec::as_slice);
    let listed = entries.iter().find(|(rest, _)| reduced[at + 1..].starts_with(rest));
    if let Some((rest, line)) = listed {
        return Some((Drug::Listed(*line), at + 1 + rest.len()));
    }
    let by_stem = word.len() >= SHORTEST
        && REDUCED_STEMS.iter().any(|stem| word.ends_with(stem.as_str()) && word.len() > stem.len())
        && !NO_DRUGS.contains(&word);
    by_stem.then(|| (Drug::ByStem(word.to_owned()), at + 1))
}

/// The international name of a drug of the list that stands in a text as `word`, where that is another spelling of it
/// and not a brand or another name.
pub(super) fn international(word: &str, mention: &Mention) -> Option<String> {
    let Drug::Listed(line) = mention.drug else { return None };
    let name = lines().nth(line)?.split(',').next()?.trim();
    (reduce(name) == reduce(word)).then(|| name.to_owned())
}

fn lines() -> impl Iterator<Item = &'static str> {
    include_str!("drugs.tsv").lines().filter(|line| !line.starts_with('#'))
}

/// What the spellings of English, Portuguese and Spanish share.
fn reduce(word: &str) -> String {
    let mut text = fold(&word.to_lowercase());
    // "AAS" is no word.
    if text.len() <= 3 {
        return text;
    }
    for (from, to) in [
        ("ph", "f"),
        ("th", "t"),
        ("ch", "c"),
        ("rh", "r"),
        ("qu", "c"),
        ("oe", "e"),
        ("ae", "e"),
        ("k", "c"),
        ("y", "i"),
        ("w", "v"),
        ("h", ""),
        ("z", "s"),
        ("x", "s"),
    ] {
        text = text.replace(from, to);
    }
    // "Espironolactona", "estradiol".
    if text.starts_with("es") && text[2..].starts_with(['p', 't', 'c']) {
        text.remove(0);
    }
    let mut short = String::with_capacity(text.len());
    let letters: Vec<char> = text.chars().collect();
    for (index, c) in letters.iter().enumerate() {
        let next = letters.get(index + 1);
        if next == Some(c) {
            continue;
        }
        // "Sinvastatina", "anlodipino".
        let nasal = *c == 'm' && next.is_some_and(|next| !"aeiou".contains(*next));
        short.push(if nasal { 'n' } else { *c });
    }
    let stem = short.strip_suffix("um").unwrap_or(&short);
    let stem = stem.trim_end_matches(['a', 'e', 'i', 'o']);
    if stem.len() < 3 { short } else { stem.to_owned() }
}

/// Compares which drugs are named.
pub(super) fn compare(source: &Side<'_>, target: &Side<'_>) -> Vec<PreservationFinding> {
    let words = |side: &Side<'_>, mention: &Mention| side.words(mention.first, mention.next);
    let lost = absent(source, target);
    let mut new = absent(target, source).into_iter();
    let mut findings = Vec::new();
    for mention in lost {
        let other = new.next().map(|other| words(target, other));
        let problem = if other.is_some() { Changed } else { Missing };
        findings.push(finding(PreservedKind::Drug, problem, Some(words(source, mention)), other));
    }
    findings.extend(new.map(|other| finding(PreservedKind::Drug, Added, None, Some(words(target, other)))));
    if findings.is_empty() {
        findings.extend(exchanged(source, target));
    }
    findings
}

/// The drugs of `side` that `other` does not name, each once.
fn absent<'a>(side: &'a Side<'_>, other: &Side<'_>) -> Vec<&'a Mention> {
    let mut seen: Vec<&Mention> = Vec::new();
    for mention in &side.drugs {
        let named = other.drugs.iter().any(|its| its.drug == mention.drug);
        if !named && !seen.iter().any(|before| before.drug == mention.drug) && !nearly(side, mention, other) {
            seen.push(mention);
        }
    }
    seen
}

/// Whether `other` has a word that is the name but for a letter, and is no other drug's: a translation may spell
/// a rare name its own way.
fn nearly(side: &Side<'_>, mention: &Mention, other: &Side<'_>) -> bool {
    let name = reduce(&side.tokens[mention.first].folded);
    if mention.next - mention.first > 1 || name.len() < SHORTEST {
        return false;
    }
    let is_drug = |at: usize| other.drugs.iter().any(|its| (its.first..its.next).contains(&at));
    let mut words = other.tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Word);
    words.any(|(at, token)| !is_drug(at) && one_letter_apart(&name, &reduce(&token.folded)))
}

fn one_letter_apart(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let same = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let end = a[same..].iter().rev().zip(b[same..].iter().rev()).take_while(|(x, y)| x == y).count();
    a.len().max(b.len()) - same - end <= 1
}

/// A dose that stands with another drug than in the source.
fn exchanged(source: &Side<'_>, target: &Side<'_>) -> Option<PreservationFinding> {
    let (ours, theirs) = (doses(source), doses(target));
    if ours.len() < 2 || ours.len() != theirs.len() {
        return None;
    }
    let same =
        |a: &(usize, usize), b: &(usize, usize)| source.quantities.items[a.0].same_value(&target.quantities.items[b.0]);
    // A dose that comes twice tells nothing.
    let once = |a: &(usize, usize)| {
        ours.iter().filter(|b| source.quantities.items[a.0].same_value(&source.quantities.items[b.0])).count() == 1
    };
    ours.iter().filter(|mine| once(mine)).find_map(|mine| {
        let its = theirs.iter().find(|its| same(mine, its))?;
        let (a, b) = (&source.drugs[mine.1], &target.drugs[its.1]);
        (a.drug != b.drug).then(|| {
            let words = (source.words(a.first, a.next), target.words(b.first, b.next));
            finding(PreservedKind::Drug, Changed, Some(words.0), Some(words.1))
        })
    })
}

/// Doses that stand directly with a drug: "50 mg de losartana", "losartana 50 mg". Index of the quantity, index of
/// the drug.
fn doses(side: &Side<'_>) -> Vec<(usize, usize)> {
    let small = |at: usize| side.tokens[at].is(&["de", "of", "do", "da", "(", ",", "-"]);
    let adjacent = |from: usize, to: usize| from == to || (from + 1 == to && small(from));
    let mut doses = Vec::new();
    for (index, quantity) in side.quantities.items.iter().enumerate() {
        if !quantity.unit.is_some_and(super::units::Unit::is_dose) {
            continue;
        }
        let after = side.drugs.iter().position(|drug| adjacent(quantity.next, drug.first));
        let before = || side.drugs.iter().position(|drug| adjacent(drug.next, quantity.first));
        doses.extend(after.or_else(before).map(|drug| (index, drug)));
    }
    doses
}

#[cfg(test)]
mod tests {
    use super::{super::tokens::tokens, *};

    fn drugs(text: &str) -> Vec<Drug> {
        mentions(&tokens(text)).into_iter().map(|mention| mention.drug).collect()
    }

    #[test]
    fn a_drug_is_the_same_however_it_is_spelt() {
        for names in [
            &["losartan", "losartana", "losartán"][..],
            &["penicillin", "penicilina"],
            &["hydrochlorothiazide", "hidroclorotiazida"],
            &["phenytoin", "fenitoína"],
            &["simvastatin", "sinvastatina", "simvastatina"],
            &["amlodipine", "anlodipino", "amlodipino"],
            &["spironolactone", "espironolactona"],
            &["levothyroxine", "levotiroxina"],
            &["ipratropium", "ipratrópio", "ipratropio"],
            &["lithium", "lítio", "litio"],
            &["azithromycin", "azitromicina"],
            &["warfarin", "varfarina", "warfarina"],
            &["ketoprofen", "cetoprofeno", "ketoprofeno"],
            &["dipyrone", "dipirona", "metamizol", "metamizole"],
            &["paracetamol", "acetaminophen"],
            &["aspirin", "AAS", "ácido acetilsalicílico", "acetylsalicylic acid"],
            &["salbutamol", "albuterol"],
            &["montelukast", "montelucaste"],
            // Not in the list.
            &["eprosartan", "eprosartana"],
            &["secnidazole", "secnidazol"],
        ] {
            let found: Vec<_> = names.iter().map(|name| drugs(name)).collect();
            assert!(found.iter().all(|it| it.len() == 1 && *it == found[0]), "{names:?}: {found:?}");
        }
    }

    #[test]
    fn drugs_that_look_alike_are_different() {
        for (one, other) in [
            ("prednisone", "prednisolone"),
            ("hydroxyzine", "hydralazine"),
            ("losartan", "valsartan"),
            ("clonazepam", "lorazepam"),
            ("dopamine", "dobutamine"),
            ("omeprazole", "esomeprazole"),
            ("azithromycin", "erythromycin"),
        ] {
            assert_ne!(drugs(one), drugs(other), "{one}, {other}");
            assert_eq!((drugs(one).len(), drugs(other).len()), (1, 1));
        }
    }

    #[test]
    fn everyday_words_are_no_drugs() {
        for text in [
            "Em abril o colesterol estava alto e a pressão subiu.",
            "I had my surgery in April and I want to live again.",
            "A senhora precisa servir a comida, ouvir e dormir.",
            "Me duele la espalda desde el mes de abril, no puedo vivir así.",
            "A dor é na perna e no joelho, a coluna dói também.",
        ] {
            assert_eq!(drugs(text), [], "{text}");
        }
    }

    #[test]
    fn a_letter_apart_is_counted_in_letters() {
        assert!(one_letter_apart("clonazepan", "clonazepam") && one_letter_apart("losartan", "losatan"));
        assert!(!one_letter_apart("losartan", "valsartan"));
    }
}
