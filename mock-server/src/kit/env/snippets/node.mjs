// wechatpay-axios-plugin
import { readFileSync } from 'node:fs';
import { Wechatpay } from 'wechatpay-axios-plugin';

const env = process.env;
const cert = readFileSync(env.WECHATPAY_MOCK_CERT);
const key = readFileSync(env.WECHATPAY_MOCK_KEY_PEM);
const ca = readFileSync(env.WECHATPAY_MOCK_CA);
const wxpay = new Wechatpay({
  mchid: env.WECHATPAY_MOCK_MCH_ID,
  secret: env.WECHATPAY_MOCK_KEY,
  merchant: { cert, key, ca },
  serial: 'nop', privateKey: key, certs: { any: cert }, // not used by APIv2
  baseURL: `${env.WECHATPAY_MOCK_URL}/`, // the certificate is shown over https only
});
// await wxpay.v2.mmpaymkttransfers.sendredpack.post({ ... }, { security: true });
