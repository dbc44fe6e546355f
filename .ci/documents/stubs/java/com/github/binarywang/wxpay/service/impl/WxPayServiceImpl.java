package com.github.binarywang.wxpay.service.impl;

import com.github.binarywang.wxpay.bean.request.WxPaySendRedpackRequest;
import com.github.binarywang.wxpay.bean.result.WxPaySendRedpackResult;
import com.github.binarywang.wxpay.config.WxPayConfig;
import com.github.binarywang.wxpay.service.RedpackService;
import com.github.binarywang.wxpay.service.WxPayService;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/**
 * Not WxJava's: a stand-in on the JDK's own client. As the real one it puts the path, which begins with a slash, behind
 * the base URL, opens the p12 by the merchant number, and trusts what the JVM's trust store holds.
 */
public class WxPayServiceImpl implements WxPayService, RedpackService {
  private static final Pattern LIST_ID = Pattern.compile("<send_listid><!\\[CDATA\\[(\\d+)\\]\\]>");

  private WxPayConfig config;

  @Override
  public void setConfig(WxPayConfig config) {
    this.config = config;
  }

  @Override
  public RedpackService getRedpackService() {
    return this;
  }

  @Override
  public WxPaySendRedpackResult sendRedpack(WxPaySendRedpackRequest request) throws Exception {
    URI uri = URI.create(config.getApiHostUrl() + "/mmpaymkttransfers/sendredpack");
    HttpRequest post = HttpRequest.newBuilder(uri).POST(HttpRequest.BodyPublishers.ofString(body(request))).build();
    HttpClient client = HttpClient.newBuilder().sslContext(context()).build();
    String answer = client.send(post, HttpResponse.BodyHandlers.ofString()).body();
    Matcher found = LIST_ID.matcher(answer);
    if (!found.find()) {
      throw new IllegalStateException(answer);
    }
    return new WxPaySendRedpackResult(found.group(1));
  }

  private SSLContext context() throws Exception {
    char[] password = config.getMchId().toCharArray();
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream file = Files.newInputStream(Path.of(config.getKeyPath()))) {
      store.load(file, password);
    }
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, password);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), null, null);
    return context;
  }

  private String body(WxPaySendRedpackRequest request) throws Exception {
    Map<String, String> fields = new TreeMap<>(request.fields());
    fields.put("mch_id", config.getMchId());
    fields.put("nonce_str", UUID.randomUUID().toString().replace("-", ""));
    StringBuilder joined = new StringBuilder();
    StringBuilder xml = new StringBuilder("<xml>");
    fields.forEach((name, value) -> {
      joined.append(name).append('=').append(value).append('&');
      xml.append('<').append(name).append("><![CDATA[").append(value).append("]]></").append(name).append('>');
    });
    byte[] text = (joined + "key=" + config.getMchKey()).getBytes(StandardCharsets.UTF_8);
    String sign = HexFormat.of().withUpperCase().formatHex(MessageDigest.getInstance("MD5").digest(text));
    return xml + "<sign>" + sign + "</sign></xml>";
  }
}
