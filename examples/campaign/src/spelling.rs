//! What one text looks like to a person, however it is spelled.

use unicode_normalization::UnicodeNormalization as _;

/// The characters that show nothing, beside those of control: Unicode's `Default_Ignorable_Code_Point` (zero-width
/// spaces and joiners, marks of direction, byte order marks, variation selectors, Hangul fillers, tags), the anchors
/// of annotations, and the blank of Braille.
const UNSEEN: [(char, char); 18] = [
    ('\u{AD}', '\u{AD}'),
    ('\u{34F}', '\u{34F}'),
    ('\u{61C}', '\u{61C}'),
    ('\u{115F}', '\u{1160}'),
    ('\u{17B4}', '\u{17B5}'),
    ('\u{180B}', '\u{180F}'),
    ('\u{200B}', '\u{200F}'),
    ('\u{202A}', '\u{202E}'),
    ('\u{2060}', '\u{206F}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{FE00}', '\u{FE0F}'),
    ('\u{FEFF}', '\u{FEFF}'),
    ('\u{FFA0}', '\u{FFA0}'),
    ('\u{FFF0}', '\u{FFFB}'),
    ('\u{1BCA0}', '\u{1BCA3}'),
    ('\u{1D173}', '\u{1D17A}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{E0000}', '\u{E0FFF}'),
];

/// What the spellings of a text have in common that a person takes for one: without white space around it, with single
/// spaces within, without characters that show nothing, without case, and without forms of compatibility such as full
/// width (NFKC). Letters of other scripts that look alike are not taken for one.
pub(crate) fn folded(text: &str) -> String {
    let seen: String = text.nfkd().filter(|char| !is_unseen(*char)).collect();
    // Through the upper case: `ẞ` is `ß` and `SS`, and both forms of `σ` are `Σ`.
    let upper = seen.chars().flat_map(char::to_lowercase).flat_map(char::to_uppercase);
    let folded: String = upper.flat_map(char::to_lowercase).nfkc().collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_unseen(char: char) -> bool {
    let is_blank_control = char.is_control() && !char.is_whitespace();
    is_blank_control || UNSEEN.iter().any(|(first, last)| (*first..=*last).contains(&char))
}

#[cfg(test)]
mod tests {
    use super::folded;

    #[test]
    fn spellings_that_a_person_takes_for_one_are_one() {
        for alike in [
            "b1",
            "b1 ",
            "B1",
            "b1\u{200B}",
            "\u{FEFF}b1",
            "b\u{AD}1",
            "\u{202E}b1",
            "b1\u{FE0F}",
            "\u{3000}b1\u{A0}",
            "ｂ１",
            "Ｂ１",
            "b1\u{3164}",
            "b\u{86}1",
            "b1\u{E0020}",
            "\u{2800}b1",
        ] {
            assert_eq!(folded(alike), "b1", "{alike:?}");
        }
        for (one, other) in [
            ("Straße", "STRASSE"),
            ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
            ("é", "e\u{301}"),
            ("É", "e\u{301}"),
            ("①", "1"),
            ("ﬁ", "FI"),
            ("红包\u{200D}1", "红包1"),
            ("row  1", "row\u{2003}1"),
            ("ᾳ", "ΑΙ"),
            ("Å", "å"),
        ] {
            assert_eq!(folded(one), folded(other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn what_a_person_can_tell_apart_stays_apart() {
        let apart =
            ["b1", "b2", "b 1", "b-1", "b01", "红包", "紅包", "a", "á", "row 1", "row 11", "🧧", "%", "~"];
        for (at, one) in apart.iter().enumerate() {
            for other in &apart[..at] {
                assert_ne!(folded(one), folded(other), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn what_is_folded_folds_to_itself() {
        // Beyond there are ideographs, which have no case.
        for char in '\0'..='\u{1FFFF}' {
            let once = folded(&format!("a{char}b"));
            assert_eq!(folded(&once), once, "{char:?}");
        }
    }
}
