// The npm package wechatpay-axios-plugin, which nobody here wrote, sends red packets to wechatpay-mock over mutual
// TLS. WECHATPAY_MOCK_BIN names the binary.
import assert from 'node:assert/strict';
import https from 'node:https';
import { after, before, test } from 'node:test';
import { Formatter, Hash } from 'wechatpay-axios-plugin';
import { OPENID, admin, packet, query, refused, sdk, start } from './mock.mjs';

let mock, client;

before(async () => {
  mock = await start('--rules', 'sendgroupredpack=legacy');
  client = sdk(mock);
});

after(() => mock.stop());

const send = (fields, by = client) => by.v2.mmpaymkttransfers.sendredpack.post(fields, { security: true });
const find = (mch_billno) =>
  client.v2.mmpaymkttransfers.gethbinfo.post(query(mock, mch_billno), { security: true });

test('a packet is sent, queried, claimed and queried again', async () => {
  const { data } = await send(packet(mock, 'NODE1'));
  assert.equal(data.result_code, 'SUCCESS');
  assert.equal(data.total_amount, '1000');
  assert.match(data.send_listid, /^100004170120260101\d{13}$/);

  const sent = await find('NODE1');
  assert.equal(sent.data.status, 'SENT');
  assert.equal(sent.data.detail_id, data.send_listid);

  await admin(mock, `/redpackets/${mock.merchant.mch_id}/NODE1/claim`, {});
  const received = await find('NODE1');
  assert.equal(received.data.status, 'RECEIVED');
  assert.equal(received.data.hblist.hbinfo.openid, OPENID);
});

test('a signed field that the endpoint does not know makes the sign wrong', async () => {
  const answer = await refused(send(packet(mock, 'NODE2', { sign_type: 'MD5' })));
  assert.equal(answer.err_code, 'SIGN_ERROR');
  assert.equal(answer.mch_billno, 'NODE2');
});

test('a wrong key makes the sign wrong, and no order', async () => {
  const answer = await refused(send(packet(mock, 'NODE8'), sdk(mock, { secret: '0'.repeat(32) })));
  assert.deepEqual([answer.err_code, answer.mch_billno], ['SIGN_ERROR', 'NODE8']);
  assert.equal((await refused(find('NODE8'))).err_code, 'NOT_FOUND');
});

test('without the client certificate the answer is CA_ERROR', async () => {
  const httpsAgent = new https.Agent({ ca: mock.ca });
  const sending = client.v2.mmpaymkttransfers.sendredpack.post(packet(mock, 'NODE3'), { httpsAgent });
  assert.equal((await refused(sending)).err_code, 'CA_ERROR');
});

test('a mini-program packet comes with a package, by the declarative chain', async () => {
  const { client_ip, ...fields } = packet(mock, 'NODE4', { notify_way: 'MINI_PROGRAM_JSAPI' });
  const { data } = await client.chain('v2/mmpaymkttransfers/sendminiprogramhb').post(fields, { security: true });
  assert.match(data.package, /^sendid=[0-9a-f]{64}&ver=8&sign=[0-9a-f]{128}&mchid=\d+&appid=wx[0-9a-f]{16}$/);
  assert.equal((await find('NODE4')).data.detail_id, data.send_listid);
});

test('a group packet is taken by the service as it was, and its answer carries no sign', async () => {
  const { client_ip, ...fields } = packet(mock, 'NODE5', { total_num: '3', amt_type: 'ALL_RAND' });
  const sending = client['v2/mmpaymkttransfers/sendgroupredpack'].post(fields, { security: true });
  // The SDK expects a sign here, as real answers never had one.
  const data = await refused(sending);
  assert.deepEqual([data.result_code, data.total_num, data.sign], ['SUCCESS', '3', undefined]);
});

const sendWorkWx = (mch_billno, secret) => {
  const { client_ip, total_num, send_name, ...rest } = packet(mock, mch_billno);
  const fields = { ...rest, sender_name: 'XX活动', nonce_str: Formatter.nonce() };
  const { act_name, mch_id, nonce_str, re_openid, total_amount, wxappid } = fields;
  const covered = { act_name, mch_billno, mch_id, nonce_str, re_openid, total_amount, wxappid };
  const joined = Formatter.queryStringLike(Formatter.ksort(covered));
  const workwx_sign = Hash.md5(joined, secret, true).toUpperCase();
  return client.v2.mmpaymkttransfers.sendworkwxredpack.post({ ...fields, workwx_sign }, { security: true });
};

test('a work-weixin packet is signed twice, and the SDK verifies the signs of the answers', async () => {
  const { data } = await sendWorkWx('NODE6', mock.merchant.agent_secret);
  assert.deepEqual([data.result_code, data.sender_name, data.sign.length], ['SUCCESS', 'XX活动', 32]);
  const { bill_type, ...fields } = query(mock, 'NODE6');
  const found = await client.v2.mmpaymkttransfers.queryworkwxredpack.post(fields, { security: true });
  assert.deepEqual([found.data.status, found.data.detail_id], ['SENT', data.send_listid]);
});

test('a work-weixin packet with a wrong inner sign is refused', async () => {
  const answer = await refused(sendWorkWx('NODE7', 'another secret'));
  assert.deepEqual([answer.err_code, answer.err_code_des], ['SIGN_ERROR', '企业微信签名校验失败']);
});
