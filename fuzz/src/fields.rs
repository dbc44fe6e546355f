//! The reader of documents against itself and two others.

use roxmltree::Node;
use wechatpay_proto::endpoint::Endpoint as _;
use wechatpay_proto::v2::mmpaymkttransfers::GetHbInfo;
use wechatpay_proto::wire::{self, Fields, List, MAX_BODY, Value, Writer};

use crate::naive::{self, Document};

/// Our reader accepts what the naive reader accepts, and nothing else, and both see the same names and values, as does
/// roxmltree. What was accepted can be written, and reading that gives the same.
pub fn fields(data: &[u8]) {
    compare(data, GetHbInfo::SPEC.lists);
    // Without a list in it, it would be the same once more.
    if data.windows(6).any(|name| name == b"hblist") {
        compare(data, &[]);
    }
}

fn compare(data: &[u8], lists: &[List]) {
    let naive_lists: Vec<_> = lists.iter().map(|list| (list.container, list.item)).collect();
    let naive = naive::read(data, &naive_lists);
    let ours = wire::parse(data, lists);
    match (&ours, &naive) {
        (Ok(document), Ok(naive)) => accepted(data, lists, document.untrusted(), naive),
        (Err(_), Err(_)) => {}
        (ours, naive) => panic!("ours: {ours:?}, the naive reader: {naive:?}"),
    }
}

fn accepted(data: &[u8], lists: &[List], fields: &Fields<'_>, naive: &Document) {
    let seen = seen(fields);
    assert!(
        naive.fields == seen.fields && naive.lists == seen.lists,
        "ours: {seen:?}, the naive reader: {naive:?}"
    );
    let second = second(data, lists);
    assert!(naive.fields == second.fields && naive.lists == second.lists, "roxmltree: {second:?}, {naive:?}");
    let written = write(fields);
    // CDATA is longer than what it replaces.
    if written.len() <= MAX_BODY {
        let again = wire::parse(written.as_bytes(), lists).expect("what we write, we read");
        let mut full = seen;
        full.fields.retain(|(_, value)| !value.is_empty());
        full.lists
            .iter_mut()
            .flat_map(|(_, items)| items)
            .for_each(|item| item.retain(|(_, value)| !value.is_empty()));
        assert_eq!(full, self::seen(again.untrusted()));
    }
}

fn own((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// What our reader saw.
fn seen(fields: &Fields<'_>) -> Document {
    let items =
        |list: List| fields.list(list.container).iter().map(|item| item.iter().map(own).collect()).collect();
    let lists = fields.lists().map(|list| (list.container.to_owned(), items(list))).collect();
    Document { fields: fields.iter().map(own).collect(), lists, ..Document::default() }
}

fn write(fields: &Fields<'_>) -> String {
    let mut xml = Writer::new();
    for (name, value) in fields.iter() {
        xml.element(name, &Value::Text(value));
    }
    for list in fields.lists() {
        xml.open(list.container);
        for item in fields.list(list.container) {
            xml.open(list.item);
            for (name, value) in item.iter() {
                xml.element(name, &Value::Text(value));
            }
            xml.close(list.item);
        }
        xml.close(list.container);
    }
    xml.finish()
}

/// The same, by roxmltree.
fn second(data: &[u8], lists: &[List]) -> Document {
    let text = std::str::from_utf8(data).expect("accepted, so UTF-8");
    // XML 1.0, section 2.11: line ends are normalised before anything else. roxmltree leaves a carriage return
    // that stands before a reference.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let tree = roxmltree::Document::parse(&text).expect("accepted, so well-formed");
    let mut document = Document::default();
    for child in elements(tree.root_element()) {
        let name = child.tag_name().name();
        if lists.iter().any(|list| list.container == name) {
            let items = elements(child).map(|item| elements(item).map(leaf).collect()).collect();
            document.lists.push((name.to_owned(), items));
        } else {
            document.fields.push(leaf(child));
        }
    }
    document
}

fn elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(Node::is_element)
}

fn leaf(node: Node<'_, '_>) -> (String, String) {
    let value = node.children().filter_map(|child| child.text()).collect();
    (node.tag_name().name().to_owned(), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both readers take the first and refuse the second.
    fn edge(good: &str, bad: &str) {
        for (text, taken) in [(good, true), (bad, false)] {
            fields(text.as_bytes());
            assert_eq!(
                naive::read(text.as_bytes(), &[("hblist", "hbinfo")]).is_ok(),
                taken,
                "{} bytes",
                text.len()
            );
        }
    }

    fn leaf(value: &str) -> String {
        format!("<xml><a>{value}</a></xml>")
    }

    /// The fuzzer's inputs are short, so these are tried here.
    #[test]
    fn the_limits_are_where_the_rules_have_them() {
        let longest = "v".repeat(32 * 1024);
        edge(&leaf(&longest), &leaf(&format!("{longest}v")));
        edge(&leaf(&longest), &leaf(&format!("{longest}&#33;")));
        edge(&leaf(&format!("<![CDATA[{longest}]]>")), &leaf(&format!("<![CDATA[{longest}]]>v")));
        // A value is as long as it is read: line ends are normalised first.
        let lines = |count: usize| leaf(&format!("{}{}", &longest[16 * 1024..], "\r\n".repeat(count)));
        edge(&lines(16 * 1024), &lines(16 * 1024 + 1));
        let wide = "红".repeat(32 * 1024 / 3);
        edge(&leaf(&format!("{wide}vv")), &leaf(&format!("{wide}vvv")));
        // White space between elements is no value.
        let space = " ".repeat(20_000);
        edge(&format!("<xml>{space}<a/>{space}</xml>{space}"), &format!("<xml>{space}<a/>v</xml>"));
        let names = ["a", "b", "c", "d"].map(|name| format!("<{name}>{}</{name}>", "v".repeat(16_000)));
        let most = format!("<xml>{}{}</xml>", names.concat(), " ".repeat(65_536 - 64_039));
        assert_eq!(most.len(), 64 * 1024);
        edge(&most, &format!("{most}\n"));
    }

    #[test]
    fn elements_and_names_are_counted_alike() {
        let elements = |count: usize| (0..count).map(|number| format!("<a{number}/>")).collect::<String>();
        edge(&format!("<xml>{}</xml>", elements(1024)), &format!("<xml>{}</xml>", elements(1025)));
        let lists = |items: usize| {
            format!("<xml><hblist>{}</hblist>{}</xml>", "<hbinfo/>".repeat(items), elements(128))
        };
        edge(&lists(895), &lists(896));
        edge(&format!("<xml><{}/></xml>", "a".repeat(64)), &format!("<xml><{}/></xml>", "a".repeat(65)));
    }
}
