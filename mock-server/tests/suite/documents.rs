//! What is a request at all: pages of the web server, the dialect of XML, the methods.

use bytes::Bytes;
use http::{Method, Request};
use wechatpay_mock_server::{Arrival, Certificate, Fault, Http, MAX_REQUEST, Mock, Rules, Verdict};
use wechatpay_proto::transport::BlockingTransport as _;

use crate::common::{Answer, Form, QUERY, SEND, call, in_force, post, shop, shop_with};

fn handle(mock: &Mock, request: &Request<Bytes>, certificate: Certificate) -> Answer {
    Answer::new(mock.handle(request, &Arrival::with(certificate)).seen().unwrap())
}

fn page(status: u16, title: &str) -> Answer {
    let body = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body bgcolor=\"white\">\r\n\
         <center><h1>{title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    );
    Answer { status, body }
}

/// As the web server in front writes it, to the letter.
fn certificate_page(why: &str) -> Answer {
    let body = format!(
        "<html>\r\n<head><title>400 {why}</title></head>\r\n<body bgcolor=\"white\">\r\n\
         <center><h1>400 Bad Request</h1></center>\r\n<center>{why}</center>\r\n<hr><center>nginx</center>\r\n\
         </body>\r\n</html>\r\n"
    );
    Answer { status: 400, body }
}

#[test]
fn a_body_that_is_no_flat_document_is_an_xml_error_without_echoes() {
    let (mock, merchant) = shop();
    let good = Form::send(&merchant, "1").xml();
    let inside = |text: &str| good.replace("<xml>", &format!("<xml>{text}"));
    let bodies: [(&str, Vec<u8>); 15] = [
        ("empty", Vec::new()),
        ("white space", b" \r\n".to_vec()),
        ("JSON", b"{\"mch_id\":\"10000098\"}".to_vec()),
        ("form data", b"mch_id=10000098&sign=0".to_vec()),
        ("a root of another name", good.replace("<xml>", "<XML>").replace("</xml>", "</XML>").into()),
        ("cut short", good[..good.len() - 6].into()),
        ("two roots", good.repeat(2).into()),
        ("DOCTYPE", format!("<!DOCTYPE xml>{good}").into()),
        (
            "an entity of its own",
            format!("<!DOCTYPE xml [<!ENTITY a \"1\">]>{}", inside("<a>&a;</a>")).into(),
        ),
        ("an unknown entity", inside("<a>&nbsp;</a>").into()),
        ("a duplicate", inside("<total_amount>1</total_amount>").into()),
        ("nesting", inside("<a><b>1</b></a>").into()),
        ("not UTF-8", [&b"<xml><a>\xB0\xA2</a>"[..], &good.as_bytes()[5..]].concat()),
        ("NUL", inside("<a>\0</a>").into()),
        ("a mebibyte", format!("{good}{}", " ".repeat(MAX_REQUEST - good.len())).into()),
    ];
    for (what, body) in bodies {
        let answer = handle(&mock, &post(SEND, body), in_force(merchant.mch_id()));
        let expected = "<xml><return_code><![CDATA[FAIL]]></return_code>\
            <return_msg><![CDATA[输入xml参数格式错误]]></return_msg><result_code><![CDATA[FAIL]]></result_code>\
            <err_code><![CDATA[XML_ERROR]]></err_code><err_code_des><![CDATA[输入xml参数格式错误]]></err_code_des></xml>";
        assert_eq!(answer, Answer { status: 200, body: expected.to_owned() }, "{what}");
    }
    assert_eq!(mock.ledger().packets().count(), 0);
}

#[test]
fn only_a_post_has_a_body() {
    let (mock, merchant) = shop();
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        for form in [Form::send(&merchant, "1"), Form::query(&merchant, "1")] {
            let mut request = form.request();
            *request.method_mut() = method.clone();
            assert_eq!(handle(&mock, &request, in_force(merchant.mch_id())).code(), "XML_ERROR", "{method}");
        }
    }
    assert_eq!(mock.ledger().packets().count(), 0);
}

#[test]
fn the_way_a_good_document_is_written_does_not_matter() {
    let (_, merchant) = shop();
    let bare = |form: &Form| {
        let fields = form.fields().into_iter().rev();
        let leaves = fields.map(|(name, value)| {
            let text = value.replace('&', "&amp;").replace('<', "&lt;");
            format!("  <{name}>{text}</{name}>\r\n")
        });
        leaves.collect::<String>()
    };
    type Written<'a> = &'a dyn Fn(&Form) -> String;
    let ways: [(&str, Written<'_>); 6] = [
        ("CDATA", &Form::xml),
        ("bare, backwards, with CR LF", &|form| format!("<xml>\r\n{}</xml>\r\n", bare(form))),
        ("with a declaration", &|form| format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", form.xml())),
        ("with a byte order mark", &|form| format!("\u{FEFF}{}", form.xml())),
        ("with empty elements", &|form| {
            form.xml().replace("<xml>", "<xml><scene_id/><risk_info></risk_info>")
        }),
        ("on one line", &|form| form.xml().replace('\n', "")),
    ];
    for (number, (what, written)) in ways.into_iter().enumerate() {
        let form = Form::send(&merchant, &number.to_string()).with("wishing", "1 < 2 & 3 > 2");
        let response = merchant.transport().send_blocking(post(SEND, written(&form))).unwrap();
        assert_eq!(Answer::new(response).code(), "SUCCESS", "{what}");
    }
}

#[test]
fn an_unknown_path_is_the_page_of_the_web_server() {
    let (mock, merchant) = shop();
    let body = Form::send(&merchant, "1").xml();
    let slash = format!("{SEND}/");
    for path in [
        "/",
        "/mmpaymkttransfers",
        "/mmpaymkttransfers/sendgroupredpac",
        "/v2/mmpaymkttransfers/gethbinfo",
        &slash,
    ] {
        let mut request = post(path, body.clone());
        assert_eq!(
            handle(&mock, &request, in_force(merchant.mch_id())),
            page(404, "404 Not Found"),
            "{path}"
        );
        *request.method_mut() = Method::GET;
        assert_eq!(handle(&mock, &request, Certificate::None), page(404, "404 Not Found"), "{path}");
    }
    let response = merchant.transport().send_blocking(post(&format!("{SEND}?a=b"), body)).unwrap();
    assert_eq!(Answer::new(response).code(), "SUCCESS", "a query string is no part of the path");
}

#[test]
fn more_than_a_mebibyte_is_refused_before_anything_is_read() {
    let (mock, _) = shop();
    for path in [SEND, QUERY, "/"] {
        let request = post(path, vec![b' '; MAX_REQUEST + 1]);
        assert_eq!(handle(&mock, &request, Certificate::None), page(413, "413 Request Entity Too Large"));
    }
}

#[test]
fn a_foreign_certificate_is_turned_away_on_any_path() {
    let (mock, merchant) = shop();
    for request in [Form::send(&merchant, "1").request(), post(QUERY, ""), post("/", "")] {
        let answer = handle(&mock, &request, Certificate::Foreign);
        assert_eq!(answer, certificate_page("The SSL certificate error"));
    }
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
}

/// As javax.xml.transform writes a document, which is how the old official SDK for Java does: a declaration with
/// `standalone`, text without CDATA, a line break before every element.
#[test]
fn a_document_of_the_jdk_is_read() {
    for word in ["no", "yes"] {
        let (_, merchant) = shop();
        let form = Form::send(&merchant, "1");
        let leaves = form.fields().into_iter().map(|(name, value)| format!("\n<{name}>{value}</{name}>"));
        let leaves: String = leaves.collect();
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"{word}\"?><xml>{leaves}\n</xml>\n"
        );
        let send = |xml: String| Answer::new(merchant.transport().send_blocking(post(SEND, xml)).unwrap());
        let doctype = format!("<!DOCTYPE xml>{}", xml.split_once("?>").unwrap().1);
        assert_eq!(send(doctype).code(), "XML_ERROR");
        send(xml).assert_success();
        assert_eq!(merchant.balance_fen(), 999_000);
    }
}

/// What the journal and the answer say of a request beyond a word.
fn diagnosis(mock: &Mock, request: &Request<Bytes>) -> (Verdict, Option<String>, String) {
    let answer = mock.handle(request, &Arrival::with(Certificate::None)).seen().unwrap();
    let record = mock.journal().all().remove(0);
    let header = answer.headers()["x-mock-diagnosis"].to_str().unwrap().to_owned();
    (record.verdict, record.diagnosis.clone(), header)
}

#[test]
fn an_xml_error_says_which_rule_and_which_byte_and_never_what_stands_there() {
    let (mock, _) = shop();
    for (body, told) in [
        ("<xml><a><b>secret</b></a></xml>", "nested element refused at byte 11"),
        ("<!DOCTYPE xml><xml></xml>", "DOCTYPE refused at byte 14"),
        ("<xml><a>1</a><a>secret</a></xml>", "duplicate element at byte 32"),
        ("<xml><a b=\"secret\">1</a></xml>", "attribute refused at byte 19"),
        ("{\"secret\":1}", "no <xml> root at byte 12"),
        ("<xml><a>secret", "document cut short at byte 14"),
        ("<xml><a>&secret;</a></xml>", "entity reference refused at byte 16"),
        ("<xml><a>\u{1}</a></xml>", "character not allowed in XML at byte 8"),
        ("<?xml version=\"1.0\" encoding=\"GBK\"?><xml></xml>", "XML declaration not accepted at byte 36"),
        ("", "empty body"),
    ] {
        let expected = (Verdict::Xml, Some(told.to_owned()), format!("xml: {told}"));
        assert_eq!(diagnosis(&mock, &post(SEND, body)), expected, "{body}");
    }
    let told = (Verdict::Xml, Some("not UTF-8 at byte 8".to_owned()), "xml: not UTF-8 at byte 8".to_owned());
    assert_eq!(diagnosis(&mock, &post(QUERY, &b"<xml><a>\xB0\xA2</a></xml>"[..])), told);
    let long = post(SEND, format!("<xml>{}</xml>", " ".repeat(70_000)));
    assert_eq!(diagnosis(&mock, &long).2, "xml: body longer than 64 KiB at byte 65536");
    let get = Request::get(SEND).body(Bytes::new()).unwrap();
    assert_eq!(diagnosis(&mock, &get).2, "xml: not a POST, so no body is read");
    let mut rules = Rules::default();
    rules.set("large-body", "xml-error").unwrap();
    let (mock, _) = shop_with(rules);
    let large = post(SEND, vec![b' '; MAX_REQUEST + 1]);
    assert_eq!(diagnosis(&mock, &large).2, "xml: body longer than 1 MiB");
}

/// Where the rules have another document read than was sent, no byte of it is named.
#[test]
fn a_byte_is_named_of_what_was_sent_only() {
    let mut rules = Rules::default();
    rules.set("duplicates", "first").unwrap();
    let (mock, _) = shop_with(rules);
    let told = |body: &str| diagnosis(&mock, &post(SEND, body.to_owned())).2;
    assert_eq!(told("<xml><a>1</a><a>2</a><b>&c;</b></xml>"), "xml: entity reference refused");
    assert_eq!(told("<xml><a><b>1</b></a></xml>"), "xml: nested element refused at byte 11");
}

#[test]
fn a_path_that_is_not_played_says_what_is() {
    let (mock, _) = shop();
    let played = "played are /mmpaymkttransfers/sendredpack, /mmpaymkttransfers/sendminiprogramhb, \
        /mmpaymkttransfers/sendgroupredpack, /mmpaymkttransfers/gethbinfo, /mmpaymkttransfers/sendworkwxredpack, \
        /mmpaymkttransfers/queryworkwxredpack";
    let of_apiv2 = format!("/pay/unifiedorder is a path of APIv2 that is not played here; {played}");
    let request = post("/pay/unifiedorder", "<xml></xml>");
    let expected = (Verdict::Path, Some(of_apiv2.clone()), format!("path: {of_apiv2}"));
    assert_eq!(diagnosis(&mock, &request), expected);
    let answer = handle(&mock, &request, Certificate::None);
    let nginx = page(404, "404 Not Found").body;
    assert_eq!(answer.body, format!("{nginx}<!-- wechatpay-mock: {of_apiv2} -->\r\n"));

    // Of any other the page is the service's own, and what was asked for is not repeated.
    for (path, told) in [
        ("/nowhere", "no path of APIv2; "),
        ("//mmpaymkttransfers/sendredpack", "no path of APIv2, but /mmpaymkttransfers/sendredpack is; "),
        ("/v2/mmpaymkttransfers/sendredpack", "no path of APIv2, but /mmpaymkttransfers/sendredpack is; "),
        ("/mmpaymkttransfers/SendRedPack/", "no path of APIv2, but /mmpaymkttransfers/sendredpack is; "),
        ("//pay/orderquery", "no path of APIv2, but /pay/orderquery is; "),
        ("/", "no path of APIv2; "),
    ] {
        let request = post(path, "");
        assert_eq!(diagnosis(&mock, &request).1, Some(format!("{told}{played}")), "{path}");
        assert_eq!(handle(&mock, &request, Certificate::None), page(404, "404 Not Found"), "{path}");
    }
    let mut rules = Rules::default();
    rules.set("group", "gone").unwrap();
    let (mock, _) = shop_with(rules);
    let told = diagnosis(&mock, &post("/mmpaymkttransfers/sendgroupredpack", "")).1.unwrap();
    assert!(
        told.starts_with("/mmpaymkttransfers/sendgroupredpack is gone, as the switch group has it; played")
    );
    assert!(!told.contains("sendgroupredpack, "), "{told}");
}

/// What a fault answers is not what was found of the request.
#[test]
fn a_diagnosis_is_of_the_request_and_stands_beside_its_own_word_only() {
    let (mock, _) = shop();
    mock.arm(Fault::err("NO_AUTH").not_applied().on("sendredpack")).unwrap();
    let (verdict, told, header) = diagnosis(&mock, &post(SEND, "<xml>"));
    assert_eq!((verdict, told.is_some(), &*header), (Verdict::Xml, true, "business"));
}

#[test]
fn the_pages_about_a_client_certificate_can_be_had_by_a_fault() {
    for (how, word, why) in [
        (Http::CertificateNotSent, "certificate_not_sent", "No required SSL certificate was sent"),
        (Http::CertificateError, "certificate_error", "The SSL certificate error"),
    ] {
        let (mock, merchant) = shop();
        mock.arm(Fault::http(how.clone()).not_applied()).unwrap();
        assert_eq!(call(&merchant, &Form::send(&merchant, "1")), certificate_page(why));
        assert!(merchant.red_packet("1").is_none());
        let json = serde_json::to_value(Fault::http(how)).unwrap();
        assert_eq!(json, serde_json::json!({"fault": "http", "how": word}));
    }
}
