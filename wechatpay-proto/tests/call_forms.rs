//! Answers that are no signed document: bills, JSON, compressed ones, pages of a web server, complaints in other words.

mod common;

use common::*;
use wechatpay_proto::endpoint::Form;
use wechatpay_proto::{Call, Outcome, Reason, ReplyError};

#[test]
fn a_complaint_is_readable_however_it_is_spelt() {
    let call = || {
        Call::new("secapi/pay/profitsharingreturn").field("out_return_no", "R1").field("return_amount", 100)
    };
    let bare = "<xml><return_code>FAIL</return_code><error_code>PARAM_ERROR</error_code><error_msg>x</error_msg></xml>";
    let reply = accept(&call(), bare).unwrap();
    assert_eq!(reply.fields.get("error_code"), Some("PARAM_ERROR"));
    assert_eq!(reply.fields.get("error_msg"), Some("x"));
    let complaint: Vec<_> = reply.complaint().collect();
    assert_eq!(complaint, [("return_code", "FAIL"), ("error_code", "PARAM_ERROR"), ("error_msg", "x")]);
    assert!(!reply.head.is_success() && !reply.head.is_failure(), "it settles nothing");

    // every spelling, and nothing of the business, whoever claims it without a sign
    let spellings = [
        "return_msg",
        "err_code",
        "err_code_des",
        "error_code",
        "error_code_des",
        "error_msg",
        "retcode",
        "retmsg",
        "result_msg",
    ];
    let mut fields =
        vec![("return_code", "FAIL"), ("return_amount", "100"), ("out_return_no", "R1"), ("order_id", "3")];
    fields.extend(spellings.map(|name| (name, "X")));
    let reply = accept(&call(), document(&fields)).unwrap();
    for name in spellings {
        assert_eq!(reply.fields.get(name), Some("X"), "{name}");
    }
    assert_eq!(reply.fields.len(), 1 + spellings.len(), "{:?}", reply.fields);
    // a typed answer has them among its other fields, and a half-signed one too
    let reply =
        accept(&ORDER, document(&[("return_code", "FAIL"), ("error_code", "X"), ("appid", "wx9")])).unwrap();
    assert_eq!((reply.extra, reply.appid), (vec![("error_code".into(), "X".into())], None));
    let reply = accept(&WORK, document(&[("return_code", "FAIL"), ("error_msg", "y"), ("send_listid", "1")]))
        .unwrap();
    assert_eq!(
        (reply.extra.clone(), reply.send_listid.clone()),
        (vec![("error_msg".into(), "y".into())], None)
    );
    assert_eq!(reply.outcome(), Outcome::Unknown(Reason::NoVerdict));
    // a code under another name frees no number
    for code in ["error_code", "retcode", "result_msg"] {
        let failed = with(&with(&SENT, "result_code", "FAIL"), code, "SEND_FAILED");
        assert!(accept(&PACKET, document(&failed)).unwrap().outcome().is_unknown(), "{code}");
    }
}

#[test]
fn a_key_of_the_sandbox_is_read_without_a_sign() {
    for path in ["sandboxnew/pay/getsignkey", "xdc/apiv2getsignkey/sign/getsignkey"] {
        let body = "<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[ok]]></return_msg>\
                    <sandbox_signkey><![CDATA[013467007045764]]></sandbox_signkey></xml>";
        let reply = accept(&Call::new(path), body).unwrap();
        assert_eq!(reply.fields.get("sandbox_signkey"), Some("013467007045764"), "{path}");
        let other = body.replace("</xml>", "<mch_id>1</mch_id></xml>");
        assert_eq!(accept(&Call::new(path), other).unwrap_err(), ReplyError::Correlation { field: "mch_id" });
    }
}

#[test]
fn failures_of_what_answers_text_are_read_without_a_sign() {
    let comment = "<xml><return_code><![CDATA[SUCCESS]]></return_code><result_code><![CDATA[FAIL]]></result_code>\
                   <err_code><![CDATA[NO_COMMENT]]></err_code><err_code_des><![CDATA[x]]></err_code_des></xml>";
    let reply = accept(&Call::new("billcommentsp/batchquerycomment"), comment).unwrap();
    assert!(reply.head.is_failure() && reply.fields.get("err_code") == Some("NO_COMMENT"));
    let bill = "<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[No Bill Exist]]></return_msg>\
                <error_code><![CDATA[20002]]></error_code></xml>";
    for path in ["sandboxnew/pay/downloadbill", "pay/downloadbill", "pay/downloadfundflow"] {
        let reply = accept(&Call::new(path), bill).unwrap();
        assert_eq!(reply.fields.get("error_code"), Some("20002"), "{path}");
    }
}

const BILL: &str = "\u{feff}交易时间,公众账号ID,商户号\r\n`2014-11-10 16:33:45,`wx2421b1c4370ec43b,`10000100";
const GZIP: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
const JSON: &str = "{\"retcode\":\"0\",\"retmsg\":\"ok\",\"access_token\":\"CANARY\"}";
const HTML: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head></html>";

#[test]
fn an_answer_in_its_own_form_is_named_and_left_to_the_caller() {
    let form = |path: &str, body: &[u8]| accept(&Call::new(path), body).unwrap_err();
    for path in [
        "pay/downloadbill",
        "pay/downloadfundflow",
        "sandboxnew/pay/downloadbill",
        "billcommentsp/batchquerycomment",
    ] {
        let expected = Form::Text;
        assert_eq!(
            form(path, BILL.as_bytes()),
            ReplyError::OtherForm { found: Form::Text, expected },
            "{path}"
        );
        assert_eq!(form(path, GZIP), ReplyError::OtherForm { found: Form::Gzip, expected });
        assert_eq!(form(path, HTML.as_bytes()), ReplyError::OtherForm { found: Form::Html, expected });
        // and a success of another kind of call is none of this
        let paid = document(&PAID);
        let refused = form(path, paid.as_bytes());
        assert_eq!(refused, ReplyError::OtherForm { found: Form::Xml, expected });
        assert!(refused.outcome().is_unknown());
    }
    // one that is too long for a document, or in another encoding, is a bill all the same
    for bill in [BILL.repeat(2_000).as_bytes(), &[0xBD, 0xBB, 0xD2, 0xD7, b',']] {
        assert_eq!(
            form("pay/downloadbill", bill),
            ReplyError::OtherForm { found: Form::Text, expected: Form::Text }
        );
    }
    let cut = form("pay/downloadbill", b"<xml><return_code>FAIL");
    assert!(matches!(cut, ReplyError::Xml(_)), "{cut}");
    let json = form("appauth/getaccesstoken", JSON.as_bytes());
    assert_eq!(json, ReplyError::OtherForm { found: Form::Json, expected: Form::Json });
    assert!(
        json.to_string().contains("JSON") && json.to_string().contains("read the body yourself"),
        "{json}"
    );
    assert!(!format!("{json} {json:?}").contains("CANARY"));
    let text = form("pay/downloadbill", GZIP).to_string();
    assert!(text.contains("gzip") && text.contains("read the body yourself"), "{text}");
}

#[test]
fn what_stands_in_place_of_a_document_is_named() {
    let expected = Form::Xml;
    for (found, body) in [
        (Form::Gzip, GZIP),
        (Form::Json, JSON.as_bytes()),
        (Form::Json, b" \n[1]"),
        (Form::Json, "\u{feff}{}".as_bytes()),
        (Form::Html, HTML.as_bytes()),
        (Form::Html, b"\r\n<!DOCTYPE html><html></html>"),
        (Form::Html, b"<!doctype HTML PUBLIC \"-//W3C//DTD\"><HTML>"),
        (Form::Html, b"<HTML>x"),
    ] {
        let error = ReplyError::OtherForm { found, expected };
        assert_eq!(accept(&PACKET, body).unwrap_err(), error);
        assert_eq!(accept(&ORDER, body).unwrap_err(), error);
        assert_eq!(accept(&Call::new("pay/orderquery"), body).unwrap_err(), error);
        assert!(error.outcome().is_unknown() && !error.to_string().contains("yourself"), "{error}");
    }
    // what is of no known form is what the reader says
    for body in ["", "ok", "<xml", "<xml><a>", "<htm>", "<!DOCTYPE x><xml/>", "<!DOCTYPE htmlx><xml/>"] {
        assert!(matches!(accept(&PACKET, body), Err(ReplyError::Xml(_))), "{body}");
    }
}

/// The pages of the web server in front, as they were seen, with other things that they must not be taken for.
#[test]
fn a_page_about_the_client_certificate_says_so() {
    let page = |title: &str, line: &str| {
        format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body bgcolor=\"white\">\r\n<center><h1>400 Bad Request</h1>\
             </center>\r\n{line}<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
        )
    };
    let status = |status: u16, body: String| {
        let mut response = answer(body);
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        pending(&MERCHANT, &PACKET).accept(&response).unwrap_err()
    };
    let none = page(
        "400 No required SSL certificate was sent",
        "<center>No required SSL certificate was sent</center>\r\n",
    );
    let bad = page("400 The SSL certificate error", "<center>The SSL certificate error</center>\r\n");
    assert_eq!(status(400, none.clone()), ReplyError::CertificateNotShown);
    assert_eq!(status(400, bad.clone()), ReplyError::CertificateRefused);
    assert_eq!(
        status(400, "400 No required SSL certificate was sent".into()),
        ReplyError::CertificateNotShown
    );
    assert_eq!(status(400, "The SSL certificate error".into()), ReplyError::CertificateRefused);
    let (shown, refused) = (status(400, none.clone()).to_string(), status(400, bad).to_string());
    assert!(shown.contains("no client certificate was shown"), "{shown}");
    assert!(refused.contains("client certificate was refused"), "{refused}");
    // elsewhere the same words mean nothing, and nothing of a page is ever shown
    for other in [200, 403, 404, 500, 502] {
        let error = status(other, none.clone());
        assert!(!matches!(error, ReplyError::CertificateNotShown), "{other}: {error}");
    }
    assert_eq!(status(400, page("400 Bad Request", "CANARY")), ReplyError::HttpStatus(400));
    assert!(!status(400, none.replace("nginx", "CANARY")).to_string().contains("CANARY"));
    assert!(status(400, none).outcome().is_unknown());
}
