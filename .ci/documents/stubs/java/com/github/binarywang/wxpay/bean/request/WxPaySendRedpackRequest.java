package com.github.binarywang.wxpay.bean.request;

import java.util.Map;
import java.util.TreeMap;

/** Not WxJava's: a stand-in whose builder has the names of the real one, as far as the documents call them. */
public class WxPaySendRedpackRequest {
  private final Map<String, String> fields;

  private WxPaySendRedpackRequest(Map<String, String> fields) {
    this.fields = fields;
  }

  public static Builder newBuilder() {
    return new Builder();
  }

  /** The fields by their wire names, in order. */
  public Map<String, String> fields() {
    return fields;
  }

  public static class Builder {
    private final Map<String, String> fields = new TreeMap<>();

    private Builder with(String name, Object value) {
      fields.put(name, String.valueOf(value));
      return this;
    }

    public Builder mchBillNo(String value) {
      return with("mch_billno", value);
    }

    public Builder wxAppid(String value) {
      return with("wxappid", value);
    }

    public Builder sendName(String value) {
      return with("send_name", value);
    }

    public Builder reOpenid(String value) {
      return with("re_openid", value);
    }

    public Builder totalAmount(Integer value) {
      return with("total_amount", value);
    }

    public Builder totalNum(Integer value) {
      return with("total_num", value);
    }

    public Builder wishing(String value) {
      return with("wishing", value);
    }

    public Builder clientIp(String value) {
      return with("client_ip", value);
    }

    public Builder actName(String value) {
      return with("act_name", value);
    }

    public Builder remark(String value) {
      return with("remark", value);
    }

    public WxPaySendRedpackRequest build() {
      return new WxPaySendRedpackRequest(new TreeMap<>(fields));
    }
  }
}
