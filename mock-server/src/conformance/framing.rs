//! Plain HTTP: where a body ends, and what stands behind it.

use super::case::{Case, Expect};
use super::script::{Step, answer, chunked, ok, write};

const JUNK: &str = "junk";
const CHUNKS: &str = "5\r\n<xml>\r\n6\r\n</xml>\r\n0\r\n\r\n";
const XML: &str = "<xml></xml>";

pub(super) fn cases() -> Vec<Case> {
    [lengths(), chunks(), surplus()].concat()
}

fn head(lines: &str, body: &str) -> Step {
    write(format!("HTTP/1.1 200 OK\r\n{lines}\r\n{body}"))
}

fn lengths() -> Vec<Case> {
    let wrong = |id, shows, lines| Case::plain(id, shows).reply([head(lines, XML), Step::Close]).maybe_sent();
    vec![
        wrong("length-too-long", "A body shorter than its length is an error.", "Content-Length: 12\r\n"),
        wrong(
            "length-twice",
            "Two lengths that differ are an error.",
            "Content-Length: 11\r\nContent-Length: 5\r\n",
        ),
        wrong(
            "length-list",
            "Two lengths that differ, in one line, are an error.",
            "Content-Length: 11, 5\r\n",
        ),
        wrong("length-no-number", "A length that is no number is an error.", "Content-Length: abc\r\n"),
        wrong("length-negative", "A length below zero is an error.", "Content-Length: -11\r\n"),
        wrong(
            "length-overflow",
            "A length that no number holds is an error.",
            "Content-Length: 99999999999999999999999999\r\n",
        ),
        wrong(
            "length-huge",
            "A length of an exabyte is an error, and no memory is taken for it.",
            "Content-Length: 1152921504606846976\r\n",
        ),
        Case::plain(
            "length-repeated",
            "The same length twice is right or an error: the standard leaves both.",
        )
        .reply([head("Content-Length: 11\r\nContent-Length: 11\r\n", XML)])
        .call(Expect::AnswerOrMaybeSent(200, XML.into())),
        Case::plain(
            "length-and-chunks",
            "A length beside chunks is an error, or the chunks count; the connection is not used again.",
        )
        .reply([head("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", CHUNKS)])
        .reply([ok("2")])
        .call(Expect::AnswerOrMaybeSent(200, XML.into()))
        .answers("2"),
        // Nothing tells such a body from one that was cut off; the reader of the XML has to notice.
        Case::plain("close-ends-body", "A body without a length ends with the connection, and is an answer.")
            .reply([head("", XML), Step::Close])
            .answers(XML),
    ]
}

fn chunks() -> Vec<Case> {
    let good = |id, shows, chunks| Case::plain(id, shows).reply([chunked(chunks)]).answers(XML);
    let bad = |id, shows, chunks| Case::plain(id, shows).reply([chunked(chunks), Step::Close]).maybe_sent();
    vec![
        good("chunks", "Chunks are put together.", CHUNKS),
        good(
            "chunk-extension",
            "What stands behind the size of a chunk is passed over.",
            "b;name=value\r\n<xml></xml>\r\n0\r\n\r\n",
        ),
        Case::plain(
            "chunk-trailer",
            "Lines behind the last chunk belong to the answer, and not to the next one.",
        )
        .reply([chunked("b\r\n<xml></xml>\r\n0\r\nX-Trailer: 1\r\n\r\n")])
        .reply([ok("2")])
        .answers(XML)
        .answers("2")
        .at_most(2),
        bad("chunk-size-missing", "A chunk without a size is an error.", "\r\n<xml></xml>\r\n0\r\n\r\n"),
        bad(
            "chunk-size-bad",
            "A chunk whose size is no number is an error.",
            "xyz\r\n<xml></xml>\r\n0\r\n\r\n",
        ),
        bad(
            "chunk-size-negative",
            "A chunk whose size is below zero is an error.",
            "-1\r\n<xml></xml>\r\n0\r\n\r\n",
        ),
        bad(
            "chunk-size-overflow",
            "A chunk whose size no number holds is an error.",
            "fffffffffffffffff\r\n<xml></xml>\r\n0\r\n\r\n",
        ),
        bad(
            "chunk-size-wraps",
            "A chunk whose size would wrap around to the right one is an error.",
            "1000000000000000b\r\n<xml></xml>\r\n0\r\n\r\n",
        ),
        bad("chunk-too-short", "A chunk longer than its size is an error.", "5\r\n<xml></xml>\r\n0\r\n\r\n"),
    ]
}

/// Bytes behind an answer. They are nobody's, least of all the next call's.
fn surplus() -> Vec<Case> {
    let stale = || ok("of nobody");
    let after = |id, shows, first: Vec<Step>| {
        Case::plain(id, shows).reply(first).reply([ok("2")]).answers("1").answers("2")
    };
    let joined = |first: &str, second: Step| match second {
        Step::Write(second) => write([first.as_bytes(), &second].concat()),
        step => step,
    };
    let one = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1";
    vec![
        after(
            "surplus-bytes",
            "Bytes behind the length are no part of the answer, nor of the next one.",
            vec![write(format!("{one}{JUNK}"))],
        ),
        after(
            "surplus-answer",
            "A second answer in the same breath is not the next call's.",
            vec![joined(one, stale())],
        ),
        after(
            "surplus-answer-later",
            "A second answer to a request, when the call is over, is not the next call's.",
            vec![ok("1"), Step::AfterCall, stale()],
        ),
        after(
            "surplus-behind-chunks",
            "A second answer behind the last chunk is not the next call's.",
            vec![joined("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n", stale())],
        ),
        Case::plain("surplus-behind-204", "A body behind a 204 is not the next call's.")
            .reply([joined("HTTP/1.1 204 No Content\r\n\r\n", stale())])
            .reply([ok("2")])
            .answers_with(204, "")
            .answers("2"),
        Case::plain("surplus-too-long", "The rest of a body that was too long is not the next call's.")
            .reply([answer("200 OK", "", vec![b'x'; 1 << 20])])
            .reply([ok("2")])
            .maybe_sent()
            .answers("2"),
    ]
}
