//! Negations, counted sentence by sentence.
//!
//! Languages share out a negation differently: "não tenho nenhum" is one, so is "unable to" for "não consigo". So a
//! text has negations that must be in the other as well, and words that may stand for one there without asking for
//! one themselves.

use super::{
    Side, Tongue, finding,
    tokens::{Kind, Token, listed},
};
use healthsync_events::speech::{
    PreservationFinding,
    PreservationProblem::{Added, Missing},
    PreservedKind::Negation,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cue {
    at: usize,
    /// Whether the other text must negate as well.
    hard: bool,
}

/// What a word does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Force {
    /// Negates by itself.
    Hard,
    /// Negates, or goes along with a negation before it in the same clause: "nenhum", "nada".
    Concord,
    /// Negates, or carries an earlier negation on: "nem", "nor".
    Continues,
    /// May stand for a negation.
    Soft,
}

/// The cues of a stretch of tokens.
fn cues(tokens: &[Token], from: usize, to: usize, tongue: Tongue) -> Vec<Cue> {
    let mut found: Vec<Cue> = Vec::new();
    // Whether a negation before reaches here: within the clause, and within the sentence.
    let (mut in_clause, mut in_sentence) = (false, false);
    let mut at = from;
    while at < to {
        if let Some((length, soft)) = idiom(tokens, at, to, tongue) {
            if soft {
                found.push(Cue { at, hard: false });
            }
            at += length;
            continue;
        }
        let token = &tokens[at];
        if token.kind == Kind::Sign && ";:,".contains(token.folded.as_str()) || begins_clause(token, tongue) {
            in_clause = false;
        }
        if let Some(force) = force(token, tongue) {
            let hard = match force {
                Force::Hard => true,
                Force::Concord => !in_clause,
                Force::Continues => !in_sentence,
                Force::Soft => false,
            };
            if hard || force != Force::Concord {
                found.push(Cue { at, hard });
            }
            if force != Force::Soft {
                (in_clause, in_sentence) = (true, true);
            }
        }
        at += 1;
    }
    found
}

fn begins_clause(token: &Token, tongue: Tongue) -> bool {
    match tongue {
        Tongue::English => token.is(&["and", "but", "because", "if", "when"]),
        Tongue::Portuguese => matches!(token.lower.as_str(), "e" | "mas" | "porque" | "se" | "quando"),
        Tongue::Spanish => matches!(token.lower.as_str(), "y" | "pero" | "porque" | "si" | "cuando"),
    }
}

#[expect(clippy::match_same_arms, clippy::unnested_or_patterns, reason = "a turn of phrase a pattern")]
/// Turns of phrase at `at`: how many tokens, and whether they may stand for a negation.
fn idiom(tokens: &[Token], at: usize, to: usize, tongue: Tongue) -> Option<(usize, bool)> {
    let word = |offset: usize| if at + offset < to { tokens[at + offset].folded.as_str() } else { "" };
    let last = |offset: usize| (at + offset..to).all(|index| tokens[index].kind == Kind::Sign);
    let words = (word(0), word(1), word(2), word(3));
    // "Dia sim, dia não".
    let alternates = |yes: &str| tokens[at.saturating_sub(3)..at].iter().any(|token| token.folded == yes);
    match tongue {
        Tongue::Portuguese => match words {
            // Every other day.
            ("dia", "nao", ..) if alternates("sim") => Some((2, false)),
            ("deixei" | "deixou" | "deixar", "de", ..) => Some((2, true)),
            // Shortness of breath is something one has.
            ("falta", "de", "ar", _) => Some((3, false)),
            ("nao", "e", "?", _) | ("nao", "e", "mesmo", "?") | ("pois", "nao", ..) => Some((3, true)),
            ("a", "nao", "ser", _) => Some((3, true)),
            ("nao", "esteroide" | "esteroides" | "esteroidal" | "esteroidais" | "hormonal", ..) => Some((2, true)),
            ("nao", "deixe" | "deixar" | "deixa" | "deixem", "de", _) => Some((3, true)),
            // "Não tenho, não."
            ("nao", ..) if at > 0 && last(1) && tokens[..at].iter().any(|token| token.folded == "nao") => {
                Some((1, true))
            }
            (",", "nao", "?", _) => Some((3, true)),
            ("mais", "nada", ..) | ("de", "nada", ..) => Some((2, true)),
            _ => None,
        },
        Tongue::Spanish => match words {
            ("dia", "no", ..) | ("otro", "no", ..) if alternates("si") => Some((2, false)),
            ("deje" | "dejo" | "dejar", "de", ..) => Some((2, true)),
            ("falta", "de", "aire", _) => Some((3, false)),
            (",", "no", "?", _) | ("¿", "no", "?", _) | ("no", "es", "verdad", _) => Some((3, true)),
            ("a", "no", "ser", _) => Some((3, true)),
            ("sin", "embargo", ..) | ("no", "obstante", ..) => Some((2, false)),
            ("no", "esteroideo" | "esteroideos", ..) | ("no", "deje", "de", _) | ("de", "nada", ..) => Some((2, true)),
            _ => None,
        },
        Tongue::English => {
            // ", isn't it?"
            let tag = word(0) == "," && word(1).ends_with("n't") && word(3) == "?";
            match words {
                _ if tag => Some((4, true)),
                ("no", "doubt" | "matter", ..) => Some((2, true)),
                ("never", "mind", ..) | ("not", "to", "mention", _) => Some((2, true)),
                ("non", "-", ..) => Some((2, true)),
                ("no", ".", _, _) if at + 2 < to && tokens[at + 2].kind == Kind::Digits => Some((2, false)),
                _ => None,
            }
        }
    }
}

/// Words that may stand for a negation. A word that is common where nothing is negated is none of them: it would
/// hide a negation that got lost.
const ENGLISH_SOFT: &str = "unable unless lack lacks lacking absence absent free avoid avoids avoided avoiding fail failed fails \
     refuse refused refuses hardly barely scarcely rarely seldom nonstop nonsteroidal asymptomatic \
     afebrile stop stopped missed miss impossible dislike incapable inability ruled otherwise painless \
     sleepless unwell uncomfortable unconscious unnecessary unknown unchanged unsure unaware unlikely";

const PORTUGUESE_SOFT: &str = "incapaz impossivel senao falta faltam faltou ausencia ausente livre evite evitar evito parar parei \
     parou pare recusa recusou raramente indolor assintomatico assintomatica afebril desconfortavel \
     inconsciente desnecessario desnecessaria desconhecido desconhecida inalterado inalterada improvavel";

const SPANISH_SOFT: &str = "incapaz imposible sino falta faltan ausencia ausente libre evite evitar evito parar pare rechaza \
     raramente indoloro asintomatico asintomatica afebril incomodo inconsciente innecesario innecesaria \
     desconocido desconocida inalterado inalterada improbable indispuesto indispuesta";

fn force(token: &Token, tongue: Tongue) -> Option<Force> {
    let word = token.folded.as_str();
    match tongue {
        Tongue::English => english(word),
        Tongue::Portuguese => match word {
            "nao" | "sem" | "nega" | "negou" | "negam" | "negava" | "negaram" | "nego" | "negando" => Some(Force::Hard),
            "nunca" | "jamais" | "nenhum" | "nenhuma" | "nada" | "ninguem" => Some(Force::Concord),
            "nem" | "tampouco" => Some(Force::Continues),
            _ => listed(PORTUGUESE_SOFT, word).then_some(Force::Soft),
        },
        Tongue::Spanish => match word {
            "no" | "sin" | "niega" | "nego" | "niegan" | "negaba" | "niego" | "negaron" => Some(Force::Hard),
            "nunca" | "jamas" | "ningun" | "ninguna" | "ninguno" | "nada" | "nadie" => Some(Force::Concord),
            "ni" | "tampoco" => Some(Force::Continues),
            _ => listed(SPANISH_SOFT, word).then_some(Force::Soft),
        },
    }
}

fn english(word: &str) -> Option<Force> {
    let contracted = word.ends_with("n't")
        || matches!(
            word,
            "cannot"
                | "dont"
                | "doesnt"
                | "didnt"
                | "isnt"
                | "wasnt"
                | "havent"
                | "hasnt"
                | "wont"
                | "cant"
                | "couldnt"
        );
    match word {
        "not" | "no" | "never" | "without" | "none" | "nobody" | "nothing" | "nowhere" | "neither" | "denies"
        | "denied" | "deny" | "denying" => Some(Force::Hard),
        "nor" => Some(Force::Continues),
        _ if contracted => Some(Force::Hard),
        _ => listed(ENGLISH_SOFT, word).then_some(Force::Soft),
    }
}

/// The ranges of tokens between full stops, and between the sides of a "but".
fn stretches(tokens: &[Token], tongue: Tongue) -> Vec<(usize, usize)> {
    let mut stretches = Vec::new();
    let mut start = 0;
    for (index, token) in tokens.iter().enumerate() {
        let stop = token.kind == Kind::Sign && ".!?;…".contains(token.folded.as_str());
        // The accent tells "but" in Portuguese from "more" in Spanish.
        let but = match tongue {
            Tongue::English => token.lower == "but",
            Tongue::Portuguese => matches!(token.lower.as_str(), "mas" | "porém"),
            Tongue::Spanish => token.lower == "pero",
        };
        if !(stop || but) {
            continue;
        }
        let end = if stop { index + 1 } else { index };
        if tokens[start..end].iter().any(|token| token.kind == Kind::Word) {
            stretches.push((start, end));
            start = end;
        }
    }
    if tokens[start..].iter().any(|token| token.kind == Kind::Word) {
        stretches.push((start, tokens.len()));
    }
    stretches
}

/// Compares the negations of corresponding sentences, or of the whole where the sentences do not correspond.
pub(super) fn compare(
    source: &Side<'_>,
    target: &Side<'_>,
    source_tongue: Tongue,
    target_tongue: Tongue,
) -> Vec<PreservationFinding> {
    let (ours, theirs) = (stretches(&source.tokens, source_tongue), stretches(&target.tokens, target_tongue));
    if ours.len() != theirs.len() {
        let all = |side: &Side<'_>, tongue, list: Vec<(usize, usize)>| {
            list.into_iter().flat_map(|(from, to)| cues(&side.tokens, from, to, tongue)).collect::<Vec<_>>()
        };
        let (ours, theirs) = (all(source, source_tongue, ours), all(target, target_tongue, theirs));
        return counted(source, &ours, target, &theirs);
    }
    let pairs = ours.into_iter().zip(theirs);
    pairs
        .flat_map(|(mine, its)| {
            let mine = cues(&source.tokens, mine.0, mine.1, source_tongue);
            let its = cues(&target.tokens, its.0, its.1, target_tongue);
            counted(source, &mine, target, &its)
        })
        .collect()
}

fn counted(source: &Side<'_>, ours: &[Cue], target: &Side<'_>, theirs: &[Cue]) -> Vec<PreservationFinding> {
    let hard = |cues: &[Cue]| cues.iter().filter(|cue| cue.hard).count();
    let soft = |cues: &[Cue]| cues.iter().filter(|cue| !cue.hard).count();
    let lost = hard(ours).saturating_sub(hard(theirs)).saturating_sub(soft(theirs).saturating_sub(soft(ours)));
    let gained = hard(theirs).saturating_sub(hard(ours)).saturating_sub(soft(ours).saturating_sub(soft(theirs)));
    let words = |side: &Side<'_>, cue: &Cue| {
        let with_next = side.tokens.get(cue.at + 1).is_some_and(|token| token.kind == Kind::Word);
        side.words(cue.at, cue.at + 1 + usize::from(with_next))
    };
    let missing = loneliest(source, ours, target, theirs, lost).into_iter();
    let missing = missing.map(|cue| finding(Negation, Missing, Some(words(source, &cue)), None));
    let added = loneliest(target, theirs, source, ours, gained).into_iter();
    missing.chain(added.map(|cue| finding(Negation, Added, None, Some(words(target, &cue))))).collect()
}

/// The `count` negations whose place in the text is farthest from one of the other's.
fn loneliest(side: &Side<'_>, cues: &[Cue], other: &Side<'_>, others: &[Cue], count: usize) -> Vec<Cue> {
    let place = |side: &Side<'_>, cue: &Cue| cue.at * 1_000 / side.tokens.len().max(1);
    let distance = |cue: &Cue| {
        let mine = place(side, cue);
        others.iter().filter(|its| its.hard).map(|its| place(other, its).abs_diff(mine)).min().unwrap_or(usize::MAX)
    };
    let mut hard: Vec<Cue> = cues.iter().filter(|cue| cue.hard).copied().collect();
    hard.sort_by_key(|cue| std::cmp::Reverse(distance(cue)));
    hard.truncate(count);
    hard.sort_by_key(|cue| cue.at);
    hard
}
