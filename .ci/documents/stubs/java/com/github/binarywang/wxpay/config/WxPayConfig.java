package com.github.binarywang.wxpay.config;

/** Not WxJava's: a stand-in with what the documents set. Maven Central cannot be reached from the gate. */
public class WxPayConfig {
  private String apiHostUrl = "https://api.mch.weixin.qq.com";
  private String appId;
  private String mchId;
  private String mchKey;
  private String keyPath;

  public String getApiHostUrl() {
    return apiHostUrl;
  }

  public void setApiHostUrl(String apiHostUrl) {
    this.apiHostUrl = apiHostUrl;
  }

  public String getAppId() {
    return appId;
  }

  public void setAppId(String appId) {
    this.appId = appId;
  }

  public String getMchId() {
    return mchId;
  }

  public void setMchId(String mchId) {
    this.mchId = mchId;
  }

  public String getMchKey() {
    return mchKey;
  }

  public void setMchKey(String mchKey) {
    this.mchKey = mchKey;
  }

  public String getKeyPath() {
    return keyPath;
  }

  public void setKeyPath(String keyPath) {
    this.keyPath = keyPath;
  }
}
