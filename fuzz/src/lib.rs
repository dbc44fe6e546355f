//! The bodies of the fuzz targets. They stand here so that a stable compiler checks them and its tests replay the
//! seeds; `fuzz_targets/` only calls them.

use bytes::Bytes;
use wechatpay_proto::endpoint::Endpoint;
use wechatpay_proto::v2::mmpaymkttransfers::{GetHbInfo, SendRedPack, SendRedPackOptions};
use wechatpay_proto::wire::{self, Fields, Value, Writer};
use wechatpay_proto::{ApiKey, Fen, Merchant, Nonce, Pending};

/// What the reader accepts: writing it and reading it again gives the same, and a reader that shares no code with
/// ours sees the same names and values.
pub fn fields(data: &[u8]) {
    let Ok(document) = wire::parse(data, GetHbInfo::SPEC.lists) else { return };
    let fields = document.untrusted();
    let written = write(fields);
    let again = wire::parse(written.as_bytes(), GetHbInfo::SPEC.lists).expect("what we write, we read");
    assert_eq!(leaves(fields), leaves(again.untrusted()));
    assert_eq!(leaves(fields), independent(data));
}

/// Any bytes as the answer to a red packet and to its query: no panic, and never accepted without naming the order.
pub fn reply(data: &[u8]) {
    let merchant = merchant();
    let response = http::Response::new(Bytes::copy_from_slice(data));
    let (packet, query) = (packet(), GetHbInfo { mch_billno: "B1", appid: "wx8888888888888888" });
    if let Ok(reply) = pending(&merchant, &packet).accept(&response) {
        let settled = reply.outcome().is_accepted() || reply.outcome().is_failed();
        assert!(!settled || reply.mch_billno.as_deref() == Some("B1"));
        assert!(!reply.outcome().is_accepted() || reply.total_amount == Some(Fen(100)));
    }
    if let Ok(reply) = pending(&merchant, &query).accept(&response) {
        let settled = reply.outcome().is_accepted() || reply.outcome().is_failed();
        assert!(!settled || reply.mch_billno.as_deref() == Some("B1"));
    }
}

fn pending<'r, E: Endpoint>(merchant: &'r Merchant, request: &'r E) -> Pending<'r, E> {
    merchant.sign(request, Nonce::from_bytes([0; 16])).expect("a sound request").into_parts().1
}

fn merchant() -> Merchant {
    let key = ApiKey::new("exposed_your_key_here_have_risks").expect("32 bytes");
    Merchant::direct("10000098", key).expect("a sound number")
}

fn packet() -> SendRedPack<'static> {
    SendRedPack {
        mch_billno: "B1",
        wxappid: "wx8888888888888888",
        send_name: "s",
        re_openid: "o",
        total_amount: Fen(100),
        wishing: "w",
        client_ip: [127, 0, 0, 1].into(),
        act_name: "a",
        remark: "r",
        options: SendRedPackOptions::default(),
    }
}

fn write(fields: &Fields<'_>) -> String {
    let mut xml = Writer::new();
    for (name, value) in fields.iter() {
        xml.element(name, &Value::Text(value));
    }
    for list in GetHbInfo::SPEC.lists {
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

/// Every leaf with a value: those of the root in order, then those of each item, with the item's place.
type Leaves = Vec<(usize, String, String)>;

fn leaves(fields: &Fields<'_>) -> Leaves {
    let root = fields.iter().map(|(name, value)| (0, name.to_owned(), value.to_owned()));
    let items = GetHbInfo::SPEC.lists.iter().flat_map(|list| fields.list(list.container)).enumerate();
    let items = items.flat_map(|(place, item)| {
        item.iter().map(move |(name, value)| (place + 1, name.to_owned(), value.to_owned()))
    });
    root.chain(items).filter(|(_, _, value)| !value.is_empty()).collect()
}

/// The same, by roxmltree.
fn independent(data: &[u8]) -> Leaves {
    let text = std::str::from_utf8(data).expect("accepted, so UTF-8");
    // XML 1.0, section 2.11: line ends are normalised before anything else. roxmltree leaves a carriage return
    // that stands before a reference.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let document = roxmltree::Document::parse(&text).expect("accepted, so well-formed");
    let (mut root, mut items) = (Vec::new(), Vec::new());
    let mut place = 0;
    for child in document.root_element().children().filter(roxmltree::Node::is_element) {
        if child.tag_name().name() == "hblist" {
            for item in child.children().filter(roxmltree::Node::is_element) {
                place += 1;
                let leaves = item.children().filter(roxmltree::Node::is_element);
                items.extend(leaves.map(|leaf| (place, leaf.tag_name().name().to_owned(), text_of(leaf))));
            }
        } else {
            root.push((0, child.tag_name().name().to_owned(), text_of(child)));
        }
    }
    root.into_iter().chain(items).filter(|(_, _, value)| !value.is_empty()).collect()
}

fn text_of(node: roxmltree::Node<'_, '_>) -> String {
    node.children().filter_map(|child| child.text()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replay(target: &str, body: fn(&[u8])) {
        let folder = format!("{}/seeds/{target}", env!("CARGO_MANIFEST_DIR"));
        let mut seeds = 0;
        for entry in std::fs::read_dir(folder).expect("the seeds are committed") {
            body(&std::fs::read(entry.expect("readable").path()).expect("readable"));
            seeds += 1;
        }
        assert!(seeds > 3, "{target} has {seeds} seeds");
    }

    #[test]
    fn the_seeds_of_fields_pass() {
        replay("fields", fields);
    }

    #[test]
    fn the_seeds_of_reply_pass() {
        replay("reply", reply);
    }

    #[test]
    fn the_seeds_reach_the_outcomes() {
        let merchant = merchant();
        let read = |name: &str| {
            let path = format!("{}/seeds/reply/{name}", env!("CARGO_MANIFEST_DIR"));
            http::Response::new(Bytes::from(std::fs::read(path).expect("committed")))
        };
        let (packet, query) = (packet(), GetHbInfo { mch_billno: "B1", appid: "wx8888888888888888" });
        assert!(
            pending(&merchant, &packet).accept(&read("sent.xml")).expect("sound").outcome().is_accepted()
        );
        assert!(pending(&merchant, &packet).accept(&read("dead.xml")).expect("sound").outcome().is_failed());
        assert!(
            pending(&merchant, &query).accept(&read("received.xml")).expect("sound").outcome().is_accepted()
        );
    }
}
