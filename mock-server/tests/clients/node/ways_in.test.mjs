// Other ways to the mock than base URL and PEM files: the merchant's p12, and a host that cannot be changed.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import { after, before, test } from 'node:test';
import { packet, query, sdk, start } from './mock.mjs';

const HOST = 'api.mch.weixin.qq.com';

let mock;

before(async () => {
  mock = await start();
});

after(() => mock.stop());

test('the p12 opens with the number of the merchant, and is the certificate', async () => {
  const { p12, mch_id } = mock.merchant;
  const client = sdk(mock, { merchant: { pfx: readFileSync(p12), passphrase: mch_id, ca: mock.ca } });
  const { data } = await client.v2.mmpaymkttransfers.sendredpack.post(packet(mock, 'P12'), { security: true });
  assert.deepEqual([data.result_code, data.mch_billno], ['SUCCESS', 'P12']);
});

/** What the mock's plain port answers to CONNECT, and the tunnel. */
const connect = (host) =>
  new Promise((resolve, reject) => {
    const proxy = new URL(mock.ready.http);
    const request = http.request({ host: proxy.hostname, port: proxy.port, method: 'CONNECT', path: `${host}:443` });
    request.on('connect', ({ statusCode }, socket) => resolve({ statusCode, socket }));
    request.on('error', reject);
    request.end();
  });

/** An agent that goes to every host through the mock. */
class Through extends https.Agent {
  createConnection(options, done) {
    connect(options.host).then(({ statusCode, socket }) => {
      assert.equal(statusCode, 200);
      done(null, tls.connect({ ...options, socket, servername: options.host }));
    }).catch(done);
  }
}

/** A request with no help from any SDK; the host stands in the source. */
const post = (path, fields) =>
  new Promise((resolve, reject) => {
    const names = Object.keys(fields).sort();
    const joined = names.map((name) => `${name}=${fields[name]}&`).join('') + `key=${mock.merchant.key}`;
    const sign = createHash('md5').update(joined).digest('hex').toUpperCase();
    const elements = Object.entries({ ...fields, sign }).map(([name, value]) => `<${name}>${value}</${name}>`);
    const agent = new Through({
      ca: mock.ca,
      cert: readFileSync(mock.merchant.cert),
      key: readFileSync(mock.merchant.key_pem),
    });
    const request = https.request(`https://${HOST}${path}`, { method: 'POST', agent }, async (response) => {
      const chunks = await response.toArray();
      resolve(Buffer.concat(chunks).toString());
    });
    request.on('error', reject);
    request.end(`<xml>${elements.join('')}</xml>`);
  });

test('a host that is written into the client is reached through CONNECT', async () => {
  const fields = packet(mock, 'PROXY');
  const { data } = await sdk(mock).v2.mmpaymkttransfers.sendredpack.post(fields, { security: true });
  const found = { ...query(mock, 'PROXY'), nonce_str: '50780e0cca98c8c8e814883e5caa672e' };
  const answer = await post('/mmpaymkttransfers/gethbinfo', found);
  assert.match(answer, /<status><!\[CDATA\[SENT\]\]><\/status>/);
  assert.match(answer, new RegExp(data.send_listid));
});

test('no other host is reached', async () => {
  const { statusCode, socket } = await connect('example.com');
  socket.destroy();
  assert.equal(statusCode, 403);
});
