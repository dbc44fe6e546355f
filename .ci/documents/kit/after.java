    WxPaySendRedpackRequest packet = WxPaySendRedpackRequest.newBuilder()
        .mchBillNo("KIT1").wxAppid(config.getAppId()).sendName("天虹百货")
        .reOpenid("oxTWIuGaIt6gTKsQRLau2M0yL16E").totalAmount(100).totalNum(1).wishing("祝您元宵节快乐！")
        .clientIp("127.0.0.1").actName("猜灯谜抢红包活动").remark("快来抢！")
        .build();
    System.out.println(service.getRedpackService().sendRedpack(packet).getSendListId());
  }
}
