use super::*;
use proptest::prelude::*;

fn list(text: &str) -> Result<Vec<Recording>, ListError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(INDEX), text).unwrap();
    recordings(folder.path())
}

#[test]
fn columns_are_found_by_name_whatever_their_order() {
    let read = list("source\ttranscript\tlanguage\tfile\nradio\tBom dia.\tpt-BR\ta/b.wav\n\nradio\tOi.\tpt\tc.wav\n");
    let read = read.unwrap();
    assert_eq!(read.len(), 2);
    assert_eq!((read[0].name.as_str(), read[0].transcript.as_str(), read[0].line), ("a/b.wav", "Bom dia.", 2));
    assert_eq!((read[0].group().as_str(), read[1].group().as_str(), read[1].line), ("a pt", "pt", 4));
    assert!(read[0].file.ends_with("a/b.wav") && read[0].translation.is_none());
}

#[test]
fn a_translation_comes_with_its_language() {
    let head = "file\tlanguage\ttranscript\ttranslation\ttranslation_language\n";
    let read = list(&format!("{head}a.wav\tpt\tBom dia.\tGood morning.\ten\nb.wav\tpt\tOi.\t\t\n")).unwrap();
    let expected = Translated { language: "en".parse().unwrap(), text: "Good morning.".into() };
    assert_eq!(read[0].translation, Some(expected));
    assert_eq!(read[1].translation, None);
    let error = list(&format!("{head}a.wav\tpt\tBom dia.\tGood morning.\t\n")).unwrap_err();
    assert!(error.to_string().ends_with("line 2: the column translation_language is empty"), "{error}");
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let head = "file\tlanguage\ttranscript\n";
    let fault = |text: &str| list(text).unwrap_err().to_string();
    assert!(fault("file\tlanguage\na.wav\tpt\n").contains("there is no column transcript"));
    assert!(fault(&format!("{head}a.wav\tpt\tOi.\nb.wav\tpt\n")).contains("line 3: the column transcript is empty"));
    assert!(fault(&format!("{head}a.wav\tp t\tOi.\n")).contains("line 2: Language must be"));
    assert!(fault(head).contains("there is no line"));
    assert!(fault("").contains("there is no line"));
    assert!(fault(&format!("{head}a.wav\tpt\t{}\n", "a".repeat(30_001))).contains("more than 30000 characters"));
    assert!(recordings(Path::new("/nowhere")).unwrap_err().to_string().contains("cannot be read"));
}

#[test]
fn pairs_are_read_by_name_too() {
    let text = "reference\tsource_language\ttarget_language\tsource\nGood morning.\tpt\ten\tBom dia.\n";
    let read = parse_pairs("pairs", text).unwrap();
    assert_eq!((read[0].source.as_str(), read[0].reference.as_str()), ("Bom dia.", "Good morning."));
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "[a-z\t\n\r ]{0,60}", header in any::<bool>()) {
        let head = if header { "file\tlanguage\ttranscript\n" } else { "" };
        let _ = parse_pairs("list", &text);
        let _ = list(&format!("{head}{text}"));
    }
}
