// A packet is paid and its answer is lost; the same number is sent again. The merchant must have paid once.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin, packet, sdk, start } from './mock.mjs';

let mock, client;

before(async () => {
  mock = await start();
  client = sdk(mock);
});

after(() => mock.stop());

const send = (mch_billno, headers = {}) => {
  const fields = packet(mock, mch_billno);
  return client.v2.mmpaymkttransfers.sendredpack.post(fields, { security: true, headers });
};

const balance = async () => (await admin(mock, `/merchants/${mock.merchant.mch_id}`)).balance_fen;
const ledger = (mch_billno) => admin(mock, `/redpackets/${mock.merchant.mch_id}/${mch_billno}`);

/** Loses the answer of the first sending, sends again, and counts what was paid. */
const loseAndResend = async (mch_billno, headers) => {
  const before = await balance();
  const error = await send(mch_billno, headers).then(() => assert.fail('answered'), (error) => error);
  assert.deepEqual([error.code, error.response], ['ECONNRESET', undefined]);
  // What the client cannot know: it was applied.
  assert.equal((await ledger(mch_billno)).status, 'SENT');
  assert.equal(await balance(), before - 1000);

  // A resend sooner than a second later would be refused.
  await admin(mock, '/clock/advance', { by: '2s' });
  const { data } = await send(mch_billno);
  const paid = await ledger(mch_billno);
  assert.deepEqual([data.result_code, data.send_listid], ['SUCCESS', paid.send_listid]);
  assert.deepEqual(paid.history.map(({ status }) => status), ['SENDING', 'SENT']);
  assert.equal(await balance(), before - 1000);
};

test('the reply is lost in-band, by a header of the request: one debit', async () => {
  await loseAndResend('LOST1', { 'Wechatpay-Negative-Test': 'REDPACK_REPLY_LOST' });
});

test('the reply is lost by a fault that was armed: one debit', async () => {
  const { id } = await admin(mock, '/faults', {
    when: { path: '/mmpaymkttransfers/sendredpack', mch_id: mock.merchant.mch_id, times: 1 },
    then: { fault: 'reply_lost', ending: 'reset' },
  });
  assert.ok(id);
  await loseAndResend('LOST2');
});
