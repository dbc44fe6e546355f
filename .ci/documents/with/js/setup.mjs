import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import { Wechatpay } from 'wechatpay-axios-plugin';

// Node takes no proxy from its environment: every agent goes through the CONNECT of HTTPS_PROXY.
https.Agent.prototype.createConnection = (options, done) => {
  const { hostname, port } = new URL(process.env.HTTPS_PROXY);
  const request = http.request({ host: hostname, port, method: 'CONNECT', path: `${options.host}:443` });
  request.on('connect', ({ statusCode }, socket) => {
    if (statusCode === 200) done(null, tls.connect({ ...options, socket, servername: options.host }));
    else done(new Error(`CONNECT was answered with ${statusCode}`));
  });
  request.on('error', done);
  request.end();
};
const ready = JSON.parse(readFileSync('ready.json'));
const apiv2Key = ready.merchants[0].key;
const [cert, key] = [ready.merchants[0].cert, ready.merchants[0].key_pem].map((file) => readFileSync(file));
const packet = {
  mch_billno: 'WAY1', mch_id: '10000098', wxappid: 'wx8888888888888888', send_name: '天虹百货',
  re_openid: 'oxTWIuGaIt6gTKsQRLau2M0yL16E', total_amount: '1000', total_num: '1', wishing: '祝您元宵节快乐！',
  client_ip: '192.168.0.1', act_name: '猜灯谜抢红包活动', remark: '快来抢！',
};
