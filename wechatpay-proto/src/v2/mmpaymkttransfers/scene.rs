//! 场景id: what a packet is for.

use std::borrow::Cow;

use crate::error::RequestError;
use crate::rule::Violation;
use crate::wire::{Fen, FromText, Malformed, ToValue, Value};

/// A scene is needed below 1 yuan and above 200 yuan a packet. Exactly 100 and 20000 fen need none: the rule says "more
/// than 200 or less than 1 yuan". Of a group it is the average that counts.
pub(super) fn check(total_amount: Fen, packets: u32, scene: Option<Scene>) -> Result<(), RequestError> {
    let (total, packets) = (u64::from(total_amount.0), u64::from(packets));
    if (packets * 100..=packets * 20_000).contains(&total) || scene.is_some() {
        return Ok(());
    }
    let when = "when a packet has less than 100 or more than 20000 fen";
    Err(RequestError::new("scene_id", Violation::RequiredWhen { when }))
}

/// 场景id (`scene_id`): what the packet is for. Each scene needs its own permission on the merchant platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scene {
    /// 商品促销: promotion of goods.
    Product1,
    /// 抽奖: lottery.
    Product2,
    /// 虚拟物品兑奖: prizes for virtual goods.
    Product3,
    /// 企业内部福利: staff benefits.
    Product4,
    /// 渠道分润: shares for sales channels.
    Product5,
    /// 保险回馈: insurance rewards.
    Product6,
    /// 彩票派奖: lottery winnings.
    Product7,
    /// 税务刮奖: tax scratch prizes.
    Product8,
}

impl Scene {
    /// All scenes.
    pub const ALL: [Self; 8] = [
        Self::Product1,
        Self::Product2,
        Self::Product3,
        Self::Product4,
        Self::Product5,
        Self::Product6,
        Self::Product7,
        Self::Product8,
    ];

    /// The text on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Product1 => "PRODUCT_1",
            Self::Product2 => "PRODUCT_2",
            Self::Product3 => "PRODUCT_3",
            Self::Product4 => "PRODUCT_4",
            Self::Product5 => "PRODUCT_5",
            Self::Product6 => "PRODUCT_6",
            Self::Product7 => "PRODUCT_7",
            Self::Product8 => "PRODUCT_8",
        }
    }
}

impl ToValue for Scene {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self.as_str())
    }
}

impl From<Scene> for Value<'_> {
    fn from(scene: Scene) -> Self {
        Self::Text(scene.as_str())
    }
}

impl FromText<'_> for Scene {
    fn from_text(text: Cow<'_, str>) -> Result<Self, Malformed> {
        let found = Self::ALL.into_iter().find(|scene| scene.as_str() == text);
        found.ok_or(Malformed { expected: "PRODUCT_1 to PRODUCT_8" })
    }
}
