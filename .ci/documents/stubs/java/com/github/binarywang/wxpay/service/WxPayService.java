package com.github.binarywang.wxpay.service;

import com.github.binarywang.wxpay.config.WxPayConfig;

/** Not WxJava's: a stand-in with what the documents call. */
public interface WxPayService {
  void setConfig(WxPayConfig config);

  RedpackService getRedpackService();
}
