// The binary wechatpay-mock, started once for each file of tests, and the SDK pointed at it by the ready line alone.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Wechatpay } from 'wechatpay-axios-plugin';

export const OPENID = 'oxTWIuGaIt6gTKsQRLau2M0yL16E';

/** Starts the binary that WECHATPAY_MOCK_BIN names, and reads its ready line. */
export const start = async (...flags) => {
  const clock = ['--clock', 'frozen:2026-01-01T09:00:00+08:00'];
  const stdio = ['ignore', 'pipe', 'inherit'];
  const child = spawn(process.env.WECHATPAY_MOCK_BIN, [...clock, ...flags], { stdio });
  for await (const line of createInterface({ input: child.stdout })) {
    const ready = JSON.parse(line);
    return { ready, merchant: ready.merchants[0], ca: readFileSync(ready.ca), stop: () => child.kill() };
  }
  throw new Error('wechatpay-mock ended without a ready line');
};

/** The SDK. `changes` are of its own options; without any it has the key and the PEM files of the ready line. */
export const sdk = ({ ready, merchant, ca }, changes = {}) => {
  const [cert, key] = [readFileSync(merchant.cert), readFileSync(merchant.key_pem)];
  return new Wechatpay({
    mchid: merchant.mch_id,
    serial: 'unused by APIv2',
    privateKey: key,
    certs: { unused: cert },
    secret: merchant.key,
    merchant: { cert, key, ca },
    baseURL: `${ready.url}/`,
    ...changes,
  });
};

/** The fields of a packet of 10 yuan. */
export const packet = ({ merchant }, mch_billno, changes = {}) => ({
  mch_billno,
  mch_id: merchant.mch_id,
  wxappid: merchant.appid,
  send_name: '鹅企支付',
  re_openid: OPENID,
  total_amount: '1000',
  total_num: '1',
  wishing: 'HAPPY <BIRTHDAY> & more',
  client_ip: '192.168.0.1',
  act_name: '回馈活动',
  remark: '会员回馈活动',
  scene_id: 'PRODUCT_4',
  ...changes,
});

/** The fields of the query for it. */
export const query = ({ merchant }, mch_billno) => ({
  mch_billno,
  mch_id: merchant.mch_id,
  appid: merchant.appid,
  bill_type: 'MCHT',
});

/** What the mock answered, where the SDK refused it: it keeps the parsed answer beside its own error. */
export const refused = async (promise) => {
  const error = await promise.then(() => assert.fail('accepted'), (error) => error);
  return error.response.data;
};

/** A call of the admin API: what it answers, which must be a success. With a body it changes something. */
export const admin = async ({ ready }, path, body) => {
  const change = {
    method: 'POST',
    headers: { 'X-Mock-Admin': '1', 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
  const response = await fetch(`${ready.admin}${path}`, body && change);
  const answer = await response.json();
  assert.ok(response.ok, JSON.stringify(answer));
  return answer;
};
