//! Requests of known width: so many fields are signed, the three of the envelope or of the head included.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use wechatpay_proto::endpoint;
use wechatpay_proto::rule::Rule::{Alphanumeric, Any, Range, Text, Token, UrlEncoded};
use wechatpay_proto::v2::mmpaymkttransfers::{Scene, SendRedPack, SendRedPackOptions};
use wechatpay_proto::wire::{BeijingTime, Fen};

use crate::packet;

endpoint! {
    /// 5 fields are signed.
    pub struct CloseOrder<'a> => CloseOrderReply<'b>;
    POST "/pay/closeorder", certificate: false, sign: Merchant, trust: Signed;

    envelope { mch_id: mch_id; nonce_str: nonce; sign_type: sign_type; }
    required {
        /// 应用ID.
        appid: &'a str => Token { max: 32 };
        /// 商户订单号.
        out_trade_no: &'a str => Token { max: 32 };
    }
    reply {}
    echo {}
    promise {}
}

/// Closes the order of the official sample.
pub fn close_order() -> CloseOrder<'static> {
    CloseOrder { appid: "wxd930ea5d5a258f4f", out_trade_no: "1217752501201407033233368018" }
}

const RISK_INFO: &str = "posttime%3d1388000000%26mobile%3d13800000000%26deviceid%3dW1";

/// A red packet with a scene and the facts of its risk: 14 fields are signed, by MD5.
pub fn packet_14() -> SendRedPack<'static> {
    let options = SendRedPackOptions {
        scene_id: Some(Scene::Product4),
        risk_info: Some(RISK_INFO),
        ..SendRedPackOptions::default()
    };
    SendRedPack { options, ..packet() }
}

endpoint! {
    /// The same 14 fields, by the digest of the merchant's choice.
    pub struct FreePacket<'a> => FreePacketReply<'b>;
    POST "/mmpaymkttransfers/sendredpack", certificate: true, sign: Merchant, trust: Signed;

    envelope { nonce_str: nonce; mch_id: mch_id; }
    required {
        /// 商户订单号.
        mch_billno: &'a str => Alphanumeric { max: 28 };
        /// 公众账号appid.
        wxappid: &'a str => Token { max: 32 };
        /// 商户名称.
        send_name: &'a str => Text { max: 32 };
        /// 用户openid.
        re_openid: &'a str => Token { max: 32 };
        /// 付款金额.
        total_amount: Fen => Range { min: 1, max: u32::MAX as u64 };
        /// 红包发放总人数.
        total_num: u32 => Range { min: 1, max: 1 };
        /// 红包祝福语.
        wishing: &'a str => Text { max: 128 };
        /// Ip地址.
        client_ip: Ipv4Addr => Any;
        /// 活动名称.
        act_name: &'a str => Text { max: 32 };
        /// 备注.
        remark: &'a str => Text { max: 256 };
        /// 场景id.
        scene_id: Scene => Any;
        /// 活动信息.
        risk_info: &'a str => UrlEncoded { max: 128 };
    }
    reply {}
    echo {}
    promise {}
}

/// The red packet of [`packet_14`] where the digest is the merchant's choice.
pub fn free_packet() -> FreePacket<'static> {
    let packet = packet();
    FreePacket {
        mch_billno: packet.mch_billno,
        wxappid: packet.wxappid,
        send_name: packet.send_name,
        re_openid: packet.re_openid,
        total_amount: packet.total_amount,
        total_num: 1,
        wishing: packet.wishing,
        client_ip: packet.client_ip,
        act_name: packet.act_name,
        remark: packet.remark,
        scene_id: Scene::Product4,
        risk_info: RISK_INFO,
    }
}

endpoint! {
    /// What became of an order. Of the answer, 20 fields are signed.
    pub struct OrderQuery<'a> => OrderQueryReply<'b>;
    POST "/pay/orderquery", certificate: false, sign: Merchant, trust: Signed;

    envelope { mch_id: mch_id; nonce_str: nonce; sign_type: sign_type; }
    required {
        /// 应用ID.
        appid: &'a str => Token { max: 32 };
        /// 商户订单号.
        out_trade_no: &'a str => Token { max: 32 };
    }
    reply {
        /// 应用ID, echoed.
        appid: Cow<'b, str>;
        /// 商户号, echoed.
        mch_id: Cow<'b, str>;
        /// 随机字符串.
        nonce_str: Cow<'b, str>;
        /// 设备号.
        device_info: Cow<'b, str>;
        /// 用户标识.
        openid: Cow<'b, str>;
        /// 是否关注公众账号.
        is_subscribe: Cow<'b, str>;
        /// 交易类型.
        trade_type: Cow<'b, str>;
        /// 交易状态.
        trade_state: Cow<'b, str>;
        /// 付款银行.
        bank_type: Cow<'b, str>;
        /// 标价金额.
        total_fee: Fen;
        /// 标价币种.
        fee_type: Cow<'b, str>;
        /// 现金支付金额.
        cash_fee: Fen;
        /// 现金支付币种.
        cash_fee_type: Cow<'b, str>;
        /// 微信支付订单号.
        transaction_id: Cow<'b, str>;
        /// 商户订单号, echoed.
        out_trade_no: Cow<'b, str>;
        /// 附加数据.
        attach: Cow<'b, str>;
        /// 支付完成时间.
        time_end: BeijingTime<'b>;
    }
    echo { appid, mch_id, out_trade_no }
    promise { appid, mch_id, out_trade_no, trade_state }
}

/// Asks for the order of the official sample.
pub fn order_query() -> OrderQuery<'static> {
    let CloseOrder { appid, out_trade_no } = close_order();
    OrderQuery { appid, out_trade_no }
}

macro_rules! wide {
    ($Request:ident $Reply:ident $($row:ident)*) => {
        endpoint! {
            /// As wide as its name says, and so is its answer.
            pub struct $Request<'a> => $Reply<'b>;
            POST "/bench/wide", certificate: false, sign: Merchant, trust: Signed;

            envelope { mch_id: mch_id; nonce_str: nonce; sign_type: sign_type; }
            required {
                $(
                    /// A field.
                    $row: &'a str => Text { max: 64 };
                )*
            }
            reply {
                $(
                    /// A field.
                    $row: Cow<'b, str>;
                )*
            }
            echo {}
            promise {}
        }

        impl<'a> $Request<'a> {
            /// The names of its rows.
            pub const ROWS: &'static [&'static str] = &[$(stringify!($row)),*];

            /// Every row with the same value.
            pub fn filled(value: &'a str) -> Self {
                Self { $($row: value),* }
            }
        }
    };
}

macro_rules! growing {
    ({ $($first:ident)* } { $($second:ident)* } { $($third:ident)* }) => {
        wide!(Wide40 Wide40Reply $($first)*);
        wide!(Wide80 Wide80Reply $($first)* $($second)*);
        wide!(Wide160 Wide160Reply $($first)* $($second)* $($third)*);
    };
}

growing! {
    {
        fee_000 fee_001 fee_002 fee_003 fee_004 fee_005 fee_006 fee_007 fee_008 fee_009 fee_010 fee_011
        fee_012 fee_013 fee_014 fee_015 fee_016 fee_017 fee_018 fee_019 fee_020 fee_021 fee_022 fee_023
        fee_024 fee_025 fee_026 fee_027 fee_028 fee_029 fee_030 fee_031 fee_032 fee_033 fee_034 fee_035
        fee_036
    }
    {
        fee_037 fee_038 fee_039 fee_040 fee_041 fee_042 fee_043 fee_044 fee_045 fee_046 fee_047 fee_048
        fee_049 fee_050 fee_051 fee_052 fee_053 fee_054 fee_055 fee_056 fee_057 fee_058 fee_059 fee_060
        fee_061 fee_062 fee_063 fee_064 fee_065 fee_066 fee_067 fee_068 fee_069 fee_070 fee_071 fee_072
        fee_073 fee_074 fee_075 fee_076
    }
    {
        fee_077 fee_078 fee_079 fee_080 fee_081 fee_082 fee_083 fee_084 fee_085 fee_086 fee_087 fee_088
        fee_089 fee_090 fee_091 fee_092 fee_093 fee_094 fee_095 fee_096 fee_097 fee_098 fee_099 fee_100
        fee_101 fee_102 fee_103 fee_104 fee_105 fee_106 fee_107 fee_108 fee_109 fee_110 fee_111 fee_112
        fee_113 fee_114 fee_115 fee_116 fee_117 fee_118 fee_119 fee_120 fee_121 fee_122 fee_123 fee_124
        fee_125 fee_126 fee_127 fee_128 fee_129 fee_130 fee_131 fee_132 fee_133 fee_134 fee_135 fee_136
        fee_137 fee_138 fee_139 fee_140 fee_141 fee_142 fee_143 fee_144 fee_145 fee_146 fee_147 fee_148
        fee_149 fee_150 fee_151 fee_152 fee_153 fee_154 fee_155 fee_156
    }
}
