package com.github.binarywang.wxpay.bean.result;

/** Not WxJava's: a stand-in with what the documents read. */
public class WxPaySendRedpackResult {
  private final String sendListId;

  public WxPaySendRedpackResult(String sendListId) {
    this.sendListId = sendListId;
  }

  public String getSendListId() {
    return sendListId;
  }
}
