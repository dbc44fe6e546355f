const fields = {
  mch_billno: 'KIT1', mch_id: env.WECHATPAY_MOCK_MCH_ID, wxappid: env.WECHATPAY_MOCK_APPID, send_name: '天虹百货',
  re_openid: 'oxTWIuGaIt6gTKsQRLau2M0yL16E', total_amount: '100', total_num: '1', wishing: '祝您元宵节快乐！',
  client_ip: '127.0.0.1', act_name: '猜灯谜抢红包活动', remark: '快来抢！',
};
const { data } = await wxpay.v2.mmpaymkttransfers.sendredpack.post(fields, { security: true });
console.log(data.send_listid);
