// The npm package wechatpay-axios-plugin, which nobody here wrote, sends red packets to wechatpay-mock over mutual
// TLS. WECHATPAY_MOCK_BIN names the binary.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { Formatter, Hash, Wechatpay } from 'wechatpay-axios-plugin';

let mock, ready, merchant, ca, client;

before(async () => {
  const flags = ['--clock', 'frozen:2026-01-01T09:00:00+08:00', '--rules', 'sendgroupredpack=legacy'];
  mock = spawn(process.env.WECHATPAY_MOCK_BIN, flags, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: mock.stdout })) {
    ready = JSON.parse(line);
    break;
  }
  [merchant] = ready.merchants;
  ca = readFileSync(ready.ca);
  const [cert, key] = [readFileSync(merchant.cert), readFileSync(merchant.key_pem)];
  client = new Wechatpay({
    mchid: merchant.mch_id,
    serial: 'unused by APIv2',
    privateKey: key,
    certs: { unused: cert },
    secret: merchant.key,
    merchant: { cert, key, ca },
    baseURL: `${ready.url}/`,
  });
});

after(() => mock.kill());

const packet = (mch_billno, changes = {}) => ({
  mch_billno,
  mch_id: merchant.mch_id,
  wxappid: merchant.appid,
  send_name: '鹅企支付',
  re_openid: 'oxTWIuGaIt6gTKsQRLau2M0yL16E',
  total_amount: '1000',
  total_num: '1',
  wishing: 'HAPPY <BIRTHDAY> & more',
  client_ip: '192.168.0.1',
  act_name: '回馈活动',
  remark: '会员回馈活动',
  scene_id: 'PRODUCT_4',
  ...changes,
});

const send = (fields) => client.v2.mmpaymkttransfers.sendredpack.post(fields, { security: true });

// What the mock answered, where the SDK refused it. It keeps the parsed answer beside its own error.
const refused = async (promise) => {
  const error = await promise.then(() => assert.fail('accepted'), (error) => error);
  return error.response.data;
};

test('a packet is sent, queried, claimed and queried again', async () => {
  const { data } = await send(packet('NODE1'));
  assert.equal(data.result_code, 'SUCCESS');
  assert.equal(data.total_amount, '1000');
  assert.match(data.send_listid, /^100004170120260101\d{13}$/);

  const query = () =>
    client.v2.mmpaymkttransfers.gethbinfo.post(
      { mch_billno: 'NODE1', mch_id: merchant.mch_id, appid: merchant.appid, bill_type: 'MCHT' },
      { security: true },
    );
  const sent = await query();
  assert.equal(sent.data.status, 'SENT');
  assert.equal(sent.data.detail_id, data.send_listid);

  const claim = await fetch(`${ready.admin}/redpackets/${merchant.mch_id}/NODE1/claim`, {
    method: 'POST',
    headers: { 'X-Mock-Admin': '1' },
  });
  assert.equal(claim.status, 200);
  const received = await query();
  assert.equal(received.data.status, 'RECEIVED');
  assert.equal(received.data.hblist.hbinfo.openid, 'oxTWIuGaIt6gTKsQRLau2M0yL16E');
});

test('a signed field that the endpoint does not know makes the sign wrong', async () => {
  const answer = await refused(send(packet('NODE2', { sign_type: 'MD5' })));
  assert.equal(answer.err_code, 'SIGN_ERROR');
  assert.equal(answer.mch_billno, 'NODE2');
});

test('without the client certificate the answer is CA_ERROR', async () => {
  const httpsAgent = new https.Agent({ ca });
  const answer = await refused(client.v2.mmpaymkttransfers.sendredpack.post(packet('NODE3'), { httpsAgent }));
  assert.equal(answer.err_code, 'CA_ERROR');
});

test('a mini-program packet comes with a package, by the declarative chain', async () => {
  const { client_ip, ...fields } = packet('NODE4', { notify_way: 'MINI_PROGRAM_JSAPI' });
  const { data } = await client.chain('v2/mmpaymkttransfers/sendminiprogramhb').post(fields, { security: true });
  assert.match(data.package, /^sendid=[0-9a-f]{64}&ver=8&sign=[0-9a-f]{128}&mchid=\d+&appid=wx[0-9a-f]{16}$/);
});

test('a group packet is taken by the service as it was, and its answer carries no sign', async () => {
  const { client_ip, ...fields } = packet('NODE5', { total_num: '3', amt_type: 'ALL_RAND' });
  const sending = client['v2/mmpaymkttransfers/sendgroupredpack'].post(fields, { security: true });
  // The SDK expects a sign here, as real answers never had one.
  const data = await refused(sending);
  assert.deepEqual([data.result_code, data.total_num, data.sign], ['SUCCESS', '3', undefined]);
});

const sendWorkWx = (mch_billno, secret) => {
  const { client_ip, total_num, send_name, ...rest } = packet(mch_billno);
  const fields = { ...rest, sender_name: 'XX活动', nonce_str: Formatter.nonce() };
  const { act_name, mch_id, nonce_str, re_openid, total_amount, wxappid } = fields;
  const covered = { act_name, mch_billno, mch_id, nonce_str, re_openid, total_amount, wxappid };
  const query = Formatter.queryStringLike(Formatter.ksort(covered));
  const workwx_sign = Hash.md5(query, secret, true).toUpperCase();
  return client.v2.mmpaymkttransfers.sendworkwxredpack.post({ ...fields, workwx_sign }, { security: true });
};

test('a work-weixin packet is signed twice, and the SDK verifies the signs of the answers', async () => {
  const { data } = await sendWorkWx('NODE6', merchant.agent_secret);
  assert.deepEqual([data.result_code, data.sender_name, data.sign.length], ['SUCCESS', 'XX活动', 32]);
  const query = { mch_billno: 'NODE6', mch_id: merchant.mch_id, appid: merchant.appid };
  const found = await client.v2.mmpaymkttransfers.queryworkwxredpack.post(query, { security: true });
  assert.deepEqual([found.data.status, found.data.detail_id], ['SENT', data.send_listid]);
});

test('a work-weixin packet with a wrong inner sign is refused', async () => {
  const answer = await refused(sendWorkWx('NODE7', 'another secret'));
  assert.deepEqual([answer.err_code, answer.err_code_des], ['SIGN_ERROR', '企业微信签名失败']);
});
