//! The merchant's own record of an order.

use crate::wire::Fen;

/// The merchant's own record of an order, to hold a notice against. Most orders are in CNY:
///
/// ```
/// use wechatpay_proto::Fen;
/// use wechatpay_proto::notice::Order;
/// let order = Order::new("wxd930ea5d5a258f4f", "1409811653", Fen(100));
/// assert_eq!((order.total_fee, order.fee_type), (100, "CNY"));
/// let abroad = Order::in_currency("wxd930ea5d5a258f4f", "1409811653", 100, "HKD");
/// assert_ne!(order, abroad);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Order<'o> {
    /// 应用ID.
    pub appid: &'o str,
    /// 商户订单号.
    pub out_trade_no: &'o str,
    /// 标价金额, in the smallest unit of `fee_type`: fen, Hong Kong cents, yen.
    pub total_fee: u32,
    /// 标价币种: ISO 4217, in upper case as on the wire.
    pub fee_type: &'o str,
    /// 子商户号, of an order that a service provider placed; `None` is not compared.
    pub sub_mch_id: Option<&'o str>,
}

impl<'o> Order<'o> {
    /// An order in CNY.
    pub const fn new(appid: &'o str, out_trade_no: &'o str, total_fee: Fen) -> Self {
        Self::in_currency(appid, out_trade_no, total_fee.0, "CNY")
    }

    /// An order in the currency `fee_type`; `total_fee` is in its smallest unit.
    pub const fn in_currency(
        appid: &'o str,
        out_trade_no: &'o str,
        total_fee: u32,
        fee_type: &'o str,
    ) -> Self {
        Self { appid, out_trade_no, total_fee, fee_type, sub_mch_id: None }
    }

    /// The sub-merchant that a service provider placed the order for: another one may have used the same number.
    #[must_use]
    pub const fn with_sub_mch_id(self, sub_mch_id: &'o str) -> Self {
        Self { sub_mch_id: Some(sub_mch_id), ..self }
    }
}
