package com.github.binarywang.wxpay.service;

import com.github.binarywang.wxpay.bean.request.WxPaySendRedpackRequest;
import com.github.binarywang.wxpay.bean.result.WxPaySendRedpackResult;

/** Not WxJava's: a stand-in with what the documents call. The real one throws a checked exception of its own. */
public interface RedpackService {
  WxPaySendRedpackResult sendRedpack(WxPaySendRedpackRequest request) throws Exception;
}
