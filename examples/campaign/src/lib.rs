//! The disk of a campaign: the payouts of [`wechatpay_proto::payout`] on SQLite, for one worker, and on PostgreSQL, for
//! many.

pub mod store;
