//! The documents for people, in both languages: the same code, the same shape.

const DOCUMENTS: [(&str, &str); 4] = [
    (include_str!("../../../README.md"), include_str!("../../../README.zh-CN.md")),
    (
        include_str!("../../../docs/from-php-and-node.md"),
        include_str!("../../../docs/from-php-and-node.zh-CN.md"),
    ),
    (
        include_str!("../../../docs/what-went-wrong.md"),
        include_str!("../../../docs/what-went-wrong.zh-CN.md"),
    ),
    STARTS,
];

/// The ways to start, in many languages.
const STARTS: (&str, &str) =
    (include_str!("../../../docs/mock-server.md"), include_str!("../../../docs/mock-server.zh-CN.md"));

/// The lines of all Rust blocks, without comments and what is printed, which are in the document's language.
fn code(document: &str) -> Vec<&str> {
    let blocks = document.split("\n```").filter(|block| block.starts_with("rust"));
    let lines = blocks.flat_map(|block| block.lines().skip(1));
    let bare = lines.map(|line| {
        ["// ", "println!"]
            .iter()
            .fold(line, |line, mark| line.split_once(mark).map_or(line, |(code, _)| code).trim_end())
    });
    bare.filter(|line| !line.is_empty()).collect()
}

#[test]
fn the_code_is_the_same_in_both_languages() {
    for (english, chinese) in DOCUMENTS {
        let lines = code(english);
        assert!(lines.len() > 20);
        assert_eq!(lines, code(chinese));
    }
}

#[test]
fn the_shape_is_the_same_in_both_languages() {
    for (english, chinese) in DOCUMENTS {
        let count =
            |document: &str, mark: &str| document.lines().filter(|line| line.starts_with(mark)).count();
        for mark in ["# ", "## ", "### ", "|", "```", "* ", "1. ", "<!--"] {
            assert_eq!(count(english, mark), count(chinese, mark), "{mark}");
        }
    }
}

/// What stands between fences, with the name of its language.
fn snippets(document: &str) -> Vec<&str> {
    document.split("```").skip(1).step_by(2).collect()
}

#[test]
fn the_snippets_for_other_sdks_are_the_same_to_the_letter() {
    let [english, chinese] = [STARTS.0, STARTS.1].map(snippets);
    assert_eq!(english, chinese);
    for language in ["sh", "json", "js", "php", "python", "go", "java", "rust"] {
        assert!(english.iter().any(|snippet| snippet.starts_with(&format!("{language}\n"))), "{language}");
    }
}
