//! What is a request at all: pages of the web server, the dialect of XML, the methods.

use bytes::Bytes;
use http::{Method, Request};
use wechatpay_mock_server::{Arrival, Certificate, MAX_REQUEST, Mock};
use wechatpay_proto::transport::BlockingTransport as _;

use crate::common::{Answer, Form, QUERY, SEND, call, in_force, post, shop};

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
        assert_eq!(answer, page(400, "400 The SSL certificate error"));
    }
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
}
