// Does what benches/compare.rs did, with the same inputs and in the same number of batches; checks that both came to the
// same, and prints the table. The JSON of compare.rs comes in on standard input.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Hash, Transformer } from 'wechatpay-axios-plugin';

const { world, operations } = JSON.parse(readFileSync(0, 'utf8'));
// As the SDK itself is set up: the key as an object, the two steps of a request, the two of an answer.
const { request, response } = new Transformer(world.mch_id, Hash.keyObjectFrom(world.key));
const chain = (steps, config, data) => steps.reduce((data, step) => step.call(config, data, {}, 200), data);

/** The median of the batches, in nanoseconds for one time; the first tenth warms up. */
const median = (work) => {
  const times = [];
  const warm = Math.floor(world.batches / 10);
  for (let batch = -warm; batch < world.batches; batch += 1) {
    const start = process.hrtime.bigint();
    for (let at = 0; at < world.size; at += 1) work();
    if (batch >= 0) times.push(Number(process.hrtime.bigint() - start) / world.size);
  }
  return times.sort((a, b) => a - b)[Math.floor(world.batches / 2)];
};

const config = ({ path }) => ({ baseURL: 'https://api.mch.weixin.qq.com/', url: path, method: 'POST' });

const sign = (operation) => {
  const xml = chain(request, config(operation), operation.fields);
  const signed = { ...operation.fields, sign: operation.sign };
  assert.deepEqual({ ...Transformer.toObject(xml) }, signed);
  assert.deepEqual({ ...Transformer.toObject(operation.xml) }, signed);
  return median(() => chain(request, config(operation), operation.fields));
};

const accept = (operation) => {
  assert.deepEqual({ ...chain(response, config(operation), operation.body) }, operation.fields);
  if (operation.fields.sign) {
    const forged = operation.body.replace('</xml>', '<forged>1</forged></xml>');
    assert.match(chain(response, config(operation), forged).code, /SIGNATURE_NOT_EQUAL/);
  }
  return median(() => chain(response, config(operation), operation.body));
};

console.log('| operation | wechatpay-proto | wechatpay-axios-plugin | ratio |\n|---|--:|--:|--:|');
for (const operation of operations) {
  const ns = operation.body ? accept(operation) : sign(operation);
  const [ours, theirs] = [operation.ns, ns].map((time) => `${(time / 1000).toFixed(2)} µs`);
  console.log(`| ${operation.name} | ${ours} | ${theirs} | ${(ns / operation.ns).toFixed(1)} |`);
}
